"""The description of a domain of the demo: its hosts, their behaviour, and the records of its DNS."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from exporter.lab.smtp_script import ORDINARY_EXTENSIONS, SmtpScript, Step, ordinary
from exporter.model.failure import Confidence, FailureClass, Verdict, own_confidence, verdict_of
from exporter.model.warning import DomainWarning, HostWarning


class Port(Enum):
    """A host without a server on its SMTP port."""

    REFUSED = "refused"  # nothing listens: RST
    SILENT = "silent"  # SYNs to it vanish, those to other ports are answered
    GONE = "gone"  # SYNs to any port vanish


class Certificate(Enum):
    """The certificate that a host presents after STARTTLS."""

    VALID = "valid"  # of the demo's own authority
    EXPIRED = "expired"
    OTHER_NAME = "other name"
    UNTRUSTED = "untrusted"  # of an authority that is not the demo's


class DnsFault(Enum):
    """A domain whose DNS is at fault."""

    SERVFAIL = "servfail"
    BOGUS = "bogus"  # SERVFAIL with the extended error DNSSEC Bogus (RFC 8914 4.7)
    SILENT = "silent"  # no answer


@dataclass(frozen=True, slots=True)
class DemoHost:
    """One mail host. With a certificate it offers STARTTLS."""

    name: str
    address: str
    behaviour: SmtpScript | Port
    certificate: Certificate | None = None
    is_one_of_several: bool = False  # further hosts have the same name, with other addresses

    @property
    def key(self) -> str:
        """The name, and the address where the name has several."""
        return f"{self.name}/{self.address}" if self.is_one_of_several else self.name


@dataclass(frozen=True, slots=True)
class DemoDomain:
    """One domain: `shows` describes it in words, `expected` is the class of its failure (None: up)."""

    name: str
    group: str  # published as a label
    shows: str
    expected: FailureClass | None = None
    hosts: tuple[DemoHost, ...] = ()
    exchanges: tuple[str, ...] = ()  # names of hosts of another domain, which take its mail
    records: tuple[tuple[str, str, str], ...] = ()  # (name, type, data)
    fault: DnsFault | None = None
    warnings: tuple[DomainWarning | HostWarning, ...] = ()  # its own, and of its hosts that are up
    module: str = "default"
    confidence: Confidence | None = None  # of the verdict; None: that of the class
    expect_mx: tuple[str, ...] = ()  # as the configuration has it

    @property
    def verdict(self) -> Verdict | None:
        """The verdict that the exporter comes to; None: up."""
        if self.expected is None:
            return None
        return verdict_of(self.expected, self.confidence or own_confidence(self.expected))

    @property
    def all_records(self) -> tuple[tuple[str, str, str], ...]:
        """Everything its zone holds."""
        addresses = tuple((host.name, "A", host.address) for host in self.hosts)
        if any(kind == "MX" for _, kind, _ in self.records):
            return (*addresses, *self.records)
        own = (host.name for host in self.hosts if host.name != self.name)
        named = dict.fromkeys((*own, *self.exchanges))
        exchanges = ((self.name, "MX", f"{10 * place} {name}.") for place, name in enumerate(named, 1))
        return (*addresses, *exchanges, *self.records)

    @property
    def mx_names(self) -> tuple[str, ...]:
        """The names of the hosts that take its mail."""
        named = [data.split()[1].rstrip(".") for _, kind, data in self.all_records if kind == "MX"]
        return tuple(named) or tuple(host.name for host in self.hosts)

    @property
    def takes_mail(self) -> bool:
        """Some host, its own or another's, is there for its mail."""
        return bool(self.hosts or self.exchanges)

    def aliases(self, host: str) -> tuple[str, ...]:
        """Names that are a CNAME of `host`."""
        return tuple(name for name, kind, data in self.records if kind == "CNAME" and data == f"{host}.")


def works(name: str, address: str) -> DemoHost:
    """An ordinary host with STARTTLS."""
    return DemoHost(name, address, ordinary(name), Certificate.VALID)


def alone(
    domain: str, address: str, behaviour: SmtpScript | Port, certificate: Certificate | None = None
) -> tuple[DemoHost]:
    """The only mail host of a domain."""
    return (DemoHost(f"mx.{domain}", address, behaviour, certificate),)


def offering(name: str, *answer: Step) -> SmtpScript:
    """A server that offers STARTTLS and has `answer` for it."""
    return ordinary(name, (*ORDINARY_EXTENSIONS, "STARTTLS"), STARTTLS=answer)
