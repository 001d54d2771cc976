"""The `_smtp._tls` TXT record."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.policies.tlsrpt.record import report_addresses


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # RFC 8460 3.1
        (b"v=TLSRPTv1;rua=mailto:reports@example.com", ("mailto:reports@example.com",)),
        (b"v=TLSRPTv1; rua=https://reporting.example.com/v1/tlsrpt", ("https://reporting.example.com/v1/tlsrpt",)),
        (b"v=TLSRPTv1; rua=mailto:a@b.example,https://c.example/;", ("mailto:a@b.example", "https://c.example/")),
        (b"v=TLSRPTv1 \t; rua=mailto:a@b.example , mailto:c@d.example", ("mailto:a@b.example", "mailto:c@d.example")),
        (b"v=TLSRPTv1; rua=mailto:a@b.example; rua=mailto:c@d.example", ("mailto:a@b.example", "mailto:c@d.example")),
        (b"v=TLSRPTv1; x-y.z_1=!~; rua=mailto:a@b.example;", ("mailto:a@b.example",)),
        (b"v=TLSRPTv1; rua=ftp://a.example/,mailto:a@b.example", ("mailto:a@b.example",)),
        (b"v=TLSRPTv1; rua=MAILTO:a%2Cb@c.example?subject=x", ("MAILTO:a%2Cb@c.example?subject=x",)),
        (b"v=TLSRPTv1; rua=https://[2001:db8::1]:8443/x?y=z#w", ("https://[2001:db8::1]:8443/x?y=z#w",)),
    ],
)
def test_a_well_formed_record_gives_its_addresses(text: bytes, expected: tuple[str, ...]) -> None:
    assert report_addresses([text]) == expected


@pytest.mark.parametrize(
    "text",
    [
        b"v=TLSRPTv1",
        b"v=TLSRPTv1;",
        b"v=TLSRPTv1; foo=bar",
        b"v=TLSRPTv1; rua=",
        b"v=TLSRPTv1; rua=a@b.example",
        b"v=TLSRPTv1; rua=mailto:",
        b"v=TLSRPTv1; rua=mailto:a",
        b"v=TLSRPTv1; rua=mailto:@b.example",
        b"v=TLSRPTv1; rua=mailto:a@b@c.example",
        b"v=TLSRPTv1; rua=https://",
        b"v=TLSRPTv1; rua=https:///x",
        b"v=TLSRPTv1; rua=https:a.example",
        b"v=TLSRPTv1; rua=https://[::1/",
        b"v=TLSRPTv1; rua=mailto:a@b.example!10m",
        b"v=TLSRPTv1; rua=mailto:a@b.example,",
        b"v=TLSRPTv1; rua=,mailto:a@b.example",
        b"v=TLSRPTv1; rua=mailto:a@b.example mailto:c@d.example",
        b"v=TLSRPTv1; rua= mailto:a@b.example",
        b"v=TLSRPTv1; rua =mailto:a@b.example",
        b"v=TLSRPTv1; rua=mailto:a%2@b.example",
        b"v=TLSRPTv1; rua=ftp://a.example/",
        b"v=TLSRPTv1; RUA=mailto:a@b.example",
        b"v=TLSRPTv1;; rua=mailto:a@b.example",
        b"v=TLSRPTv1; rua=mailto:a@b.example;;",
        b"v=TLSRPTv1; rua=mailto:a@b.example; junk",
        b"v=TLSRPTv1; rua=mailto:a@b.example ",
        b" v=TLSRPTv1; rua=mailto:a@b.example",
        b"v=TLSRPTv1 x; rua=mailto:a@b.example",
        b"v=TLSRPTv2; rua=mailto:a@b.example",
        b"v=tlsrptv1; rua=mailto:a@b.example",
        "v=TLSRPTv1; rua=mailto:ü@b.example".encode(),
    ],
)
def test_a_malformed_record_is_refused_with_the_reason(text: bytes) -> None:
    with pytest.raises(ValueError) as raised:
        report_addresses([text])
    assert str(raised.value).isprintable()


@pytest.mark.parametrize("texts", [[], [b""], [b"v=spf1 -all", b"x"]])
def test_texts_about_something_else_are_no_record(texts: list[bytes]) -> None:
    assert report_addresses(texts) is None


def test_two_records_are_refused() -> None:
    with pytest.raises(ValueError, match="2 records"):
        report_addresses([b"v=TLSRPTv1; rua=mailto:a@b.example", b"v=TLSRPTv1; rua=mailto:c@d.example"])


@given(
    st.lists(st.binary(max_size=60) | st.binary(max_size=60).map(lambda more: b"v=TLSRPTv1; rua=" + more), max_size=3)
)
def test_no_bytes_raise_anything_else(texts: list[bytes]) -> None:
    try:
        addresses = report_addresses(texts)
    except ValueError:
        return
    assert addresses is None or all(address.isascii() and address.isprintable() for address in addresses)


_URIS = st.sampled_from(
    ["mailto:a@b.example", "https://c.example/x%21", "HTTPS://d.example:8443", "mailto:e@f.example"]
)
_SPACES = st.text(" \t", max_size=3)


@given(st.lists(_URIS, min_size=1, max_size=4), _SPACES, _SPACES, st.booleans())
def test_whatever_the_grammar_allows_is_taken(uris: list[str], before: str, after: str, last: bool) -> None:
    text = f"v=TLSRPTv1;{after}rua=" + f"{before},{after}".join(uris) + (f"{before};{after}x=y" if last else "")
    assert report_addresses([text.encode()]) == tuple(uris)
