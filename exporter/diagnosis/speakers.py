"""Who answers for whom: the marks of a speaker, and whether one foreign speaker answers everywhere.

A transparent proxy or a firewall's mail inspection answers for every address in the same way, whatever host is meant.
So does a provider for its many customers, rightly. They differ in that the provider's addresses are related or its
customers' mail hosts bear its name; what is left in doubt is asked of the host itself on another port or path.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from exporter.diagnosis.networks import organisation
from exporter.smtp.ehlo import Ehlo

# Fewer unrelated networks and organisations with one speaker are a coincidence, or a hoster with two data centres.
LEAST_UNRELATED: Final = 4
# A proxy on our way out answers for everyone; one that is nearer to others answers for some.
_LEAST_SHARE: Final = 0.75
# Networks whose latest speaker is remembered: those who are asked everywhere are found among a few as well.
_MAX_HEARD: Final = 64

# Cisco PIX and ASA overwrite a greeting with asterisks and leave a digit here and there; EHLO keywords become X's.
_MASKED_GREETING: Final = re.compile(rb"[*02 ]*\*{8}[*02 ]*")
_MASKED_KEYWORD: Final = re.compile(rb"X{4,}[A-Z]?")
_NAME: Final = re.compile(rb"[A-Za-z0-9][A-Za-z0-9.-]{0,252}")

MASKED: Final = "masked"
_NAMED: Final = "name:"
_CAPABLE: Final = "ehlo:"


def marks(greeting: bytes, ehlo_lines: Sequence[bytes], ehlo: Ehlo | None) -> tuple[str, ...]:
    """What of a greeting and an EHLO answer (both without codes) tells one speaker from another, without time or id.

    The name it calls itself, a mask in place of one, and its capabilities where STARTTLS is not among them.
    """
    found: list[str] = []
    if _MASKED_GREETING.fullmatch(greeting) or any(
        _MASKED_KEYWORD.fullmatch(line) for line in ehlo_lines[1:] if line.startswith(b"XXXX")
    ):
        found.append(MASKED)
    for line in (greeting, *ehlo_lines[:1]):
        if (name := _NAME.match(line)) and b"." in name[0]:
            mark = _NAMED + name[0].decode("ascii").lower().rstrip(".")
            if mark not in found:
                found.append(mark)
    if ehlo is not None and ehlo_lines and "STARTTLS" not in ehlo.extensions:
        found.append(_CAPABLE + ",".join(sorted(ehlo.extensions)))
    return tuple(found)


def is_foreign(mark: str, mx: str) -> bool:
    """Whether a speaker with this mark is not of the organisation that the mail host `mx` is named after."""
    return not mark.startswith(_NAMED) or organisation(mark.removeprefix(_NAMED)) != organisation(mx)


def in_words(mark: str) -> str:
    """The speaker in the middle of a sentence."""
    if mark == MASKED:
        return "a speaker that masks its greeting or its keywords"
    if mark.startswith(_NAMED):
        return f"one speaker called {mark.removeprefix(_NAMED)}"
    return "a speaker with one list of capabilities, without STARTTLS,"


@dataclass(frozen=True, slots=True)
class Suspect:
    """One foreign speaker on many unrelated networks. `addresses` are some that it answers for, with their hosts."""

    mark: str
    addresses: tuple[tuple[str, str], ...]  # (address, mx)
    everywhere: bool  # no network has another speaker

    @property
    def needs_proof(self) -> bool:
        """Many honest servers have the same list of capabilities."""
        return self.mark.startswith(_CAPABLE)


@dataclass(frozen=True, slots=True)
class _Heard:
    at: float
    address: str
    mx: str
    marks: tuple[str, ...]


class Speakers:
    """The latest speaker of each of some networks, in one address family."""

    def __init__(self) -> None:
        self._heard: dict[int, _Heard] = {}

    def hear(self, network: int, address: str, mx: str, marks: tuple[str, ...], at: float) -> None:
        """An address of `network` answered as the mail host `mx`."""
        self._heard.pop(network, None)
        self._heard[network] = _Heard(at, address, mx, marks)
        if len(self._heard) > _MAX_HEARD:
            del self._heard[next(iter(self._heard))]

    def suspect(self, since: float) -> Suspect | None:
        """Who answers for most of what was heard since then, though it has no business there."""
        heard = [each for each in self._heard.values() if each.at >= since]
        foreign: dict[str, list[_Heard]] = defaultdict(list)
        for each in heard:
            for mark in each.marks:
                if is_foreign(mark, each.mx):
                    foreign[mark].append(each)
        for mark, carriers in sorted(foreign.items(), key=lambda item: (item[0].startswith(_CAPABLE), -len(item[1]))):
            unrelated = min(len(carriers), len({organisation(each.mx) for each in carriers}))
            if unrelated >= LEAST_UNRELATED and len(carriers) >= _LEAST_SHARE * len(heard):
                addresses = tuple((each.address, each.mx) for each in carriers)
                return Suspect(mark, addresses, everywhere=len(carriers) == len(heard))
        return None
