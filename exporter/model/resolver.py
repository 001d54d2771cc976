"""The state of the resolver in use, with its evidence."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from exporter.model.failure import Confidence


class ResolverState(StrEnum):
    """The state of the resolver; the `state` label of `mx_resolver_state`."""

    WORKING = "working"
    FAILING = "failing"  # unrelated names fail in the same way at the same time
    FILTERING = "filtering"  # it withholds or replaces answers
    UNKNOWN = "unknown"  # too few results to compare


class ResolverSymptom(StrEnum):
    """The symptom that one cause on our side produces for all names."""

    NO_ANSWER = "no answer"
    ABSENT = "absent"
    FILTERED = "filtered"


@dataclass(frozen=True, slots=True)
class ResolverView:
    """The state of the resolver with its evidence; `before` and `opened` as in EgressView."""

    state: ResolverState = ResolverState.UNKNOWN
    confidence: Confidence = Confidence.UNCERTAIN
    symptom: ResolverSymptom | None = None  # the symptom of all names, while they fail
    names: int = 0  # unrelated names that fail
    references: int = 0  # among them
    before: ResolverView | None = field(default=None, compare=False)
    opened: float = field(default=0.0, compare=False)
    since: float = field(default=0.0, compare=False)  # Unix time; 0: the start
    heard: int = field(default=0, compare=False)  # as in EgressView: names whose last answer counts now
    last_success: float = field(default=0.0, compare=False)
    # Unix time as of which a state is told that is known from before the start; 0: it was judged since.
    as_of: float = field(default=0.0, compare=False)

    @property
    def fails(self) -> bool:
        """The resolver fails or filters its answers."""
        return self.state in _WRONG


_WRONG: Final = frozenset({ResolverState.FAILING, ResolverState.FILTERING})

RESOLVER_UNKNOWN: Final = ResolverView()
