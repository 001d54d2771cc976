"""Who answers for whom: the marks of a speaker, and whether one foreign speaker answers everywhere.

A mark is a name, a mask, a list of capabilities; or what unrelated hosts never share by chance: one refusal to the
letter, another protocol, one private issuer under every certificate, one way to break off.

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

from exporter.concurrency.bounded_dict import BoundedDict
from exporter.diagnosis.networks import network_of, organisation
from exporter.model.failure import Failure, FailureClass, Stage
from exporter.model.printable import printable
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
_REPLIES: Final = "reply:"
_ISSUER: Final = "issuer:"
_SPEAKS: Final = "speaks:"
_BREAKS: Final = "breaks:"
# Marks that only what is common to all can have put on all: each host that could bear one must.
_ON_ALL: Final = (_REPLIES, _ISSUER, _SPEAKS, _BREAKS)
# Refusals that name no reason: those with one may be equal because the reason is, our reputation or our name.
_WORDLESS_REFUSALS: Final = frozenset(
    {FailureClass.BANNER_TEMPFAIL, FailureClass.BANNER_REJECTED, FailureClass.EHLO_TEMPFAIL, FailureClass.EHLO_REJECTED}
)
_BROKEN: Final = frozenset(
    {FailureClass.TIMEOUT, FailureClass.CLOSED, FailureClass.PROTOCOL_ERROR, FailureClass.TLS_HANDSHAKE}
)
# What differs between two refusals of one speaker: times, ids, addresses.
_VARYING: Final = re.compile(r"\b(?=[0-9A-Fa-f]*[0-9])[0-9A-Fa-f]{8,64}\b|[0-9]+")
_MAX_MARK_CHARS: Final = 120


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


def mark_of_failure(failure: Failure, said: str) -> str | None:
    """The mark of a conversation that failed so; `said` is the reply that refused, or what else was said ("" if none).

    None where the failure is the host's own word about us.
    """
    failure_class = failure.failure_class
    if failure_class in _WORDLESS_REFUSALS and said:
        return _REPLIES + printable(_VARYING.sub("#", said).lower(), limit=_MAX_MARK_CHARS)
    if failure_class is FailureClass.NOT_SMTP:
        return _SPEAKS + printable(said or failure.detail, limit=_MAX_MARK_CHARS)
    if failure_class in _BROKEN:
        return f"{_BREAKS}{failure_class} at {failure.stage}"
    return None


def mark_of_issuer(private_issuer: str) -> str:
    """The mark of a TLS session: the issuer that no authority vouches for, "" where one does."""
    return _ISSUER + printable(private_issuer, limit=_MAX_MARK_CHARS)


def stage_of(mark: str) -> Stage:
    """Where a speaker with this mark shows itself."""
    return Stage.TLS if mark.startswith(_ISSUER) else Stage.BANNER


def is_foreign(mark: str, mx: str) -> bool:
    """Whether a speaker with this mark is not of the organisation that the mail host `mx` is named after."""
    if mark == _ISSUER:
        return False  # a public one
    return not mark.startswith(_NAMED) or organisation(mark.removeprefix(_NAMED)) != organisation(mx)


def in_words(mark: str) -> str:
    """The speaker in the middle of a sentence."""
    if mark == MASKED:
        return "a speaker that masks its greeting or its keywords"
    if mark.startswith(_NAMED):
        return f"one speaker called {mark.removeprefix(_NAMED)}"
    if mark.startswith(_REPLIES):
        return f'one reply to the letter ("{mark.removeprefix(_REPLIES)}")'
    if mark.startswith(_ISSUER):
        return f"one issuer of certificates that no authority vouches for ({mark.removeprefix(_ISSUER)})"
    if mark.startswith(_SPEAKS):
        return f"a speaker of another protocol ({mark.removeprefix(_SPEAKS)})"
    if mark.startswith(_BREAKS):
        return f"one way to break off ({mark.removeprefix(_BREAKS)})"
    return "a speaker with one list of capabilities, without STARTTLS,"


@dataclass(frozen=True, slots=True)
class Suspect:
    """One foreign speaker on many unrelated networks. `addresses` are some that it answers for, with their hosts."""

    mark: str
    addresses: tuple[tuple[str, str], ...]  # (address, mx)
    everywhere: bool  # no network has another speaker
    references: int = 0  # among them

    @property
    def shows_elsewhere(self) -> bool:
        """Another port without this mark shows that the hosts themselves do not have it."""
        return not self.mark.startswith(_ISSUER)

    @property
    def may_be_own(self) -> bool:
        """The same mark on another port shows that it is the hosts' own; what is put on all may be put on all ports."""
        return not self.mark.startswith(_ON_ALL)

    @property
    def needs_proof(self) -> bool:
        """Many honest servers have the same list of capabilities."""
        return self.mark.startswith(_CAPABLE)


@dataclass(frozen=True, slots=True)
class _SeenFingerprint:
    at: float
    address: str
    mx: str
    marks: tuple[str, ...]
    reference: bool

    def could_bear(self, mark: str) -> bool:
        """Whether the session came as far as to show the mark: an issuer is seen where there was TLS."""
        return not mark.startswith(_ISSUER) or any(own.startswith(_ISSUER) for own in self.marks)


class SharedFingerprints:
    """The latest speaker of each of some networks, in one address family."""

    def __init__(self) -> None:
        self._heard: BoundedDict[int, _SeenFingerprint] = BoundedDict(_MAX_HEARD)

    def hear(self, address: str, mx: str, marks: tuple[str, ...], at: float, *, reference: bool = False) -> None:
        """`address` answered as the mail host `mx`."""
        network = network_of(address)
        self._heard[network] = _SeenFingerprint(at, address, mx, marks, reference)

    def suspect(self, since: float) -> Suspect | None:
        """Who answers for most of what was heard since then, though it has no business there."""
        heard = [each for each in self._heard.values() if each.at >= since]
        foreign: dict[str, list[_SeenFingerprint]] = defaultdict(list)
        for each in heard:
            for mark in each.marks:
                if is_foreign(mark, each.mx):
                    foreign[mark].append(each)
        for mark, carriers in sorted(foreign.items(), key=_plainest_first):
            bearing = sum(each.could_bear(mark) for each in heard)
            share = 1.0 if mark.startswith(_ON_ALL) else _LEAST_SHARE
            unrelated = min(len(carriers), len({organisation(each.mx) for each in carriers}))
            if unrelated >= LEAST_UNRELATED and len(carriers) >= share * bearing:
                addresses = tuple((each.address, each.mx) for each in carriers)
                references = sum(each.reference for each in carriers)
                return Suspect(mark, addresses, len(carriers) == bearing, references)
        return None


def _plainest_first(carried: tuple[str, list[_SeenFingerprint]]) -> tuple[bool, int]:
    return carried[0].startswith(_CAPABLE), -len(carried[1])
