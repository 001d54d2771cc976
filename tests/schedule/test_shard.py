from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.schedule.shard import Shard, ShardError, owner, parse_shard

NAMES = st.text(min_size=1, max_size=60)


@given(NAMES, st.integers(1, 40))
def test_a_target_is_on_exactly_one_shard_the_one_that_everybody_thinks(name: str, total: int) -> None:
    owning = [index for index in range(total) if Shard(index, total).owns(name)]
    assert owning == [owner(name, total)]


@given(NAMES, st.integers(1, 40))
def test_one_shard_more_takes_targets_and_gives_none_between_the_others(name: str, total: int) -> None:
    before, after = owner(name, total), owner(name, total + 1)
    assert after in (before, total)


@pytest.mark.parametrize("total", [2, 3, 7, 16])
def test_shards_are_balanced_and_a_new_one_takes_its_share(total: int) -> None:
    names = [f"domain{number}.example" for number in range(20_000)]
    shares = Counter(owner(name, total) for name in names)
    even = len(names) / total
    # Five standard deviations of a fair draw; the names are fixed, so this holds or does not.
    assert all(abs(shares[index] - even) < 5 * even**0.5 for index in range(total))
    moved = sum(owner(name, total) != owner(name, total + 1) for name in names)
    even = len(names) / (total + 1)
    assert abs(moved - even) < 5 * even**0.5


def test_the_draw_is_the_one_that_is_written_down() -> None:
    """A change would move every target of every installation."""
    names = ("example.com", "example.org", "bücher.example", "mx.example.net:25")
    assert [owner(name, 5) for name in names] == [1, 2, 2, 4]


def test_without_flags_there_is_one_shard_with_everything() -> None:
    assert parse_shard(None, None, "host") == Shard(0, 1)
    assert Shard().owns("anything.example")


@pytest.mark.parametrize(
    ("shard", "total", "host", "expected"),
    [
        ("0", 1, "host", Shard(0, 1)),
        ("2", 3, "host", Shard(2, 3)),
        ("auto", 3, "mx-exporter-2", Shard(2, 3)),
        ("auto", 11, "mx-exporter-10.mx-exporter.monitoring.svc", Shard(10, 11)),
        ("auto", 8, "vantage07", Shard(7, 8)),
    ],
)
def test_the_shard_of_the_flags(shard: str, total: int, host: str, expected: Shard) -> None:
    assert parse_shard(shard, total, host) == expected


@pytest.mark.parametrize(
    ("shard", "total", "host", "message"),
    [
        ("0", None, "host", "--shard and --total-shards are given together or not at all"),
        (None, 3, "host", "--shard and --total-shards are given together or not at all"),
        ("3", 3, "host", "--shard must be between 0 and 2 with --total-shards=3, not 3"),
        ("-1", 3, "host", "--shard must be a number or auto, not '-1'"),
        ("1.5", 3, "host", "--shard must be a number or auto"),
        ("", 3, "host", "--shard must be a number or auto"),
        ("٣", 4, "host", "--shard must be a number or auto"),
        ("0", 0, "host", "--total-shards must be between 1 and 4096, not 0"),
        ("0", 5000, "host", "--total-shards must be between 1 and 4096, not 5000"),
        ("auto", 3, "host", "--shard=auto: the host name host does not end in a number"),
        ("auto", 3, "web-3", "--shard=auto: the number of the host name web-3 must be between 0 and 2"),
    ],
)
def test_flags_that_name_no_shard_are_told_apart(shard: str | None, total: int | None, host: str, message: str) -> None:
    with pytest.raises(ShardError) as error:
        parse_shard(shard, total, host)
    assert str(error.value).startswith(message)
