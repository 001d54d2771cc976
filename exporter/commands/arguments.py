"""The arguments of the command line -> targets, or the mistakes in them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeVar

from exporter.config.targets import parse_host, parse_target
from exporter.config.values import parse_duration, parse_helo, parse_network
from exporter.model.configuration import Config
from exporter.model.target import Settings, Target

T = TypeVar("T")

_MAX_PORT: Final = 65535


class ManualError(ValueError):
    """An argument that cannot be followed; the message says why."""


def settings_of(config: Config, flags: argparse.Namespace) -> Settings:
    """The settings of every name: the configuration, then the flags. Raises ManualError."""
    try:
        settings = config.settings(flags.module)
    except KeyError:
        names = ", ".join(sorted(config.modules))
        raise ManualError(f"--module: no module {flags.module!r}; there are {names}") from None
    return _with_flags(settings, flags)


def as_configured(targets: list[Target], config: Config, flags: argparse.Namespace) -> list[Target]:
    """The targets with their configured settings, unless a flag says otherwise; as with `/probe`."""
    if flags.module is not None:
        return targets
    configured = {target.key: target.settings for target in config.targets}
    found = []
    for target in targets:
        settings = configured.get(target.key)
        if settings is not None:
            # A port beside the name outranks the flag.
            port = settings.port if flags.port is None else target.settings.port
            target = replace(target, settings=replace(_with_flags(settings, flags), port=port))
        found.append(target)
    return found


def _with_flags(settings: Settings, flags: argparse.Namespace) -> Settings:
    """`settings`, changed by the flags. Raises ManualError."""
    if flags.port is not None:
        if not 1 <= flags.port <= _MAX_PORT:
            raise ManualError(f"--port: {flags.port} is not between 1 and {_MAX_PORT}")
        settings = replace(settings, port=flags.port)
    if flags.helo is not None:
        settings = replace(settings, helo=parse_flag(parse_helo, flags.helo, "--helo"))
    if flags.timeout is not None:
        timeout = parse_flag(parse_duration, flags.timeout, "--timeout")
        if not timeout:
            raise ManualError("--timeout: it must be greater than 0")
        settings = replace(settings, timeout=timeout)
    allowed = [parse_flag(parse_network, text, "--allow-address") for text in flags.allow_addresses]
    return replace(settings, allow_addresses=(*settings.allow_addresses, *allowed))


def parse_flag(parse: Callable[[str], T], text: str, flag: str) -> T:
    """The value of a flag. Raises ManualError, which names the flag."""
    try:
        return parse(text)
    except ValueError as error:
        raise ManualError(f"{flag}: {error}") from None


def read_target(name: str, settings: Settings, place: str) -> Target:
    """The target of one name; `place` is where the name was written. Raises ManualError."""
    try:
        return parse_target(name, settings)
    except ValueError as error:
        raise ManualError(f"{place}: {error}") from None


def read_host(name: str, settings: Settings) -> Target:
    """The target of one host, named with or without its port. Raises ManualError."""
    try:
        return parse_host(name, settings)
    except ValueError as error:
        raise ManualError(str(error)) from None


def read_targets(name: str, settings: Settings) -> list[Target]:
    """The targets of a file: one name a line; # begins a comment. Raises ManualError."""
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ManualError(f"--input: {name}: {error}") from None
    lines = ((number, line.split("#", 1)[0].strip()) for number, line in enumerate(text.splitlines(), 1))
    return [read_target(line, settings, f"{name}:{number}") for number, line in lines if line]
