"""Targets: what is probed, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from types import MappingProxyType
from typing import Final, Literal

from exporter.model.address import Family
from exporter.model.failure import Stage

IPNetwork = IPv4Network | IPv6Network


class TargetKind(StrEnum):
    """How a target's addresses are found."""

    DOMAIN = "domain"  # MX lookup
    HOST = "host"  # the host itself
    REFERENCE = "reference"  # likewise, to learn about the way out and not about the host

    __hash__ = str.__hash__  # as Family's


class PolicyKind(StrEnum):
    """What a domain may ask of those who send mail to it, looked up where a module names it."""

    DANE = "dane"  # RFC 7672
    MTA_STS = "mta_sts"  # RFC 8461
    TLS_RPT = "tls_rpt"  # RFC 8460


@dataclass(frozen=True, slots=True)
class Starttls:
    """What a module asks of TLS."""

    required: bool = False
    verify: Literal["report", "require"] = "report"
    server_name: str = ""  # asked for (SNI) and looked for in the certificate; empty: the host's own


class TlsMode(StrEnum):
    """When a conversation turns to TLS."""

    STARTTLS = "starttls"  # where the stage is listed
    IMPLICIT = "implicit"  # before the greeting (RFC 8314 3.3)


@dataclass(frozen=True, slots=True)
class Auth:
    """Credentials for AUTH and where the password was found; it is in no representation of this value."""

    username: str
    password: str = field(repr=False)
    password_file: str = ""  # as written
    password_env: str = ""


@dataclass(frozen=True, slots=True)
class Canary:
    """The message that DATA delivers. Empty: from the sender of MAIL, to the recipients of RCPT."""

    sender: str = ""
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    reply_to: str = ""
    subject: str = "mx-exporter canary"
    body: str = "This message shows that mail is taken here. It is sent by a monitoring probe and can be deleted.\n"


@dataclass(frozen=True, slots=True)
class Module:
    """How far a probe goes into the conversation; banner and QUIT are always part of it."""

    name: str = "default"
    stages: tuple[Stage, ...] = (Stage.EHLO,)
    force_helo: bool = False  # `helo` in place of `ehlo` in the stages
    starttls: Starttls = Starttls()
    mail_from: str = ""  # "" is <>
    rcpt_to: tuple[str, ...] = ()
    size: int = 0  # octets declared with MAIL; 0: none
    vrfy: str = ""
    expn: str = ""
    expect: Mapping[Stage, frozenset[int]] = field(default_factory=lambda: MappingProxyType({}))
    timeout: float | None = None  # seconds, where the module has its own
    tls: TlsMode = TlsMode.STARTTLS
    auth: Auth | None = None
    data: Canary = Canary()
    policies: tuple[PolicyKind, ...] = ()
    proxy_protocol: bool = False  # the header of the PROXY protocol, version 1, before all else

    @property
    def entrusted(self) -> str:
        """What of ours it hands over, so that not everybody may choose to whom: "auth", "data" or nothing."""
        if self.auth is not None:
            return "auth"
        return "data" if Stage.DATA in self.stages else ""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything about a target but its name and labels; targets alike share one."""

    interval: float = 60.0  # seconds
    timeout: float = 30.0  # seconds: one address, all stages together
    module: Module = Module()
    port: int = 25
    helo: str = ""  # empty: this machine's fully qualified name
    families: tuple[Family, ...] = (Family.IPV4, Family.IPV6)
    source_ipv4: str = ""
    source_ipv6: str = ""
    max_addresses: int = 16
    allow_addresses: tuple[IPNetwork, ...] = ()


# Identity across reloads; a domain and a host of the same name are two targets.
TargetKey = tuple[TargetKind, str]


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to probe. `name` is its identity: a domain in A-labels, or a host as the user wrote it."""

    kind: TargetKind
    name: str
    host: str  # what to look up or connect to: the domain, the host's A-labels, or a canonical address
    settings: Settings
    labels: tuple[tuple[str, str], ...] = ()  # sorted by name
    # What it is known by, made once: each room that keeps something of 100,000 targets would make its own.
    key: TargetKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", (self.kind, self.name))


def with_module(settings: Settings, module: Module) -> Settings:
    """`settings` with `module`, whose timeout, where it has one, counts."""
    return replace(settings, module=module, timeout=settings.timeout if module.timeout is None else module.timeout)


DOMAIN_PLACEHOLDER: Final = "{domain}"
