"""The state of our own side, the egress and the resolver, where it hides the state of others. Pure.

A person must read it before anything else: every page, `probe` and its JSON begin with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from exporter.model.address import Family
from exporter.model.egress import EgressByFamily, EgressState, EgressStateChange
from exporter.model.failure import Confidence, FailureClass
from exporter.model.resolver import ResolverView
from exporter.model.result import DomainResult

# The failure classes that hide a target: nothing is known of it, for the fault is ours.
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
        "blocked": "port 25 is blocked on our egress{over}",
        "intercepted": "another machine on our egress answers for all hosts{over}",
        "offline": "no connection leaves our network{over}",
        "failing": "our resolver fails",
        "filtering": "our resolver filters its answers",
    }
)
_FAMILIES: Final = MappingProxyType({Family.IPV4.value: " over IPv4", Family.IPV6.value: " over IPv6"})


@dataclass(frozen=True, slots=True)
class LocalPart:
    """One part of our side, the egress of a family or the resolver, and its state."""

    part: str
    state: str
    confidence: Confidence
    since: float = 0.0  # Unix time; 0: not known

    @property
    def troubled(self) -> bool:
        """True if the fault hides other hosts."""
        return self.state in _WORDS

    @property
    def text(self) -> str:
        """The fault as a sentence without its full stop."""
        words = _WORDS[self.state].format(over=_FAMILIES.get(self.part, ""))
        return words[0].upper() + words[1:]


@dataclass(frozen=True, slots=True)
class LocalState:
    """All parts, and the number of targets that their faults hide."""

    states: tuple[LocalPart, ...] = ()
    hidden: int = 0

    @property
    def troubles(self) -> tuple[LocalPart, ...]:
        """The faults of our side."""
        return tuple(state for state in self.states if state.troubled)

    @property
    def hides(self) -> str:
        """The number of hidden targets, as the end of a sentence."""
        if not self.hidden:
            return "no target is hidden by it"
        targets = "1 target is" if self.hidden == 1 else f"{self.hidden:,} targets are"
        return f"{targets} hidden by it"


def local_state(
    egress: EgressByFamily,
    changes: Iterable[EgressStateChange],
    hidden: int,
    resolver: ResolverView | None = None,
) -> LocalState:
    """The state of our side; `changes` are the last ones of the egress, the oldest first."""
    changes = tuple(changes)
    states = [
        LocalPart(family.value, view.state.value, view.confidence, since(family, view.state, changes))
        for family, view in egress.items()
    ]
    if resolver is not None:
        states.append(LocalPart("resolver", str(resolver.state), resolver.confidence, resolver.since))
    return LocalState(tuple(states), hidden)


def hidden_among(results: Iterable[DomainResult]) -> int:
    """The number of results that a fault of our side hides."""
    return sum(result.failure is not None and result.failure.failure_class in HIDING for result in results)


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
    """The faults of our side as text, on one line; nothing where there is none."""
    faults = []
    for fault in local.troubles:
        at = f" since {datetime.fromtimestamp(fault.since, UTC):%Y-%m-%d %H:%M:%S} UTC" if fault.since else ""
        faults.append(f"{fault.text}{at} ({fault.confidence})")
    if faults:
        yield f"{'; '.join(faults)}: {local.hides}."
