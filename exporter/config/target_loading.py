"""The targets that the configuration itself names: `domains`, `hosts`, `groups`, and the patterns of lists."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from exporter.config.field_types import kind
from exporter.config.schema import DomainEntry, GroupSection, HostEntry
from exporter.config.schema_errors import module_exists, validate, validate_part
from exporter.config.targets import Common, DuplicateTargetError, Targets
from exporter.config.values import parse_domain
from exporter.config.yaml_document import REFUSED, Document, KeyPath, dotted
from exporter.model.configuration import ConfiguredGroup


class ListPattern(NamedTuple):
    """A pattern of `domain_files`, its place, and the common part of the domains in its lists."""

    pattern: str
    path: KeyPath
    common: Common


class _Level(NamedTuple):
    """The top of the file, or one group: its lists are at `path`."""

    data: Mapping[str, Any]
    path: KeyPath
    common: Common


class TargetLoader:
    """Adds the targets of the main file to `targets`; mistakes are noted in `main`."""

    def __init__(self, main: Document, targets: Targets) -> None:
        self._main = main
        self._targets = targets
        self._names: dict[str, KeyPath] = {}  # of groups
        self._groups: list[tuple[str, Common]] = []
        self._patterns: list[ListPattern] = []

    @property
    def patterns(self) -> tuple[ListPattern, ...]:
        """All patterns, in the order of Config.list_patterns: the first that matches a file has it."""
        return tuple(sorted(self._patterns, key=lambda each: not group_of(each.path)))

    @property
    def domain_files(self) -> tuple[str, ...]:
        """The patterns outside of groups."""
        return tuple(self._patterns_of()[self._targets.ungrouped])

    @property
    def groups(self) -> tuple[ConfiguredGroup, ...]:
        """The groups, without their targets."""
        patterns = self._patterns_of()
        return tuple(
            ConfiguredGroup(name, common.settings, common.label_values, tuple(patterns[common]))
            for name, common in self._groups
        )

    def _patterns_of(self) -> defaultdict[Common, list[str]]:
        found: defaultdict[Common, list[str]] = defaultdict(list)
        for each in self._patterns:
            found[each.common].append(each.pattern)
        return found

    def load(self, data: Mapping[str, Any]) -> None:
        """Add everything that the sections name: all domains, then all hosts."""
        levels = [_Level(data, (), self._targets.ungrouped)]
        for index, item in enumerate(self._list(data, "groups", ())):
            levels += self._group(item, ("groups", index))
        for name, read in (("domains", self._domain), ("hosts", self._host), ("domain_files", self._pattern)):
            for level in levels:
                for index, item in enumerate(self._list(level.data, name, level.path)):
                    if item is not REFUSED:  # else it is reported already
                        read(item, (*level.path, name, index), level.common)

    def _list(self, data: Mapping[str, Any], name: str, path: KeyPath) -> list[Any]:
        given = data.get(name)
        if given is None or given is REFUSED:
            return []
        if isinstance(given, list):
            return given
        self._main.problem((*path, name), f"must be a list, not {kind(given)}")
        return []

    def _group(self, item: Any, path: KeyPath) -> Iterator[_Level]:
        if item is REFUSED:
            return
        if not isinstance(item, dict):
            self._main.problem(path, f"must be a mapping, not {kind(item)}")
            return
        section = validate(GroupSection, item, self._main, path)
        known = module_exists(item.get("module"), self._targets.modules, self._main, path)
        if section is None or not known:
            # Its targets are checked all the same, to report every mistake at once.
            yield _Level(item, path, self._targets.ungrouped)
            return
        if section.name and (first := self._names.setdefault(section.name, path)) is not path:
            at = self._main.place((*first, "name"))
            self._main.problem((*path, "name"), f"is the name of two groups; the first is at {at}")
        common = self._targets.common(section, section.labels)
        self._groups.append((section.name, common))
        yield _Level(item, path, common)

    def _domain(self, item: Any, path: KeyPath, common: Common) -> None:
        if isinstance(item, str):
            try:
                self._targets.add_domain(parse_domain(item), self._main.place(path), common)
            except ValueError as error:
                self._main.problem(path, str(error))
        elif isinstance(item, dict):
            self._domain_entry(item, path, common)
        else:
            self._main.problem(path, f"must be a domain or a mapping with one, not {kind(item)}")

    def _domain_entry(self, item: dict[str, Any], path: KeyPath, common: Common) -> None:
        entry, wrong = validate_part(DomainEntry, item, self._main, path)
        # Checked in any case, to report every mistake at once.
        known = module_exists(item.get("module"), self._targets.modules, self._main, path)
        if entry is None:
            return
        place = self._main.place((*path, "domain"))
        try:
            if wrong or not known:
                self._targets.claim_domain(entry.domain, place)
            else:
                self._targets.add_domain_entry(entry, place, common)
        except DuplicateTargetError as error:
            self._main.problem((*path, "domain"), str(error))

    def _host(self, item: Any, path: KeyPath, common: Common) -> None:
        place: KeyPath = path
        if isinstance(item, str):
            item = {"host": item}
        elif isinstance(item, dict):
            place = (*path, "host")
        else:
            self._main.problem(path, f"must be a host or a mapping with one, not {kind(item)}")
            return
        entry, wrong = validate_part(HostEntry, item, self._main, path)
        known = module_exists(item.get("module"), self._targets.modules, self._main, path)
        if entry is None:
            return
        if twice := entry.host.port is not None and entry.port is not None:
            self._main.problem((*path, "port"), f"the port is given with the host already: {entry.host.text}")
        try:
            if wrong or not known or twice:
                self._targets.claim_host(entry.host.text, self._main.place(place))
            else:
                self._targets.add_host(entry, self._main.place(place), common)
        except DuplicateTargetError as error:
            self._main.problem(place, str(error))

    def _pattern(self, item: Any, path: KeyPath, common: Common) -> None:
        if isinstance(item, str) and item and "\0" not in item:
            self._patterns.append(ListPattern(item, path, common))
            return
        what = ("a name with a NUL" if item else "an empty name") if isinstance(item, str) else kind(item)
        self._main.problem(path, f"must be a file or pattern such as domains.d/*.txt, not {what}")


def group_of(path: KeyPath) -> str:
    """The group that a path leads into, empty outside of groups."""
    return dotted(path[:2]) if path[:1] == ("groups",) else ""
