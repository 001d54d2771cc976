"""The macros of SPF (RFC 7208 7): names in a record that depend on the address and the sender. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final
from urllib.parse import quote

_MACRO: Final = re.compile(r"%(?:\{([a-z])([0-9]*)(r?)([-.+,/_=]*)\}|([%_-]))", re.IGNORECASE)
_PLAIN: Final = {"%": "%", "_": " ", "-": "%20"}
_MAX_NAME: Final = 253
_MAX_LABEL: Final = 63
# The characters of a name that is asked about; a backslash would be read as an escape.
_NAME: Final = re.compile(r"[\x20\x21\x23-\x3f\x41-\x5b\x5d-\x7e]+")
UNKNOWN: Final = "unknown"  # RFC 7208 7.3: where no name is validated


@dataclass(frozen=True, slots=True)
class MacroValues:
    """The values of the macros of one evaluation."""

    ip: IPv4Address | IPv6Address
    local_part: str
    sender_domain: str
    domain: str  # that is evaluated now
    helo: str
    validated: str = UNKNOWN  # the name of the address

    def of(self, letter: str) -> str:
        """The value of one macro, before its transformers."""
        v6 = isinstance(self.ip, IPv6Address)
        values = {
            "s": f"{self.local_part}@{self.sender_domain}",
            "l": self.local_part,
            "o": self.sender_domain,
            "d": self.domain,
            "i": ".".join(self.ip.exploded.replace(":", "").upper()) if v6 else str(self.ip),
            "p": self.validated,
            "v": "ip6" if v6 else "in-addr",
            "h": self.helo,
        }
        return values[letter]


def wants_validated_name(text: str) -> bool:
    """True where the name of the address has to be known."""
    return any(found[1] in ("p", "P") for found in _MACRO.finditer(text))


def expand(text: str, values: MacroValues) -> str:
    """The name that a domain-spec stands for, without its final dot; of one too long the last labels."""

    def put(found: re.Match[str]) -> str:
        letter, digits, reverse, delimiters, plain = found.groups()
        if plain:
            return _PLAIN[plain]
        value = values.of(letter.lower())
        if digits or reverse or delimiters:
            parts = re.split(f"[{re.escape(delimiters or '.')}]", value)
            if reverse:
                parts.reverse()
            value = ".".join(parts[-min(int(digits[:4]), len(parts)) :] if digits else parts)
        return quote(value, safe="-._~") if letter.isupper() else value

    name = _MACRO.sub(put, text).removesuffix(".")
    if len(name) <= _MAX_NAME:
        return name
    # RFC 7208 7.3: labels go from the left. At once: a record of 16 KiB may stand for a megabyte of them.
    cut = name.find(".", len(name) - _MAX_NAME - 1)
    return name if cut < 0 else name[cut + 1 :]


def is_name(name: str) -> bool:
    """True where a name can be asked about: others have no records (RFC 7208 4.3, 4.8)."""
    return (
        len(name) <= _MAX_NAME
        and _NAME.fullmatch(name) is not None
        and all(0 < len(label) <= _MAX_LABEL for label in name.split("."))
    )
