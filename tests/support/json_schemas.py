"""The documented forms of the lines of `probe --json` and `trace --json`."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import exporter

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

PROBE = "probe.schema.json"
TRACE = "trace.schema.json"
_FOLDER = Path(exporter.__file__).parent.parent / "docs" / "reference"


@cache
def validator_of(name: str) -> Draft202012Validator:
    """The validator of a schema."""
    # Where a library of formats is installed, too, this import takes a second: not in each process that collects tests.
    from jsonschema import Draft202012Validator

    return Draft202012Validator(json.loads((_FOLDER / name).read_text(encoding="utf-8")))


def faults(line: dict[str, Any], schema: str = PROBE) -> list[str]:
    """The places at which a line, as it was parsed, is not of that form."""
    return [f"{error.json_path}: {error.message[:200]}" for error in validator_of(schema).iter_errors(line)]
