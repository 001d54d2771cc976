"""Our own side as it is told: as it is judged, or until there is a judgement as it was before the start.

Nobody is judged by the state of before: it stands on pages and in metrics, with the time as of which it was so.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from exporter.app.restored import MAX_AGE_SECONDS
from exporter.concurrency import steady_clock
from exporter.model.egress import EgressByFamily, EgressState, EgressStateChange, EgressView
from exporter.model.resolver import ResolverState, ResolverView
from exporter.storage.saved import SavedSide

_MAX_CHANGES: Final = 64


class RestoredSide:
    """The state of before the start, as long as it is told. Read from any thread."""

    def __init__(self, side: SavedSide | None = None, written: float = 0.0) -> None:
        """`written`: the moment of steady_clock as of which `side` was so."""
        self._side = side
        self._ends = written + MAX_AGE_SECONDS
        self._changes = () if side is None else side.changes

    def egress(self, judged: EgressByFamily) -> EgressByFamily:
        """The egress: of a family that has not been judged since the start, as it was before."""
        side = self._present()
        if side is None:
            return judged
        return MappingProxyType(
            {family: view if _is_judged(view) else side.egress.get(family, view) for family, view in judged.items()}
        )

    def resolver(self, judged: ResolverView) -> ResolverView:
        """The resolver, likewise."""
        side = self._present()
        return judged if side is None or _is_judged(judged) else side.resolver

    def changes(self, seen: tuple[EgressStateChange, ...]) -> tuple[EgressStateChange, ...]:
        """The last changes of the egress, with those of before."""
        return (*self._changes, *seen)[-_MAX_CHANGES:]

    def expire(self) -> bool:
        """Give up the state of before when it has become too old to be told; True: it just has."""
        if self._side is None or steady_clock.now() < self._ends:
            return False
        self._side = None
        return True

    def _present(self) -> SavedSide | None:
        return None if self._side is None or steady_clock.now() >= self._ends else self._side


def _is_judged(view: EgressView | ResolverView) -> bool:
    return view.since > 0.0 or view.state not in (EgressState.UNKNOWN, ResolverState.UNKNOWN)
