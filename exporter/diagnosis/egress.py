"""Does port 25 get out of here? Judged per address family from what the addresses of unrelated networks drew.

No single host can tell: its silence may be its own. But a host that answers proves the way out open, and if all of at
least four unrelated networks fail in one way at once while other ports get through, what they have in common is us.

The latest sighting of each address counts, for a while. Sightings are summed up by network, so that taking one in and
judging cost the same with ten addresses and with a hundred thousand. Times are seconds of one clock that never jumps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

from exporter.config.model import Family
from exporter.diagnosis.networks import family_of, network_of
from exporter.diagnosis.speakers import Speakers, Suspect
from exporter.evidence import Evidence, Way
from exporter.result import Confidence, EgressState

# Networks that must all fail at once. Three of them dead together happens; four that share nothing but us does not.
NETWORKS_NEEDED: Final = 4
# Networks on which no other port answers either, before that too is our doing.
_SILENT_NEEDED: Final = 3
# Hysteresis on the way back: one answer through a closed door may be a forgery or a packet that was under way.
ANSWERS_TO_REOPEN: Final = 2
# How long a sighting counts, in intervals: everything is looked at once an interval, a little late at worst.
WINDOW_INTERVALS: Final = 1.5


class _Look(Enum):
    """What the addresses of one network together show."""

    ANSWERS = "answers"  # at least one does
    DROPPED = "dropped"  # silence, or the word of a filter: a filter that may say so only so often is silent in between
    RESET = "reset"
    NO_ROUTE = "no route"
    MIXED = "mixed"


_WAYS: Final[Mapping[_Look, frozenset[Way]]] = MappingProxyType(
    {
        _Look.DROPPED: frozenset({Way.SILENT, Way.PROHIBITED}),
        _Look.RESET: frozenset({Way.RESET}),
        _Look.NO_ROUTE: frozenset({Way.NO_ROUTE}),
    }
)
# What says nothing about the way out: a router far away, or a shortage of ours.
_NO_SIGN: Final = frozenset({Way.UNREACHABLE, Way.FAILED})
_CLOSED: Final = frozenset({EgressState.BLOCKED, EgressState.OFFLINE})


@dataclass(frozen=True, slots=True)
class EgressView:
    """The state of one family with the evidence it turned on: what hosts are judged by until it turns again."""

    state: EgressState = EgressState.UNKNOWN
    confidence: Confidence = Confidence.UNCERTAIN
    ways: frozenset[Way] = frozenset()  # how everything fails, while it does
    networks: int = 0  # that failed, or were answered for
    references: int = 0  # among them
    others_out: str = ""  # what gets out all the same, as the subject of a sentence
    speaker: str = ""  # the mark of who answers for everyone


# What every host is judged by, with its family's view.
Surroundings = Mapping[Family, EgressView]
NOTHING_KNOWN: Final[Surroundings] = MappingProxyType({family: EgressView() for family in Family})


class Finding(Enum):
    """What a closer look at a suspect showed."""

    FOREIGN = "foreign"
    OWN = "own"  # the hosts themselves speak so
    OPEN = "open"  # nothing either way


@dataclass(frozen=True, slots=True)
class _Sighting:
    at: float
    way: Way
    network: int
    witnessed: bool | None  # whether another port of it answered; None: not asked
    session: float  # tells one session with the address from the next


class _FamilyBook:
    """The sightings of one family and the view they give."""

    def __init__(self) -> None:
        self.view = EgressView()
        self.suspect: Suspect | None = None
        self.findings: dict[str, tuple[float, Finding]] = {}  # by mark
        self.speakers = Speakers()
        self._sightings: dict[str, _Sighting] = {}  # by address, the oldest first
        self._networks: dict[int, Counter[Way]] = {}
        self._looks: Counter[_Look] = Counter()
        self._unwitnessed = 0  # sightings on which no other port answered
        self._other: tuple[float, str] | None = None  # when something beside the port got out, and what
        self._answers = 0  # since the view turned

    def saw(self, address: str, session: float) -> bool:
        before = self._sightings.get(address)
        return before is not None and before.session == session

    def see(self, address: str, sighting: _Sighting) -> None:
        self._forget(address)
        if sighting.way in _NO_SIGN:
            return
        self._sightings[address] = sighting
        self._unwitnessed += sighting.witnessed is False
        self._count(sighting, 1)
        self._answers += sighting.way is Way.ANSWERED

    def other_got_out(self, at: float, what: str) -> None:
        if self._other is None or at >= self._other[0]:
            self._other = (at, what)

    def judge(self, since: float, references: Collection[str]) -> bool:
        """Whether the view has turned, seeing what was seen since then."""
        while self._sightings:
            address = next(iter(self._sightings))
            if self._sightings[address].at >= since:
                break
            self._forget(address)
        view = self._view(since, references)
        turned = (view.state, view.ways, view.speaker) != (self.view.state, self.view.ways, self.view.speaker)
        if turned:
            self.view = view
            self._answers = 0
        return turned

    def _view(self, since: float, references: Collection[str]) -> EgressView:
        if self._looks[_Look.ANSWERS]:
            if self.view.state in _CLOSED and self._answers < ANSWERS_TO_REOPEN:
                return self.view
            return self._answered(since)
        failing = self._looks.total()
        if not failing:
            return EgressView()
        look = next((look for look in _WAYS if self._looks[look] == failing), None)
        seen = sum(reference in self._sightings for reference in references)
        if look is _Look.NO_ROUTE:
            return EgressView(EgressState.OFFLINE, Confidence.CERTAIN, _WAYS[look], failing, seen)
        if look is not None and failing >= NETWORKS_NEEDED:
            confidence = Confidence.CERTAIN if seen else Confidence.LIKELY
            if self._other is not None and self._other[0] >= since:
                return EgressView(EgressState.BLOCKED, confidence, _WAYS[look], failing, seen, self._other[1])
            if self._unwitnessed >= _SILENT_NEEDED and look is _Look.DROPPED:
                return EgressView(EgressState.OFFLINE, confidence, _WAYS[look], failing, seen)
        # Still nobody answers, but what was certain has become a little less uniform: no reason to think otherwise.
        return self.view if self.view.state in _CLOSED else EgressView()

    def _answered(self, since: float) -> EgressView:
        suspect = self.suspect
        if suspect is None:
            return EgressView(EgressState.OPEN, Confidence.CERTAIN)
        finding = self.findings.get(suspect.mark, (0.0, None))[1]
        proven = finding is Finding.FOREIGN
        if proven or (finding is Finding.OPEN and suspect.everywhere and not suspect.needs_proof):
            confidence = Confidence.CERTAIN if proven else Confidence.LIKELY
            networks = len(suspect.addresses)
            return EgressView(EgressState.INTERCEPTED, confidence, networks=networks, speaker=suspect.mark)
        return EgressView(EgressState.OPEN, Confidence.CERTAIN)

    def _forget(self, address: str) -> None:
        sighting = self._sightings.pop(address, None)
        if sighting is not None:
            self._unwitnessed -= sighting.witnessed is False
            self._count(sighting, -1)

    def _count(self, sighting: _Sighting, by: int) -> None:
        """Add a sighting to its network, or take it away, and sum up what the network looks like now."""
        ways = self._networks.get(sighting.network)
        if ways is None:
            ways = self._networks[sighting.network] = Counter()
        else:
            self._looks[_look(ways)] -= 1
        ways[sighting.way] += by
        if not ways[sighting.way]:
            del ways[sighting.way]
        if ways:
            self._looks[_look(ways)] += 1
        else:
            del self._networks[sighting.network]


def _look(ways: Counter[Way]) -> _Look:
    if Way.ANSWERED in ways:
        return _Look.ANSWERS
    return next((look for look, of in _WAYS.items() if of.issuperset(ways)), _Look.MIXED)


class EgressBook:
    """What was seen of port 25 in each family, and how it gets out."""

    def __init__(self, interval: float) -> None:
        """`interval`: seconds after which most targets are seen again."""
        self.interval = interval
        self.surroundings: Surroundings = NOTHING_KNOWN
        self._families = {family: _FamilyBook() for family in Family}
        self._references: dict[str, str] = {}  # address -> its reference, as seen last

    def see(
        self,
        address: str,
        mx: str,
        way: Way,
        evidence: Evidence,
        at: float,
        *,
        session: float = 0.0,
        reference: str = "",
    ) -> None:
        """A session with a public address of the host `mx` ended `way`; `reference` names the one it belongs to.

        `session` is when it began, on any clock: all domains that share one tell of it, and it counts once.
        """
        book = self._families[family_of(address)]
        if reference:
            self._references[address] = reference
        if session and book.saw(address, session):
            return
        witnesses = evidence.witnesses
        proof = next((witness for witness in witnesses if witness.proves_host), None)
        network = network_of(address)
        book.see(address, _Sighting(at, way, network, proof is not None if witnesses else None, session))
        if proof is not None:
            book.other_got_out(at, f"port {proof.port} of {address}")
        if way is Way.ANSWERED and evidence.speaker:
            book.speakers.hear(network, address, mx, evidence.speaker, at)

    def other_got_out(self, family: Family, at: float, what: str) -> None:
        """Something beside port 25 reached the outside, `what` being the subject of a sentence about it."""
        self._families[family].other_got_out(at, what)

    def listen(self, now: float) -> Iterable[tuple[Family, Suspect]]:
        """Look for speakers that answer everywhere, and give those that nobody has looked at closely yet.

        It costs more than a sighting: once a second is enough.
        """
        for family, book in self._families.items():
            book.suspect = book.speakers.suspect(now - self.window)
            if book.suspect is not None and book.suspect.mark not in book.findings:
                yield family, book.suspect

    def find(self, family: Family, mark: str, finding: Finding, at: float) -> None:
        """A closer look at a suspect is done."""
        self._families[family].findings[mark] = (at, finding)

    def forget_findings(self, before: float) -> None:
        """Look again at who was looked at before then."""
        for book in self._families.values():
            book.findings = {mark: found for mark, found in book.findings.items() if found[0] >= before}

    def keep_references(self, names: Iterable[str]) -> None:
        """Only these are references from now on."""
        kept = frozenset(names)
        self._references = {address: name for address, name in self._references.items() if name in kept}

    def judge(self, now: float) -> tuple[Family, ...]:
        """The families whose view has turned; :attr:`surroundings` holds the views."""
        since, references = now - self.window, self._references.keys()
        turned = tuple(family for family, book in self._families.items() if book.judge(since, references))
        if turned:
            self.surroundings = MappingProxyType({family: book.view for family, book in self._families.items()})
        return turned

    @property
    def window(self) -> float:
        """Seconds for which a sighting counts."""
        return self.interval * WINDOW_INTERVALS
