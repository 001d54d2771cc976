"""The state of our own side, the egress and the resolver, where it hides the state of others. Pure.

A person must read it before anything else: every page, `probe` and its JSON begin with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from exporter.diagnosis.advice import NO_NAMES, AdviceNames, next_step
from exporter.model.address import Family
from exporter.model.egress import EgressByFamily, EgressState, EgressStateChange, EgressView
from exporter.model.evidence import ConnectOutcome
from exporter.model.failure import Confidence, Failure, FailureClass, Stage
from exporter.model.resolver import ResolverView
from exporter.model.result import DomainResult
from exporter.report.summary import deciding_host

_C = FailureClass
# The failure classes that hide a target: nothing is known of it, for the fault is ours.
HIDING: Final = frozenset({_C.EGRESS_BLOCKED, _C.EGRESS_INTERCEPTED, _C.OFFLINE, _C.RESOLVER_FAILING, _C.NO_ROUTE})
_CAUSES: Final = MappingProxyType(
    {
        "blocked": _C.EGRESS_BLOCKED,
        "intercepted": _C.EGRESS_INTERCEPTED,
        "offline": _C.OFFLINE,
        "failing": _C.RESOLVER_FAILING,
        "filtering": _C.RESOLVER_FAILING,
    }
)
_WORDS: Final = MappingProxyType(
    {
        "blocked": "Port {port} is blocked on OUR side",
        "intercepted": "Another machine on OUR side answers for all hosts",
        "offline": "No connection leaves OUR network",
        "failing": "OUR resolver fails",
        "filtering": "OUR resolver filters its answers",
    }
)
# Of the targets where none is known to be hidden (RFC 5321 4.5.4.2).
_SMTP_PORT: Final = "25"
_NO_ROUTE_WORDS: Final = "OUR machine has no route out"
_FAMILIES: Final = MappingProxyType({Family.IPV4.value: "IPv4", Family.IPV6.value: "IPv6"})
_MINUTE: Final = 60.0


@dataclass(frozen=True, slots=True)
class LocalPart:
    """One part of our side, the egress of a family or the resolver, and its state."""

    part: str
    state: str
    confidence: Confidence
    since: float = 0.0  # Unix time; 0: not known
    cause: FailureClass | None = None  # of the targets that it hides; None: it hides none
    as_of: float = 0.0  # Unix time as of which it is told, known from before the start alone; 0: of now

    @property
    def family(self) -> str:
        """The family as it is written: IPv4, IPv6; "" for the resolver."""
        return _FAMILIES.get(self.part, "")


@dataclass(frozen=True, slots=True)
class Spell:
    """The time since which parts of our side have had a fault; Unix time, 0: not known."""

    since: float
    grounds: str  # the families and the confidence: "IPv4 and IPv6, certain"


@dataclass(frozen=True, slots=True)
class Trouble:
    """One fault of our side, for all parts that have it."""

    cause: FailureClass
    text: str  # a sentence without its full stop
    spells: tuple[Spell, ...]
    hidden: int  # targets
    next: str  # whom to call, or what to mend

    @property
    def hides(self) -> str:
        """The number of hidden targets, in words."""
        return f"{self.hidden:,} target{'' if self.hidden == 1 else 's'} behind it"


@dataclass(frozen=True, slots=True)
class LocalState:
    """All parts, and the number of targets that their faults hide, by class.

    `names` are those of one hidden target of a class, for the command that a person runs next.
    """

    states: tuple[LocalPart, ...] = ()
    failing: Mapping[FailureClass, int] = field(default_factory=dict)
    names: Mapping[FailureClass, AdviceNames] = field(default_factory=dict)

    @property
    def families(self) -> tuple[LocalPart, ...]:
        """The parts that are the egress of a family."""
        return tuple(state for state in self.states if state.family)

    @property
    def troubles(self) -> tuple[Trouble, ...]:
        """The faults of our side, each once."""
        found: dict[tuple[str, FailureClass], list[LocalPart]] = {}
        for part in self.states:
            # A machine may be without IPv6 on purpose: a family without a route is no fault while no target wants it.
            if part.cause is not None and (part.cause is not _C.NO_ROUTE or self.failing.get(_C.NO_ROUTE)):
                found.setdefault((part.state, part.cause), []).append(part)
        return tuple(self._trouble(state, cause, parts) for (state, cause), parts in found.items())

    @property
    def hidden(self) -> int:
        """The number of targets that faults of our side hide."""
        return sum(self.failing.get(cause, 0) for cause in {trouble.cause for trouble in self.troubles})

    def _trouble(self, state: str, cause: FailureClass, parts: Iterable[LocalPart]) -> Trouble:
        parts = tuple(parts)
        surest = min((part.confidence for part in parts), key=tuple(Confidence).index)
        failure = Failure(Stage.CONNECT, cause, "", surest)
        names = self.names.get(cause, NO_NAMES)
        words = _NO_ROUTE_WORDS if cause is _C.NO_ROUTE else _WORDS[state]
        return Trouble(
            cause,
            words.format(port=names.port or _SMTP_PORT),
            tuple(_spells(parts)),
            self.failing.get(cause, 0),
            next_step(failure, names),
        )


def local_state(
    egress: EgressByFamily,
    changes: Iterable[EgressStateChange],
    failing: Mapping[FailureClass, int],
    resolver: ResolverView | None = None,
    names: Mapping[FailureClass, AdviceNames] = MappingProxyType({}),
) -> LocalState:
    """The state of our side; `changes` are the last ones of the egress, the oldest first.

    `failing`: the number of targets that fail by each class of HIDING.
    """
    changes = tuple(changes)
    states = [
        LocalPart(
            family.value,
            view.state.value,
            view.confidence,
            since(family, view.state, changes),
            _cause(view),
            view.as_of,
        )
        for family, view in egress.items()
    ]
    if resolver is not None:
        state = str(resolver.state)
        cause = _CAUSES.get(state)
        states.append(LocalPart("resolver", state, resolver.confidence, resolver.since, cause, resolver.as_of))
    return LocalState(tuple(states), failing, names)


def hidden_among(results: Iterable[DomainResult]) -> Counter[FailureClass]:
    """The number of results that a fault of our side hides, by class."""
    return Counter(
        result.failure.failure_class
        for result in results
        if result.failure is not None and result.failure.failure_class in HIDING
    )


def names_among(
    results: Iterable[tuple[str, DomainResult]], causes: Iterable[FailureClass]
) -> dict[FailureClass, AdviceNames]:
    """The names for the next step about each cause: of the first target that it hides, better of one with a router.

    `results` are those of targets, with their names.
    """
    wanted, found = set(causes), dict[FailureClass, AdviceNames]()
    for name, result in results:
        failure = result.failure
        if failure is None or failure.failure_class not in wanted:
            continue
        host = deciding_host(result)
        names = AdviceNames(name, about=failure.about, is_host=result.lookup is None)
        if host is not None:
            names = replace(
                names, host=host.mx, address=host.address, port=str(host.identity.port), router=host.outcome.last_hop
            )
        if names.router or failure.failure_class not in found:
            found[failure.failure_class] = names
        if names.router or host is None:
            wanted.discard(failure.failure_class)
    return found


def since(family: Family, state: EgressState, changes: Iterable[EgressStateChange]) -> float:
    """Unix time since when a family has its state; changes of the evidence alone do not count. 0: not known."""
    at = 0.0
    for change in changes:
        if change.family is family:
            if change.view.state is not state:
                at = 0.0
            elif not at:
                at = change.at
    return at


def local_state_lines(local: LocalState) -> Iterator[str]:
    """The faults of our side as text, a line each; nothing where there is none."""
    for trouble in local.troubles:
        spells = " and ".join(f"{_since(spell.since)}({spell.grounds})" for spell in trouble.spells)
        yield f"{trouble.text} {spells}: {trouble.hides}. Next: {trouble.next}."


def _since(at: float) -> str:
    return f"since {_clock(at)} " if at else ""


def _cause(view: EgressView) -> FailureClass | None:
    """The class of the hosts that a view hides."""
    if view.state is EgressState.OFFLINE and view.outcomes == {ConnectOutcome.NO_ROUTE}:
        return _C.NO_ROUTE
    return _CAUSES.get(view.state)


def _spells(parts: Iterable[LocalPart]) -> Iterator[Spell]:
    """The times of a fault: parts that have it since the same minute, as surely, are told together."""
    alike: dict[tuple[int, Confidence, float], list[LocalPart]] = {}
    for part in parts:
        alike.setdefault((int(part.since // _MINUTE), part.confidence, part.as_of), []).append(part)
    for (_, confidence, as_of), together in alike.items():
        grounds = [" and ".join(part.family for part in together if part.family), str(confidence)]
        if as_of:
            grounds.append(f"known from before the restart, as of {_clock(as_of)}")
        yield Spell(together[0].since, ", ".join(filter(None, grounds)))


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"
