"""The origin of a request: a page of another site can make a browser send one without the user's knowledge.

Browsers report the origin, and no page can forge it. Over TLS and on loopback it is in Sec-Fetch-Site (W3C Fetch
Metadata); elsewhere in the Origin of every POST (RFC 6454 7), and mostly in the Referer, which are compared with the
Host of the request. A request without any of these headers is not from a browser, so no page can have caused it.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers

_ORIGIN: Final = re.compile(r"(https?)://([^/?#\s]+)", re.IGNORECASE)
# RFC 6454 6.2: an origin omits the default port; a proxy or a person may write it.
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}


class Sender(Enum):
    """The sender of a request, by its headers."""

    OURS = "a page of this exporter"
    PERSON = "a person, by an address that was typed or bookmarked"
    PROGRAM = "not a browser"
    ANOTHER_SITE = "a page of another site"


def sender_of(headers: Headers, external_url: str = "") -> Sender:
    """The sender of a request; pages of `external_url` are ours, whatever Host a proxy has written."""
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
    """True for the match of a URL with one of these hosts and ports; False for None, the match of `null`."""
    if found is None:
        return False
    port = _DEFAULT_PORTS[found[1].lower()]
    return found[2].lower().removesuffix(port) in {each.removesuffix(port) for each in own}
