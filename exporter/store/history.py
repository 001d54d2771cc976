"""The history of a target: its recent results and its changes of state, in few bytes.

Both are packed, for 100,000 targets have them: 96 bytes of results and 264 of changes a target at most, whatever
happens to it. A history is immutable and replaced whole, so another thread may read it at any time.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from exporter.model.failure import Confidence, Failure, FailureClass, Stage, Verdict, verdict_of
from exporter.model.result import DomainResult

# A picture as wide as a word; with the usual interval half an hour.
MAX_RECENT: Final = 32
# A target that flaps once a minute shows its last twelve falls; one that fails once a week shows three months.
MAX_CHANGES: Final = 24

# Three centuries: nothing that has been seen is older, and all that is younger has a date to be shown.
MAX_AGE_SECONDS: Final = 1e10

# Seconds in half precision (IEEE 754 binary16: three digits, for a picture), 0 for up or the place of the verdict.
_RECENT: Final = struct.Struct("<eB")
_MAX_SECONDS: Final = 65504.0
_CHANGE: Final = struct.Struct("<dBBB")  # moment, 0 for up or the place of the class, stage, confidence
_VERDICTS: Final = (None, *Verdict)
_CLASSES: Final = (None, *FailureClass)
_STAGES: Final = tuple(Stage)
_CONFIDENCES: Final = tuple(Confidence)
_VERDICT_PLACES: Final = {verdict: place for place, verdict in enumerate(_VERDICTS)}
_CLASS_PLACES: Final = {failure_class: place for place, failure_class in enumerate(_CLASSES)}
_STAGE_PLACES: Final = {stage: place for place, stage in enumerate(_STAGES)}
_CONFIDENCE_PLACES: Final = {confidence: place for place, confidence in enumerate(_CONFIDENCES)}
# The words behind the places in packed histories: verdicts, classes, stages, confidences; "" where there is none.
PLACES: Final = tuple(
    tuple("" if each is None else each.value for each in words)
    for words in (_VERDICTS, _CLASSES, _STAGES, _CONFIDENCES)
)


@dataclass(frozen=True, slots=True)
class Recent:
    """One probe: how long it took in seconds, and the verdict where it found the target down."""

    duration: float
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class StateChange:
    """From `at` on (a moment of steady_clock) the target was up (None), or down for this reason."""

    at: float
    failure_class: FailureClass | None
    stage: Stage | None = None
    confidence: Confidence | None = None

    @property
    def verdict(self) -> Verdict | None:
        """The verdict from then on; None: up."""
        if self.failure_class is None or self.confidence is None:
            return None
        return verdict_of(self.failure_class, self.confidence)


class History(NamedTuple):
    """The last results and changes of one target, the oldest first. A named tuple: each turn makes one."""

    packed_results: bytes = b""
    packed_changes: bytes = b""

    @property
    def recent(self) -> tuple[Recent, ...]:
        """The last probes, at most MAX_RECENT."""
        return tuple(Recent(seconds, _VERDICTS[place]) for seconds, place in _RECENT.iter_unpack(self.packed_results))

    @property
    def changes(self) -> tuple[StateChange, ...]:
        """The last changes of state, at most MAX_CHANGES."""
        return tuple(_change(*packed) for packed in _CHANGE.iter_unpack(self.packed_changes))

    def probed(self, result: DomainResult) -> History:
        """The history with one more result."""
        verdict = None if result.failure is None else result.failure.verdict
        seconds = result.duration if math.isfinite(result.duration) else 0.0
        packed = _RECENT.pack(min(seconds, _MAX_SECONDS), _VERDICT_PLACES[verdict])
        return History((self.packed_results + packed)[-_RECENT.size * MAX_RECENT :], self.packed_changes)

    def changed(self, at: float, failure: Failure | None) -> History:
        """The history with one more change of state."""
        if failure is None:
            packed = _CHANGE.pack(at, 0, 0, 0)
        else:
            packed = _CHANGE.pack(
                at,
                _CLASS_PLACES[failure.failure_class],
                _STAGE_PLACES[failure.stage],
                _CONFIDENCE_PLACES[failure.confidence],
            )
        return History(self.packed_results, (self.packed_changes + packed)[-_CHANGE.size * MAX_CHANGES :])


class HistoryReader:
    """Takes over histories that another process packed: with its places of verdicts and so on, and on its clock."""

    def __init__(self, places: Sequence[Sequence[str]], by: float, latest: float) -> None:
        """`places`: as PLACES there; `by`: seconds that moments are moved by, none to one after `latest`."""
        verdicts, *others = [_translation(*pair) for pair in zip(places, PLACES, strict=True)]
        self._verdicts = verdicts
        self._others = others
        self._by = by
        self._latest = latest

    def read(self, packed_results: bytes, packed_changes: bytes) -> History:
        """The history; what this version has no word for is left out. Raises ValueError for bytes that are none."""
        if len(packed_results) > _RECENT.size * MAX_RECENT or len(packed_changes) > _CHANGE.size * MAX_CHANGES:
            raise ValueError("a history that is too long")
        try:
            results = [self._result(*each) for each in _RECENT.iter_unpack(packed_results)]
            changes = [self._change(*each) for each in _CHANGE.iter_unpack(packed_changes)]
        except (struct.error, IndexError):
            raise ValueError("no history") from None
        return History(b"".join(results), b"".join(changes))

    def _result(self, seconds: float, verdict: int) -> bytes:
        if not 0.0 <= seconds <= _MAX_SECONDS:
            raise ValueError("no result of a probe")
        place = self._verdicts[verdict]
        return b"" if place is None else _RECENT.pack(seconds, place)

    def _change(self, at: float, *places: int) -> bytes:
        now = min(at + self._by, self._latest)
        if not math.isfinite(at) or now < self._latest - MAX_AGE_SECONDS:
            raise ValueError("no moment")
        ours = [known[place] for known, place in zip(self._others, places, strict=True)]
        return b"" if None in ours else _CHANGE.pack(now, *ours)


def _translation(theirs: Sequence[str], ours: Sequence[str]) -> list[int | None]:
    """Our place of each of their words; None: we have no such word."""
    known = {word: place for place, word in enumerate(ours)}
    return [known.get(word) for word in theirs]


def _change(at: float, failure_class: int, stage: int, confidence: int) -> StateChange:
    if not failure_class:
        return StateChange(at, None)
    return StateChange(at, _CLASSES[failure_class], _STAGES[stage], _CONFIDENCES[confidence])
