"""Settings that are valid, and that their author has hardly meant: told at the start, and by `--config.check`. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from exporter.config.problems import ConfigProblem
from exporter.config.targets import Targets
from exporter.config.yaml_document import Document
from exporter.model.configuration import Config
from exporter.model.target import Settings
from exporter.net.special_addresses import forbidden

_NO_TARGET: Final = "no domain and no host is named: nothing is probed, but for what /probe asks for"
_NO_REFERENCES: Final = (
    "is empty: a block of our own port 25 is then likely at most, never certain. Name MX hosts of three or four large "
    "providers, as `mx-exporter probe DOMAIN` lists them (docs/explanation/blocked-or-dead.md)"
)


def warnings_of(config: Config, main: Document, targets: Targets) -> Iterator[ConfigProblem]:
    """The warnings about a whole configuration; `main` is its file, `targets` has the places."""
    if not config.targets:
        yield ConfigProblem(*main.place(()), "", _NO_TARGET)
    if not config.egress.references:
        yield ConfigProblem(*main.place(("egress", "references")), "egress.references", _NO_REFERENCES)
    yield from _special_addresses(config, main)
    yield from _short_intervals(config, main, targets)


def _special_addresses(config: Config, main: Document) -> Iterator[ConfigProblem]:
    """The addresses of ours that no receiver outside of our own networks sees."""
    addresses = () if config.standing is None else config.standing.addresses
    for number, address in enumerate(addresses):
        special = forbidden(address, config.settings().allow_addresses)
        if special is not None:
            about = f"{address} is {special}: receivers on the internet see another one"
            yield ConfigProblem(*main.place(("standing", "addresses", number)), f"standing.addresses[{number}]", about)


def _short_intervals(config: Config, main: Document, targets: Targets) -> Iterator[ConfigProblem]:
    """Each pair of an interval and a longer timeout once, at the first target that has it."""
    told = set()
    usual = config.settings()
    if usual.interval < usual.timeout:
        told.add((usual.interval, usual.timeout))
        path = ("defaults", "interval")
        yield ConfigProblem(*main.place(path), "defaults.interval", _short_interval(usual))
    for target in config.targets:
        settings = target.settings
        pair = settings.interval, settings.timeout
        if settings.interval < settings.timeout and pair not in told:
            told.add(pair)
            yield ConfigProblem(*targets.place_of(target), "", f"{target.name}: {_short_interval(settings)}")


def _short_interval(settings: Settings) -> str:
    return (
        f"the interval, {settings.interval:g}s, is below the timeout, {settings.timeout:g}s: "
        "a host that does not answer is probed late"
    )
