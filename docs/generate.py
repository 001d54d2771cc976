"""Write the documentation that comes from the tables of the code: `python docs/generate.py [FOLDER]`.

The output is docs/reference/classes.md, the Prometheus rules from which an alert quotes the next step, and the schemas
of `--json`. Run the command in the root of the repository, in an environment that has the exporter. FOLDER:
write there, not here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from json_schemas import probe_schema, trace_schema

from exporter.diagnosis.advice import plain_step, verdicts_of
from exporter.diagnosis.catalogue import CATALOGUE
from exporter.model.failure import Confidence, FailureClass

_ROOT: Final = Path(__file__).parent.parent
CLASSES: Final = "docs/reference/classes.md"
RULES: Final = "deploy/prometheus/rules/next.yml"
PROBE_SCHEMA: Final = "docs/reference/probe.schema.json"
TRACE_SCHEMA: Final = "docs/reference/trace.schema.json"
_TABLE_HEAD: Final = "| class | stage | verdict | what is seen | what to do |\n|---|---|---|---|---|\n"
_HEAD: Final = """\
# Failure classes

A failure has a stage, a class and a verdict. All three are closed lists: nothing that a server sends becomes a new
value. The class is the finest one that the evidence supports. The evidence itself (the reply, the router, the
certificate) is on the page of the target, in the output of `mx-exporter probe`, and in the log.

This page has three parts: [all classes](#all-classes) in one table, the [confidence](#confidence) of each verdict, and
a section for each class, to which alerts and `mx-exporter probe` link. The exporter shows the same at `/classes`.
A host that works may have [warnings](warnings.md). How the classes of the connection are decided is explained in
[Blocked or dead](../explanation/blocked-or-dead.md); the order of the rules is that of
[decision.py](../../exporter/diagnosis/decision.py).

This page is generated: `python docs/generate.py` writes it from [catalogue.py](../../exporter/diagnosis/catalogue.py)
and [advice.py](../../exporter/diagnosis/advice.py). Do not edit it by hand.

## All classes

The stage *any* means: the class comes from a reply, or from the lack of a reply, at whatever stage that happens.
With `policies` and `verify: require` in a module, a failed TLSA lookup fails the host with the class of that lookup.
A fault of a certificate fails a host with `verify: require`; otherwise it is a [warning](warnings.md).

"""
_CONFIDENCE_HEAD: Final = """
## Confidence

The confidence shows how sure the verdict is, by the evidence at hand:

- `certain`: nothing else could have produced this evidence.
- `likely`: the signs agree, but another cause is conceivable.
- `uncertain`: the evidence fits other causes as well.

A question mark after a verdict (`dead?`) means that the verdict is not certain. Where the evidence fits both a dead
host and a host that refuses only us, the verdict is `undetermined`, whatever the class.

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
    """All classes: stage, verdict, what is seen and what to do."""
    return _TABLE_HEAD + "".join(
        f"| `{failure_class}` | {_stages(failure_class)} | {failure_class.verdict} | {CATALOGUE[failure_class].seen} |"
        f" {_steps(failure_class)} |\n"
        for failure_class in FailureClass
    )


def classes_page() -> str:
    """The page of all classes: the table, the confidence by evidence, then a section for each class."""
    return _HEAD + class_table() + _CONFIDENCE_HEAD + "".join(_grounds()) + "".join(_sections())


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
    """Write the files."""
    texts = {
        CLASSES: classes_page(),
        RULES: next_rules(),
        PROBE_SCHEMA: json.dumps(probe_schema(), indent=2) + "\n",
        TRACE_SCHEMA: json.dumps(trace_schema(), indent=2) + "\n",
    }
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else _ROOT)
