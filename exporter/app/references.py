"""The references of the egress among the turns: hosts that always answer, unless the way to them is blocked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from exporter.model.target import TargetKind
from exporter.probe.conversation import Conversation
from exporter.probe.domain_turn import DomainTurn

_REFERENCE: Final = TargetKind.REFERENCE


def is_reference(turn: DomainTurn) -> bool:
    """True if the turn is that of a reference."""
    return turn.target.kind is _REFERENCE


class References:
    """The turns of the references: a few."""

    def __init__(self) -> None:
        self._turns: tuple[DomainTurn, ...] = ()

    def replace(self, turns: Iterable[DomainTurn]) -> None:
        """Have the references among these turns, and no others."""
        self._turns = tuple([turn for turn in turns if is_reference(turn)])

    def add(self, turn: DomainTurn) -> None:
        """Have a turn more, if it is that of a reference."""
        if is_reference(turn):
            self._turns = (*self._turns, turn)

    def turns(self) -> Sequence[DomainTurn]:
        """The turns."""
        return self._turns

    def conversations(self) -> Sequence[Conversation]:
        """The conversations with the hosts of the references."""
        found = [host.conversation for turn in self._turns for host, _ in turn.holds]
        return [each for each in found if each is not None]

    def name_of(self, conversation: Conversation) -> str:
        """The name of the reference that a conversation is with; empty: it is with none."""
        for turn in self._turns:
            if any(host.conversation is conversation for host, _ in turn.holds):
                return turn.target.name
        return ""
