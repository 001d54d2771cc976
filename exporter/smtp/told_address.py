"""The address of ours that a mail host tells in its answer to EHLO. Pure.

Servers of many makes greet the client by its address (the forms are in tests/smtp/test_told_address.py). Some
repeat the argument of EHLO as well, and some name an address of their own; neither is taken for ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address
from itertools import islice
from typing import Final, NamedTuple

from exporter.model.address import Family, family_of

# Longer first lines are no greeting; RFC 5321 4.5.3.1.5 allows 512.
_MAX_BYTES: Final = 512
_V4: Final = r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}"
_V6: Final = r"[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?:[0-9.]{7,15})?"
# In brackets or parentheses, perhaps with a port behind the address; IPv6 mostly as a literal.
_ENCLOSED: Final = re.compile(rf"[\[(<](?:ipv6:)?({_V4}|{_V6})(?:%[a-z0-9]+|:[0-9]+)?[\])>]", re.IGNORECASE)
# Alone: no part of a name, of a version, or of a longer number.
_BARE: Final = re.compile(rf"(?<![\w.:-])(?:ipv6:)?({_V4}|{_V6})(?![\w:-])(?!\.[\w-])", re.IGNORECASE)
# Alone it stands right behind a word of greeting or our name: elsewhere four numbers may be the version of a product.
_GREETED: Final = re.compile(
    r"\b(?:hello|hi|welcome|greetings?|service|meet|pleased|nice|you|your|from|client|address)[,:]? +"
    rf"(?:(?!{_V4})[\w-]+(?:\.[\w-]+)+,? +)?(?:ipv6:)?({_V4}|{_V6})(?![\w:-])(?!\.[\w-])",
    re.IGNORECASE,
)
_NAME: Final = re.compile(r"(?=[^ ]{1,253}(?: |$))[\w-]+(?:\.[\w-]+)*\.[a-z][\w-]*(?= |$)", re.ASCII | re.IGNORECASE)
_EHLO: Final = re.compile(rb"(?:EHLO|HELO) +([^\r\n]*)", re.IGNORECASE)
_POSITIVE: Final = re.compile(rb"250[ -]([^\r\n]*)")
_MAX_LINES: Final = 16


class Hello(NamedTuple):
    """A first line of an answer to EHLO that tells our address."""

    address: str
    name: str  # that the host gives itself; empty: it is no host name of several labels


def told_in(lines: Iterable[tuple[bool, bytes]], host: str) -> Hello | None:
    """The address that the host at `host` tells in a dialogue; `lines`: whether we said each, and its bytes."""
    argument: str | None = None
    answer = b""
    for sent, data in islice(lines, _MAX_LINES):
        if sent:
            if _POSITIVE.match(answer):
                break
            said = _EHLO.match(data)  # also HELO, where EHLO was refused
            argument, answer = None if said is None else said[1][:_MAX_BYTES].decode("latin-1").strip(), b""
        elif argument is not None and len(answer) < _MAX_BYTES:
            answer += data[:_MAX_BYTES]
    positive = _POSITIVE.match(answer)
    if argument is None or positive is None:
        return None
    line = positive[1][:_MAX_BYTES].decode("latin-1")
    address = told_address(line, argument, host)
    name = _NAME.match(line)
    return None if address is None else Hello(address, name[0].lower() if name else "")


def told_address(line: str, argument: str, host: str) -> str | None:
    """The address in the first line of an answer to EHLO with `argument`, of the family of the host's address.

    `line` is without its code.
    """
    # RFC 5321 4.2: the first word is the server's own name, be it an address literal.
    words = line.partition(" ")[2]
    echoed = _canonical(argument.strip("[]()"))
    found = [_canonical(each) for each in _ENCLOSED.findall(words)]
    if not any(found):
        found = [_canonical(each) for each in _GREETED.findall(words)]
    if echoed is not None and echoed in found:
        found.remove(echoed)
    ours = [each for each in found if each is not None and each != host and family_of(each) is family_of(host)]
    return ours[-1] if ours else None


def addresses_in(text: str, family: Family) -> frozenset[str]:
    """The addresses of one family anywhere in a text."""
    found = [_canonical(each) for pattern in (_ENCLOSED, _BARE) for each in pattern.findall(text)]
    return frozenset([each for each in found if each is not None and family_of(each) is family])


def _canonical(text: str) -> str | None:
    """An address in its canonical text; an IPv4 address in an IPv6 one is itself."""
    text = text[5:] if text[:5].lower() == "ipv6:" else text
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return str(address)
