"""The verdict on a soak: each thing that must hold, what was seen of it, and a table. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold."""

    what: str
    bound: str
    seen: str
    holds: bool


def at_most(what: str, limit: float, seen: float, unit: str = "", told: str = "") -> Check:
    """`seen` may be `limit`."""
    more = f" ({told})" if told and seen > limit else ""
    return Check(what, f"at most {limit:g}{unit}", f"{seen:.4g}{unit}{more}", seen <= limit)


def none_of(what: str, found: Iterable[str]) -> Check:
    """Nothing of it was found."""
    every = list(found)
    return Check(what, "none", f"{len(every)}: {', '.join(every[:3])}"[:160] if every else "none", not every)


def table(checks: Iterable[Check]) -> Iterator[str]:
    """As Markdown."""
    yield "| what | bound | seen | |"
    yield "|---|---|---|---|"
    for check in checks:
        yield f"| {check.what} | {check.bound} | {check.seen} | {'holds' if check.holds else '**FAILED**'} |"


def attack_table(tries: Mapping[str, int], does: Mapping[str, str]) -> Iterator[str]:
    """What was done how often."""
    yield "| attack | tries | what |"
    yield "|---|---|---|"
    for kind, count in tries.items():
        yield f"| {kind} | {count:,} | {does[kind]} |"
