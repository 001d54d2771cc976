"""The state of our resolver, with its evidence."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from exporter.model.failure import Confidence


class ResolverState(StrEnum):
    """What becomes of questions to our resolver; the `state` label of `mx_resolver_state`."""

    WORKING = "working"
    FAILING = "failing"  # unrelated names fail alike at once
    FILTERING = "filtering"  # it keeps answers from us
    UNKNOWN = "unknown"  # too little to compare


class ResolverSymptom(StrEnum):
    """What one cause on our side makes of all names alike."""

    NO_ANSWER = "no answer"
    ABSENT = "absent"
    FILTERED = "filtered"


@dataclass(frozen=True, slots=True)
class ResolverView:
    """The state of the resolver with the evidence it turned on; `before` and `opened` as in EgressView."""

    state: ResolverState = ResolverState.UNKNOWN
    confidence: Confidence = Confidence.UNCERTAIN
    look: ResolverSymptom | None = None  # how all names fail, while they do
    names: int = 0  # unrelated ones that do
    references: int = 0  # among them
    before: ResolverView | None = field(default=None, compare=False)
    opened: float = field(default=0.0, compare=False)
    since: float = field(default=0.0, compare=False)  # Unix time; 0: the start

    @property
    def fails(self) -> bool:
        """Something is wrong with it."""
        return self.state in _WRONG


_WRONG: Final = frozenset({ResolverState.FAILING, ResolverState.FILTERING})


RESOLVER_UNKNOWN: Final = ResolverView()
