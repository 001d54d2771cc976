"""The inputs in the repository: a directory for each target, with names that tell what each of them is."""

from __future__ import annotations

from pathlib import Path
from typing import Final

CORPUS: Final = Path(__file__).resolve().parents[1] / "corpus"


def corpus_of(name: str) -> dict[str, bytes]:
    """The inputs of a target, by name."""
    folder = CORPUS / name
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())} if folder.is_dir() else {}
