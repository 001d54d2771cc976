"""The domains of `domain_files`, added to the targets; for a file that fails its list of the last reading holds."""

from __future__ import annotations

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
    text_list,
    yaml_list,
)
from exporter.config.domain_lists import DomainLists, KeptList, ListFile
from exporter.config.problems import ConfigProblem
from exporter.config.targets import DuplicateTargetError, Targets
from exporter.config.yaml_document import Document, dotted
from exporter.model.configuration import DomainList
from exporter.model.printable import quoted

TEXT_SUFFIX: Final = ".txt"
YAML_SUFFIXES: Final = (".yaml", ".yml")


class DomainListLoader:
    """One reading of all domain files. `main` is the configuration that names them; `documents` gets each file."""

    def __init__(self, main: Document, documents: dict[str, Document], targets: Targets, lists: DomainLists) -> None:
        self._main = main
        self._documents = documents
        self._targets = targets
        self._lists = lists
        self._names = 0  # of all lists
        self._gone: dict[int, list[ConfigProblem]] = {}  # by the place of the pattern that matched the file
        self.failures: list[ConfigProblem] = []  # of whole files and of patterns
        self.read: list[DomainList] = []
        self.kept: dict[str, KeptList] = {}  # lists that hold for the next reading

    def load(self, folder: Path, patterns: dict[int, str]) -> None:
        """Read the files that `patterns` match, relative to `folder`; a pattern's key is its place in the section."""
        reading = self._lists.read(folder, patterns)
        for place, trouble in reading.troubles:
            self.failures.append(self._pattern_problem(place, trouble))
        # Files that are gone come last: a name that another file lists by now is not lost.
        for file in sorted(reading.files, key=attrgetter("gone")):
            self._documents.setdefault(file.shown, Document(file.shown))
            if file.path.suffix in (TEXT_SUFFIX, *YAML_SUFFIXES):
                self._add_file(file, patterns[file.place])
            else:
                message = f"{file.shown} is neither a {TEXT_SUFFIX} nor a .yaml file"
                self.failures.append(self._pattern_problem(file.place, message))
        for place, gone in self._gone.items():
            # A folder that has vanished is one problem, with any number of files.
            message = f"{len(gone)} files are gone that this matched, the first {gone[0].file}: their lists hold"
            self.failures.append(gone[0] if len(gone) == 1 else self._pattern_problem(place, message))

    def _pattern_problem(self, place: int, message: str) -> ConfigProblem:
        path = ("domain_files", place)
        return ConfigProblem(*self._main.place(path), dotted(path), message)

    def _add_file(self, file: ListFile, pattern: str) -> None:
        entries, failure = self._parsed(file)
        if entries is not None and failure is None:
            if entries.found and file.raw is not None:
                self.kept[file.shown] = KeptList(file.path, file.raw, len(entries.found), pattern)
            self._add_entries(file.shown, entries)
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
        self._add_entries(file.shown, entries)

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
        if file.path.suffix == TEXT_SUFFIX:
            return text_list(file.shown, raw)
        return yaml_list(file.shown, raw, self._targets.modules)

    def _add_entries(self, shown: str, entries: ListEntries) -> None:
        duplicates: list[ConfigProblem] = []
        self._names += len(entries.found)
        for place, domain, entry in entries.found:
            try:
                if entry is None:
                    self._targets.add_domain(domain, place)
                else:
                    self._targets.add_domain_entry(entry, place)
            except DuplicateTargetError as error:
                if len(duplicates) < REPORTED_LINES:
                    duplicates.append(ConfigProblem(*place, "", str(error)))
        problems = tuple(map(str, entries.problems))
        self.read.append(DomainList(shown, entries.bad, problems, tuple(map(str, duplicates))))


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
