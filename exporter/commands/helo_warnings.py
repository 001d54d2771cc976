"""Warnings about the name in EHLO, for a person at a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from exporter.model.configuration import Config
from exporter.net.helo_name import faults, names_in
from exporter.resolver.client import Resolver


async def warn_of_configured(config: Config) -> None:
    """Warn of the names in the configuration, not of this machine's: it may be checked on another."""
    names = [name for name in names_in(config, "") if name]
    if not names:
        return
    resolver = Resolver(config.resolver)
    try:
        warn_of(await faults(names, resolver), "")
    finally:
        resolver.close()


def warn_of(found: Iterable[str], command: str) -> None:
    """Print one line for each fault on the standard error."""
    for fault in found:
        print(f"mx-exporter{command}: warning: {fault}", file=sys.stderr)
