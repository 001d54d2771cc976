"""Files in, a Config out, or every mistake of all files at once.

Each section is checked by itself, so that a slip in one hides nothing in another; what could not be used is passed over
and nothing is returned in the end. The order is that of dependence: modules, defaults, the small sections, then the
targets, which refer to the first two.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

from exporter.config.domain_entries import (
    MAX_NAMES,
    TOLD_LINES,
    ListEntries,
    cut_line,
    listed_domains,
    text_list,
    yaml_list,
)
from exporter.config.domain_lists import DomainLists, KeptList, ListFile
from exporter.config.modules import AuthError, auth_of, contradictions, module_of
from exporter.config.problems import ConfigError, ConfigProblem
from exporter.config.schema import (
    SECTIONS,
    DomainEntry,
    EgressSection,
    HostEntry,
    LimitsSection,
    ModuleSection,
    Options,
    ResolverSection,
    Section,
    kind,
    parse_module_name,
)
from exporter.config.schema_errors import module_exists, unknown_key, validate
from exporter.config.targets import DuplicateTargetError, Targets, merged, reference_target
from exporter.config.values import parse_domain
from exporter.config.yaml_document import REFUSED, Document, KeyPath, compose, dotted, read
from exporter.model.configuration import Config, DomainList, Egress, Limits, ResolverSettings
from exporter.model.printable import quoted
from exporter.model.target import Auth, Module, Settings, TargetKind

__all__ = ["ConfigError", "ConfigProblem", "load", "parse", "summary"]

_DEFAULT_MODULE: Final = "default"
TEXT_SUFFIX: Final = ".txt"
YAML_SUFFIXES: Final = (".yaml", ".yml")

_S = TypeVar("_S", bound=Section)


def load(path: Path, lists: DomainLists | None = None) -> Config:
    """Read the configuration in `path` and all files it names. Raises ConfigError.

    With `lists` from earlier readings a file of domains that fails is no error: its list of then holds.
    """
    with _collector_paused():
        return _Loading(read(path, str(path)), path.parent, lists).config()


def parse(text: str, file: str = "config.yaml") -> Config:
    """The same for a text that would be the contents of `file`. Raises ConfigError."""
    return _Loading(compose(file, text), Path(file).parent).config()


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Loading makes values that stay, by the hundred thousand: searching them for garbage takes a third of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def summary(config: Config) -> str:
    """`config.yaml: 3 domains, 1 host, 2 modules in 2 files`."""
    hosts = sum(target.kind is TargetKind.HOST for target in config.targets)
    counts = ((len(config.targets) - hosts, "domain"), (hosts, "host"), (len(config.modules), "module"))
    text = ", ".join(_count(number, noun) for number, noun in counts)
    skipped = sum(each.skipped for each in config.lists)
    more = f", {_count(skipped, 'line')} skipped" if skipped else ""
    return f"{config.files[0]}: {text} in {_count(len(config.files), 'file')}{more}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


class _Loading:
    """One reading of everything."""

    def __init__(self, document: Document, folder: Path, lists: DomainLists | None = None) -> None:
        self._main = document
        self._folder = folder
        self._is_strict = lists is None
        self._lists = DomainLists(patient=False) if lists is None else lists
        self._kept: dict[str, KeptList] = {}
        self._read_lists: list[DomainList] = []
        self._failures: list[ConfigProblem] = []
        self._names = 0  # of all lists
        self._lost: dict[int, list[ConfigProblem]] = {}  # by the place of the pattern that matched the file
        # Every file read, the main one first; names are those shown in messages.
        self._documents = {document.file: document}

    def config(self) -> Config:
        """The whole. Raises ConfigError."""
        data = self._top()
        modules = self._modules(data.get("modules"))
        defaults = self._defaults(data.get("defaults"), modules)
        resolver = self._section(ResolverSection, data, "resolver")
        limits = self._section(LimitsSection, data, "limits")
        egress = self._section(EgressSection, data, "egress")
        self._targets = Targets(defaults, modules)
        self._domains(self._main, self._list(data, "domains"), ("domains",))
        for index, item in enumerate(self._list(data, "hosts")):
            self._host(item, ("hosts", index))
        patterns = self._patterns(self._list(data, "domain_files"))
        self._domain_files(patterns)
        self._raise_problems()
        self._lists.keep(self._kept)
        return Config(
            targets=tuple(self._targets.found),
            defaults=defaults,
            modules=modules,
            resolver=ResolverSettings(tuple(resolver.nameservers), resolver.timeout),
            limits=Limits(**dict(limits)),
            egress=Egress(
                tuple(reference_target(reference, defaults) for reference in egress.references),
                tuple(egress.witness_ports),
                egress.trace,
            ),
            files=tuple(self._documents),
            domain_files=tuple(patterns.values()),
            lists=tuple(self._read_lists),
            failures=tuple(map(str, self._failures)),
        )

    def _raise_problems(self) -> None:
        problems = [
            (number, problem.line, problem.column, index, problem)
            for number, document in enumerate(self._documents.values())
            for index, problem in enumerate(document.problems)
        ]
        if problems:
            raise ConfigError(tuple(entry[-1] for entry in sorted(problems, key=lambda entry: entry[:4])))

    # Sections

    def _top(self) -> dict[str, Any]:
        data = self._main.data
        if data is REFUSED:
            return {}
        if not isinstance(data, dict):
            # More likely a file caught half-written than the wish to probe nothing any more.
            empty = "is empty: write {} if that is meant"
            self._main.problem((), empty if data is None else f"must be a mapping, not {kind(data)}")
            return {}
        for key in data:
            if key not in SECTIONS:
                self._main.problem((key,), unknown_key(key, SECTIONS), key=True)
        return data

    def _section(self, model: type[_S], data: Mapping[str, Any], name: str) -> _S:
        given = data.get(name)
        if given is None or given is REFUSED:
            return model()
        return validate(model, given, self._main, (name,)) or model()

    def _list(self, data: Mapping[str, Any], name: str) -> list[Any]:
        given = data.get(name)
        if given is None or given is REFUSED:
            return []
        if isinstance(given, list):
            return given
        self._main.problem((name,), f"must be a list, not {kind(given)}")
        return []

    def _modules(self, data: Any) -> Mapping[str, Module]:
        modules = {_DEFAULT_MODULE: Module()}
        if data is not None and data is not REFUSED and not isinstance(data, dict):
            self._main.problem(("modules",), f"must be a mapping, not {kind(data)}")
        elif isinstance(data, dict):
            for name, given in data.items():
                path = ("modules", name)
                try:
                    parse_module_name(name)
                except ValueError as error:
                    self._main.problem(path, str(error), key=True)
                # Known even if wrong in itself: who refers to it makes no mistake.
                modules[name] = Module(name)
                if given is not REFUSED:
                    section = validate(ModuleSection, {} if given is None else given, self._main, path)
                    if section is not None:
                        for location, message in contradictions(section):
                            self._main.problem(self._main.existing((*path, *location)), message)
                        modules[name] = module_of(name, section, self._auth(section, path))
        return MappingProxyType(modules)

    def _auth(self, section: ModuleSection, path: KeyPath) -> Auth | None:
        if section.auth is None:
            return None
        try:
            return auth_of(section.auth, self._folder)
        except AuthError as error:
            self._main.problem((*path, "auth", *error.location), str(error))
            return None

    def _defaults(self, data: Any, modules: Mapping[str, Module]) -> Settings:
        base = Settings(module=modules[_DEFAULT_MODULE])
        options = self._section(Options, {"defaults": data}, "defaults")
        if not module_exists(options.module, modules, self._main, ("defaults",)):
            return base
        # The module's own timeout comes in target by target, where it is known which module counts.
        settings = merged(base, options, modules)
        timeout = Settings().timeout if options.timeout is None else options.timeout
        return replace(settings, timeout=timeout)

    # Targets

    def _domains(self, document: Document, items: list[Any], path: KeyPath) -> None:
        for index, item in enumerate(items):
            place = (*path, index)
            if isinstance(item, str):
                try:
                    self._targets.add_domain(parse_domain(item), document.place(place))
                except ValueError as error:
                    document.problem(place, str(error))
            elif isinstance(item, dict):
                self._domain_entry(document, item, place)
            elif item is not REFUSED:
                document.problem(place, f"must be a domain or a mapping with one, not {kind(item)}")

    def _domain_entry(self, document: Document, item: dict[str, Any], path: KeyPath) -> None:
        entry = validate(DomainEntry, item, document, path)
        # Told in any case: every error at once.
        known = module_exists(item.get("module"), self._targets.modules, document, path)
        if entry is None or not known:
            return
        try:
            self._targets.add_domain_entry(entry, document.place((*path, "domain")))
        except DuplicateTargetError as error:
            document.problem((*path, "domain"), str(error))

    def _host(self, item: Any, path: KeyPath) -> None:
        if item is REFUSED:
            return
        place: KeyPath = path
        if isinstance(item, str):
            item = {"host": item}
        elif isinstance(item, dict):
            place = (*path, "host")
        else:
            self._main.problem(path, f"must be a host or a mapping with one, not {kind(item)}")
            return
        entry = validate(HostEntry, item, self._main, path)
        known = module_exists(item.get("module"), self._targets.modules, self._main, path)
        if entry is None or not known:
            return
        if entry.host.port is not None and entry.port is not None:
            self._main.problem((*path, "port"), f"the port is given with the host already: {entry.host.text}")
            return
        try:
            self._targets.add_host(entry, self._main.place(place))
        except DuplicateTargetError as error:
            self._main.problem(place, str(error))

    # Files of domains

    def _patterns(self, items: list[Any]) -> dict[int, str]:
        """What can be used, by its place in the list."""
        patterns = {}
        for index, item in enumerate(items):
            if isinstance(item, str) and item and "\0" not in item:
                patterns[index] = item
            elif item is not REFUSED:
                what = ("a name with a NUL" if item else "an empty name") if isinstance(item, str) else kind(item)
                self._main.problem(
                    ("domain_files", index), f"must be a file or pattern such as domains.d/*.txt, not {what}"
                )
        return patterns

    def _domain_files(self, patterns: dict[int, str]) -> None:
        reading = self._lists.read(self._folder, patterns)
        for place, trouble in reading.troubles:
            self._fail(self._pattern_problem(place, trouble))
        # Those that are gone come last: what another file lists by now is not lost.
        for file in sorted(reading.files, key=attrgetter("gone")):
            self._documents.setdefault(file.shown, Document(file.shown))
            if file.path.suffix in (TEXT_SUFFIX, *YAML_SUFFIXES):
                self._domain_list(file, patterns[file.place])
            else:
                what = f"{file.shown} is neither a {TEXT_SUFFIX} nor a .yaml file"
                self._fail(self._pattern_problem(file.place, what))
        for place, lost in self._lost.items():
            # A folder that has vanished is one thing to tell, however many files it had.
            what = f"{len(lost)} files are gone that this matched, the first {lost[0].file}: their lists hold"
            self._fail(lost[0] if len(lost) == 1 else self._pattern_problem(place, what))

    def _pattern_problem(self, place: int, message: str) -> ConfigProblem:
        path = ("domain_files", place)
        return ConfigProblem(*self._main.place(path), dotted(path), message)

    def _fail(self, problem: ConfigProblem) -> None:
        """A file of domains fails: where there is no older list to fall back on, the whole does."""
        if not self._is_strict:
            self._failures.append(problem)
        elif problem.file in self._documents:
            self._documents[problem.file].problems.append(problem)
        else:
            self._main.problems.append(problem)

    def _domain_list(self, file: ListFile, pattern: str) -> None:
        entries, failure, kept = None, None, file.kept
        if file.raw is not None:
            entries = self._entries(file, file.raw)
            failure = entries.failure or _doubt(file, entries, kept) or self._one_too_many(file, entries)
        elif file.trouble:
            failure = ConfigProblem(file.shown, 1, 1, "", file.trouble)
        if entries is None or failure is not None:
            entries = self._entries(file, kept.raw) if kept is not None else ListEntries()
            if file.gone and all(map(self._targets.has_domain, listed_domains(entries))):
                return  # renamed, or taken into another
            if kept is not None:
                self._kept[file.shown] = kept
                if failure is not None:
                    failure = replace(failure, message=f"{failure.message}: its list of {kept.names} names holds")
            if failure is not None and file.gone:
                self._lost.setdefault(file.place, []).append(failure)
            elif failure is not None:
                self._fail(failure)
        elif entries.found and file.raw is not None:
            self._kept[file.shown] = KeptList(file.path, file.raw, len(entries.found), pattern)
        self._add_list(file.shown, entries)

    def _one_too_many(self, file: ListFile, entries: ListEntries) -> ConfigProblem | None:
        if self._names + len(entries.found) <= MAX_NAMES:
            return None
        why = f"is one too many: all lists together have more than {MAX_NAMES:,} names"
        return ConfigProblem(file.shown, 1, 1, "", why)

    def _entries(self, file: ListFile, raw: bytes) -> ListEntries:
        if file.path.suffix == TEXT_SUFFIX:
            return text_list(file.shown, raw)
        return yaml_list(file.shown, raw, self._targets.modules)

    def _add_list(self, shown: str, entries: ListEntries) -> None:
        twice: list[ConfigProblem] = []
        self._names += len(entries.found)
        for place, domain, entry in entries.found:
            try:
                if entry is None:
                    self._targets.add_domain(domain, place)
                else:
                    self._targets.add_domain_entry(entry, place)
            except DuplicateTargetError as error:
                if len(twice) < TOLD_LINES:
                    twice.append(ConfigProblem(*place, "", str(error)))
        problems = tuple(map(str, entries.problems))
        self._read_lists.append(DomainList(shown, entries.bad, problems, tuple(map(str, twice))))


def _doubt(file: ListFile, entries: ListEntries, kept: KeptList | None) -> ConfigProblem | None:
    """Why a list that can be read is not to be believed."""
    if kept is None:
        return None
    if not entries.found and not entries.says_none:
        why = "has no name any more (a comment `# none`, in YAML `[]`, would say that this is meant)"
        return ConfigProblem(file.shown, 1, 1, "", why)
    cut = cut_line(file.raw or b"", kept.raw)
    if not cut:
        return None
    why = f"ends in the middle of {quoted(cut)}, a line that it had (a line break there would say that it is meant)"
    return ConfigProblem(file.shown, (file.raw or b"").count(b"\n") + 1, 1, "", why)
