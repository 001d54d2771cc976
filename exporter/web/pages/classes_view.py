"""The content of the page of failure classes, as plain values for the template. Constant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from exporter.diagnosis.advice import plain_step, verdicts_of
from exporter.diagnosis.catalogue import CATALOGUE, ClassEntry
from exporter.model.failure import Confidence, FailureClass


@dataclass(frozen=True, slots=True)
class ClassView:
    """The section of one failure class."""

    name: str
    stages: str
    seen: str
    grounds: tuple[tuple[str, str], ...]  # confidence, and the evidence for it
    steps: tuple[tuple[str, str], ...]  # verdict, and the next step of the operator


def _view(failure_class: FailureClass, entry: ClassEntry) -> ClassView:
    return ClassView(
        name=failure_class.value,
        stages=", ".join(entry.stages) or "any stage",
        seen=entry.seen,
        grounds=tuple((each.value, entry.ground(each)) for each in Confidence if entry.ground(each)),
        steps=tuple((verdict.value, plain_step(failure_class, verdict)) for verdict in verdicts_of(failure_class)),
    )


CLASS_VIEWS: Final = tuple(_view(failure_class, entry) for failure_class, entry in CATALOGUE.items())
