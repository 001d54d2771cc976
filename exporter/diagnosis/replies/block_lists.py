"""The block list, or its operator, that a refusal names: the one to ask for removal. Pure."""

from __future__ import annotations

import re
from typing import Final

from exporter.diagnosis.replies.rules.reputation import OPERATORS
from exporter.diagnosis.replies.words import MAX_EXAMINED_CHARS

_HOST: Final = r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63}){0,8}\.[a-z][a-z0-9-]{1,62}"
_ANY_HOST: Final = re.compile(rf"(?<![\w.@-])(?P<url>https?://)?(?P<host>{_HOST})(?![\w@-])")
# "listed in bl.example.net", "blocked using bl.example.net": any list.
_LISTED_IN: Final = re.compile(
    r"\b(?:using|listed (?:in|on|at|by)|found (?:in|on)|dnsbl|rbl|black-?list(?:ed)? (?:in|on|at|by|using))"
    rf"[ :]{{1,3}}(?:the )?(?P<host>{_HOST})(?![\w@-])"
)
_OPERATOR: Final = re.compile(rf"(?:^|\.)(?:{OPERATORS})$")
# Operators that are named in prose, in their own spelling.
_NAMES: Final = (
    *("Spamhaus", "SpamCop", "Barracuda", "SORBS", "UCEPROTECT", "Abusix", "Cloudmark", "SenderScore", "Proofpoint"),
    *("Mailspike", "Invaluement", "SpamRATS", "SURBL", "URIBL", "PSBL", "Trend Micro", "SenderBase", "Talos"),
    *("Symantec", "Mimecast", "HostKarma", "NiX Spam", "Cyren"),
)
_NAME: Final = re.compile(r"\b(?:" + "|".join(map(re.escape, _NAMES)) + r")\b", re.IGNORECASE)
_AS_WRITTEN: Final = {name.lower(): name for name in _NAMES}
_LONGEST_NAME: Final = 253  # RFC 1035 2.3.4


def named_list(text: str) -> str:
    """The list's zone or operator's host, an operator's name, else the host of the page that explains it; or ""."""
    said = text[:MAX_EXAMINED_CHARS].lower()
    hosts = list(_ANY_HOST.finditer(said))
    known = [found for found in hosts if _OPERATOR.search(found["host"])]
    zone = next((found for found in known if not found["url"]), None) or _LISTED_IN.search(said)
    if zone is None and known:
        zone = known[0]
    if zone is not None:
        return _without_www(zone["host"])
    name = _NAME.search(said)
    if name is not None:
        return _AS_WRITTEN[name[0].lower()]
    page = next((found for found in hosts if found["url"]), None)
    return _without_www(page["host"]) if page is not None else ""


def _without_www(host: str) -> str:
    return host.removeprefix("www.")[:_LONGEST_NAME]
