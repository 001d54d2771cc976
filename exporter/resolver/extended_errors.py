"""Extended DNS errors (RFC 8914): the reasons of a resolver beside an answer, or in place of one.

Three kinds are useful: the resolver changed or withheld the answer by a policy of its own, DNSSEC failed, or the
domain's own nameservers do not answer. The free text beside a code comes from the resolver or from another server: it
is shown escaped and cut.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address
from itertools import islice
from types import MappingProxyType
from typing import Final, NamedTuple

from exporter.model.printable import printable

_OPTION: Final = 15  # RFC 8914 2
_MAX_ERRORS: Final = 8  # of one answer
_MAX_TEXT: Final = 160

# The registry's names (IANA, Extended DNS Error Codes).
_NAMES: Final = MappingProxyType(
    dict(
        enumerate(
            (
                "Other Error",
                "Unsupported DNSKEY Algorithm",
                "Unsupported DS Digest Type",
                "Stale Answer",
                "Forged Answer",
                "DNSSEC Indeterminate",
                "DNSSEC Bogus",
                "Signature Expired",
                "Signature Not Yet Valid",
                "DNSKEY Missing",
                "RRSIGs Missing",
                "No Zone Key Bit Set",
                "NSEC Missing",
                "Cached Error",
                "Not Ready",
                "Blocked",
                "Censored",
                "Filtered",
                "Prohibited",
                "Stale NXDomain Answer",
                "Not Authoritative",
                "Not Supported",
                "No Reachable Authority",
                "Network Error",
                "Invalid Data",
                "Signature Expired before Valid",
                "Too Early",
                "Unsupported NSEC3 Iterations Value",
                "Unable to conform to policy",
                "Synthesized",
            )
        )
    )
)
# RFC 8914 4.5, 4.16 to 4.19: the answer is made by, or withheld for, a policy of the resolver.
PROHIBITED: Final = 18
_FILTERED: Final = frozenset({4, 15, 16, 17, PROHIBITED})
# RFC 8914 4: unsupported algorithm or digest, indeterminate … no zone key, invalid NSEC3 or unsupported iterations.
_DNSSEC: Final = frozenset({1, 2, *range(5, 13), 25, 27})
# RFC 8914 4.23, 4.24: none of the domain's nameservers was reached, or one gave an error.
_UNREACHED: Final = frozenset({22, 23})
_ADDRESS: Final = re.compile(r"[0-9A-Fa-f:.]{3,45}")


class ExtendedError(NamedTuple):
    """One extended error of an answer."""

    code: int
    text: str  # of a stranger; escaped and cut

    def __str__(self) -> str:
        name = _NAMES.get(self.code)
        said = f"EDE {self.code}" if name is None else f"EDE {self.code} {name}"
        return f"{said} ({self.text})" if self.text else said

    @property
    def brief(self) -> str:
        """Number and name."""
        return str(self._replace(text=""))

    @property
    def is_filter(self) -> bool:
        """True where a policy of the resolver made or withheld the answer."""
        return self.code in _FILTERED

    @property
    def is_dnssec(self) -> bool:
        """True where the signatures are at fault."""
        return self.code in _DNSSEC

    @property
    def is_unreached(self) -> bool:
        """True where the domain's own nameservers are at fault."""
        return self.code in _UNREACHED

    @property
    def nameserver(self) -> str:
        """The first address that the text names; empty where there is none."""
        for found in _ADDRESS.finditer(self.text):
            try:
                return str(ip_address(found[0].strip(".:") if found[0].count(":") < 2 else found[0]))
            except ValueError:
                continue
        return ""


def extended_errors(options: Iterable[tuple[int, bytes]]) -> tuple[ExtendedError, ...]:
    """The extended errors among the options of an answer's OPT record, each once."""
    said = dict.fromkeys([data for number, data in options if number == _OPTION and len(data) >= 2])
    found: dict[ExtendedError, None] = {}
    for data in islice(said, _MAX_ERRORS):
        text = printable(data[2:].rstrip(b"\0").strip(), limit=_MAX_TEXT)  # RFC 8914 2: may end with a NUL
        found[ExtendedError(int.from_bytes(data[:2], "big"), text)] = None
    return tuple(found)
