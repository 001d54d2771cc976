"""The entries of a list of domains, and the problems of its other lines; lists in YAML.

A line that cannot be used is skipped and reported, and the others count. A file that cannot be a list at all (no YAML,
too long) fails as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from exporter.config.field_types import kind
from exporter.config.problems import ConfigProblem, Place
from exporter.config.schema import DomainEntry
from exporter.config.schema_errors import module_exists, validate
from exporter.config.values import parse_domain
from exporter.config.yaml_document import REFUSED, Document
from exporter.config.yaml_reader import compose, decoded
from exporter.model.target import Module

# Names in one file, and lines: far more than one process can probe.
MAX_LINES: Final = 250_000
# Commas and line breaks of a YAML list, a bound for its values: each takes hundreds of bytes while it is read.
MAX_YAML_PARTS: Final = 600_000
# Names of all lists together: a kilobyte each, and more with every result.
MAX_NAMES: Final = 500_000
# Unusable lines that are reported; further ones are only counted.
REPORTED_LINES: Final = 10
# A file with so many unusable lines is no list of domains.
MAX_BAD_LINES: Final = 10_000
# Keys of one entry; the schema has a handful.
_MAX_KEYS: Final = 64
# The mark of a list that is empty on purpose.
_NONE: Final = re.compile(r"^\s*(?:#|;|//)\s*none\s*$", re.IGNORECASE | re.MULTILINE)
_INDEX: Final = re.compile(r"\[(\d+)\]")

# A domain by itself, with options of its own, or with labels alone.
Entry = tuple[Place, str, DomainEntry | dict[str, str] | None]


@dataclass(slots=True)
class ListEntries:
    """The contents of one file. With a `failure` it has none."""

    found: list[Entry] = field(default_factory=list)
    bad: int = 0
    problems: list[ConfigProblem] = field(default_factory=list)  # of the first bad lines
    ignored: list[ConfigProblem] = field(default_factory=list)  # about columns and fields of lines that count
    failure: ConfigProblem | None = None
    says_none: bool = False

    def note(self, problem: ConfigProblem) -> None:
        """Something that is ignored in a line that counts."""
        if len(self.ignored) < REPORTED_LINES:
            self.ignored.append(problem)

    def skip(self, *problems: ConfigProblem) -> None:
        """Count a line that cannot be used."""
        self.bad += 1
        if self.bad <= REPORTED_LINES:
            self.problems += problems[:REPORTED_LINES]


def yaml_list(file: str, raw: bytes, modules: Mapping[str, Module]) -> ListEntries:
    """A YAML list, as under `domains`."""
    if raw.count(b"\n") + raw.count(b",") > MAX_YAML_PARTS:
        why = f"has more than {MAX_YAML_PARTS:,} line breaks and commas"
        return ListEntries(failure=ConfigProblem(file, 1, 1, "", why))
    text = decoded(file, raw)
    if isinstance(text, ConfigProblem):
        return ListEntries(failure=text)
    document = compose(file, text)
    whole = [problem for problem in document.problems if not _INDEX.match(problem.path)]
    if document.data is REFUSED or whole:
        return ListEntries(failure=(whole or document.problems)[0])
    if document.data is None:
        return ListEntries(says_none=says_none(text))
    if not isinstance(document.data, list):
        document.problem((), f"must be a list of domains, not {kind(document.data)}")
        return ListEntries(failure=document.problems[-1])
    if len(document.data) > MAX_LINES:
        return ListEntries(failure=ConfigProblem(file, 1, 1, "", f"has more than {MAX_LINES:,} entries"))
    return _entries(document, document.data, modules)


def _entries(document: Document, items: list[Any], modules: Mapping[str, Module]) -> ListEntries:
    entries = ListEntries(says_none=not items)
    wrong: dict[int, list[ConfigProblem]] = {}
    for problem in document.problems:
        if (of := _INDEX.match(problem.path)) is not None:
            wrong.setdefault(int(of[1]), []).append(problem)
    for index, item in enumerate(items):
        document.problems = []
        found = [_entry(document, index, item, modules)] if index not in wrong else [None]
        if found[0] is not None:
            entries.found.append(found[0])
            continue
        entries.skip(*wrong.get(index, ()), *document.problems)
        if entries.bad > MAX_BAD_LINES:
            return no_list(document.file)
    return entries


def _entry(document: Document, index: int, item: Any, modules: Mapping[str, Module]) -> Entry | None:
    """One entry, or None with the problems noted in `document`."""
    if isinstance(item, str):
        try:
            return document.place((index,)), parse_domain(item), None
        except ValueError as error:
            document.problem((index,), str(error))
            return None
    if not isinstance(item, dict):
        document.problem((index,), f"must be a domain or a mapping with one, not {kind(item)}")
        return None
    if len(item) > _MAX_KEYS:
        document.problem((index,), f"has more than {_MAX_KEYS} keys")
        return None
    entry = validate(DomainEntry, item, document, (index,))
    known = module_exists(item.get("module"), modules, document, (index,))
    if entry is None or not known:
        return None
    return document.place((index, "domain")), entry.domain, entry


def says_none(text: str) -> bool:
    """True where a comment says that the list is empty on purpose."""
    return _NONE.search(text) is not None


def no_list(file: str) -> ListEntries:
    """The failure of a file with too many lines that cannot be used."""
    failure = f"is no list of domains: more than {MAX_BAD_LINES:,} lines cannot be used"
    return ListEntries(failure=ConfigProblem(file, 1, 1, "", failure))


def cut_line(raw: bytes, before: bytes) -> str:
    """The line of the list `before` in whose middle `raw` ends; empty where it does not.

    A program or a full disk may leave a file unfinished: then a part of a name may be another domain.
    """
    last = raw.rpartition(b"\n")[2]
    if not last.strip():
        return ""
    longer = b""
    for line in before.split(b"\n"):
        line = line.rstrip(b"\r")
        if line == last:
            return ""
        if not longer and line.startswith(last):
            longer = line
    return longer.decode("utf-8", "replace")


def listed_domains(entries: ListEntries) -> Iterator[str]:
    """The names of a list."""
    return (domain for _, domain, _ in entries.found)
