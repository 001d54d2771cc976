"""The configuration that holds: this shard's targets, and values that are derived once."""

from __future__ import annotations

from exporter.app.active_configuration import OncePerConfiguration, active_configuration
from exporter.config.load import parse
from exporter.model.configuration import Config
from exporter.schedule.shard import Shard

CONFIG = parse("domains: [a.example, b.example, c.example, d.example, e.example, f.example]")


def test_each_target_is_of_one_shard_and_the_others_know_it() -> None:
    shards = [active_configuration(1, CONFIG, Shard(index, 2)) for index in range(2)]
    ours, theirs = ({target.key for target in shard.targets} for shard in shards)
    assert (ours | theirs, ours & theirs) == ({target.key for target in CONFIG.targets}, set())
    assert (set(shards[0].others), set(shards[1].others)) == (theirs, ours)


def test_the_only_shard_has_all() -> None:
    active = active_configuration(1, CONFIG, Shard())
    assert (active.targets, dict(active.others)) == (CONFIG.targets, {})


def test_a_value_is_derived_once_for_each_configuration() -> None:
    derived: list[Config] = []

    def derive(config: Config) -> int:
        derived.append(config)
        return len(config.targets)

    value = OncePerConfiguration(derive)
    first = active_configuration(1, CONFIG, Shard())
    assert (value.of(first), value.of(first)) == (6, 6)
    assert value.of(active_configuration(2, parse("domains: [a.example]"), Shard())) == 1
    assert len(derived) == 2
