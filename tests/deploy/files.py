"""The files that an operator installs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"


def documents(text: str) -> list[dict[str, Any]]:
    """Every document of a YAML text, by a loader that is ten times as fast."""
    return [found for found in yaml.load_all(text, yaml.CSafeLoader) if found is not None]
