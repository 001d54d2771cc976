"""Results of probes: the lookup of a domain, the result of each host in groups, and the result of the whole target.

All values are immutable. A fault of a remote server is a :class:`Failure` inside a result, never an exception.
Times are seconds; `at` values are Unix time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from exporter.model.address import Family
from exporter.model.arrival import Arrival
from exporter.model.certificate import SentCertificate
from exporter.model.evidence import Evidence
from exporter.model.failure import Failure, FailureClass, Stage
from exporter.model.policy import Dane, MtaSts, TlsRpt
from exporter.model.tls_version import OldVersion
from exporter.model.warning import REPORTED_OF_FAILING_HOSTS, DomainWarning, HostWarning
from exporter.model.zone import MxZone, Signature


@dataclass(frozen=True, slots=True)
class MxHost:
    """One MX host of a domain, with the addresses of its name.

    `addresses` are canonical texts (IPv4 dotted, IPv6 compressed), sorted, IPv4 before IPv6, each once;
    `failure` is the reason why there are none. `filtered`: the resolver replaced or withheld these addresses, with the
    evidence for it.

    `asked_at`, `nameserver` and `cause` are about the address queries: the start of the first query (Unix time; None:
    all answers came from the cache), the nameserver of the last answer, and the class of a failed answer before it
    became a failure of the MX host. Without an answer (`dns_timeout`), `nameserver` names all that were queried.
    """

    name: str  # lower-case A-labels without the final dot
    preference: int
    addresses: tuple[str, ...] = ()
    failure: Failure | None = None
    alias_of: str = ""  # the name at the end of its CNAMEs; RFC 2181 10.3, RFC 5321 5.1: an MX target may have none
    asked_at: float | None = None
    nameserver: str = ""
    cause: FailureClass | None = None
    filtered: Failure | None = None
    more: int = 0  # further addresses, counted and not kept
    more_ipv6: int = 0  # those of IPv6 among them
    incomplete: bool = False  # an address query had no useful answer, so there may be other addresses
    signature: Signature | None = None  # of the address answers, the one that ends first

    @property
    def is_cname(self) -> bool:
        """The name is an alias."""
        return bool(self.alias_of)


@dataclass(frozen=True, slots=True)
class MxLookup:
    """The hosts of a domain by preference, then name (RFC 5321 5.1), or the failure that left none.

    `asked_at`, `nameserver`, `cause` and `filtered` are about the MX query alone, as in :class:`MxHost`; where it
    failed, `failure` is its failure and there are no hosts.
    """

    domain: str
    hosts: tuple[MxHost, ...] = ()
    failure: Failure | None = None
    mx_records: int = 0  # 0 with an implicit MX
    authenticated: bool = False  # AD bit of the MX answer
    duration: float | None = None  # seconds of the last real lookup; an answer within its TTL is not queried again
    null_mx_among_others: bool = False
    asked_at: float | None = None
    nameserver: str = ""
    cause: FailureClass | None = None
    filtered: Failure | None = None
    alias_of: str = ""  # the name at the end of the domain's CNAMEs, where it has any
    more: int = 0  # further MX hosts, the least preferred, which were not looked up
    mx_signature: Signature | None = None  # of the MX answer
    signature: Signature | None = None  # of it and of the addresses of all hosts, the one that ends first


class TranscriptLine(NamedTuple):
    """One line of a dialogue as it was on the wire, bounded by the transport; show it escaped."""

    at: float  # seconds since the connect began
    sent: bool  # sent by the exporter; else by the server
    data: bytes


class Said(NamedTuple):
    """A dialogue in columns: words, which another session may have in common, and times, which are its own."""

    words: tuple[bytes, ...] = ()
    sent: tuple[bool, ...] = ()  # by the exporter; else by the server
    times: tuple[float, ...] = ()  # seconds since the connect began

    @property
    def lines(self) -> tuple[TranscriptLine, ...]:
        """The lines of the dialogue."""
        return tuple(map(TranscriptLine, self.times, self.sent, self.words))

    @classmethod
    def of(cls, lines: Iterable[TranscriptLine]) -> Said:
        """The same in columns."""
        columns = tuple(zip(*lines, strict=True))
        return cls(columns[2], columns[1], columns[0]) if columns else cls()


@dataclass(frozen=True, slots=True)
class TlsResult:
    """The TLS of a session. Times are Unix time; texts of the certificate are not trusted."""

    version: str  # by OpenSSL's name: TLSv1.2, TLSv1.3
    cipher: str
    verified: bool  # chain, name and dates
    faults: tuple[Failure, ...] = ()  # the reasons why the certificate is not verified
    not_before: float | None = None  # the latest begin of the certificates of the path, else of those sent
    not_after: float | None = None  # the earliest end of them
    subject: str = ""  # the names of the server's own certificate
    issuer: str = ""
    common_name: bool = False  # the name of the host stands in the common name alone (RFC 8461 4.2)
    chain: tuple[SentCertificate, ...] = ()  # as sent, the server's own first; the first few


class HostIdentity(NamedTuple):
    """The labels of a host's series: its name and address, and the dialogue with it."""

    mx: str  # lower-case A-labels, or a canonical address for a host that is configured by its address
    address: str  # empty where the name has none
    port: int
    module: str  # with the EHLO name and the source addresses behind it, where they are not the usual ones
    domain: str = ""  # the only domain that the dialogue was about; empty: about none, or about any


@dataclass(frozen=True, slots=True)
class HostOutcome:
    """The judgement of a host.

    `failure` is the diagnosis, `own_failure` the failure by the evidence of the session alone: the diagnosis is made
    again from it whenever the state of the egress or of other hosts changes. Metrics, pages and reports show
    :attr:`reported_warnings`.
    """

    failure: Failure | None = None
    own_failure: Failure | None = None
    warnings: tuple[HostWarning, ...] = ()
    remarks: tuple[str, ...] = ()  # the reason of a warning, and faults that concern only some senders; for a person
    last_hop: str = ""  # the last router on the path that answered, or the one that prohibits the port

    @property
    def reported_warnings(self) -> tuple[HostWarning, ...]:
        """All warnings while the host is up, else those that matter of a failing host too."""
        if self.failure is None or not self.warnings:
            return self.warnings
        return tuple(warning for warning in self.warnings if warning in REPORTED_OF_FAILING_HOSTS)


@dataclass(frozen=True, slots=True)
class HostFacts:
    """The facts that a session showed of a host: no times, which differ from one session to the next.

    A new fact is a field here, is set in exporter.probe, and is read where it is shown: in a line of
    exporter.metrics.host_rows, on the host's page, in the JSON. Rows compare all facts as one value, so a fact needs
    no more there.
    """

    reply_codes: tuple[tuple[Stage, int], ...] = ()
    enhanced: tuple[tuple[Stage, str], ...] = ()  # RFC 3463 codes of failing replies
    esmtp: bool | None = None  # False: only HELO worked; None: not known
    extensions: tuple[str, ...] = ()  # of the closed list smtp.ehlo.EXTENSIONS
    size_limit: int | None = None  # bytes, RFC 1870; 0: announced without a limit
    tls: TlsResult | None = None
    recipients: tuple[tuple[str, int], ...] = ()  # the reply code of each RCPT, in their order
    auth_plaintext: tuple[str, ...] = ()  # SASL mechanisms offered without TLS, of smtp.ehlo.MECHANISMS
    auth_tls: tuple[str, ...] = ()  # those offered with TLS
    dane: Dane | None = None  # None: not looked up, or not known in time
    old_versions: tuple[OldVersion, ...] = ()  # of TLS, where the module asks for them; empty: not known yet
    arrival: Arrival | None = None  # of the canaries that the host has accepted; None: none is known of
    software: str = ""  # of the closed list exporter.smtp.software, as the greeting names it


def to_microsecond(seconds: float) -> float:
    """A duration (0 or more) as it is told: none here is finer, and a short text is written and compressed sooner."""
    return int(seconds * 1e6 + 0.5) / 1e6


class HostTimings(NamedTuple):
    """The times of a session: Unix time at its start, and seconds.

    The stages are one object for all sessions that have gone through them: a host has new numbers at each probe, and
    seldom other stages. A named tuple: a frozen dataclass takes four times as long to make.
    """

    at: float = 0.0  # Unix time
    stages: tuple[Stage, ...] = ()  # those that are published, in their order
    seconds: tuple[float, ...] = ()  # of each of them
    waits: tuple[tuple[Stage, float], ...] = ()  # phases and all other waits; empty where there are no others
    unfinished: tuple[Stage, float] | None = None  # the wait that the end of the session cut short
    tcp_rtt: float | None = None  # measured by the kernel
    tls_at: float | None = None  # from the start of the connect to the end of the TLS handshake
    took: float = 0.0  # the whole session, without the wait for a permit

    @property
    def phases(self) -> tuple[tuple[Stage, float], ...]:
        """The stages, each with its seconds."""
        return tuple(zip(self.stages, self.seconds, strict=False))


_NO_OUTCOME: Final = HostOutcome()
_NO_FACTS: Final = HostFacts()
_NO_TIMINGS: Final = HostTimings()


@dataclass(frozen=True, slots=True)
class HostResult:
    """The result of one address of one MX host."""

    identity: HostIdentity
    outcome: HostOutcome = _NO_OUTCOME
    facts: HostFacts = _NO_FACTS
    timings: HostTimings = _NO_TIMINGS
    evidence: Evidence | None = None  # None: no session, or a session whose judgement cannot change
    transcript: tuple[TranscriptLine, ...] = ()

    @property
    def mx(self) -> str:
        """The name of the MX host."""
        return self.identity.mx

    @property
    def address(self) -> str:
        """The address; empty where the name has none."""
        return self.identity.address

    @property
    def failure(self) -> Failure | None:
        """The diagnosis; None: every stage of the module passed."""
        return self.outcome.failure

    @property
    def up(self) -> bool:
        """Every stage of the module passed."""
        return self.outcome.failure is None


class MxDifferences(NamedTuple):
    """The difference between the MX hosts of a domain and those that `expect_mx` describes."""

    unexpected: tuple[str, ...] = ()  # MX hosts that it does not name
    missing: tuple[str, ...] = ()  # its entries without an MX host


class DomainResult(NamedTuple):
    """The result of a target: of its own lookup, and of the hosts that it has in common with other targets.

    A named tuple: each turn makes one, in a quarter of the time that a frozen dataclass takes.
    """

    at: float  # Unix time at the start of the target's turn
    duration: float  # seconds: the lookup of the turn, and the longest session among the hosts
    lookup: MxLookup | None  # None for a target named by its host
    hosts: tuple[HostResult, ...]  # in order of preference, then address
    found: tuple[tuple[Family, int], ...]  # addresses by family, probed or not
    failure: Failure | None
    warnings: tuple[DomainWarning, ...] = ()
    mta_sts: MtaSts | None = None  # None: not looked up
    tls_rpt: TlsRpt | None = None
    named: tuple[MxHost, ...] = ()  # the address lookup of a target that is named by its host
    providers: tuple[str, ...] = ()  # the organisations of the MX hosts, sorted
    mx_differences: MxDifferences = MxDifferences()
    signature: Signature | None = None  # of all answers that the mail depends on, the one that ends first
    zone: MxZone | None = None  # None: not looked up

    @property
    def up(self) -> bool:
        """Mail could be delivered: at least one address passed every stage."""
        return self.failure is None

    @property
    def addresses(self) -> int:
        """The number of addresses that were found, probed or not."""
        return sum([count for _, count in self.found])

    @property
    def addresses_up(self) -> int:
        """The number of addresses that passed every stage."""
        return sum([host.up for host in self.hosts])

    def preference_of(self, mx: str) -> int | None:
        """The preference of an MX host; None where the target is named by its host."""
        hosts = () if self.lookup is None else self.lookup.hosts
        return next((host.preference for host in hosts if host.name == mx), None)
