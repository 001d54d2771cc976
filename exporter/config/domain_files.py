"""The files that `domain_files` names: which there are, what a text file lists, and whether anything has changed."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from exporter.config.model import Config, FileState
from exporter.config.problems import Place

TEXT_SUFFIX: Final = ".txt"
YAML_SUFFIXES: Final = (".yaml", ".yml")


def matching(folder: Path, pattern: str) -> list[Path]:
    """The files of `pattern`, which is relative to `folder`, in the order of their names; no directories."""
    if not glob.has_magic(pattern):
        return [folder / pattern]
    # Sorted, so that the same files are read in the same order everywhere.
    found = (folder / name for name in _glob(folder, pattern))
    return [path for path in found if not path.is_dir()]


def _glob(folder: Path, pattern: str) -> list[str]:
    # Not Path.glob: it takes no absolute pattern.
    return sorted(glob.glob(pattern, root_dir=folder, recursive=True))  # noqa: PTH207


def text_entries(file: str, text: str) -> Iterator[tuple[Place, str]]:
    """One name a line; `#` begins a comment, empty lines count for nothing."""
    for number, line in enumerate(text.split("\n"), 1):
        name = line.partition("#")[0].strip()
        if name:
            yield Place(file, number, line.index(name) + 1), name


def file_states(folder: Path, patterns: Iterable[str]) -> tuple[FileState, ...]:
    """What can be told of the files without reading them."""
    return states(path for pattern in patterns for path in matching(folder, pattern))


def states(paths: Iterable[Path]) -> tuple[FileState, ...]:
    """The same of files named one by one."""
    found: dict[str, FileState] = {}
    for path in paths:
        try:
            status = path.stat()
        except OSError:
            continue  # gone meanwhile, or not there: its absence is the state
        found[str(path)] = (str(path), status.st_mtime_ns, status.st_size, status.st_ino)
    return tuple(found[name] for name in sorted(found))


def snapshot(config: Config) -> tuple[FileState, ...]:
    """The domain files as they are now. Differs from `config.domain_file_states` once one came, went or changed.

    Asks the file system about each file: call it from a thread where folders are large or remote.
    """
    return file_states(Path(config.files[0]).parent, config.domain_files) if config.files else ()
