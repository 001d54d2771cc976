"""The effective configuration as YAML: every default filled in, for a person to read.

Targets show the keys that differ from the defaults, those of their group among them. The text is made on request, and
bounded; it can be loaded again, except that targets of groups and of domain files appear under `domains` and `hosts`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import yaml

from exporter.config.values import DNS_PORT, format_duration, parse_host_port
from exporter.config.yaml_scalars import needs_quotes
from exporter.model.configuration import Config, ConfiguredGroup, Standing
from exporter.model.failure import Stage
from exporter.model.target import Canary, CanaryMailbox, Labels, Module, Settings, Target, TargetKind

# Of each kind; a page is for reading, and 100,000 domains are no reading matter.
MAX_TARGETS: Final = 1000


class _Dumper(yaml.SafeDumper):
    """Quotes text that the configuration reader would read as another type, and indents lists."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if needs_quotes(text) else None)


_Dumper.add_representer(str, _represent_text)


def effective_yaml(config: Config) -> str:
    """The whole configuration as YAML text."""
    sections: dict[str, Any] = {
        "defaults": _settings(config.defaults),
        "resolver": {
            "nameservers": [_nameserver(*server) for server in config.resolver.nameservers],
            "timeout": format_duration(config.resolver.timeout),
        },
        "limits": {
            "concurrency": config.limits.concurrency,
            "per_address": config.limits.per_address,
            "per_address_interval": format_duration(config.limits.per_address_interval),
        },
        "modules": {name: _module(module) for name, module in config.modules.items()},
        "egress": {
            "references": [reference.name for reference in config.egress.references],
            "witness_ports": list(config.egress.witness_ports),
            "trace": config.egress.trace,
        },
        **({} if config.standing is None else {"standing": _standing(config.standing)}),
        "metrics": {"disable": sorted(config.disabled_metrics)},
        "domain_files": list(config.domain_files),
        "groups": [_group(group, config) for group in config.groups[:MAX_TARGETS]],
    }
    parts = [_dump(sections)]
    if len(config.groups) > MAX_TARGETS:
        parts.append(f"  # and {len(config.groups) - MAX_TARGETS} more\n")
    for key, kind in (("domains", TargetKind.DOMAIN), ("hosts", TargetKind.HOST)):
        targets = [target for target in config.targets if target.kind is kind]
        parts.append(_dump({key: [_target(target, config) for target in targets[:MAX_TARGETS]]}))
        if len(targets) > MAX_TARGETS:
            parts.append(f"  # and {len(targets) - MAX_TARGETS} more\n")
    return "".join(parts)


def _dump(data: Mapping[str, Any]) -> str:
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=120)


def _settings(settings: Settings) -> dict[str, Any]:
    source = {"ipv4": settings.source_ipv4, "ipv6": settings.source_ipv6}
    return {
        "interval": format_duration(settings.interval),
        "timeout": format_duration(settings.timeout),
        "module": settings.module.name,
        "port": settings.port,
        "helo": settings.helo,
        "address_families": _texts(settings.families),
        "source_address": {family: address for family, address in source.items() if address},
        "max_addresses": settings.max_addresses,
        "allow_addresses": _texts(settings.allow_addresses),
        "host_series": settings.host_series,
        "expect_mx": list(settings.expect_mx),
    }


def _standing(standing: Standing) -> dict[str, Any]:
    return {"addresses": list(standing.addresses), "lists": list(standing.lists)}


def _module(module: Module) -> dict[str, Any]:
    section: dict[str, Any] = {
        "stages": ["helo" if module.force_helo and stage is Stage.EHLO else str(stage) for stage in module.stages],
        "starttls": {
            "required": module.starttls.required,
            "verify": module.starttls.verify,
            "server_name": module.starttls.server_name,
        },
        "mail_from": module.mail_from,
        "rcpt_to": list(module.rcpt_to),
        "size": module.size,
        "vrfy": module.vrfy,
        "expn": module.expn,
        "expect": {str(stage): sorted(codes) for stage, codes in module.expect.items()},
        "tls": str(module.tls),
        "data": _canary(module.data),
        "policies": _texts(module.policies),
        "proxy_protocol": module.proxy_protocol,
    }
    if module.auth is not None:
        # The place of the password, never the password.
        places = {"password_file": module.auth.password_file, "password_env": module.auth.password_env}
        section["auth"] = {"username": module.auth.username, **{key: place for key, place in places.items() if place}}
    if module.timeout is not None:
        section["timeout"] = format_duration(module.timeout)
    if module.host_series is not None:
        section["host_series"] = module.host_series
    if module.expect_mx is not None:
        section["expect_mx"] = list(module.expect_mx)
    return section


def _canary(canary: Canary) -> dict[str, Any]:
    headers = {"from": canary.sender, "to": list(canary.to), "cc": list(canary.cc), "reply_to": canary.reply_to}
    given = {key: value for key, value in headers.items() if value}
    shown = {**given, "subject": canary.subject, "body": canary.body}
    return shown if canary.arrival is None else {**shown, "arrival": _arrival(canary.arrival)}


def _arrival(mailbox: CanaryMailbox) -> dict[str, Any]:
    """The place of the password, never the password."""
    lists = {"junk": list(mailbox.junk), "authserv_id": list(mailbox.authserv_ids)}
    places = {"password_file": mailbox.password_file, "password_env": mailbox.password_env}
    host = f"[{mailbox.host}]" if ":" in mailbox.host else mailbox.host
    return {
        "host": f"{host}:{mailbox.port}",
        "username": mailbox.username,
        **{key: place for key, place in places.items() if place},
        "within": format_duration(mailbox.within),
        "interval": format_duration(mailbox.interval),
        "inbox": list(mailbox.inbox),
        **{key: value for key, value in lists.items() if value},
    }


def _differing(settings: Settings, labels: Labels, config: Config) -> dict[str, Any]:
    """The keys of a target or group that a target without keys of its own would not have."""
    own, usual = _settings(settings), _settings(config.settings(settings.module.name))
    usual["module"] = config.defaults.module.name
    differing = {key: value for key, value in own.items() if value != usual[key]}
    return {**differing, "labels": dict(labels)} if labels else differing


def _group(group: ConfiguredGroup, config: Config) -> dict[str, Any]:
    """A group without the targets that the configuration names: these stand among all others, with its keys."""
    shown = {"name": group.name, **_differing(group.settings, group.labels, config)}
    shown["domain_files"] = list(group.domain_files)
    return {key: value for key, value in shown.items() if key not in ("name", "domain_files") or value}


def _target(target: Target, config: Config) -> str | dict[str, Any]:
    differing = _differing(target.settings, target.labels, config)
    if target.kind is TargetKind.HOST and parse_host_port(target.name).port is not None:
        differing.pop("port", None)  # it is part of the name
    # A top-level domain needs its final dot, without which it would count as a mistake.
    dot = "." if target.kind is TargetKind.DOMAIN and "." not in target.name else ""
    name = target.name + dot
    return {str(target.kind): name, **differing} if differing else name


def _nameserver(address: str, port: int) -> str:
    if port == DNS_PORT:
        return address
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _texts(values: Iterable[object]) -> list[str]:
    return [str(value) for value in values]
