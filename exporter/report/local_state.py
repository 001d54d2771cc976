"""Our own side, as far as it keeps the state of others from being known: the way out, and whatever else is ours. Pure.

What a person must read before anything else: every page, `probe` and its JSON begin with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final, Protocol

from exporter.model.address import Family
from exporter.model.egress import EgressByFamily, EgressState, EgressView
from exporter.model.failure import Confidence, FailureClass
from exporter.model.result import ProbeResult

# The classes of targets of which nothing is known but that we cannot see them.
HIDING: Final = frozenset(
    {
        FailureClass.EGRESS_BLOCKED,
        FailureClass.EGRESS_INTERCEPTED,
        FailureClass.OFFLINE,
        FailureClass.RESOLVER_FAILING,
    }
)
_WORDS: Final = MappingProxyType(
    {
        "blocked": "port 25 is blocked on the way out of here{over}",
        "intercepted": "somebody on the way out answers in everybody's name{over}",
        "offline": "nothing gets out of here{over}",
        "failing": "our resolver fails",
        "filtering": "our resolver filters its answers",
    }
)
_FAMILIES: Final = MappingProxyType({Family.IPV4.value: " over IPv4", Family.IPV6.value: " over IPv6"})


class EgressChange(Protocol):
    """When the way out of a family turned, and to what."""

    @property
    def at(self) -> float:
        """Unix time."""

    @property
    def family(self) -> Family:
        """The family."""

    @property
    def view(self) -> EgressView:
        """How it is since."""


class JudgedState(Protocol):
    """Anything else of ours that has a state: the resolver."""

    @property
    def state(self) -> str:
        """One of a closed list."""

    @property
    def confidence(self) -> Confidence:
        """How sure it is."""

    @property
    def since(self) -> float:
        """Unix time; 0: not known."""


@dataclass(frozen=True, slots=True)
class LocalFault:
    """One part of our side: a family of the way out, or the resolver."""

    part: str
    state: str
    confidence: Confidence
    since: float = 0.0  # Unix time; 0: not known

    @property
    def troubled(self) -> bool:
        """It keeps us from seeing others."""
        return self.state in _WORDS

    @property
    def text(self) -> str:
        """A sentence without its full stop, of a troubled one."""
        words = _WORDS[self.state].format(over=_FAMILIES.get(self.part, ""))
        return words[0].upper() + words[1:]


@dataclass(frozen=True, slots=True)
class LocalState:
    """All parts, and how many targets are not to be judged for them."""

    states: tuple[LocalFault, ...] = ()
    hidden: int = 0

    @property
    def troubles(self) -> tuple[LocalFault, ...]:
        """What is wrong on our side."""
        return tuple(state for state in self.states if state.troubled)

    @property
    def hides(self) -> str:
        """How many targets, as the end of a sentence."""
        if not self.hidden:
            return "no target is hidden by it"
        targets = "1 target is" if self.hidden == 1 else f"{self.hidden:,} targets are"
        return f"{targets} hidden by it"


def local_state(
    surroundings: EgressByFamily, turns: Iterable[EgressChange], hidden: int, resolver: JudgedState | None = None
) -> LocalState:
    """What is known of our side; `turns` are the last ones of the way out, the oldest first."""
    turns = tuple(turns)
    states = [
        LocalFault(family.value, view.state.value, view.confidence, since(family, view.state, turns))
        for family, view in surroundings.items()
    ]
    if resolver is not None:
        states.append(LocalFault("resolver", str(resolver.state), resolver.confidence, resolver.since))
    return LocalState(tuple(states), hidden)


def hidden_among(results: Iterable[ProbeResult]) -> int:
    """How many of them are not to be judged for something of ours."""
    return sum(result.failure is not None and result.failure.failure_class in HIDING for result in results)


def since(family: Family, state: EgressState, turns: Iterable[EgressChange]) -> float:
    """When the family came to be as it is now: turns that change only the evidence do not count. 0: not known."""
    at = 0.0
    for turn in turns:
        if turn.family is family:
            if turn.view.state is not state:
                at = 0.0
            elif not at:
                at = turn.at
    return at


def local_state_lines(side: LocalState) -> Iterator[str]:
    """What is wrong on our side as text, on one line; nothing where nothing is."""
    told = []
    for trouble in side.troubles:
        at = f" since {datetime.fromtimestamp(trouble.since, UTC):%Y-%m-%d %H:%M:%S} UTC" if trouble.since else ""
        told.append(f"{trouble.text}{at} ({trouble.confidence})")
    if told:
        yield f"{'; '.join(told)}: {side.hides}."
