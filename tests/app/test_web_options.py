"""The address of the status page, as it follows from the flags `--web.…`."""

from __future__ import annotations

import pytest

from exporter.app.web_options import WebOptions, page_url


@pytest.mark.parametrize(
    ("options", "address", "tls", "url"),
    [
        (WebOptions([":0"]), ("::", 10225), False, "http://localhost:10225"),
        (WebOptions(["0.0.0.0:0"]), ("0.0.0.0", 80), True, "https://localhost:80"),
        (WebOptions(["[::1]:0"]), ("::1", 1), False, "http://[::1]:1"),
        (WebOptions([":0"], route_prefix="/mx/"), ("127.0.0.1", 1), False, "http://127.0.0.1:1/mx"),
        (WebOptions([":0"], external_url="https://mx.example/a/"), ("::", 1), False, "https://mx.example/a"),
    ],
)
def test_whoever_starts_it_is_told_where_to_look(
    options: WebOptions, address: tuple[str, int], tls: bool, url: str
) -> None:
    assert page_url(options, address, tls=tls) == url
