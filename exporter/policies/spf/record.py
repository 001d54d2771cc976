"""The SPF record (RFC 7208 3 to 6, 12): its selection among TXT records, and its syntax. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from types import MappingProxyType
from typing import Final

from exporter.model.standing import SpfResult

# RFC 7208 7.1: c, r and t stand in explanations alone.
_EXPAND: Final = r"%(?:\{[slodiphv][0-9]*r?[-.+,/_=]*\}|[%_-])"
_EXPLAINED: Final = r"%(?:\{[slodiphcrtv][0-9]*r?[-.+,/_=]*\}|[%_-])"
_LITERAL: Final = r"[\x21-\x24\x26-\x7e]"
# RFC 7208 7.1: with a letter in it, or a hyphen, so that an address is no domain.
_TOP_LABEL: Final = r"(?:(?=[0-9]*[a-z])[a-z0-9]+|[a-z0-9]+-[a-z0-9-]*[a-z0-9])"
_DOMAIN: Final = re.compile(rf"(?:{_EXPAND}|{_LITERAL})*(?:\.{_TOP_LABEL}\.?|{_EXPAND})", re.IGNORECASE)
_MACRO_STRING: Final = re.compile(rf"(?:{_EXPLAINED}|{_LITERAL})*", re.IGNORECASE)
_NO_DIGIT: Final = re.compile(r"%\{[a-z]0+(?![0-9])", re.IGNORECASE)
_MODIFIER: Final = re.compile(r"([a-z][a-z0-9_.-]*)=(.*)", re.IGNORECASE)
_MECHANISM: Final = re.compile(r"([-+?~]?)([a-z][a-z0-9_.-]*)([:/].*)?", re.IGNORECASE)
_LENGTHS: Final = re.compile(r"(?:/(0|[1-9][0-9]?))?(?://(0|[1-9][0-9]{0,2}))?")
_WITH_LENGTHS: Final = re.compile(r"(:[^\x00]*?)?((?:/[0-9]+)?(?://[0-9]+)?)")
_VERSION: Final = b"v=spf1"
_QUALIFIERS: Final = MappingProxyType(
    {
        "": SpfResult.PASS,
        "+": SpfResult.PASS,
        "-": SpfResult.FAIL,
        "~": SpfResult.SOFTFAIL,
        "?": SpfResult.NEUTRAL,
    }
)
_DOMAIN_NEEDED: Final = frozenset({"include", "exists"})
_WITH_PREFIXES: Final = frozenset({"a", "mx"})
_BITS: Final = MappingProxyType({4: 32, 6: 128})


class SpfSyntaxError(ValueError):
    """The record is wrong: permerror. The message is half a sentence about it."""


@dataclass(frozen=True, slots=True)
class Directive:
    """One mechanism with its result."""

    result: SpfResult
    mechanism: str  # in lower case
    domain: str = ""  # with macros; empty: the domain itself
    network: IPv4Network | IPv6Network | None = None  # of ip4 and ip6
    prefixes: tuple[int, int] = (32, 128)  # lengths of a and mx, of IPv4 and of IPv6


@dataclass(frozen=True, slots=True)
class SpfRecord:
    """A record that is well formed."""

    directives: tuple[Directive, ...]
    redirect: str = ""  # with macros; empty: none


def select(texts: Sequence[bytes]) -> bytes | None:
    """The text of the one SPF record (RFC 7208 4.5); None: there is none. Raises SpfSyntaxError for several."""
    found = [text for text in texts if text[:6].lower() == _VERSION and text[6:7] in (b"", b" ")]
    if len(found) > 1:
        raise SpfSyntaxError(f"there are {len(found)} records, and one is allowed")
    return found[0] if found else None


def parse(text: bytes) -> SpfRecord:
    """The record. Raises SpfSyntaxError: a mistake anywhere spoils all of it (RFC 7208 4.6)."""
    try:
        terms = text.decode("ascii").split(" ")[1:]
    except UnicodeDecodeError:
        raise SpfSyntaxError("the record is not ASCII") from None
    directives: list[Directive] = []
    modifiers: dict[str, str] = {}
    for term in filter(None, terms):
        modifier = _MODIFIER.fullmatch(term)
        if modifier is None:
            directives.append(_directive(term))
            continue
        name, value = modifier[1].lower(), modifier[2]
        if name in ("redirect", "exp"):
            # RFC 7208 6: neither may appear twice.
            if name in modifiers:
                raise SpfSyntaxError(f"{name} appears twice")
            modifiers[name] = _domain_spec(value, term)
        elif _MACRO_STRING.fullmatch(value) is None or _NO_DIGIT.search(value):
            raise SpfSyntaxError(f"the modifier {term[:64]!r} is malformed")
    return SpfRecord(tuple(directives), modifiers.get("redirect", ""))


def _directive(term: str) -> Directive:
    found = _MECHANISM.fullmatch(term)
    if found is None:
        raise SpfSyntaxError(f"the term {term[:64]!r} is malformed")
    result, name, rest = _QUALIFIERS[found[1]], found[2].lower(), found[3] or ""
    if name in ("ip4", "ip6"):
        return Directive(result, name, network=_network(rest, 4 if name == "ip4" else 6, term))
    if name in _WITH_PREFIXES:
        return _with_prefixes(result, name, rest, term)
    if name == "all" and not rest:
        return Directive(result, name)
    if name == "ptr" and not rest:
        return Directive(result, name)
    if name == "ptr" or name in _DOMAIN_NEEDED:
        if not rest.startswith(":"):
            raise SpfSyntaxError(f"the mechanism {term[:64]!r} needs a domain")
        return Directive(result, name, _domain_spec(rest[1:], term))
    raise SpfSyntaxError(f"the mechanism {term[:64]!r} is not known, or malformed")


def _with_prefixes(result: SpfResult, name: str, rest: str, term: str) -> Directive:
    found = _WITH_LENGTHS.fullmatch(rest)
    lengths = None if found is None else _LENGTHS.fullmatch(found[2])
    if found is None or lengths is None:
        raise SpfSyntaxError(f"the mechanism {term[:64]!r} has a malformed prefix length")
    prefixes = int(lengths[1] or "32"), int(lengths[2] or "128")
    if prefixes[0] > _BITS[4] or prefixes[1] > _BITS[6]:
        raise SpfSyntaxError(f"the mechanism {term[:64]!r} has too long a prefix")
    domain = _domain_spec(found[1][1:], term) if found[1] else ""
    return Directive(result, name, domain, prefixes=prefixes)


def _network(rest: str, version: int, term: str) -> IPv4Network | IPv6Network:
    address, slash, length = rest[1:].partition("/")
    well_formed = rest.startswith(":") and (
        not slash or re.fullmatch(r"0|[1-9][0-9]{0,2}", length, re.ASCII) is not None
    )
    try:
        network = ip_network(f"{address}/{length}" if slash else address, strict=False) if well_formed else None
    except ValueError:
        network = None
    if network is None or network.version != version or "%" in address:
        raise SpfSyntaxError(f"the mechanism {term[:64]!r} names no network of IPv{version}")
    return network


def _domain_spec(text: str, term: str) -> str:
    if _DOMAIN.fullmatch(text) is None or _NO_DIGIT.search(text):
        raise SpfSyntaxError(f"the term {term[:64]!r} names no domain")
    return text
