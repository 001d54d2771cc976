"""The dialogue that the flags ask for: a module of the configuration, or a built-in one, with further stages."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from ipaddress import ip_address
from types import MappingProxyType
from typing import Any, Final

from exporter.commands.mistakes import ManualError, parse_flag
from exporter.config.mailbox import needs_smtputf8, parse_argument, parse_recipient, parse_reverse_path
from exporter.config.stage_order import order_problems
from exporter.config.suggestions import nearest
from exporter.config.target_names import parse_target
from exporter.config.values import MAX_SIZE
from exporter.model.address import Family, is_address
from exporter.model.failure import Stage
from exporter.model.printable import quoted
from exporter.model.target import Module, PolicyKind, Settings, Target, TlsMode

SMTP_PORT: Final = 25
TLS_PORT: Final = 465  # RFC 8314 7.3
BUILT_IN: Final[Mapping[str, Module]] = MappingProxyType(
    {
        "tls": Module("tls", (Stage.EHLO, Stage.STARTTLS)),
        "mailbox": Module(
            "mailbox", (Stage.EHLO, Stage.STARTTLS, Stage.MAIL, Stage.RCPT), rcpt_to=("postmaster@{domain}",)
        ),
    }
)
# The order of a dialogue; stages that a module has already stay where they are.
_ORDER: Final = (
    Stage.EHLO,
    Stage.STARTTLS,
    Stage.AUTH,
    Stage.VRFY,
    Stage.EXPN,
    Stage.MAIL,
    Stage.RCPT,
    Stage.DATA,
)


def with_dialogue(settings: Settings, flags: argparse.Namespace) -> Settings:
    """`settings` with the dialogue that the flags ask for. Raises ManualError."""
    module = _with_arguments(settings.module, flags)
    wanted = [*_wanted(module, flags)]
    if module == settings.module and not set(wanted) - set(module.stages):
        return settings
    module = _named(_with_stages(module, wanted), settings.module, flags)
    port = TLS_PORT if flags.tls and flags.port is None and settings.port == SMTP_PORT else settings.port
    return replace(settings, module=module, port=port)


def with_way(settings: Settings, flags: argparse.Namespace) -> Settings:
    """`settings` with the families and the source addresses of the flags. Raises ManualError."""
    families = tuple(family for family, asked in ((Family.IPV4, flags.ipv4), (Family.IPV6, flags.ipv6)) if asked)
    sources: dict[str, str] = {}
    for text in flags.source:
        if not is_address(text):
            raise ManualError(f"--source: {quoted(text)} is not an IP address")
        address = ip_address(text)
        family = Family.IPV4 if address.version == 4 else Family.IPV6
        if families and family not in families:
            raise ManualError(f"--source: {address} is not of the family that -{families[0].value[-1]} asks for")
        if f"source_{family.value}" in sources:
            raise ManualError(f"--source: there are two {family.value} addresses; one of each family is taken")
        sources[f"source_{family.value}"] = str(address)
    changes: dict[str, Any] = {**sources, **({"families": families} if families else {})}
    return replace(settings, **changes) if changes else settings


def parse_on_way(flags: argparse.Namespace) -> Callable[[str, Settings], Target]:
    """The parser of names for the families of the flags: an address of another one cannot be probed so."""

    def parse(text: str, settings: Settings) -> Target:
        target = parse_target(text, settings)
        if (flags.ipv4 or flags.ipv6) and is_address(target.host):
            family = Family.IPV6 if ":" in target.host else Family.IPV4
            if family not in settings.families:
                raise ValueError(f"{target.host} is not of the family that -{settings.families[0].value[-1]} asks for")
        return target

    return parse


def _with_arguments(module: Module, flags: argparse.Namespace) -> Module:
    changes: dict[str, Any] = {}
    if flags.tls:
        if flags.starttls:
            raise ManualError("--tls: the connection is TLS from the start, so --starttls has no place in it")
        changes["tls"] = TlsMode.IMPLICIT
        changes["stages"] = tuple(stage for stage in module.stages if stage is not Stage.STARTTLS)
    if flags.rcpt:
        changes["rcpt_to"] = tuple(dict.fromkeys(parse_flag(parse_recipient, each, "--rcpt") for each in flags.rcpt))
    if flags.mail_from is not None:
        text = "" if flags.mail_from == "<>" else flags.mail_from
        changes["mail_from"] = parse_flag(parse_reverse_path, text, "--from")
    if flags.size is not None:
        if not 0 <= flags.size <= MAX_SIZE:
            raise ManualError(f"--size: {flags.size} is not between 0 and {MAX_SIZE}")
        changes["size"] = flags.size
    asked = {"vrfy": flags.vrfy, "expn": flags.expn}
    changes |= {name: _argument(text, f"--{name}") for name, text in asked.items() if text is not None}
    if flags.policies is not None:
        changes["policies"] = _policies(flags.policies)
    return replace(module, **changes)


def _argument(text: str, flag: str) -> str:
    if not text:
        raise ManualError(f"{flag}: it is empty")
    return parse_flag(parse_argument, text, flag)


def _policies(text: str) -> tuple[PolicyKind, ...]:
    known = [kind.value for kind in PolicyKind]
    names = known if text == "all" else [each.strip().lower().replace("-", "_") for each in text.split(",")]
    for name in names:
        if name not in known:
            meant = nearest(name, (*known, "all"))
            raise ManualError(f"--policies: no policy {quoted(name)}; there are {', '.join(known)}, and all{meant}")
    return tuple(PolicyKind(name) for name in known if name in names)


def _wanted(module: Module, flags: argparse.Namespace) -> Iterator[Stage]:
    """The stages that the flags need."""
    of_tls = not {PolicyKind.DANE, PolicyKind.VERSIONS}.isdisjoint(module.policies)
    needs_tls = flags.policies is not None and of_tls and module.tls is not TlsMode.IMPLICIT
    if flags.starttls or needs_tls:
        yield Stage.STARTTLS
    if flags.rcpt or flags.mail_from is not None or flags.size is not None:
        yield Stage.MAIL
    if flags.rcpt:
        yield Stage.RCPT
    if flags.vrfy:
        yield Stage.VRFY
    if flags.expn:
        yield Stage.EXPN


def _with_stages(module: Module, wanted: list[Stage]) -> Module:
    stages = list(module.stages)
    for stage in sorted(set(wanted) - set(stages), key=_ORDER.index):
        later = _ORDER[_ORDER.index(stage) :]
        place = next((place for place, each in enumerate(stages) if each in later), len(stages))
        stages.insert(place, stage)
    if module.force_helo and (module.size or any(map(needs_smtputf8, (module.mail_from, *module.rcpt_to)))):
        raise ManualError(f"module {module.name} says HELO, which offers no extensions: no --size, no SMTPUTF8")
    names = ["helo" if stage is Stage.EHLO and module.force_helo else stage.value for stage in stages]
    for index, reason in order_problems(names):
        raise ManualError(f"module {module.name} with --{names[index]}: {reason}")
    return replace(module, stages=tuple(stages))


def _named(module: Module, base: Module, flags: argparse.Namespace) -> Module:
    """The module under a name of its own, made of its flags: results tell it."""
    added = [stage.value for stage in module.stages if stage not in base.stages]
    given = ("tls", "rcpt", "size", "vrfy", "expn", "policies")
    parts = dict.fromkeys((*added, *(name for name in given if getattr(flags, name))))
    if flags.mail_from is not None:
        parts["mail"] = None
    return replace(module, name="+".join((base.name, *parts)))
