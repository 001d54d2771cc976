"""Whether a request that changes something comes from a page of ours: another site's form could send one as well.

Browsers say where a request comes from, and no page can make them lie about it. Over TLS and on loopback that is
Sec-Fetch-Site (W3C Fetch Metadata); elsewhere it is the Origin of every POST (RFC 6454 7), to be compared with the Host
that was asked. What says neither is no browser, so nobody is behind it who could have been led here.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers


def is_from_here(headers: Headers) -> bool:
    """Whether no other site can have sent it."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("origin")
    if origin is None:
        return True
    return origin != "null" and urlsplit(origin).netloc.lower() == headers.get("host", "").lower()
