from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from exporter.web.access.origin import Sender, sender_of

S = Sender
HOST = ("host", "mx.example:10225")


@pytest.mark.parametrize(
    ("headers", "sender"),
    [
        ([HOST], S.PROGRAM),
        ([HOST, ("sec-fetch-site", "same-origin")], S.OURS),
        ([HOST, ("sec-fetch-site", "none")], S.PERSON),
        ([HOST, ("sec-fetch-site", "same-site")], S.ANOTHER_SITE),
        ([HOST, ("sec-fetch-site", "cross-site")], S.ANOTHER_SITE),
        ([HOST, ("sec-fetch-site", "same-origin"), ("sec-fetch-site", "none")], S.ANOTHER_SITE),
        ([HOST, ("origin", "http://mx.example:10225")], S.OURS),
        ([HOST, ("origin", "http://MX.example:10225")], S.OURS),
        ([HOST, ("origin", "http://mx.example")], S.ANOTHER_SITE),
        ([HOST, ("origin", "null")], S.ANOTHER_SITE),
        ([HOST, ("origin", "http://evil.example"), ("sec-fetch-site", "same-origin")], S.ANOTHER_SITE),
        ([("host", "mx.example"), ("origin", "http://mx.example:80")], S.OURS),
        ([("host", "mx.example:443"), ("origin", "https://mx.example")], S.OURS),
        ([HOST, ("referer", "http://mx.example:10225/domain/a?b")], S.OURS),
        ([HOST, ("referer", "http://mx.example:10225.evil.example/")], S.ANOTHER_SITE),
        ([HOST, ("referer", "http://evil.example/http://mx.example:10225/")], S.ANOTHER_SITE),
    ],
)
def test_the_sender_of_a_request(headers: list[tuple[str, str]], sender: Sender) -> None:
    raw = [(name.encode(), value.encode()) for name, value in headers]
    assert sender_of(Headers(raw=raw)) is sender


def test_a_page_of_the_external_url_is_ours_whatever_host_a_proxy_writes() -> None:
    headers = Headers({"host": "127.0.0.1:10225", "origin": "https://status.example"})
    assert sender_of(headers, "https://user@status.example/mx") is Sender.OURS
    assert sender_of(headers, "https://other.example") is Sender.ANOTHER_SITE
