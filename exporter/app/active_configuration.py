"""The configuration that holds now, with this shard's part of its targets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Generic, TypeVar

from exporter.model.configuration import Config
from exporter.model.target import Target, TargetKey
from exporter.schedule.shard import Shard

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class ActiveConfiguration:
    """A configuration as it was adopted. `number`: the adopted ones are counted."""

    number: int
    config: Config
    targets: tuple[Target, ...]  # this shard's
    others: Mapping[TargetKey, Target]  # the other shards', as far as they are known already


def active_configuration(number: int, config: Config, shard: Shard) -> ActiveConfiguration:
    """The configuration as the server of one shard follows it; with many targets it takes a while."""
    if shard.total == 1:
        return ActiveConfiguration(number, config, config.targets, MappingProxyType({}))
    targets = tuple(target for target in config.targets if shard.owns(target.name))
    ours = {target.key for target in targets}
    others = {target.key: target for target in config.targets if target.key not in ours}
    return ActiveConfiguration(number, config, targets, MappingProxyType(others))


class OncePerConfiguration(Generic[_T]):
    """A value that is derived from a configuration once, though many ask for it: with many targets it takes seconds."""

    def __init__(self, derive: Callable[[Config], _T]) -> None:
        self._derive = derive
        self._last: tuple[int, _T] | None = None  # replaced whole: several threads ask

    def of(self, active: ActiveConfiguration) -> _T:
        """The value for the configuration that holds now."""
        last = self._last
        if last is None or last[0] != active.number:
            last = self._last = active.number, self._derive(active.config)
        return last[1]
