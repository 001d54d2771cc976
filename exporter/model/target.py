"""Targets and the settings of their probes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from types import MappingProxyType
from typing import Final, Literal

from exporter.model.address import Family
from exporter.model.failure import Stage

# The series of a host that are told: all of them, those of a failing host alone, or none.
HostSeries = Literal["all", "failing", "none"]
IPNetwork = IPv4Network | IPv6Network


class TargetKind(StrEnum):
    """The kind of a target: its addresses come from an MX lookup or from its own name."""

    DOMAIN = "domain"  # MX lookup
    HOST = "host"  # the host itself
    REFERENCE = "reference"  # likewise, probed to judge the egress and not the host

    __hash__ = str.__hash__  # as Family's


class PolicyKind(StrEnum):
    """A policy of a domain for the senders of its mail, looked up where a module names it."""

    DANE = "dane"  # RFC 7672
    MTA_STS = "mta_sts"  # RFC 8461
    TLS_RPT = "tls_rpt"  # RFC 8460
    VERSIONS = "versions"  # of TLS, the old ones that a host still accepts
    ZONE = "zone"  # no policy, but looked up as one: the name servers that hold the MX records


@dataclass(frozen=True, slots=True)
class Starttls:
    """The TLS settings of a module."""

    required: bool = False
    verify: Literal["report", "require"] = "report"
    server_name: str = ""  # sent as SNI and looked for in the certificate; empty: the name of the host


class TlsMode(StrEnum):
    """The start of TLS in a session."""

    STARTTLS = "starttls"  # where the stage is listed
    IMPLICIT = "implicit"  # before the greeting (RFC 8314 3.3)


@dataclass(frozen=True, slots=True)
class Auth:
    """Credentials for AUTH and the source of the password; `repr` does not contain the password."""

    username: str
    password: str = field(repr=False)
    password_file: str = ""  # as written
    password_env: str = ""


# A canary's Message-ID begins so, and goes on with 128 random bits: nobody else's message is taken for one.
CANARY_ID_PREFIX: Final = "mx-exporter-canary."
# A field of every canary, by which all of them are found: there are servers that search for whole words alone.
CANARY_FIELD: Final = ("X-Mx-Exporter-Canary", "yes")


@dataclass(frozen=True, slots=True)
class CanaryMailbox:
    """The mailbox in which a canary has to arrive, read by IMAP over TLS; `repr` does not contain the password."""

    host: str = ""
    port: int = 993
    username: str = ""
    password: str = field(default="", repr=False)
    within: float = 300.0  # seconds from the acceptance, after which a message counts as not arrived
    interval: float = 300.0  # seconds: a target whose messages are looked for is probed no more often
    inbox: tuple[str, ...] = ("INBOX",)
    junk: tuple[str, ...] = ()  # empty: those that the server marks (RFC 6154)
    authserv_ids: tuple[str, ...] = ()  # whose Authentication-Results are believed (RFC 8601), in lower case
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
    arrival: CanaryMailbox | None = None  # where it is looked for


@dataclass(frozen=True, slots=True)
class Module:
    """The stages of a dialogue and their arguments; banner and QUIT are always part of a dialogue."""

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
    proxy_protocol: bool = False  # send the header of the PROXY protocol, version 1, first
    host_series: HostSeries | None = None  # where the module has its own
    expect_mx: tuple[str, ...] | None = None  # likewise

    @property
    def entrusted(self) -> str:
        """The stage that sends something confidential, "auth" or "data", or "": then only configured targets get it."""
        if self.auth is not None:
            return "auth"
        return "data" if Stage.DATA in self.stages else ""

    @property
    def mailbox(self) -> CanaryMailbox | None:
        """The mailbox in which the messages of the dialogue are looked for."""
        arrival = self.data.arrival  # asked at each session, and mostly None
        return arrival if arrival is not None and Stage.DATA in self.stages else None


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a target without its name and labels; targets with equal settings share one value."""

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
    host_series: HostSeries = "all"
    expect_mx: tuple[str, ...] = ()  # MX hosts of a domain: names, or .suffixes for one below each; empty: any


# Configured labels, sorted by name.
Labels = tuple[tuple[str, str], ...]
# The identity of a target across reloads; a domain and a host of the same name are two targets.
TargetKey = tuple[TargetKind, str]


@dataclass(frozen=True, slots=True)
class Target:
    """A domain, host or reference to probe. `name`: a domain in A-labels, or a host as the user wrote it."""

    kind: TargetKind
    name: str
    host: str  # the name to look up or to connect to: the domain, the host's A-labels, or a canonical address
    settings: Settings
    labels: Labels = ()
    # Made once: with 100,000 targets each store would otherwise hold a tuple of its own.
    key: TargetKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", (self.kind, self.name))


def with_module(settings: Settings, module: Module) -> Settings:
    """`settings` with `module`, and with its timeout, host series and expected MX hosts, where it has its own."""
    return replace(
        settings,
        module=module,
        timeout=settings.timeout if module.timeout is None else module.timeout,
        host_series=settings.host_series if module.host_series is None else module.host_series,
        expect_mx=settings.expect_mx if module.expect_mx is None else module.expect_mx,
    )


def with_least_interval(settings: Settings) -> Settings:
    """`settings` with at least the interval that the mailbox of the module's messages asks for."""
    mailbox = settings.module.mailbox
    if mailbox is None or settings.interval >= mailbox.interval:
        return settings
    return replace(settings, interval=mailbox.interval)


DOMAIN_PLACEHOLDER: Final = "{domain}"
