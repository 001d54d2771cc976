"""The documented forms of the lines of `probe --json` and `trace --json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

import exporter

_FOLDER = Path(exporter.__file__).parent.parent / "docs" / "reference"


def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((_FOLDER / name).read_text(encoding="utf-8")))


PROBE = _validator("probe.schema.json")
TRACE = _validator("trace.schema.json")


def faults(line: dict[str, Any], validator: Draft202012Validator = PROBE) -> list[str]:
    """The places at which a line, as it was parsed, is not of that form."""
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(line)]
