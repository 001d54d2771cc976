"""The results of the server's targets and references: kept, judged again, logged when a target's state changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from exporter.app.state_log import log_change
from exporter.metrics.incremental import render_after
from exporter.model.result import ProbeResult
from exporter.model.target import Target, TargetKey, TargetKind
from exporter.probe.probe_options import Transcripts
from exporter.store.record import TargetRecord
from exporter.store.targets import TargetStore
from exporter.store.transcripts import TranscriptStore

Judge = Callable[[Target, ProbeResult], ProbeResult]


class Results:
    """The records of targets and references, and the transcripts of their sessions."""

    def __init__(self) -> None:
        self.targets: Final = TargetStore(render_after)
        # References have a history to look at like targets, and no series of their own.
        self.references: Final = TargetStore(lambda record, before: ())
        self.transcripts: Final = TranscriptStore()

    def get(self, kind: TargetKind, name: str) -> TargetRecord | None:
        """The record of a target or a reference; from any thread."""
        return self._store(kind).get(kind, name)

    def records(self) -> list[TargetRecord]:
        """All records now, those of the references first: targets are judged by the results of references."""
        return [*self.references.records(), *self.targets.records()]

    def keep_transcripts(self, target: Target, result: ProbeResult, transcripts: Transcripts) -> None:
        """Keep the transcripts of a judged result, unless a reload has removed the target meanwhile."""
        if self.get(*target.key) is not None:
            self.transcripts.keep(target, result, transcripts)

    def record(self, target: Target, result: ProbeResult) -> None:
        """Take in a judged result."""
        change = self._store(target.kind).record(target, result)
        if change is not None and target.kind is not TargetKind.REFERENCE:
            log_change(change)

    def judge_again(self, key: TargetKey, judge: Judge) -> None:
        """Have the result of a target judged again, if there is one."""
        change = self._store(key[0]).revise(key, judge)
        if change is not None and key[0] is not TargetKind.REFERENCE:
            log_change(change)

    def replacing(self, targets: Iterable[Target], references: Iterable[Target]) -> Iterator[None]:
        """Keep the results of these targets and references alone, in steps."""
        targets, references = tuple(targets), tuple(references)
        yield from self.targets.replacing(targets)
        yield from self.references.replacing(references)
        yield
        remembered = (*self.targets.remembered(), *self.references.remembered())
        yield from self.transcripts.keeping((*remembered, *targets, *references))

    def forget(self) -> None:
        """Forget the targets that were removed so long ago that they do not come back."""
        forgotten = [*self.targets.forget(), *self.references.forget()]
        if forgotten:
            self.transcripts.forget(target.key for target in forgotten)

    def _store(self, kind: TargetKind) -> TargetStore:
        return self.references if kind is TargetKind.REFERENCE else self.targets
