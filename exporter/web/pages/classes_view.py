"""The content of the page of failure classes and warnings, as plain values for the template. Constant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from exporter.diagnosis.advice import plain_step, verdicts_of
from exporter.diagnosis.catalogue import CATALOGUE, ClassEntry
from exporter.model.failure import Confidence, FailureClass
from exporter.report.warning_text import WARNINGS, WarningEntry
from exporter.web.pages.target_row import WARNED

_WARNINGS: Final = {warning.value: entry for warning, entry in WARNINGS.items()}


@dataclass(frozen=True, slots=True)
class ClassView:
    """The section of one failure class."""

    name: str
    stages: str
    seen: str
    grounds: tuple[tuple[str, str], ...]  # confidence, and the evidence for it
    steps: tuple[tuple[str, str], ...]  # verdict, and the next step of the operator; WARNED for the warning so named


def _view(failure_class: FailureClass, entry: ClassEntry) -> ClassView:
    warning = _WARNINGS.get(failure_class.value)
    warns = () if warning is None else ((WARNED, _warned(warning)),)
    return ClassView(
        name=failure_class.value,
        stages=", ".join(entry.stages) or "any stage",
        seen=entry.seen,
        grounds=tuple((each.value, entry.ground(each)) for each in Confidence if entry.ground(each)),
        steps=(
            *((verdict.value, plain_step(failure_class, verdict)) for verdict in verdicts_of(failure_class)),
            *warns,
        ),
    )


def _warned(warning: WarningEntry) -> str:
    return f"{warning.seen}: {warning.step}"


CLASS_VIEWS: Final = tuple(_view(failure_class, entry) for failure_class, entry in CATALOGUE.items())
# Those that are no failure classes as well.
WARNING_VIEWS: Final = tuple(
    ClassView(name, "", warning.seen, (), ((WARNED, warning.step),))
    for name, warning in _WARNINGS.items()
    if name not in {view.name for view in CLASS_VIEWS}
)
