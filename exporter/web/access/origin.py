"""Where a request comes from: a page of another site can have a browser send any, without its user's knowledge.

Browsers say where a request comes from, and no page can make them lie about it. Over TLS and on loopback that is
Sec-Fetch-Site (W3C Fetch Metadata); elsewhere it is the Origin of every POST (RFC 6454 7), and mostly the Referer, to
be compared with the host that was asked. What says none of them is no browser, so nobody is behind it who could have
been led here.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers

_ORIGIN: Final = re.compile(r"(https?)://([^/?#\s]+)", re.IGNORECASE)
# RFC 6454 6.2: an origin leaves it out, a proxy or whoever writes a URL may not.
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}


class Sender(Enum):
    """Who had a request sent, as far as it says."""

    OURS = "a page of ours"
    PERSON = "a person, by an address that was typed or kept"
    PROGRAM = "no browser"
    ANOTHER_SITE = "a page of another site"


def sender_of(headers: Headers, external_url: str = "") -> Sender:
    """What all that is said of it comes to; `external_url` is one of ours, whatever Host a proxy has put."""
    sites, origins = headers.getlist("sec-fetch-site"), headers.getlist("origin")
    if len(sites) > 1 or len(origins) > 1:
        return Sender.ANOTHER_SITE
    own = {headers.get("host", "").lower(), urlsplit(external_url).netloc.rpartition("@")[2].lower()} - {""}
    if not all(_is_one_of(own, _ORIGIN.fullmatch(origin)) for origin in origins):
        return Sender.ANOTHER_SITE
    if sites:
        return {"same-origin": Sender.OURS, "none": Sender.PERSON}.get(sites[0], Sender.ANOTHER_SITE)
    if origins:
        return Sender.OURS
    referer = headers.get("referer")
    if referer is None:
        return Sender.PROGRAM
    return Sender.OURS if _is_one_of(own, _ORIGIN.match(referer)) else Sender.ANOTHER_SITE


def _is_one_of(own: set[str], found: re.Match[str] | None) -> bool:
    """Whether `found`, the beginning of a URL, has one of these hosts and ports; None, as of `null`, has not."""
    if found is None:
        return False
    port = _DEFAULT_PORTS[found[1].lower()]
    return found[2].lower().removesuffix(port) in {each.removesuffix(port) for each in own}
