"""What a user may write, section by section; the only place that knows the keys, their types and their bounds.

Models hold checked values (seconds, A-labels, networks), not yet merged: None means "not given". A key without a value
counts as not given too, so that a section may be commented out line by line. Defaults are those of
:mod:`exporter.model.configuration`, taken when the sections are put together.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, model_validator

from exporter.config.mailbox import parse_argument, parse_mailbox, parse_recipient, parse_reverse_path
from exporter.config.secrets import parse_variable
from exporter.config.stage_order import REPLYING, parse_stage
from exporter.config.values import (
    MAX_PORT,
    HostPort,
    format_duration,
    parse_address,
    parse_domain,
    parse_duration,
    parse_helo,
    parse_host_name,
    parse_host_port,
    parse_nameserver,
    parse_network,
)
from exporter.model.configuration import Egress, Limits, ResolverSettings
from exporter.model.printable import quoted
from exporter.model.target import Canary, IPNetwork, Starttls

# A second: anything shorter is a slip (60ms for 60s) and would be a flood to the hosts probed.
MIN_INTERVAL: Final = 1.0
# RFC 5321 4.5.3.1.8: recipients a server must take in one transaction.
MAX_RECIPIENTS: Final = 100
MAX_BODY: Final = 4096  # octets of a canary: one segment or three, not a load
MAX_SIZE: Final = 10**18  # RFC 1870 4: at most 20 digits; YAML numbers here have at most 18
# Ours, so a configured one would be overwritten or make a series twice.
RESERVED_LABELS: Final = frozenset(
    {
        "address", "cipher", "class", "domain", "hop", "keyword", "le", "mechanism", "mode", "mx", "phase", "stage",
        "status", "tls", "verdict", "version",
    }
)  # fmt: skip
MAX_LABEL_VALUE: Final = 1024  # characters; each is repeated in every series of its target
_LABEL_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_MODULE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")

_T = TypeVar("_T")


def text(parse: Callable[[str], _T], expected: str) -> Callable[[Any], _T]:
    """`parse` for a value that must be a string; `expected` is an example of one."""

    def validate(value: Any) -> _T:
        if not isinstance(value, str):
            raise ValueError(f"must be a string such as {expected}, not {kind(value)}")  # noqa: TRY004 - pydantic's way
        return parse(value)

    return validate


def kind(value: Any) -> str:
    """What a YAML value is, for a message."""
    if value is None:
        return "empty"
    names = {bool: "true or false", int: "a number", str: "a string", list: "a list", dict: "a mapping"}
    return names.get(type(value), "this")


def _duration(value: Any) -> float:
    if isinstance(value, int) and not isinstance(value, bool):
        raise ValueError(f"{value} needs a unit, such as {value}s")  # noqa: TRY004 - pydantic's way
    return text(parse_duration, "30s")(value)


def _at_least(least: float) -> Callable[[float], float]:
    def validate(seconds: float) -> float:
        if seconds < least:
            raise ValueError(f"must be at least {format_duration(least)}")
        return seconds

    return validate


def _positive(seconds: float) -> float:
    if seconds <= 0:
        raise ValueError("must be longer than 0s")
    return seconds


def _label_name(name: str) -> str:
    if _LABEL_NAME.fullmatch(name) is None:
        raise ValueError(f"{quoted(name)} is not a label name: letters, digits and _, not beginning with a digit")
    if name.startswith("__"):
        raise ValueError(f"{quoted(name)}: label names beginning with __ are Prometheus's own")
    if name in RESERVED_LABELS:
        raise ValueError(f"{quoted(name)} is a label of the exporter's own")
    return name


def _label_value(value: Any) -> str:
    if not isinstance(value, str):
        hint = ": quote it" if isinstance(value, bool | int) else ""
        raise ValueError(f"a label value must be a string, not {kind(value)}{hint}")  # noqa: TRY004 - pydantic's way
    wrong = _CONTROL.search(value)
    if wrong is not None:
        raise ValueError(f"a label value must not contain the control character U+{ord(wrong[0]):04X}")
    if len(value) > MAX_LABEL_VALUE:
        raise ValueError(f"a label value has at most {MAX_LABEL_VALUE} characters")
    return value


def parse_module_name(name: str) -> str:
    """A name that stands in URLs (`module=`) without escapes."""
    if _MODULE_NAME.fullmatch(name) is None:
        raise ValueError(f"{quoted(name)} is not a module name: up to 64 letters, digits and _ . -")
    return name


def _replying_stage(name: str) -> str:
    if name in REPLYING:
        return name
    hint = "; ehlo stands for HELO too" if name == "helo" else ""
    raise ValueError(f"{quoted(name)} is not a stage with a reply: {', '.join(REPLYING)}{hint}")


def _server_name(name: str) -> str:
    """A host name: what a handshake asks for and a certificate is for (RFC 6066 3)."""
    return parse_host_name(name) if name else name


def _user_name(name: str) -> str:
    if not name:
        raise ValueError("must not be empty")
    return parse_argument(name)


def _file_name(name: str) -> str:
    if not name or "\0" in name:
        raise ValueError("must be the name of a file")
    return name


def _body(body: str) -> str:
    if len(body.encode("utf-8", "surrogatepass")) > MAX_BODY:
        raise ValueError(f"the text of a canary has at most {MAX_BODY} octets")
    if any(char not in "\t\n\r" and _CONTROL.match(char) for char in body):
        raise ValueError("the text of a canary must not contain control characters")
    return body


def _each_once(values: list[_T]) -> list[_T]:
    seen: set[_T] = set()
    for value in values:
        if value in seen:
            raise ValueError(f"{getattr(value, 'text', value)} is listed twice")
        seen.add(value)
    return values


def _unless_empty(value: Any) -> Any:
    """A section all of whose keys are without a value is not given, as if it were commented out."""
    return (
        None if isinstance(value, dict) and value and not any(given is not None for given in value.values()) else value
    )


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Duration = Annotated[float, PlainValidator(_duration)]
PositiveDuration = Annotated[Duration, AfterValidator(_positive)]
Interval = Annotated[Duration, AfterValidator(_at_least(MIN_INTERVAL))]
Port = Annotated[int, Field(ge=1, le=MAX_PORT)]
Code = Annotated[int, Field(ge=220, le=599)]
ModuleName = Annotated[str, PlainValidator(text(parse_module_name, "default"))]
Mailbox = Annotated[str, PlainValidator(text(parse_mailbox, "probe@example.net"))]
Mailboxes = Annotated[
    list[Mailbox],
    BeforeValidator(_as_list),
    Field(max_length=MAX_RECIPIENTS),
    AfterValidator(_each_once),
]
Labels = dict[Annotated[str, PlainValidator(_label_name)], Annotated[str, PlainValidator(_label_value)]]


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
    """Where to connect from, by family."""

    ipv4: Annotated[str, PlainValidator(text(lambda value: parse_address(value, 4), "192.0.2.1"))] = ""
    ipv6: Annotated[str, PlainValidator(text(lambda value: parse_address(value, 6), "2001:db8::1"))] = ""


class Options(Section):
    """What `defaults` sets for all targets, and a target for itself."""

    interval: Interval | None = None
    timeout: PositiveDuration | None = None
    module: ModuleName | None = None
    port: Port | None = None
    helo: Annotated[str, PlainValidator(text(parse_helo, "mail.example.net"))] | None = None
    address_families: (
        Annotated[list[Literal["ipv4", "ipv6"]], Field(min_length=1), AfterValidator(_each_once)] | None
    ) = None
    source_address: SourceAddress | None = None
    max_addresses: Annotated[int, Field(ge=1)] | None = None
    allow_addresses: list[Annotated[IPNetwork, PlainValidator(text(parse_network, "192.0.2.0/24"))]] | None = None


class DomainEntry(Options):
    """An item of `domains`, written out."""

    domain: Annotated[str, PlainValidator(text(parse_domain, "example.com"))]
    labels: Labels = Field(default_factory=dict)


class HostEntry(Options):
    """An item of `hosts`, written out."""

    host: Annotated[HostPort, PlainValidator(text(parse_host_port, "relay.example.net:25"))]
    labels: Labels = Field(default_factory=dict)


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
    share_addresses: bool = Limits().share_addresses


class StarttlsSection(Section):
    """`starttls` of a module."""

    required: bool = Starttls().required
    verify: Literal["report", "require"] = Starttls().verify
    server_name: Annotated[str, PlainValidator(text(_server_name, "mail.example.net"))] = Starttls().server_name


class AuthSection(Section):
    """`auth` of a module."""

    username: Annotated[str, PlainValidator(text(_user_name, "probe@example.net"))]
    password_file: Annotated[str, PlainValidator(text(_file_name, "password.txt"))] | None = None
    password_env: Annotated[str, PlainValidator(text(parse_variable, "SMTP_PASSWORD"))] | None = None


class CanarySection(Section):
    """`data` of a module."""

    sender: Mailbox | None = Field(default=None, alias="from")
    to: Mailboxes = Field(default_factory=list)
    cc: Mailboxes = Field(default_factory=list)
    reply_to: Mailbox | None = None
    subject: Annotated[str, PlainValidator(text(parse_argument, "canary"))] = Canary().subject
    body: Annotated[str, PlainValidator(text(_body, "a sentence"))] = Canary().body


class ModuleSection(Section):
    """One of `modules`."""

    stages: Annotated[list[Annotated[str, PlainValidator(text(parse_stage, "ehlo"))]], Field(min_length=1)] = Field(
        default_factory=lambda: ["ehlo"]
    )
    starttls: StarttlsSection = StarttlsSection()
    mail_from: Annotated[str, PlainValidator(text(parse_reverse_path, "probe@example.net"))] = ""
    rcpt_to: Annotated[
        list[Annotated[str, PlainValidator(text(parse_recipient, "postmaster@{domain}"))]],
        BeforeValidator(_as_list),
        Field(max_length=MAX_RECIPIENTS),
        AfterValidator(_each_once),
    ] = Field(default_factory=list)
    size: Annotated[int, Field(ge=0, le=MAX_SIZE)] = 0
    vrfy: Annotated[str, PlainValidator(text(parse_argument, "postmaster"))] = ""
    expn: Annotated[str, PlainValidator(text(parse_argument, "staff"))] = ""
    expect: dict[
        Annotated[str, PlainValidator(_replying_stage)],
        Annotated[list[Code], Field(min_length=1), AfterValidator(_each_once)],
    ] = Field(default_factory=dict)
    timeout: PositiveDuration | None = None
    tls: Literal["starttls", "implicit"] = "starttls"
    auth: Annotated[AuthSection | None, BeforeValidator(_unless_empty)] = None
    data: CanarySection = Field(default_factory=lambda: CanarySection.model_validate({}))
    policies: Annotated[list[Literal["dane", "mta_sts", "tls_rpt"]], AfterValidator(_each_once)] = Field(
        default_factory=list
    )
    proxy_protocol: bool = False


def _witness_port(port: int) -> int:
    if port == 25:
        raise ValueError("25 is the port whose silence a witness port explains")
    return port


class EgressSection(Section):
    """`egress`."""

    references: Annotated[
        list[Annotated[HostPort, PlainValidator(text(parse_host_port, "mx.example.net"))]], AfterValidator(_each_once)
    ] = Field(default_factory=list)
    witness_ports: Annotated[list[Annotated[Port, AfterValidator(_witness_port)]], AfterValidator(_each_once)] = Field(
        default_factory=lambda: list(Egress().witness_ports)
    )
    trace: bool = Egress().trace


# The keys of the file with their models; those without one are lists, whose items are checked one by one.
SECTIONS: Final = MappingProxyType(
    {
        "defaults": Options,
        "resolver": ResolverSection,
        "limits": LimitsSection,
        "modules": None,
        "egress": EgressSection,
        "domains": None,
        "hosts": None,
        "domain_files": None,
    }
)
