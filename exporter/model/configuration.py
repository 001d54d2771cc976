"""The configuration as the rest of the program sees it: checked, complete, immutable.

No key is missing here and no name is left to resolve: defaults are merged into each target, names are A-labels,
durations are seconds. :mod:`exporter.config.schema` has the keys that a user may write, :mod:`exporter.config.load`
turns files into a :class:`Config`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from exporter.model.target import Labels, Module, Settings, Target, with_module

# Of a file: path, modification time in nanoseconds, size, inode.
FileState = tuple[str, int, int, int]


@dataclass(frozen=True, slots=True)
class ResolverSettings:
    """The DNS servers to query. Empty `nameservers`: those of the system."""

    nameservers: tuple[tuple[str, int], ...] = ()  # (address, port)
    timeout: float = 5.0  # seconds for one query, retries included


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on the load of this host and of the servers that are probed."""

    concurrency: int = 1000  # probes under way
    per_address: int = 1  # sessions at once to one address
    per_address_interval: float = 0.0  # least seconds between two sessions to one address


@dataclass(frozen=True, slots=True)
class Egress:
    """Settings of the checks that distinguish a blocked egress from dead hosts."""

    references: tuple[Target, ...] = ()
    witness_ports: tuple[int, ...] = (443, 587)
    trace: bool = True


@dataclass(frozen=True, slots=True)
class Standing:
    """Settings of the look at our own standing."""

    addresses: tuple[str, ...] = ()  # at most one of each family; of the others mail hosts tell it
    lists: tuple[str, ...] = ()  # zones of block lists


@dataclass(frozen=True, slots=True)
class ConfiguredGroup:
    """Settings and labels that several targets share; the targets themselves are among those of the configuration."""

    name: str  # for people; may be empty
    settings: Settings  # of a target of the group without settings of its own
    labels: Labels = ()
    domain_files: tuple[str, ...] = ()  # patterns of the lists whose domains belong to the group


@dataclass(frozen=True, slots=True)
class DomainList:
    """A file of `domain_files` as it was read last. Its lines are data: an invalid line does not fail the others."""

    file: str
    skipped: int = 0  # invalid lines
    problems: tuple[str, ...] = ()  # the first of them, each with file, line and column
    twice: tuple[str, ...] = ()  # the first names that are listed before already, likewise
    ignored: tuple[str, ...] = ()  # the first columns and fields that become no label, likewise


@dataclass(frozen=True, slots=True)
class Config:
    """A whole configuration."""

    targets: tuple[Target, ...] = ()
    defaults: Settings = field(default_factory=Settings)
    modules: Mapping[str, Module] = field(default_factory=lambda: MappingProxyType({"default": Module()}))
    resolver: ResolverSettings = ResolverSettings()
    limits: Limits = Limits()
    egress: Egress = Egress()
    standing: Standing | None = None  # None: not asked for
    files: tuple[str, ...] = ()  # every file read, the main one first
    domain_files: tuple[str, ...] = ()  # patterns, relative to the folder of the main file; those outside of groups
    groups: tuple[ConfiguredGroup, ...] = ()
    disabled_metrics: frozenset[str] = frozenset()  # of exporter.model.metric_names
    source: bytes = field(default=b"", repr=False, compare=False)  # the contents of the main file
    # What is valid and hardly meant, each with file, line and column; of the files, like the fields below.
    warnings: tuple[str, ...] = field(default=(), compare=False)
    # The result of reading them; not part of the settings, so not compared.
    lists: tuple[DomainList, ...] = field(default=(), compare=False)
    unmatched: tuple[str, ...] = field(default=(), compare=False)  # patterns of domain files that match none
    # Domain files that could not be read, or not yet again: an older list remains in use, or none.
    failures: tuple[str, ...] = field(default=(), compare=False)

    @property
    def list_patterns(self) -> tuple[str, ...]:
        """The patterns of all lists of domains: those of groups first, for they say more about a file."""
        return (*(pattern for group in self.groups for pattern in group.domain_files), *self.domain_files)

    def settings(self, module: str | None = None) -> Settings:
        """The settings of a target without settings of its own, with another `module` where one is named.

        Raises KeyError for an unknown module.
        """
        return with_module(self.defaults, self.defaults.module if module is None else self.modules[module])
