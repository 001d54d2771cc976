"""The configuration files -> a Config, or all mistakes of all files at once.

Each section is checked by itself, so that a mistake in one hides none in another. The order is that of dependence:
modules, defaults, the small sections, then the targets, which refer to the first two.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

from exporter.config.domain_list_loading import DomainListLoader
from exporter.config.domain_lists import DomainLists
from exporter.config.field_types import kind, parse_module_name
from exporter.config.modules import AuthError, auth_of, contradictions, mailbox_of, module_of
from exporter.config.problems import ConfigError, ConfigProblem
from exporter.config.schema import (
    SECTIONS,
    EgressSection,
    LimitsSection,
    MetricsSection,
    ModuleSection,
    Options,
    ResolverSection,
    Section,
    StandingSection,
)
from exporter.config.schema_errors import module_exists, unknown_key, validate, validate_part
from exporter.config.target_loading import TargetLoader
from exporter.config.targets import OF_MODULES, Targets, merged, reference_target
from exporter.config.warnings import warnings_of
from exporter.config.web.load import WebConfig, load_web
from exporter.config.yaml_document import REFUSED, Document, KeyPath
from exporter.config.yaml_reader import compose, contents, document_in
from exporter.model.configuration import Config, Egress, Limits, ResolverSettings, Standing
from exporter.model.target import Auth, CanaryMailbox, Module, Settings, TargetKind

__all__ = ["ConfigError", "ConfigProblem", "load", "load_both", "parse", "summary"]

_DEFAULT_MODULE: Final = "default"
# Keys at the top that are the user's own, for values with an anchor.
EXTENSION: Final = "x-"

_S = TypeVar("_S", bound=Section)


def load(path: Path, lists: DomainLists | None = None, source: bytes | None = None) -> Config:
    """Read the configuration in `path` and all files it names. Raises ConfigError.

    With `lists` from earlier readings a file of domains that fails is no error: its list of the last reading holds.
    With a `source` the file itself is not read: it has been, and only the files that it names may be new.
    """
    shown = str(path)
    with _collector_paused():
        raw = contents(path, shown) if source is None else source
        config = _Loading(document_in(raw, shown), path.parent, lists).config()
    return replace(config, source=raw if isinstance(raw, bytes) else b"")


def load_both(path: Path, web_path: Path | None, lists: DomainLists | None = None) -> tuple[Config, WebConfig | None]:
    """The configuration, and that of the web server. Raises ConfigError with the mistakes of both."""
    errors: list[ConfigProblem] = []
    config, web = None, None
    try:
        config = load(path, lists)
    except ConfigError as error:
        errors += error.errors
    try:
        web = None if web_path is None else load_web(web_path)
    except ConfigError as error:
        errors += error.errors
    if config is None or errors:
        raise ConfigError(tuple(errors))
    return config, web


def parse(text: str, file: str = "config.yaml") -> Config:
    """The same for a text that would be the contents of `file`. Raises ConfigError."""
    return _Loading(compose(file, text), Path(file).parent).config()


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Pause the garbage collector: to search hundreds of thousands of new values would take a third of the time."""
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


def _standing(data: Mapping[str, Any], section: StandingSection) -> Standing | None:
    """The settings, where the section is there: also one without a key asks for it."""
    if data.get("standing") is None:
        return None
    return Standing(tuple(section.addresses), tuple(section.lists))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


class _Loading:
    """One reading of all files."""

    def __init__(self, document: Document, folder: Path, lists: DomainLists | None = None) -> None:
        self._main = document
        self._folder = folder
        self._is_strict = lists is None
        self._lists = DomainLists(patient=False) if lists is None else lists
        # Every file read, the main one first; names are those shown in messages.
        self._documents = {document.file: document}

    def config(self) -> Config:
        """The whole configuration. Raises ConfigError."""
        data = self._top()
        modules = self._modules(data.get("modules"))
        defaults = self._defaults(data.get("defaults"), modules)
        resolver = self._section(ResolverSection, data, "resolver")
        limits = self._section(LimitsSection, data, "limits")
        egress = self._section(EgressSection, data, "egress")
        metrics = self._section(MetricsSection, data, "metrics")
        standing = self._section(StandingSection, data, "standing")
        targets = Targets(defaults, modules)
        written = TargetLoader(self._main, targets)
        written.load(data)
        loader = DomainListLoader(self._main, self._documents, targets, self._lists)
        loader.load(self._folder, written.patterns)
        if self._is_strict:
            self._add_problems(loader.failures)
        self._raise_problems()
        self._lists.keep(loader.kept)
        config = Config(
            targets=tuple(targets.found),
            defaults=defaults,
            modules=modules,
            resolver=ResolverSettings(tuple(resolver.nameservers), resolver.timeout),
            limits=Limits(**dict(limits)),
            egress=Egress(
                tuple(reference_target(reference, defaults) for reference in egress.references),
                tuple(egress.witness_ports),
                egress.trace,
            ),
            standing=_standing(data, standing),
            files=tuple(self._documents),
            domain_files=written.domain_files,
            groups=written.groups,
            disabled_metrics=frozenset(metrics.disable),
            lists=tuple(loader.read),
            unmatched=tuple(map(str, loader.unmatched)),
            failures=() if self._is_strict else tuple(map(str, loader.failures)),
        )
        return replace(config, warnings=tuple(map(str, warnings_of(config, self._main, targets))))

    def _add_problems(self, failures: Iterable[ConfigProblem]) -> None:
        """Count failures of domain files as mistakes of the configuration."""
        for failure in failures:
            self._documents.get(failure.file, self._main).problems.append(failure)

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
            # Probably a file that is not completely written, and no wish to probe nothing any more.
            empty = "is empty: write {} if that is meant"
            self._main.problem((), empty if data is None else f"must be a mapping, not {kind(data)}")
            return {}
        for key in data:
            if key not in SECTIONS and not key.startswith(EXTENSION):
                self._main.problem((key,), unknown_key(key, SECTIONS), key=True)
        return data

    def _section(self, model: type[_S], data: Mapping[str, Any], name: str) -> _S:
        given = data.get(name)
        if given is None or given is REFUSED:
            return model()
        return validate(model, given, self._main, (name,)) or model()

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
                # The name counts even if the module is wrong: a reference to it is no mistake.
                modules[name] = Module(name)
                if given is not REFUSED:
                    section, wrong = validate_part(ModuleSection, {} if given is None else given, self._main, path)
                    if section is not None:
                        for location, message in contradictions(section, wrong):
                            self._main.problem(self._main.existing((*path, *location)), message)
                        modules[name] = module_of(
                            name, section, self._auth(section, path), self._arrival(section, path)
                        )
        return MappingProxyType(modules)

    def _auth(self, section: ModuleSection, path: KeyPath) -> Auth | None:
        if section.auth is None:
            return None
        try:
            return auth_of(section.auth, self._folder)
        except AuthError as error:
            self._main.problem((*path, "auth", *error.location), str(error), heals=error.heals)
            return None

    def _arrival(self, section: ModuleSection, path: KeyPath) -> CanaryMailbox | None:
        if section.data.arrival is None:
            return None
        try:
            return mailbox_of(section.data.arrival, self._folder)
        except AuthError as error:
            self._main.problem((*path, "data", "arrival", *error.location), str(error), heals=error.heals)
            return None

    def _defaults(self, data: Any, modules: Mapping[str, Module]) -> Settings:
        base = Settings(module=modules[_DEFAULT_MODULE])
        options = self._section(Options, {"defaults": data}, "defaults")
        if not module_exists(options.module, modules, self._main, ("defaults",)):
            return base
        # The options of a module apply target by target, where the module is known.
        own = {name: getattr(options, name) for name in OF_MODULES}
        usual = Settings()
        settings = merged(base, options, modules)
        return replace(
            settings, **{name: getattr(usual, name) if value is None else value for name, value in own.items()}
        )
