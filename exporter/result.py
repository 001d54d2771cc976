"""The vocabulary every room speaks: stages, failure classes, verdicts and the values a probe hands on.

Everything here is immutable and knows no socket, no clock and no metric. A fault of a remote server is a
:class:`Failure` inside a result, never an exception that travels. Times are seconds; `at` values are Unix time.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple, cast

from exporter.evidence import Evidence


class Stage(StrEnum):
    """Where in a probe something happened; the `stage` label of failures, reply codes and phases."""

    DNS = "dns"
    CONNECT = "connect"
    BANNER = "banner"
    EHLO = "ehlo"  # HELO too
    STARTTLS = "starttls"
    TLS = "tls"
    EHLO_TLS = "ehlo_tls"  # EHLO after STARTTLS
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    VRFY = "vrfy"
    EXPN = "expn"
    RSET = "rset"
    QUIT = "quit"

    # Enum's own is written in Python, and stages are looked up many times for each probe.
    __hash__ = str.__hash__


# The phases whose duration is published, in dialogue order.
PHASES: Final = (
    Stage.CONNECT,
    Stage.BANNER,
    Stage.EHLO,
    Stage.STARTTLS,
    Stage.TLS,
    Stage.MAIL,
    Stage.RCPT,
    Stage.DATA,
    Stage.VRFY,
    Stage.EXPN,
    Stage.QUIT,
)


class Verdict(StrEnum):
    """The operator's question, whom to call."""

    UNDETERMINED = "undetermined"  # dead, or only we are kept out: from here it cannot be told
    BLOCKED = "blocked"  # something between us and them, or their policy, refuses us
    DEAD = "dead"  # nobody can hand mail over there now
    DEGRADED = "degraded"  # temporary: try later
    MISCONFIGURED = "misconfigured"  # their DNS, TLS or protocol is wrong; it will not heal by itself
    DECLINED = "declined"  # a fact, not a fault: null MX, no such mailbox
    LOCAL = "local"  # our own resolver, network, limits or configuration


class FailureClass(StrEnum):
    """Why a probe failed: a closed list, each with the evidence it rests on."""

    DNS_NXDOMAIN = "dns_nxdomain"  # NXDOMAIN for the domain
    DNS_NO_ADDRESS = "dns_no_address"  # no MX and the domain has no A/AAAA (RFC 5321 5.1)
    DNS_NULL_MX = "dns_null_mx"  # "0 ." alone (RFC 7505)
    DNS_SERVFAIL = "dns_servfail"  # SERVFAIL, EDE 22/23 likewise (RFC 8914)
    DNS_BOGUS = "dns_bogus"  # SERVFAIL with a DNSSEC EDE code (RFC 8914)
    DNS_REFUSED = "dns_refused"  # REFUSED by the resolver
    DNS_TIMEOUT = "dns_timeout"  # the resolver did not answer
    DNS_MALFORMED = "dns_malformed"  # unparsable answer, CNAME loop or chain over 16 links
    MX_UNRESOLVABLE = "mx_unresolvable"  # no MX host exists, has an address or can be looked up
    MX_IS_ADDRESS = "mx_is_address"  # an IP address where a host name belongs
    MX_ADDRESS_FORBIDDEN = "mx_address_forbidden"  # a special address, never connected to
    CONNECT_REFUSED = "connect_refused"  # RST to the SYN
    CONNECT_TIMEOUT = "connect_timeout"  # silence, and no sign of a block
    CONNECT_UNREACHABLE = "connect_unreachable"  # ICMP unreachable from a router
    CONNECT_PROHIBITED = "connect_prohibited"  # ICMP administratively prohibited, with the router
    PORT_FILTERED = "port_filtered"  # silent, while a witness port of the same address answers
    EGRESS_BLOCKED = "egress_blocked"  # every reference and unrelated network fails at once
    OFFLINE = "offline"  # the same, and nothing else gets out either
    RESOLVER_FAILING = "resolver_failing"  # unrelated names fail alike at once, or the answer was filtered
    EGRESS_INTERCEPTED = "egress_intercepted"  # one foreign speaker answers for unrelated addresses
    LOCAL_FIREWALL = "local_firewall"  # EPERM/EACCES on connect: our own output filter
    NO_ROUTE = "no_route"  # ENETUNREACH without any ICMP
    LOCAL_RESOURCE = "local_resource"  # EMFILE, ENOBUFS, EADDRNOTAVAIL
    NO_TURN = "no_turn"  # our own limits left no turn in the time given
    BANNER_TIMEOUT = "banner_timeout"  # connected, and no complete greeting in time
    BANNER_CLOSED = "banner_closed"  # closed or reset before a greeting
    BANNER_TEMPFAIL = "banner_tempfail"  # 4xx greeting with nothing finer
    BANNER_REJECTED = "banner_rejected"  # 5xx greeting with nothing finer
    NOT_SMTP = "not_smtp"  # another protocol speaks
    PROTOCOL_ERROR = "protocol_error"  # malformed, contradictory, unsolicited or oversized reply
    UNEXPECTED_REPLY = "unexpected_reply"  # a positive reply the module's `expect` does not list
    EHLO_REJECTED = "ehlo_rejected"  # EHLO and then HELO refused with 5xx
    EHLO_TEMPFAIL = "ehlo_tempfail"  # the same with 4xx
    TIMEOUT = "timeout"  # silence after the banner
    CLOSED = "closed"  # closed or reset after the banner
    STARTTLS_NOT_OFFERED = "starttls_not_offered"
    STARTTLS_REJECTED = "starttls_rejected"
    TLS_HANDSHAKE = "tls_handshake"
    TLS_INJECTION = "tls_injection"  # plaintext after the 220 and before the handshake
    TLS_EXPIRED = "tls_expired"
    TLS_NOT_YET_VALID = "tls_not_yet_valid"
    TLS_NAME_MISMATCH = "tls_name_mismatch"
    TLS_UNTRUSTED = "tls_untrusted"
    DANE_MISMATCH = "dane_mismatch"  # the certificate matches no TLSA record (RFC 7672)
    DANE_NO_TLS = "dane_no_tls"  # TLSA records, and no TLS
    MTA_STS_MISMATCH = "mta_sts_mismatch"  # an enforced policy does not name the MX host (RFC 8461)
    MTA_STS_NO_TLS = "mta_sts_no_tls"  # an enforced policy, and no TLS
    MTA_STS_UNTRUSTED = "mta_sts_untrusted"  # an enforced policy, and the certificate is not valid for the host
    REPUTATION_BLOCKED = "reputation_blocked"  # names a block list or our address's reputation
    POLICY_REJECTED = "policy_rejected"  # 5.7.x or policy wording, nothing finer
    RDNS_REQUIRED = "rdns_required"  # our address lacks (matching) reverse DNS
    HELO_REJECTED = "helo_rejected"  # our HELO name is what they object to
    SENDER_AUTH_FAILED = "sender_auth_failed"  # SPF, DKIM, DMARC
    TLS_REQUIRED = "tls_required"  # 530 5.7.0 must issue STARTTLS; 5.7.10
    AUTH_NOT_OFFERED = "auth_not_offered"  # neither PLAIN nor LOGIN, after TLS
    AUTH_FAILED = "auth_failed"  # our credentials are refused
    AUTH_REQUIRED = "auth_required"  # a submission server, or AUTH demanded
    RELAY_DENIED = "relay_denied"  # the MX does not take mail for the domain
    RATE_LIMITED = "rate_limited"  # too many connections, messages, recipients, or too fast
    GREYLISTED = "greylisted"
    MAILBOX_UNKNOWN = "mailbox_unknown"
    MAILBOX_FULL = "mailbox_full"
    MAILBOX_DISABLED = "mailbox_disabled"
    SENDER_REJECTED = "sender_rejected"
    MESSAGE_TOO_LARGE = "message_too_large"
    TEMPFAIL = "tempfail"  # 4xx with nothing finer
    REJECTED = "rejected"  # 5xx with nothing finer
    INTERNAL = "internal"  # our own bug

    @property
    def verdict(self) -> Verdict:
        """Whom to call for this class, where the evidence carries it; see :attr:`Failure.verdict`."""
        return VERDICTS[self]


_C, _V = FailureClass, Verdict
_CLASSES_BY_VERDICT: dict[Verdict, tuple[FailureClass, ...]] = {
    _V.BLOCKED: (
        _C.CONNECT_PROHIBITED,
        _C.PORT_FILTERED,
        _C.EGRESS_BLOCKED,
        _C.EGRESS_INTERCEPTED,
        _C.LOCAL_FIREWALL,
        _C.REPUTATION_BLOCKED,
        _C.POLICY_REJECTED,
        _C.RDNS_REQUIRED,
        _C.HELO_REJECTED,
        _C.SENDER_AUTH_FAILED,
        _C.TLS_REQUIRED,
        _C.AUTH_REQUIRED,
    ),
    _V.DEAD: (
        _C.DNS_SERVFAIL,
        _C.CONNECT_REFUSED,
        _C.CONNECT_TIMEOUT,
        _C.CONNECT_UNREACHABLE,
        _C.BANNER_TIMEOUT,
        _C.BANNER_CLOSED,
        _C.BANNER_REJECTED,
    ),
    _V.DEGRADED: (
        _C.BANNER_TEMPFAIL,
        _C.EHLO_TEMPFAIL,
        _C.TIMEOUT,
        _C.CLOSED,
        _C.STARTTLS_REJECTED,
        _C.RATE_LIMITED,
        _C.GREYLISTED,
        _C.MAILBOX_FULL,
        _C.TEMPFAIL,
    ),
    _V.MISCONFIGURED: (
        _C.DNS_NXDOMAIN,
        _C.DNS_NO_ADDRESS,
        _C.DNS_BOGUS,
        _C.DNS_MALFORMED,
        _C.MX_UNRESOLVABLE,
        _C.MX_IS_ADDRESS,
        _C.MX_ADDRESS_FORBIDDEN,
        _C.NOT_SMTP,
        _C.PROTOCOL_ERROR,
        _C.UNEXPECTED_REPLY,
        _C.EHLO_REJECTED,
        _C.STARTTLS_NOT_OFFERED,
        _C.TLS_HANDSHAKE,
        _C.TLS_INJECTION,
        _C.TLS_EXPIRED,
        _C.TLS_NOT_YET_VALID,
        _C.TLS_NAME_MISMATCH,
        _C.TLS_UNTRUSTED,
        _C.AUTH_NOT_OFFERED,
        _C.DANE_MISMATCH,
        _C.DANE_NO_TLS,
        _C.MTA_STS_MISMATCH,
        _C.MTA_STS_NO_TLS,
        _C.MTA_STS_UNTRUSTED,
        _C.RELAY_DENIED,
    ),
    _V.DECLINED: (
        _C.DNS_NULL_MX,
        _C.MAILBOX_UNKNOWN,
        _C.MAILBOX_DISABLED,
        _C.SENDER_REJECTED,
        _C.MESSAGE_TOO_LARGE,
        _C.REJECTED,
    ),
    _V.LOCAL: (
        _C.DNS_REFUSED,
        _C.DNS_TIMEOUT,
        _C.OFFLINE,
        _C.RESOLVER_FAILING,
        _C.NO_ROUTE,
        _C.LOCAL_RESOURCE,
        _C.NO_TURN,
        _C.AUTH_FAILED,
        _C.INTERNAL,
    ),
}
VERDICTS: Final = MappingProxyType({c: v for v, classes in _CLASSES_BY_VERDICT.items() for c in classes})


class Confidence(StrEnum):
    """How far the evidence carries a verdict."""

    CERTAIN = "certain"  # nothing else could have shown this
    LIKELY = "likely"  # signs agree, and another cause is conceivable
    UNCERTAIN = "uncertain"  # the evidence fits others as well


# Classes of which an uncertain one fits a dead host and one that only keeps us out equally well.
UNDETERMINED_CLASSES: Final = frozenset({_C.CONNECT_TIMEOUT, _C.BANNER_TIMEOUT, _C.BANNER_CLOSED, _C.BANNER_REJECTED})

# What a failure's own evidence carries where nothing is known around it; all others are certain. A block list named by
# the server needs no second witness, a router that knows no way may know none for us alone.
_OWN_CONFIDENCE: Final = MappingProxyType(
    {
        **dict.fromkeys(UNDETERMINED_CLASSES, Confidence.UNCERTAIN),
        **dict.fromkeys(
            (
                _C.DNS_SERVFAIL,
                _C.DNS_TIMEOUT,
                _C.RESOLVER_FAILING,
                _C.CONNECT_REFUSED,
                _C.CONNECT_UNREACHABLE,
                _C.PORT_FILTERED,
                _C.OFFLINE,
                _C.TIMEOUT,
                _C.CLOSED,
                _C.TLS_HANDSHAKE,
            ),
            Confidence.LIKELY,
        ),
    }
)


def own_confidence(failure_class: FailureClass) -> Confidence:
    """How far the evidence of a class carries by itself."""
    return _OWN_CONFIDENCE.get(failure_class, Confidence.CERTAIN)


def verdict_of(failure_class: FailureClass, confidence: Confidence) -> Verdict:
    """Whom to call for a class that is so sure."""
    if confidence is Confidence.UNCERTAIN and failure_class in UNDETERMINED_CLASSES:
        return Verdict.UNDETERMINED
    return failure_class.verdict


class EgressState(StrEnum):
    """What becomes of connections to port 25 on their way out of here; the `state` label of `mx_egress_state`."""

    OPEN = "open"
    BLOCKED = "blocked"  # on the way out, while other ports get through
    INTERCEPTED = "intercepted"  # somebody on the way answers for everyone
    OFFLINE = "offline"  # nothing gets out
    UNKNOWN = "unknown"  # too little to compare


class ResolverState(StrEnum):
    """What becomes of questions to our resolver; the `state` label of `mx_resolver_state`."""

    WORKING = "working"
    FAILING = "failing"  # unrelated names fail alike at once
    FILTERING = "filtering"  # it keeps answers from us
    UNKNOWN = "unknown"  # too little to compare


class MtaStsMode(StrEnum):
    """What holds for senders who honour MTA-STS (RFC 8461 5): the `mode` label of `mx_domain_mta_sts_mode`."""

    ENFORCE = "enforce"
    TESTING = "testing"
    NONE = "none"  # a policy that says there is none any more
    ABSENT = "absent"  # no record
    UNKNOWN = "unknown"  # there is a record, or may be one, and no policy came of it


class MtaStsProblem(StrEnum):
    """Why a domain's MTA-STS is not valid: the `class` label of `mx_domain_mta_sts_failure`."""

    RECORD_LOOKUP = "record_lookup"  # the TXT record cannot be looked up
    RECORD_INVALID = "record_invalid"  # malformed, or more than one
    RECORD_ABSENT = "record_absent"  # gone, while the policy fetched before still holds
    HOST_LOOKUP = "host_lookup"  # mta-sts.<domain> has no address
    ADDRESS_FORBIDDEN = "address_forbidden"  # only special addresses, never connected to
    CONNECT = "connect"
    TLS = "tls"  # no handshake
    CERTIFICATE = "certificate"  # not valid for mta-sts.<domain>
    TIMEOUT = "timeout"
    HTTP = "http"  # no HTTP, or broken off
    HTTP_STATUS = "http_status"  # not 200
    REDIRECT = "redirect"  # RFC 8461 3.3: not followed
    CONTENT_TYPE = "content_type"  # not text/plain
    TOO_LARGE = "too_large"
    POLICY_INVALID = "policy_invalid"
    LOCAL = "local"  # our own resolver, network or limits: says nothing about theirs


class DaneState(StrEnum):
    """What a sender who honours DANE finds (RFC 7672 2.2): the `state` label of `mx_host_dane_state`."""

    VERIFIED = "verified"  # the certificate matches a TLSA record
    MISMATCH = "mismatch"  # it matches none: mail is held back
    NO_TLS = "no_tls"  # there are TLSA records, and no TLS: mail is held back
    UNUSABLE = "unusable"  # no TLSA record can be used: TLS is demanded, whose it is is not
    LOOKUP_FAILED = "lookup_failed"  # the TLSA records cannot be looked up: mail is held back
    ABSENT = "absent"  # no TLSA records
    INSECURE = "insecure"  # the MX or address answer is not authenticated, so DANE does not apply
    UNCHECKED = "unchecked"  # there are TLSA records, and the session did not come as far as TLS


class HostWarning(StrEnum):
    """Works, yet wrong: the `class` label of `mx_host_warning`."""

    MX_IS_CNAME = "mx_is_cname"
    NULL_MX_AMONG_OTHERS = "null_mx_among_others"
    STARTTLS_NOT_OFFERED = "starttls_not_offered"
    STARTTLS_REJECTED = "starttls_rejected"
    TLS_EXPIRED = "tls_expired"
    TLS_NOT_YET_VALID = "tls_not_yet_valid"
    TLS_NAME_MISMATCH = "tls_name_mismatch"
    TLS_UNTRUSTED = "tls_untrusted"
    TLS_EXPIRES_SOON = "tls_expires_soon"
    TLS_HANDSHAKE = "tls_handshake"  # STARTTLS is offered and comes to no TLS; a session without it works
    TLS_OUTDATED = "tls_outdated"  # below TLS 1.2
    HELO_ONLY = "helo_only"
    BANNER_SLOW = "banner_slow"
    BARE_LF = "bare_lf"
    QUIT_UNCLEAN = "quit_unclean"
    VRFY_ENABLED = "vrfy_enabled"
    EXPN_ENABLED = "expn_enabled"
    BANNER_NAME_MISMATCH = "banner_name_mismatch"
    CONTRADICTORY_CODES = "contradictory_codes"  # one reply with two codes (RFC 5321 4.2.1)
    MASKED = "masked"  # a Cisco inspection at their end overwrites the greeting or the keywords
    DANE_MISMATCH = "dane_mismatch"  # the certificate matches no TLSA record
    DANE_NO_TLS = "dane_no_tls"  # TLSA records, and no TLS
    DANE_UNUSABLE = "dane_unusable"  # TLSA records, and none is usable
    DANE_LOOKUP_FAILED = "dane_lookup_failed"
    MTA_STS_MISMATCH = "mta_sts_mismatch"  # the policy does not name this MX host
    MTA_STS_NO_TLS = "mta_sts_no_tls"
    MTA_STS_UNTRUSTED = "mta_sts_untrusted"  # the certificate is not valid for the MX host
    COSTLY = "costly"  # a session with it takes far more of our CPU than others, so it is seldom probed


# What is worth telling of a host that fails, too: it is about the reply in which the reason stands, or about us.
_ALWAYS_TOLD: Final = frozenset({HostWarning.CONTRADICTORY_CODES, HostWarning.COSTLY})


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something failed. Its texts are for a person and may quote a server; they never become labels.

    `detail` is the finding, half a sentence; `evidence` is what else speaks for it, each half a sentence too; `about`
    the name that whoever acts on it needs: a router, a block list, a nameserver. `confidence` is that of the verdict;
    where nothing is given, what the class carries by itself.
    """

    stage: Stage
    failure_class: FailureClass
    detail: str = ""
    confidence: Confidence = cast(Confidence, None)  # noqa: RUF009 - never None once made
    evidence: tuple[str, ...] = ()
    about: str = ""

    def __post_init__(self) -> None:
        if cast(Confidence | None, self.confidence) is None:
            object.__setattr__(self, "confidence", own_confidence(self.failure_class))

    @property
    def verdict(self) -> Verdict:
        """Whom to call."""
        return verdict_of(self.failure_class, self.confidence)


@dataclass(frozen=True, slots=True)
class MxHost:
    """One host that takes mail for a domain, with what its name resolved to.

    `addresses` are canonical texts (IPv4 dotted, IPv6 compressed), sorted, IPv4 before IPv6, each once;
    `failure` says why there are none. `filtered`: the resolver put these addresses there itself, or took them away, and
    how that is known.

    `asked_at`, `nameserver` and `cause` are about the questions for the addresses: when the first of them began (Unix
    time; None: all answers were remembered ones), who answered last, and what was wrong with the answer itself, before
    it became a failure of the MX host. Where nobody answered (`dns_timeout`), all who were asked are named.
    """

    name: str  # lower-case A-labels without the final dot
    preference: int
    addresses: tuple[str, ...] = ()
    failure: Failure | None = None
    is_cname: bool = False  # RFC 2181 10.3, RFC 5321 5.1: an MX target may not be an alias
    asked_at: float | None = None
    nameserver: str = ""
    cause: FailureClass | None = None
    filtered: Failure | None = None
    more: int = 0  # addresses that it has besides, counted and not kept


@dataclass(frozen=True, slots=True)
class MxLookup:
    """The hosts of a domain by preference, then name (RFC 5321 5.1), or the failure that left none.

    `asked_at`, `nameserver` and `filtered` are about the MX question alone, as in :class:`MxHost`; its own failure is
    `failure` where there are no hosts and none was looked for.
    """

    domain: str
    hosts: tuple[MxHost, ...] = ()
    failure: Failure | None = None
    mx_records: int = 0  # 0 with an implicit MX
    authenticated: bool = False  # AD bit of the MX answer
    duration: float | None = None  # seconds the last real lookup took; an answer within its TTL is not asked again
    null_mx_among_others: bool = False
    asked_at: float | None = None
    nameserver: str = ""
    cause: FailureClass | None = None
    filtered: Failure | None = None
    alias_of: str = ""  # the name at the end of the domain's CNAMEs, where it has any


class TranscriptLine(NamedTuple):
    """One line of a dialogue as it went over the wire, bounded by the transport; show it escaped."""

    at: float  # seconds since the connect began
    sent: bool  # by us; else by the server
    data: bytes


@dataclass(frozen=True, slots=True)
class TlsResult:
    """The TLS of a conversation. Times but `at` are Unix time; texts of the certificate are a stranger's."""

    version: str  # as OpenSSL names it: TLSv1.2, TLSv1.3
    cipher: str
    verified: bool  # chain, name and dates
    faults: tuple[Failure, ...] = ()  # why it is not
    not_before: float | None = None  # when the last certificate of the path begins, without one of those sent
    not_after: float | None = None  # when the first of them ends
    subject: str = ""  # the names of the server's own certificate
    issuer: str = ""
    at: float = 0.0  # seconds since the connect began


@dataclass(frozen=True, slots=True)
class MtaSts:
    """A domain's MTA-STS (RFC 8461).

    `valid`: record and policy, as published now, are right; None without a record, or where we could not find out.
    `mode`, `mx` and `max_age` are those of the policy that holds, which may be an older one.
    """

    mode: MtaStsMode
    valid: bool | None = None
    problem: MtaStsProblem | None = None
    detail: str = ""  # for a person; may quote a server
    id: str = ""  # of the record
    mx: tuple[str, ...] = ()
    max_age: int | None = None  # seconds


@dataclass(frozen=True, slots=True)
class TlsRpt:
    """A domain's TLS reporting (RFC 8460). `present` None: the record cannot be looked up."""

    present: bool | None
    valid: bool | None = None  # None unless present
    detail: str = ""
    rua: tuple[str, ...] = ()  # where reports go


@dataclass(frozen=True, slots=True)
class Dane:
    """What DANE (RFC 7672) means for one address of one host."""

    state: DaneState
    records: tuple[str, ...] = ()  # TLSA, as in a zone file; long data cut
    detail: str = ""


@dataclass(frozen=True, slots=True)
class HostResult:
    """What one address of one MX host showed. `address` is empty where the host's name gave none.

    `failure` is the diagnosis; `own_failure` what the session by itself showed, from which it is made anew whenever
    what is known around the host has changed. of `warnings` those count that are :attr:`told`.
    """

    mx: str
    address: str
    preference: int | None  # None: no MX lookup led here
    failure: Failure | None = None
    warnings: tuple[HostWarning, ...] = ()
    phases: tuple[tuple[Stage, float], ...] = ()  # seconds
    waits: tuple[tuple[Stage, float], ...] = ()  # phases and all else that was waited for; empty where that is nothing
    unfinished: tuple[Stage, float] | None = None  # what was waited for at the end, and how long
    reply_codes: tuple[tuple[Stage, int], ...] = ()
    enhanced: tuple[tuple[Stage, str], ...] = ()  # RFC 3463 codes of failing replies
    tcp_rtt: float | None = None  # seconds, the kernel's own measure
    esmtp: bool | None = None  # False: only HELO worked; None: not known
    extensions: tuple[str, ...] = ()  # of the closed list smtp.ehlo.EXTENSIONS
    size_limit: int | None = None  # bytes, RFC 1870; 0: announced without a limit
    transcript: tuple[TranscriptLine, ...] = ()
    at: float = 0.0
    own_failure: Failure | None = None
    evidence: Evidence | None = None  # None: no session, or none whose judgement could change
    last_hop: str = ""  # the last router on the way that answered, or the one that prohibits it
    tls: TlsResult | None = None
    remarks: tuple[str, ...] = ()  # what a warning rests on, and what only some senders mind; for a person
    recipients: tuple[tuple[str, int], ...] = ()  # the code each RCPT was answered with, in their order
    auth_plaintext: tuple[str, ...] = ()  # SASL mechanisms offered without TLS, of smtp.ehlo.MECHANISMS
    auth_tls: tuple[str, ...] = ()  # and with it
    dane: Dane | None = None  # None: not asked for, or not known in time
    mta_sts_match: bool | None = None  # whether the domain's policy names the MX host; None without one

    @property
    def up(self) -> bool:
        """Every stage of the module passed."""
        return self.failure is None

    @property
    def told(self) -> tuple[HostWarning, ...]:
        """The warnings that count: all while the host is up, else those that are about its refusal."""
        if self.failure is None or not self.warnings:
            return self.warnings
        return tuple(warning for warning in self.warnings if warning in _ALWAYS_TOLD)


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """One probe of one target, whole: the value that travels from the probe to the store."""

    at: float  # Unix time at its start
    duration: float  # seconds, lookup and all addresses
    lookup: MxLookup | None  # None for a target named by its host
    hosts: tuple[HostResult, ...]
    addresses: int  # all that were found, probed or not
    failure: Failure | None
    mta_sts: MtaSts | None = None  # None: not asked for
    tls_rpt: TlsRpt | None = None
    named: tuple[MxHost, ...] = ()  # the lookup of a target that is named by its host

    @property
    def up(self) -> bool:
        """Mail could be handed over: at least one address passed every stage."""
        return self.failure is None

    @property
    def addresses_up(self) -> int:
        """How many addresses passed every stage."""
        return sum(host.up for host in self.hosts)
