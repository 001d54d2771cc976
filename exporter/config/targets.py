"""Entries of the configuration as targets: defaults merged, equal settings shared, each target once."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any, Final

from exporter.config.problems import Place
from exporter.config.schema import DomainEntry, HostEntry, Options
from exporter.config.target_names import host_target
from exporter.config.values import HostPort
from exporter.model.address import Family
from exporter.model.target import Labels, Module, Settings, Target, TargetKind, with_least_interval, with_module

# Options that a module may have, too: its own win over those of `defaults`, and a target's over both.
OF_MODULES: Final = ("timeout", "host_series", "expect_mx")


def reference_target(host: HostPort, defaults: Settings) -> Target:
    """A host of `egress.references`: probed up to EHLO, at the usual interval."""
    target = host_target(host, replace(defaults, module=Module()))
    return replace(target, kind=TargetKind.REFERENCE)


def merged(base: Settings, options: Options, modules: Mapping[str, Module]) -> Settings:
    """`base` changed by `options`.

    A timeout given beside a target wins over its module's, that over `base`'s; `host_series` and `expect_mx` likewise.
    """
    changes: dict[str, Any] = {}
    for name in (*OF_MODULES, "interval", "port", "helo", "max_addresses"):
        if (value := getattr(options, name)) is not None:
            changes[name] = value
    if options.address_families is not None:
        changes["families"] = tuple(family for family in Family if family in options.address_families)
    if options.source_address is not None:
        changes["source_ipv4"] = options.source_address.ipv4
        changes["source_ipv6"] = options.source_address.ipv6
    if options.allow_addresses is not None:
        changes["allow_addresses"] = tuple(options.allow_addresses)
    if options.module is not None:
        base = with_module(base, modules[options.module])
    return replace(base, **changes)


@dataclass(frozen=True, slots=True, eq=False)
class Common:
    """The options and labels that the targets of a group share, unless they have their own."""

    options: Options
    labels: Mapping[str, str]
    settings: Settings  # of a target without options of its own
    label_values: Labels  # of a target without labels of its own

    def over(self, entry: Options) -> Options:
        """The options of an entry, with those of the group where it has none."""
        given = {name: getattr(entry, name) for name in _OPTIONS}
        return Options.model_construct(
            **{name: getattr(self.options, name) if value is None else value for name, value in given.items()}
        )


_OPTIONS: Final = tuple(Options.model_fields)


class DuplicateTargetError(ValueError):
    """A target is configured already; the message has the place."""


class Targets:
    """Collects targets; equal settings and labels are shared, so that 100,000 targets are small."""

    def __init__(self, defaults: Settings, modules: Mapping[str, Module]) -> None:
        self._defaults = defaults
        self._plain = with_least_interval(with_module(defaults, defaults.module))
        self.modules = modules
        self._settings: dict[tuple[object, ...], Settings] = {_fingerprint(self._plain): self._plain}
        self._labels: dict[Labels, Labels] = {}
        self._places: dict[Hashable, Place] = {}
        self.found: list[Target] = []
        # Of all targets outside of groups.
        self.ungrouped: Final = Common(Options(), {}, self._plain, ())

    def common(self, options: Options, labels: Mapping[str, str]) -> Common:
        """The common part of a group."""
        settings = self._shared(self._settings_of(options, self.ungrouped))
        return Common(options, labels, settings, self._shared_labels(labels))

    def claim_domain(self, domain: str, place: Place) -> None:
        """Take the name of an entry that is refused, so that a second one is told in the same run."""
        self._claim(domain, place)

    def claim_host(self, name: str, place: Place) -> None:
        """The same for a host, by its name as written."""
        self._claim((TargetKind.HOST, name), place)

    def add_domain(self, domain: str, place: Place, common: Common, labels: Mapping[str, str] | None = None) -> None:
        """A domain (A-labels) with the settings of its group or of `defaults`, perhaps with labels."""
        self._claim(domain, place)
        own = self._shared_labels({**common.labels, **labels}) if labels else common.label_values
        self.found.append(Target(TargetKind.DOMAIN, domain, domain, common.settings, own))

    def has_domain(self, domain: str) -> bool:
        """True where the domain is a target."""
        return domain in self._places

    def place_of(self, target: Target) -> Place:
        """The place of a target in its file."""
        return self._places[target.name if target.kind is TargetKind.DOMAIN else target.key]

    def add_domain_entry(self, entry: DomainEntry, place: Place, common: Common) -> None:
        """A domain with settings of its own."""
        self._claim(entry.domain, place)
        settings = self._shared(self._settings_of(entry, common))
        labels = self._shared_labels({**common.labels, **entry.labels} if common.labels else entry.labels)
        self.found.append(Target(TargetKind.DOMAIN, entry.domain, entry.domain, settings, labels))

    def add_host(self, entry: HostEntry, place: Place, common: Common) -> None:
        """A host; its port, where it has one, beside the name or by itself."""
        labels = self._shared_labels({**common.labels, **entry.labels} if common.labels else entry.labels)
        target = host_target(entry.host, self._settings_of(entry, common), labels)
        # One name is one set of series, whatever the port; two spellings of one host and port would be probed twice.
        self._claim(target.key, place)
        self._claim((target.host, target.settings.port), place)
        self.found.append(replace(target, settings=self._shared(target.settings)))

    def _settings_of(self, entry: Options, common: Common) -> Settings:
        options = entry if common is self.ungrouped else common.over(entry)
        base = self._plain if options.module is None else self._defaults
        return with_least_interval(merged(base, options, self.modules))

    def _shared(self, settings: Settings) -> Settings:
        return self._settings.setdefault(_fingerprint(settings), settings)

    def _shared_labels(self, given: Mapping[str, str]) -> Labels:
        labels = tuple(sorted(given.items()))
        return self._labels.setdefault(labels, labels)

    def _claim(self, identity: Hashable, place: Place) -> None:
        first = self._places.setdefault(identity, place)
        if first == place and first is not place:
            raise DuplicateTargetError("is configured twice: an alias or a merge key (<<) repeats this entry")
        if first is not place:
            raise DuplicateTargetError(f"is configured twice; the first is at {first}")


def _fingerprint(settings: Settings) -> tuple[object, ...]:
    """The values of `settings`; a module is known by its name, for its mapping of codes cannot be hashed."""
    return (settings.module.name, *_HASHABLE(settings))


_HASHABLE: Final = attrgetter(*(name for name in Settings.__slots__ if name != "module"))
