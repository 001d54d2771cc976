"""Does port 25 get out of here? Judged per address family from what the addresses of unrelated networks drew.

No single host can tell: its silence may be its own. But a host that greets proves the way out open, and if all that
was heard lately fails in one way (exporter.diagnosis.scope), what they have in common is us: silence, a prohibition,
resets, or a connect that is accepted by somebody and then neither greeted nor held.

The state is that of one port. What another port draws is a witness: it proves that something gets out, and no more.
Times are seconds of one clock that never jumps; `on` values are Unix time, in which results are told.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Final

from exporter.concurrency.bounded_dict import BoundedDict
from exporter.diagnosis.fingerprints import SharedFingerprints, Suspect
from exporter.diagnosis.networks import network_of, organisation
from exporter.diagnosis.scope import VOICES_NEEDED, Alike, Outcome, Scope, Voice
from exporter.model.address import Family, family_of
from exporter.model.egress import SMTP_PORT, EgressByFamily, EgressState, EgressView
from exporter.model.evidence import ConnectOutcome, Evidence
from exporter.model.failure import Confidence

NETWORKS_NEEDED: Final = VOICES_NEEDED
# Networks on which no other port answers either, before that too is our doing.
_SILENT_NEEDED: Final = 3
# Addresses of references that are remembered as such; whose DNS gives others each time, of that the first go.
MAX_REFERENCE_ADDRESSES: Final = 1000
# How long an outcome counts, in intervals: everything is looked at once an interval, a little late at worst.
_WINDOW_INTERVALS: Final = 1.5


class _FailureKind(StrEnum):
    """Ways that one cause may show itself in: a filter that may say so only so often is silent in between."""

    DROPPED = "dropped"
    RESET = "reset"
    NO_ROUTE = "no route"
    WORDLESS = "wordless"


_WAYS: Final[Mapping[str, frozenset[ConnectOutcome]]] = MappingProxyType(
    {
        _FailureKind.DROPPED: frozenset({ConnectOutcome.SILENT, ConnectOutcome.PROHIBITED}),
        _FailureKind.RESET: frozenset({ConnectOutcome.RESET}),
        _FailureKind.NO_ROUTE: frozenset({ConnectOutcome.NO_ROUTE}),
        _FailureKind.WORDLESS: frozenset({ConnectOutcome.MUTE, ConnectOutcome.HUNG_UP}),
    }
)
_LOOKS: Final = MappingProxyType({way: look for look, ways in _WAYS.items() for way in ways})
# What says nothing about the way out: a router far away, or a shortage of ours.
_NO_SIGN: Final = frozenset({ConnectOutcome.UNREACHABLE, ConnectOutcome.FAILED})
SHUT: Final = frozenset({EgressState.BLOCKED, EgressState.INTERCEPTED, EgressState.OFFLINE})
_CLOSED: Final = frozenset({EgressState.BLOCKED, EgressState.OFFLINE})


class InspectionResult(Enum):
    """What a closer look at a suspect showed."""

    PROVEN = "proven"  # an answer comes from nearer than the host
    FOREIGN = "foreign"  # the hosts speak otherwise elsewhere
    OWN = "own"  # the hosts themselves speak so
    OPEN = "open"  # nothing either way


@dataclass(frozen=True, slots=True)
class EgressObservation:
    """One session with one address, as it bears on the way out."""

    address: str
    mx: str
    evidence: Evidence
    way: ConnectOutcome
    began: float  # of the connect
    on: float  # the same in Unix time; it tells one session from the next, for all domains that share one tell of it
    seen: float
    reference: str = ""  # the name of the reference it belongs to
    proof: bool = False  # an RST that is known to be the host's own: the port gets out

    @property
    def witness(self) -> str:
        """Another port of the address that proves that something gets out; "" without one."""
        proof = next((witness for witness in self.evidence.witnesses if witness.proves_host), None)
        return f"port {proof.port} of {self.address}" if proof is not None else ""


class _FamilyJudge:
    """The outcomes of one family and the view they give."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.view = EgressView(port=port)
        self.suspect: Suspect | None = None
        self.findings: dict[str, tuple[float, InspectionResult]] = {}  # by mark
        self.speakers = SharedFingerprints()
        # What has no route from here says nothing about what left.
        self.scope = Scope(apart={_FailureKind.NO_ROUTE})
        self._sessions: dict[str, float] = {}  # the latest by address
        self._unwitnessed: set[str] = set()  # addresses on which no other port answered
        # Until when it counts that something beside the port got out, and what.
        self._other: tuple[float, str] | None = None
        self._proof_on = 0.0  # Unix time of the newest proof
        self._proven_when_shut = -math.inf
        self.waits = False  # for the references, without which nothing that fails everywhere is called ours

    def see(self, sighting: EgressObservation) -> bool:
        """Take a session in; whether it is the first after a proof that fails at an address that worked."""
        address = sighting.address
        before = self.scope.newest(address)
        known = self._sessions.get(address) == sighting.on and not sighting.proof
        # A session that a domain shares with a reference is told by both, in either order.
        if sighting.way in _NO_SIGN or (known and (before is None or before.reference or not sighting.reference)):
            return False
        voice = Voice(organisation(sighting.mx), network_of(address))
        worked = sighting.way is ConnectOutcome.ANSWERED or sighting.proof
        # A greeting proves the way open when its connect was answered, not when it began or was read.
        began = sighting.began
        look = None if worked else _LOOKS[sighting.way]
        outcome = self.scope.see(address, Outcome(voice, began, sighting.seen, look, bool(sighting.reference)))
        if outcome is None:
            return False
        self._sessions[address] = sighting.on
        self._unwitnessed.discard(address)
        if worked:
            self._proof_on = max(self._proof_on, sighting.on)
        elif sighting.evidence.witnesses and not sighting.witness:
            self._unwitnessed.add(address)
        return not worked and before is not None and before.way is None and began > self.scope.proven

    def other_got_out(self, until: float, what: str) -> None:
        if self._other is None or until >= self._other[0]:
            self._other = (until, what)

    def judge(
        self, now: float, window: float, references: Collection[str], on: float, *, ready: bool, repeats: bool
    ) -> bool:
        """Whether the view has turned, seeing what was seen within the window; see EgressBook.judge."""
        self.scope.forget_before(now - window)
        if len(self._sessions) > 2 * len(self.scope) + 1000:
            self._sessions = {address: on for address, on in self._sessions.items() if address in self.scope}
            self._unwitnessed &= self._sessions.keys()
        if self._other is not None and self._other[0] < now:
            self._other = None
        view = self._view(references, ready=ready)
        if _turning(view) == _turning(self.view):
            return False
        if view.state in _CLOSED:
            self._proven_when_shut = self.scope.proven
        elif not repeats:
            pass
        elif self.view.state in SHUT and view.state not in SHUT:
            opened = self._proof_on if view.state is EgressState.OPEN else on
            view = replace(view, before=replace(self.view, before=None), opened=opened)
        elif self.view.before is not None and view.state is EgressState.OPEN:
            view = replace(view, before=self.view.before, opened=self._proof_on)
        self.view = replace(view, since=on if view.state is not self.view.state else self.view.since)
        return True

    def set_clock(self, seconds: float) -> None:
        """See EgressBook.set_clock."""
        since = self.view.since
        # Set ahead, what began before is older by itself than what opened the way.
        back = min(0.0, seconds)
        self._proof_on += back
        self.view = replace(self.view, opened=self.view.opened + back, since=since + seconds if since else since)

    def prove(self, address: str, offset: float) -> None:
        """See EgressBook.prove."""
        outcome = self.scope.newest(address)
        if outcome is not None and outcome.way == _FailureKind.RESET:
            self.scope.see(address, replace(outcome, way=None))
            self._proof_on = max(self._proof_on, outcome.began + offset)

    def _view(self, references: Collection[str], *, ready: bool) -> EgressView:
        alike = self.scope.alike()
        self.waits = alike is not None and not ready
        if alike is not None and ready and (view := self._shut(alike)) is not None:
            return view
        # A proof of before the way shut is none that it has opened.
        if self.scope.works and self.scope.proven > self._proven_when_shut:
            return self._answered()
        way = self.scope.one_way
        if way == _FailureKind.NO_ROUTE:
            seen = sum(reference in self.scope for reference in references)
            # One address without a route may be one that is kept out on purpose.
            sure = Confidence.CERTAIN if self.scope.failing >= VOICES_NEEDED else Confidence.LIKELY
            return self._new(EgressState.OFFLINE, sure, _WAYS[way], self.scope.failing, seen)
        # Fewer are heard than it took, and all of them still fail as they did: no reason to think otherwise.
        if self.view.state in _CLOSED and way is not None and self.view.ways == _WAYS[way]:
            return self.view
        return self._new(EgressState.UNKNOWN, Confidence.UNCERTAIN)

    def _shut(self, alike: Alike) -> EgressView | None:
        look, voices, references = alike.way, alike.voices, alike.references
        ways = _WAYS[look]
        if look == _FailureKind.NO_ROUTE:
            return self._new(EgressState.OFFLINE, Confidence.CERTAIN, ways, voices, references)
        confidence = Confidence.CERTAIN if alike.is_certain else Confidence.LIKELY
        other = self._other[1] if self._other is not None else ""
        if other or look == _FailureKind.WORDLESS:
            return self._new(EgressState.BLOCKED, confidence, ways, voices, references, other)
        if look == _FailureKind.RESET and self.scope.proven > -math.inf:
            # Somebody answers, so we are not offline; and those who answered before did not all close at once.
            return self._new(EgressState.BLOCKED, Confidence.LIKELY, ways, voices, references)
        if look == _FailureKind.DROPPED and len(self._unwitnessed) >= _SILENT_NEEDED:
            return self._new(EgressState.OFFLINE, confidence, ways, voices, references)
        return None

    def _answered(self) -> EgressView:
        suspect = self.suspect
        if suspect is not None:
            finding = self.findings.get(suspect.mark, (0.0, None))[1]
            proven = finding in (InspectionResult.PROVEN, InspectionResult.FOREIGN)
            if proven or (finding is InspectionResult.OPEN and suspect.everywhere and not suspect.needs_proof):
                sure = suspect.references > 0 or finding is InspectionResult.PROVEN or (proven and suspect.may_be_own)
                confidence = Confidence.CERTAIN if sure else Confidence.LIKELY
                networks = len(suspect.addresses)
                return self._new(
                    EgressState.INTERCEPTED,
                    confidence,
                    networks=networks,
                    references=suspect.references,
                    speaker=suspect.mark,
                )
        return self._new(EgressState.OPEN, Confidence.CERTAIN)

    def _new(
        self,
        state: EgressState,
        confidence: Confidence,
        ways: frozenset[ConnectOutcome] = frozenset(),
        networks: int = 0,
        references: int = 0,
        others_out: str = "",
        speaker: str = "",
    ) -> EgressView:
        return EgressView(state, confidence, ways, networks, references, others_out, speaker, self._port)


def _turning(view: EgressView) -> tuple[object, ...]:
    """What of a view hosts are judged anew for."""
    return view.state, view.confidence, view.ways, view.speaker


class EgressJudge:
    """What was seen of the port in each family, and how it gets out."""

    def __init__(self, interval: float, port: int = SMTP_PORT, *, takes: float = 0.0) -> None:
        """`interval`: seconds after which most targets are seen again; `port`: whose way out is judged.

        `takes`: seconds that a probe may take.
        """
        self.interval = interval
        self.takes = takes
        self.port = port
        self._families = {family: _FamilyJudge(port) for family in Family}
        self.surroundings: EgressByFamily = self._views()
        # Address -> its reference, as seen last.
        self._references: BoundedDict[str, str] = BoundedDict(MAX_REFERENCE_ADDRESSES)

    def see(self, sighting: EgressObservation) -> bool:
        """Take in a session with a public address; whether it is the first to fail at an address that worked."""
        evidence, address = sighting.evidence, sighting.address
        book = self._families[family_of(address)]
        if sighting.witness:
            book.other_got_out(sighting.seen + self.window, sighting.witness)
        if evidence.port != self.port:
            if evidence.connect is None:
                book.other_got_out(sighting.seen + self.window, f"port {evidence.port} of {address}")
            return False
        if sighting.reference:
            self._references[address] = sighting.reference
        elif address in self._references:  # a domain's mail host that is a reference as well
            sighting = replace(sighting, reference=self._references[address])
        first = book.see(sighting)
        if sighting.way is ConnectOutcome.ANSWERED and evidence.speaker:
            book.speakers.hear(
                address, sighting.mx, evidence.speaker, sighting.seen, reference=bool(sighting.reference)
            )
        return first

    def proof_by_others(self, address: str, mx: str, began: float) -> float:
        """The newest moment at which the port is known to have got out to somebody unrelated; -inf if none is known.

        It is before `began` where nothing shows that it got out at that time.
        """
        voice = Voice(organisation(mx), network_of(address))
        return self._families[family_of(address)].scope.proof_by_others(voice, began)

    def prove(self, address: str, offset: float) -> None:
        """The reset that was seen last of an address is the host's own: the port gets out.

        `offset`: seconds by which Unix time is ahead of the clock of the outcomes.
        """
        self._families[family_of(address)].prove(address, offset)

    def set_clock(self, seconds: float) -> None:
        """Unix time was set, ahead by so much, back by less than 0: what is kept of it goes with it."""
        for book in self._families.values():
            book.set_clock(seconds)
        self.surroundings = self._views()

    def other_got_out(self, family: Family, at: float, what: str, *, lasts: float = 0.0) -> None:
        """Something beside port 25 reached the outside, `what` being the subject of a sentence about it.

        `lasts`: seconds for which it counts, where it is looked for more seldom than everything else.
        """
        self._families[family].other_got_out(at + max(self.window, lasts), what)

    def listen(self, now: float) -> Iterable[tuple[Family, Suspect]]:
        """Look for speakers that answer everywhere, and give those that nobody has looked at closely yet.

        It costs more than a sighting: once a second is enough.
        """
        for family, book in self._families.items():
            book.suspect = book.speakers.suspect(now - self.window)
            if book.suspect is not None and book.suspect.mark not in book.findings:
                yield family, book.suspect

    def find(self, family: Family, mark: str, finding: InspectionResult, at: float) -> None:
        """A closer look at a suspect is done."""
        self._families[family].findings[mark] = (at, finding)

    def forget_findings(self, before: float) -> None:
        """Look again at who was looked at before then."""
        for book in self._families.values():
            book.findings = {mark: found for mark, found in book.findings.items() if found[0] >= before}

    def keep_references(self, names: Iterable[str]) -> None:
        """Only these are references from now on."""
        kept = frozenset(names)
        self._references.drop_all(lambda name: name not in kept)

    @property
    def waits(self) -> bool:
        """Everything fails alike, but for the references, which have not been heard yet."""
        return any(book.waits for book in self._families.values())

    def judge(self, now: float, on: float, *, ready: bool = True) -> tuple[Family, ...]:
        """The families whose view has turned; :attr:`surroundings` holds the views.

        `on` is now in Unix time; `ready`: the references have been heard, if there are any.
        """
        references = self._references
        # What is seen only once is judged by how things are at its end.
        repeats = math.isfinite(self.interval)
        turned = tuple(
            family
            for family, book in self._families.items()
            if book.judge(now, self.window, references, on, ready=ready, repeats=repeats)
        )
        if turned:
            self.surroundings = self._views()
        return turned

    def _views(self) -> EgressByFamily:
        return MappingProxyType({family: book.view for family, book in self._families.items()})

    @property
    def window(self) -> float:
        """Seconds for which an outcome counts."""
        return window_of(self.interval, self.takes)


def window_of(interval: float, takes: float) -> float:
    """Seconds for which an outcome counts: until the next of the same target is known.

    A quick success may be followed by a slow failure: then an interval and what that takes lie between the two.
    """
    return max(interval * _WINDOW_INTERVALS, interval + takes)
