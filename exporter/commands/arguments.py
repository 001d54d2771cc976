"""The flags of `probe` -> the settings of its targets, or the mistakes in them."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace

from exporter.commands.by_hand import BUILT_IN, with_dialogue, with_way
from exporter.commands.mistakes import ManualError, parse_flag
from exporter.config.suggestions import nearest
from exporter.config.values import MAX_PORT, parse_duration, parse_helo, parse_nameserver, parse_network
from exporter.model.configuration import Config, ResolverSettings
from exporter.model.printable import quoted
from exporter.model.target import IPNetwork, Module, Settings, Target, with_module


def config_of(flags: argparse.Namespace) -> Config:
    """The configuration of the flags, or one without targets. Raises ConfigError."""
    if flags.config_file is None:
        return Config()
    from exporter.config.load import load  # its schema takes longer to import than a probe takes

    return load(flags.config_file)


def settings_of(config: Config, flags: argparse.Namespace) -> Settings:
    """The settings of every name: the configuration, then the flags. Raises ManualError."""
    if flags.module is None:
        return _with_flags(config.settings(), flags)
    modules = {**BUILT_IN, **config.modules}
    if flags.module not in modules:
        known = ", ".join(sorted(modules))
        meant = nearest(flags.module, modules)
        raise ManualError(f"--module: no module {quoted(flags.module)}; there are {known}{meant}")
    return _with_flags(with_module(config.defaults, modules[flags.module]), flags)


def as_configured(targets: list[Target], config: Config, flags: argparse.Namespace) -> list[Target]:
    """The targets with their configured settings, unless a flag says otherwise; as with `/probe`."""
    if flags.module is not None:
        return targets
    configured = {target.key: target.settings for target in config.targets}
    found = []
    for target in targets:
        settings = configured.get(target.key)
        if settings is not None:
            settings = _with_flags(settings, flags)
            # A port beside the name outranks the flag.
            port = settings.port if flags.port is None else target.settings.port
            target = replace(target, settings=replace(settings, port=port))
        found.append(target)
    return found


def modules_of(targets: list[Target], config: Config) -> Mapping[str, Module]:
    """The modules of the configuration, and those that the flags have made."""
    return {**config.modules, **{target.settings.module.name: target.settings.module for target in targets}}


def resolver_settings(config: Config, flags: argparse.Namespace) -> ResolverSettings:
    """The settings of the resolver. Raises ManualError."""
    if not flags.resolver:
        return config.resolver
    return replace(config.resolver, nameservers=(parse_flag(parse_nameserver, flags.resolver, "--resolver"),))


def allowed_addresses(flags: argparse.Namespace) -> tuple[IPNetwork, ...]:
    """The networks that `--allow-address` names. Raises ManualError."""
    return tuple(parse_flag(parse_network, text, "--allow-address") for text in flags.allow_addresses)


def checked_port(port: int, flag: str) -> int:
    """A port that there can be. Raises ManualError."""
    if not 1 <= port <= MAX_PORT:
        raise ManualError(f"{flag}: {port} is not between 1 and {MAX_PORT}")
    return port


def parse_timeout(text: str) -> float:
    """Seconds, more than none. Raises ManualError."""
    timeout = parse_flag(parse_duration, text, "--timeout")
    if not timeout:
        raise ManualError("--timeout: it must be greater than 0")
    return timeout


def _with_flags(settings: Settings, flags: argparse.Namespace) -> Settings:
    """`settings`, changed by the flags. Raises ManualError."""
    if flags.port is not None:
        settings = replace(settings, port=checked_port(flags.port, "--port"))
    if flags.helo is not None:
        settings = replace(settings, helo=parse_flag(parse_helo, flags.helo, "--helo"))
    if flags.timeout is not None:
        settings = replace(settings, timeout=parse_timeout(flags.timeout))
    settings = with_way(with_dialogue(settings, flags), flags)
    return replace(settings, allow_addresses=(*settings.allow_addresses, *allowed_addresses(flags)))
