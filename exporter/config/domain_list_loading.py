"""The domains of `domain_files`, added to the targets; for a file that fails its list of the last reading holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import Final

from exporter.config.domain_entries import (
    MAX_NAMES,
    REPORTED_LINES,
    ListEntries,
    cut_line,
    listed_domains,
    yaml_list,
)
from exporter.config.domain_lists import DomainLists, KeptList, ListFile
from exporter.config.problems import ConfigProblem
from exporter.config.schema import DomainEntry
from exporter.config.target_loading import ListPattern, group_of
from exporter.config.targets import Common, DuplicateTargetError, Targets
from exporter.config.text_lists import text_list
from exporter.config.yaml_document import Document, dotted
from exporter.model.configuration import DomainList
from exporter.model.printable import quoted

# Every other file is a list of text.
YAML_SUFFIXES: Final = (".yaml", ".yml")
# It may be meant: a file may come for a customer who is new.
_UNMATCHED: Final = "matches no file"


class DomainListLoader:
    """One reading of all domain files. `main` is the configuration that names them; `documents` gets each file."""

    def __init__(self, main: Document, documents: dict[str, Document], targets: Targets, lists: DomainLists) -> None:
        self._main = main
        self._documents = documents
        self._targets = targets
        self._lists = lists
        self._patterns: Sequence[ListPattern] = ()
        self._names = 0  # of all lists
        self._gone: dict[int, list[ConfigProblem]] = {}  # by the place of the pattern that matched the file
        self.failures: list[ConfigProblem] = []  # of whole files and of patterns
        self.unmatched: list[ConfigProblem] = []  # patterns that match nothing, and have not before
        self.read: list[DomainList] = []
        self.kept: dict[str, KeptList] = {}  # lists that hold for the next reading

    def load(self, folder: Path, patterns: Sequence[ListPattern]) -> None:
        """Read the files that `patterns` match, relative to `folder`; the first that matches a file has it."""
        self._patterns = patterns
        reading = self._lists.read(folder, {place: each.pattern for place, each in enumerate(patterns)})
        for place, trouble in reading.troubles:
            self.failures.append(self._pattern_problem(place, trouble))
        places = {place for place, _ in reading.troubles}
        places.update(*((file.place, *file.other_places) for file in reading.files))
        self.unmatched += [
            self._pattern_problem(place, _UNMATCHED) for place in range(len(patterns)) if place not in places
        ]
        # Files that are gone come last: a name that another file lists by now is not lost.
        for file in sorted(reading.files, key=attrgetter("gone")):
            self._documents.setdefault(file.shown, Document(file.shown))
            self._add_file(file, patterns[file.place])
        for place, gone in self._gone.items():
            # A folder that has vanished is one problem, with any number of files.
            message = f"{len(gone)} files are gone that this matched, the first {gone[0].file}: their lists hold"
            self.failures.append(gone[0] if len(gone) == 1 else self._pattern_problem(place, message))

    def _pattern_problem(self, place: int, message: str) -> ConfigProblem:
        path = self._patterns[place].path
        return ConfigProblem(*self._main.place(path), dotted(path), message)

    def _add_file(self, file: ListFile, pattern: ListPattern) -> None:
        entries, failure = self._parsed(file)
        if entries is not None and failure is None:
            if entries.found and file.raw is not None:
                self.kept[file.shown] = KeptList(file.path, file.raw, len(entries.found), pattern.pattern)
            self._add_entries(file, entries, pattern.common)
            return
        kept = file.kept
        entries = self._entries(file, kept.raw) if kept is not None else ListEntries()
        if file.gone and all(map(self._targets.has_domain, listed_domains(entries))):
            return  # renamed, or taken into another file
        if kept is not None:
            self.kept[file.shown] = kept
            if failure is not None:
                failure = replace(failure, message=f"{failure.message}: its list of {kept.names} names holds")
        if failure is not None and file.gone:
            self._gone.setdefault(file.place, []).append(failure)
        elif failure is not None:
            self.failures.append(failure)
        self._add_entries(file, entries, pattern.common)

    def _parsed(self, file: ListFile) -> tuple[ListEntries | None, ConfigProblem | None]:
        """The entries of a file and its failure; neither where the file is not to be read yet."""
        if file.raw is None:
            return None, ConfigProblem(file.shown, 1, 1, "", file.trouble) if file.trouble else None
        entries = self._entries(file, file.raw)
        failure = entries.failure or _implausible(file, entries, file.kept)
        if failure is None and self._names + len(entries.found) > MAX_NAMES:
            message = f"is one too many: all lists together have more than {MAX_NAMES:,} names"
            failure = ConfigProblem(file.shown, 1, 1, "", message)
        return entries, failure

    def _entries(self, file: ListFile, raw: bytes) -> ListEntries:
        if file.path.suffix.lower() in YAML_SUFFIXES:
            return yaml_list(file.shown, raw, self._targets.modules)
        return text_list(file.shown, raw)

    def _add_entries(self, file: ListFile, entries: ListEntries, common: Common) -> None:
        targets, twice = self._targets, self._claimed_again(file)
        self._names += len(entries.found)
        for place, domain, entry in entries.found:
            try:
                if isinstance(entry, DomainEntry):
                    targets.add_domain_entry(entry, place, common)
                else:
                    targets.add_domain(domain, place, common, entry)
            except DuplicateTargetError as error:
                if len(twice) < REPORTED_LINES:
                    twice.append(ConfigProblem(*place, domain, str(error)))
        told = (tuple(map(str, problems)) for problems in (entries.problems, twice, entries.ignored))
        self.read.append(DomainList(file.shown, entries.bad, *told))

    def _claimed_again(self, file: ListFile) -> list[ConfigProblem]:
        """The patterns of other groups that match a file of a group."""
        group = group_of(self._patterns[file.place].path)
        others = {group_of(self._patterns[place].path): place for place in file.other_places} if group else {}
        first = self._main.place(self._patterns[file.place].path)
        return [
            self._pattern_problem(place, f"{file.shown} belongs to another group already, by the pattern at {first}")
            for other, place in others.items()
            if other not in ("", group)
        ][:REPORTED_LINES]


def _implausible(file: ListFile, entries: ListEntries, kept: KeptList | None) -> ConfigProblem | None:
    """The problem of a list that can be read, but that a program or a full disk may have left unfinished."""
    if kept is None:
        return None
    if not entries.found and not entries.says_none:
        message = "has no name any more (a comment `# none`, in YAML `[]`, would say that this is meant)"
        return ConfigProblem(file.shown, 1, 1, "", message)
    cut = cut_line(file.raw or b"", kept.raw)
    if not cut:
        return None
    message = f"ends in the middle of {quoted(cut)}, a line that it had (a line break there would say that it is meant)"
    return ConfigProblem(file.shown, (file.raw or b"").count(b"\n") + 1, 1, "", message)
