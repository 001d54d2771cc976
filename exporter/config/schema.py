"""The schema of the configuration, section by section: all keys with their types and bounds.

Models hold checked values (seconds, A-labels, networks), not yet merged: None means "not given". A key without a value
counts as not given too, so that a section may be commented out line by line. Defaults are those of
:mod:`exporter.model.configuration`, applied when the sections are merged.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, model_validator

from exporter.config.field_types import (
    MAX_AUTHSERV_IDS,
    MAX_RECIPIENTS,
    Code,
    Duration,
    ExpectedMx,
    FolderNames,
    Interval,
    Labels,
    Mailbox,
    Mailboxes,
    ModuleName,
    Port,
    PositiveDuration,
    as_list,
    authserv_name,
    between,
    canary_body,
    each_once,
    file_name,
    group_name,
    metric_name,
    optional_host_name,
    replying_stage,
    text,
    unless_given,
    user_name,
)
from exporter.config.mailbox import parse_argument, parse_recipient, parse_reverse_path
from exporter.config.secrets import parse_variable
from exporter.config.stage_order import parse_stage
from exporter.config.values import (
    MAX_SIZE,
    HostPort,
    parse_address,
    parse_any_address,
    parse_domain,
    parse_helo,
    parse_host_port,
    parse_list_name,
    parse_nameserver,
    parse_network,
)
from exporter.model.address import family_of
from exporter.model.configuration import Egress, Limits, ResolverSettings
from exporter.model.metric_names import TARGET_METRICS
from exporter.model.target import Canary, CanaryMailbox, HostSeries, IPNetwork, Starttls

MAX_LISTS: Final = 64  # block lists: each is asked five questions an hour and family at most


class Section(BaseModel):
    """Strict: no unknown key, no conversion between types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, data: Any) -> Any:
        if not isinstance(data, dict) or None not in data.values():
            return data
        known = cls.key_names()
        return {key: value for key, value in data.items() if value is not None or key not in known}

    @classmethod
    def key_names(cls) -> set[str]:
        """The keys a user may write."""
        return {field.alias or name for name, field in cls.model_fields.items()}


class SourceAddress(Section):
    """The addresses to connect from, by family."""

    ipv4: Annotated[str, PlainValidator(text(lambda value: parse_address(value, 4), "192.0.2.1"))] = ""
    ipv6: Annotated[str, PlainValidator(text(lambda value: parse_address(value, 6), "2001:db8::1"))] = ""


class Options(Section):
    """Options that `defaults` sets for all targets, and a target for itself."""

    interval: Interval | None = None
    timeout: PositiveDuration | None = None
    module: ModuleName | None = None
    port: Port | None = None
    helo: Annotated[str, PlainValidator(text(parse_helo, "mail.example.net"))] | None = None
    address_families: (
        Annotated[list[Literal["ipv4", "ipv6"]], Field(min_length=1), AfterValidator(each_once)] | None
    ) = None
    source_address: SourceAddress | None = None
    max_addresses: Annotated[int, Field(ge=1)] | None = None
    allow_addresses: list[Annotated[IPNetwork, PlainValidator(text(parse_network, "192.0.2.0/24"))]] | None = None
    host_series: HostSeries | None = None
    expect_mx: ExpectedMx | None = None


class DomainEntry(Options):
    """An item of `domains`, written out."""

    domain: Annotated[str, PlainValidator(text(parse_domain, "example.com"))]
    labels: Labels = Field(default_factory=dict)


def _no_mx(_: Any) -> None:
    raise ValueError("is about MX records, which are not looked up for a host")


class HostEntry(Options):
    """An item of `hosts`, written out."""

    host: Annotated[HostPort, PlainValidator(text(parse_host_port, "relay.example.net:25"))]
    labels: Labels = Field(default_factory=dict)
    expect_mx: Annotated[None, BeforeValidator(_no_mx)] = None


class GroupSection(Options):
    """An item of `groups`. Its lists are checked item by item, as those at the top are."""

    name: Annotated[str, PlainValidator(text(group_name, "customers"))] = ""
    labels: Labels = Field(default_factory=dict)
    domains: Any = None
    hosts: Any = None
    domain_files: Any = None


class ResolverSection(Section):
    """`resolver`."""

    nameservers: list[Annotated[tuple[str, int], PlainValidator(text(parse_nameserver, "192.0.2.53"))]] = Field(
        default_factory=list
    )
    timeout: PositiveDuration = ResolverSettings().timeout


class LimitsSection(Section):
    """`limits`."""

    concurrency: Annotated[int, Field(ge=1)] = Limits().concurrency
    per_address: Annotated[int, Field(ge=1)] = Limits().per_address
    per_address_interval: Duration = Limits().per_address_interval


class StarttlsSection(Section):
    """`starttls` of a module."""

    required: bool = Starttls().required
    verify: Literal["report", "require"] = Starttls().verify
    server_name: Annotated[str, PlainValidator(text(optional_host_name, "mail.example.net"))] = Starttls().server_name


class AuthSection(Section):
    """`auth` of a module."""

    username: Annotated[str, PlainValidator(text(user_name, "probe@example.net"))]
    password_file: Annotated[str, PlainValidator(text(file_name, "password.txt"))] | None = None
    password_env: Annotated[str, PlainValidator(text(parse_variable, "SMTP_PASSWORD"))] | None = None


class ArrivalSection(AuthSection):
    """`data.arrival` of a module."""

    host: Annotated[HostPort, PlainValidator(text(parse_host_port, "imap.example.net"))]
    within: Annotated[Duration, AfterValidator(between(10.0, 86400.0))] = CanaryMailbox().within
    interval: Annotated[Duration, AfterValidator(between(60.0, 7 * 86400.0))] = CanaryMailbox().interval
    inbox: Annotated[FolderNames, Field(min_length=1)] = Field(default_factory=lambda: list(CanaryMailbox().inbox))
    junk: FolderNames = Field(default_factory=list)
    authserv_id: Annotated[
        list[Annotated[str, PlainValidator(text(authserv_name, "mx.example.net"))]],
        BeforeValidator(as_list),
        Field(max_length=MAX_AUTHSERV_IDS),
        AfterValidator(each_once),
    ] = Field(default_factory=list)


class CanarySection(Section):
    """`data` of a module."""

    sender: Mailbox | None = Field(default=None, alias="from")
    to: Mailboxes = Field(default_factory=list)
    cc: Mailboxes = Field(default_factory=list)
    reply_to: Mailbox | None = None
    subject: Annotated[str, PlainValidator(text(parse_argument, "canary"))] = Canary().subject
    body: Annotated[str, PlainValidator(text(canary_body, "a sentence"))] = Canary().body
    arrival: Annotated[ArrivalSection | None, BeforeValidator(unless_given)] = None


class ModuleSection(Section):
    """One of `modules`."""

    stages: Annotated[list[Annotated[str, PlainValidator(text(parse_stage, "ehlo"))]], Field(min_length=1)] = Field(
        default_factory=lambda: ["ehlo"]
    )
    starttls: StarttlsSection = StarttlsSection()
    mail_from: Annotated[str, PlainValidator(text(parse_reverse_path, "probe@example.net"))] = ""
    rcpt_to: Annotated[
        list[Annotated[str, PlainValidator(text(parse_recipient, "postmaster@{domain}"))]],
        BeforeValidator(as_list),
        Field(max_length=MAX_RECIPIENTS),
        AfterValidator(each_once),
    ] = Field(default_factory=list)
    size: Annotated[int, Field(ge=0, le=MAX_SIZE)] = 0
    vrfy: Annotated[str, PlainValidator(text(parse_argument, "postmaster"))] = ""
    expn: Annotated[str, PlainValidator(text(parse_argument, "staff"))] = ""
    expect: dict[
        Annotated[str, PlainValidator(replying_stage)],
        Annotated[list[Code], Field(min_length=1), AfterValidator(each_once)],
    ] = Field(default_factory=dict)
    timeout: PositiveDuration | None = None
    host_series: HostSeries | None = None
    expect_mx: ExpectedMx | None = None
    tls: Literal["starttls", "implicit"] = "starttls"
    auth: Annotated[AuthSection | None, BeforeValidator(unless_given)] = None
    data: CanarySection = Field(default_factory=lambda: CanarySection.model_validate({}))
    policies: Annotated[list[Literal["dane", "mta_sts", "tls_rpt", "versions", "zone"]], AfterValidator(each_once)] = (
        Field(default_factory=list)
    )
    proxy_protocol: bool = False


def _witness_port(port: int) -> int:
    if port == 25:
        raise ValueError("25 is the port whose silence a witness port explains")
    return port


class EgressSection(Section):
    """`egress`."""

    references: Annotated[
        list[Annotated[HostPort, PlainValidator(text(parse_host_port, "mx.example.net"))]], AfterValidator(each_once)
    ] = Field(default_factory=list)
    witness_ports: Annotated[list[Annotated[Port, AfterValidator(_witness_port)]], AfterValidator(each_once)] = Field(
        default_factory=lambda: list(Egress().witness_ports)
    )
    trace: bool = Egress().trace


def _one_of_each_family(addresses: list[str]) -> list[str]:
    families = [family_of(address) for address in addresses]
    if len({*families}) < len(families):
        raise ValueError("at most one address of each family")
    return addresses


class StandingSection(Section):
    """`standing`."""

    addresses: Annotated[
        list[Annotated[str, PlainValidator(text(parse_any_address, "192.0.2.1"))]], AfterValidator(_one_of_each_family)
    ] = Field(default_factory=list)
    lists: Annotated[
        list[Annotated[str, PlainValidator(text(parse_list_name, "bl.example.net"))]],
        Field(max_length=MAX_LISTS),
        AfterValidator(each_once),
    ] = Field(default_factory=list)


class MetricsSection(Section):
    """`metrics`."""

    disable: Annotated[
        list[Annotated[str, PlainValidator(text(metric_name, "mx_host_extension"))]],
        Field(max_length=len(TARGET_METRICS)),
        AfterValidator(each_once),
    ] = Field(default_factory=list)


# The keys of the file with their models; those without one are lists, whose items are checked one by one.
SECTIONS: Final = MappingProxyType(
    {
        "defaults": Options,
        "resolver": ResolverSection,
        "limits": LimitsSection,
        "modules": None,
        "egress": EgressSection,
        "standing": StandingSection,
        "metrics": MetricsSection,
        "groups": None,
        "domains": None,
        "hosts": None,
        "domain_files": None,
    }
)
