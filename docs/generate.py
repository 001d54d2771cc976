"""Writes what is told of the failure classes from the data beside them: `python docs/generate.py [FOLDER]`.

docs/classes.md, the table of classes in README.md, and the rules that let an alert say what to do next. Run it in the
root of the repository, in an environment that has the exporter; FOLDER is a copy to write to in its place.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from exporter.diagnosis.advice import plain_step, verdicts_of
from exporter.diagnosis.catalogue import CATALOGUE
from exporter.model.failure import Confidence, FailureClass

_ROOT: Final = Path(__file__).parent.parent
CLASSES: Final = "docs/classes.md"
README: Final = "README.md"
RULES: Final = "deploy/prometheus/rules/next.yml"
_TABLE_HEAD: Final = "| class | stage | verdict | what is seen | what to do |\n|---|---|---|---|---|\n"
_HEAD: Final = """\
# Failure classes

What each class means, what to do about it, and how sure which evidence makes its verdict. `certain`: nothing else could
have shown this. `likely`: the signs agree, and another cause is conceivable. `uncertain`: the evidence fits others as
well. A verdict with a question mark (`dead?`) is not certain. Where the evidence fits a dead host and one that only
keeps us out, the verdict is `undetermined`, whatever the class.

The order of the rules is that of [decision.py](../exporter/diagnosis/decision.py). This page is written by
`python docs/generate.py` from [catalogue.py](../exporter/diagnosis/catalogue.py) and
[advice.py](../exporter/diagnosis/advice.py); the exporter shows it at `/classes`.

## How sure which evidence makes it

| class | certain | likely | uncertain |
|---|---|---|---|
"""
_RULES_HEAD: Final = """\
# What to do next about each failure class, for alerts to quote: one series each, with the words in a label.
# Written by `python docs/generate.py` from exporter/diagnosis/advice.py.

groups:
  - name: mx-next
    rules:
"""


def class_table() -> str:
    """The table of the README."""
    return _TABLE_HEAD + "".join(
        f"| `{failure_class}` | {_stages(failure_class)} | {failure_class.verdict} | {CATALOGUE[failure_class].seen} |"
        f" {_steps(failure_class)} |\n"
        for failure_class in FailureClass
    )


def classes_page() -> str:
    """The page of all classes: how sure which evidence makes each, then a section for each."""
    return _HEAD + "".join(_grounds()) + "".join(_sections())


def next_rules() -> str:
    """A recording rule for each class and verdict."""
    return _RULES_HEAD + "".join(
        "      - record: class_verdict:mx_next:info\n"
        "        expr: vector(1)\n"
        f"        labels: {{class: {failure_class}, verdict: {verdict},"
        f" next: {json.dumps(plain_step(failure_class, verdict))}}}\n"
        for failure_class in FailureClass
        for verdict in verdicts_of(failure_class)
    )


def _stages(failure_class: FailureClass) -> str:
    return ", ".join(CATALOGUE[failure_class].stages) or "any"


def _steps(failure_class: FailureClass) -> str:
    steps = [plain_step(failure_class, verdict) for verdict in verdicts_of(failure_class)]
    return "; undetermined: ".join(steps)


def _grounds() -> Iterator[str]:
    for failure_class, entry in CATALOGUE.items():
        cells = " | ".join(entry.ground(confidence) or "never" for confidence in Confidence)
        yield f"| [`{failure_class}`](#{failure_class}) | {cells} |\n"


def _sections() -> Iterator[str]:
    for failure_class, entry in CATALOGUE.items():
        where = f"at {_stages(failure_class)}" if entry.stages else "at any stage"
        yield f"\n## {failure_class}\n\nFound {where}: {entry.seen}.\n\n"
        for verdict in verdicts_of(failure_class):
            yield f"- **{verdict}**: {plain_step(failure_class, verdict)}\n"


def main(folder: Path) -> None:
    """Write all three."""
    for name, text in ((CLASSES, classes_page()), (RULES, next_rules())):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    readme = (folder / README).read_text(encoding="utf-8")
    table = re.escape(_TABLE_HEAD) + r"(?:\|.*\n)+"
    (folder / README).write_text(re.sub(table, lambda _: class_table(), readme), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else _ROOT)
