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

_ORIGIN: Final = re.compile(r"https?://([^/?#\s]+)", re.IGNORECASE)


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
    if any(_authority(origin) not in own for origin in origins):
        return Sender.ANOTHER_SITE
    if sites:
        return {"same-origin": Sender.OURS, "none": Sender.PERSON}.get(sites[0], Sender.ANOTHER_SITE)
    if origins:
        return Sender.OURS
    referer = headers.get("referer")
    if referer is None:
        return Sender.PROGRAM
    found = _ORIGIN.match(referer)
    return Sender.OURS if found is not None and found[1].lower() in own else Sender.ANOTHER_SITE


def _authority(origin: str) -> str | None:
    """Host and port of an Origin; None of one that is none, as `null`."""
    found = _ORIGIN.fullmatch(origin)
    return None if found is None else found[1].lower()
