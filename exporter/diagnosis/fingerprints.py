"""Fingerprints of servers, and the foreign fingerprint that unrelated hosts share: the sign of an interception.

A mark is one feature of a fingerprint: a name, a masked greeting, a list of capabilities; or a feature that unrelated
hosts never share by chance: one refusal word for word, another protocol, one private issuer of all certificates, one
way to break the session off.

A transparent proxy or the mail inspection of a firewall answers in the same way for every address. So does a provider
for its many customers, rightly. The difference: the provider's addresses are related, or its customers' mail hosts bear
its name. An interception check on another port or path of the hosts settles the remaining doubt.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from exporter.concurrency.bounded_dict import BoundedDict
from exporter.diagnosis.networks import network_of, organisation
from exporter.model.failure import Failure, FailureClass, Stage
from exporter.model.printable import printable
from exporter.smtp.ehlo import Ehlo

# Fewer unrelated networks and organisations with one fingerprint are a coincidence, or a hoster with two data centres.
LEAST_UNRELATED: Final = 4
# A proxy on our egress answers for all hosts; one that is nearer to other networks answers for some.
_LEAST_SHARE: Final = 0.75
# Networks whose latest fingerprint is kept: one that all hosts share is found among a few as well.
_MAX_NETWORKS: Final = 64

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
# Marks that only an interception can put on unrelated hosts: then each host that could have one does.
_NEVER_BY_CHANCE: Final = (_REPLIES, _ISSUER, _SPEAKS, _BREAKS)
# Refusals without a reason; with one they may be equal because the reason is: our reputation or our name.
_UNEXPLAINED_REFUSALS: Final = frozenset(
    {FailureClass.BANNER_TEMPFAIL, FailureClass.BANNER_REJECTED, FailureClass.EHLO_TEMPFAIL, FailureClass.EHLO_REJECTED}
)
_BROKEN: Final = frozenset(
    {FailureClass.TIMEOUT, FailureClass.CLOSED, FailureClass.PROTOCOL_ERROR, FailureClass.TLS_HANDSHAKE}
)
# Parts that differ between two refusals of one server: times, ids, addresses.
_VARYING: Final = re.compile(r"\b(?=[0-9A-Fa-f]*[0-9])[0-9A-Fa-f]{8,64}\b|[0-9]+")
_MAX_MARK_CHARS: Final = 120


def marks(greeting: bytes, ehlo_lines: Sequence[bytes], ehlo: Ehlo | None) -> tuple[str, ...]:
    """The marks in a greeting and a reply to EHLO (both without codes), without times and ids.

    The name of the server, a mask in its place, and the capabilities where STARTTLS is not among them.
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
    """The mark of a failed dialogue; `said` is the reply that refused, or other bytes of the server ("" if none).

    None where the host gives a reason of its own.
    """
    failure_class = failure.failure_class
    if failure_class in _UNEXPLAINED_REFUSALS and said:
        return _REPLIES + printable(_VARYING.sub("#", said).lower(), limit=_MAX_MARK_CHARS)
    if failure_class is FailureClass.NOT_SMTP:
        return _SPEAKS + printable(said or failure.detail, limit=_MAX_MARK_CHARS)
    if failure_class in _BROKEN:
        return f"{_BREAKS}{failure_class} at {failure.stage}"
    return None


def mark_of_issuer(private_issuer: str) -> str:
    """The mark of a TLS session by its private issuer; "" where a public authority issued the certificate."""
    return _ISSUER + printable(private_issuer, limit=_MAX_MARK_CHARS)


def stage_of(mark: str) -> Stage:
    """The stage at which a server shows this mark."""
    return Stage.TLS if mark.startswith(_ISSUER) else Stage.BANNER


def is_foreign(mark: str, mx: str) -> bool:
    """True where the mark does not belong to the organisation that the mail host `mx` is named after."""
    if mark == _ISSUER:
        return False  # a public one
    return not mark.startswith(_NAMED) or organisation(mark.removeprefix(_NAMED)) != organisation(mx)


def describe_mark(mark: str) -> str:
    """The server with this mark, as the subject in the middle of a sentence."""
    if mark == MASKED:
        return "a server that masks its greeting or its keywords"
    if mark.startswith(_NAMED):
        return f"one server called {mark.removeprefix(_NAMED)}"
    if mark.startswith(_REPLIES):
        return f'one identical reply ("{mark.removeprefix(_REPLIES)}")'
    if mark.startswith(_ISSUER):
        return f"one issuer of certificates that no authority vouches for ({mark.removeprefix(_ISSUER)})"
    if mark.startswith(_SPEAKS):
        return f"a server of another protocol ({mark.removeprefix(_SPEAKS)})"
    if mark.startswith(_BREAKS):
        return f"one way to end the session ({mark.removeprefix(_BREAKS)})"
    return "a server with one list of capabilities, without STARTTLS,"


@dataclass(frozen=True, slots=True)
class Suspect:
    """One foreign mark on many unrelated networks. `addresses` are some of those that show it, with their hosts."""

    mark: str
    addresses: tuple[tuple[str, str], ...]  # (address, mx)
    everywhere: bool  # no network shows another fingerprint
    references: int = 0  # among them

    @property
    def shows_elsewhere(self) -> bool:
        """True where another port without the mark shows that it is not the hosts' own."""
        return not self.mark.startswith(_ISSUER)

    @property
    def may_be_own(self) -> bool:
        """True where the mark on another port shows that it is the hosts' own; an interceptor may cover all ports."""
        return not self.mark.startswith(_NEVER_BY_CHANCE)

    @property
    def needs_proof(self) -> bool:
        """True of a list of capabilities, for many honest servers have the same."""
        return self.mark.startswith(_CAPABLE)


class _SeenFingerprint(NamedTuple):
    at: float
    address: str
    mx: str
    marks: tuple[str, ...]
    reference: bool

    def could_show(self, mark: str) -> bool:
        """True where the session came far enough to show the mark: an issuer needs TLS."""
        return not mark.startswith(_ISSUER) or any(own.startswith(_ISSUER) for own in self.marks)


class SharedFingerprints:
    """The latest fingerprint of each of some networks, in one address family."""

    def __init__(self) -> None:
        self._by_network: BoundedDict[int, _SeenFingerprint] = BoundedDict(_MAX_NETWORKS)

    def record(self, address: str, mx: str, marks: tuple[str, ...], at: float, *, reference: bool = False) -> None:
        """Record the marks of `address`, which answered as the mail host `mx`."""
        network = network_of(address)
        self._by_network[network] = _SeenFingerprint(at, address, mx, marks, reference)

    def suspect(self, since: float) -> Suspect | None:
        """The foreign mark that most networks have shown since then, if enough unrelated ones have."""
        recent = [each for each in self._by_network.values() if each.at >= since]
        foreign: dict[str, list[_SeenFingerprint]] = defaultdict(list)
        for each in recent:
            for mark in each.marks:
                if is_foreign(mark, each.mx):
                    foreign[mark].append(each)
        for mark, carriers in sorted(foreign.items(), key=_clearest_first):
            able = sum(each.could_show(mark) for each in recent)
            share = 1.0 if mark.startswith(_NEVER_BY_CHANCE) else _LEAST_SHARE
            unrelated = min(len(carriers), len({organisation(each.mx) for each in carriers}))
            if unrelated >= LEAST_UNRELATED and len(carriers) >= share * able:
                addresses = tuple((each.address, each.mx) for each in carriers)
                references = sum(each.reference for each in carriers)
                return Suspect(mark, addresses, len(carriers) == able, references)
        return None


def _clearest_first(carried: tuple[str, list[_SeenFingerprint]]) -> tuple[bool, int]:
    return carried[0].startswith(_CAPABLE), -len(carried[1])
