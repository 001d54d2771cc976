"""Failures: the stage, the class, the verdict and its confidence.

Order: stages, verdicts, classes, the verdict of each class, the confidence, and the value :class:`Failure`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, cast


class Stage(StrEnum):
    """A stage of a probe; the `stage` label of failures, reply codes and phases."""

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

    # The hash of Enum is written in Python, and stages are looked up many times for each probe.
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
    """The answer to the operator's question: the party to call."""

    UNDETERMINED = "undetermined"  # dead, or only we are refused: from here the two look the same
    BLOCKED = "blocked"  # a filter on the path, or a policy of the server, refuses us
    DEAD = "dead"  # no sender can deliver mail there now
    DEGRADED = "degraded"  # temporary: try later
    MISCONFIGURED = "misconfigured"  # DNS, TLS or protocol of the remote side is wrong, and stays so
    DECLINED = "declined"  # a fact, not a fault: null MX, no such mailbox
    LOCAL = "local"  # our own resolver, network, limits or configuration


class FailureClass(StrEnum):
    """The reason of a failed probe: a closed list, each with the evidence for it."""

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
    CONNECT_TIMEOUT = "connect_timeout"  # no answer, and no sign of a block
    CONNECT_UNREACHABLE = "connect_unreachable"  # ICMP unreachable from a router
    CONNECT_PROHIBITED = "connect_prohibited"  # ICMP administratively prohibited, with the router
    PORT_FILTERED = "port_filtered"  # silent, while a witness port of the same address answers
    EGRESS_BLOCKED = "egress_blocked"  # every reference and unrelated network fails at once
    OFFLINE = "offline"  # the same, and no other port passes either
    RESOLVER_FAILING = "resolver_failing"  # unrelated names fail in the same way at once, or the answer was filtered
    EGRESS_INTERCEPTED = "egress_intercepted"  # one foreign server answers for unrelated addresses
    LOCAL_FIREWALL = "local_firewall"  # EPERM/EACCES on connect: our own output filter
    NO_ROUTE = "no_route"  # ENETUNREACH without any ICMP
    LOCAL_RESOURCE = "local_resource"  # EMFILE, ENOBUFS, EADDRNOTAVAIL
    NO_TURN = "no_turn"  # our own limits left no slot in the time given
    BANNER_TIMEOUT = "banner_timeout"  # connected, and no complete greeting in time
    BANNER_CLOSED = "banner_closed"  # closed or reset before a greeting
    BANNER_TEMPFAIL = "banner_tempfail"  # 4xx greeting of no finer class
    BANNER_REJECTED = "banner_rejected"  # 5xx greeting of no finer class
    NOT_SMTP = "not_smtp"  # the server uses another protocol
    PROTOCOL_ERROR = "protocol_error"  # malformed, contradictory, unsolicited or oversized reply
    UNEXPECTED_REPLY = "unexpected_reply"  # a positive reply the module's `expect` does not list
    EHLO_REJECTED = "ehlo_rejected"  # EHLO and then HELO refused with 5xx
    EHLO_TEMPFAIL = "ehlo_tempfail"  # the same with 4xx
    TIMEOUT = "timeout"  # no answer after the banner
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
    HELO_REJECTED = "helo_rejected"  # the server refuses our HELO name
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
    NOT_ARRIVED = "not_arrived"  # accepted, and not in its mailbox in time
    ARRIVED_AS_JUNK = "arrived_as_junk"  # accepted, and in the folder for junk
    TEMPFAIL = "tempfail"  # 4xx of no finer class
    REJECTED = "rejected"  # 5xx of no finer class
    INTERNAL = "internal"  # an internal error of the exporter

    @property
    def verdict(self) -> Verdict:
        """The verdict of this class, where the evidence supports it; see :attr:`Failure.verdict`."""
        return VERDICTS[self]


_C, _V = FailureClass, Verdict

_CLASSES_BY_VERDICT: dict[Verdict, tuple[FailureClass, ...]] = {
    # The dialogue has passed, so the host is not dead. Lost, filtered or filed elsewhere: no evidence of ours tells.
    _V.UNDETERMINED: (_C.NOT_ARRIVED,),
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
        _C.ARRIVED_AS_JUNK,
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
    """The strength of the evidence for a verdict."""

    CERTAIN = "certain"  # no other cause has this evidence
    LIKELY = "likely"  # the evidence agrees, and another cause is conceivable
    UNCERTAIN = "uncertain"  # the evidence fits other causes as well


# Classes whose uncertain evidence fits a dead host and a host that refuses only us equally well.
UNDETERMINED_CLASSES: Final = frozenset({_C.CONNECT_TIMEOUT, _C.BANNER_TIMEOUT, _C.BANNER_CLOSED, _C.BANNER_REJECTED})

# Classes of a message that was accepted: the dialogue itself has passed.
ARRIVAL_CLASSES: Final = frozenset({_C.NOT_ARRIVED, _C.ARRIVED_AS_JUNK})

# The confidence of a class by its own evidence, without knowledge of other hosts; all others are certain. A block list
# named by the server needs no second witness; a router without a route may have none only for us.
_OWN_CONFIDENCE: Final = MappingProxyType(
    {
        **dict.fromkeys((*UNDETERMINED_CLASSES, *_CLASSES_BY_VERDICT[_V.UNDETERMINED]), Confidence.UNCERTAIN),
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
                _C.ARRIVED_AS_JUNK,
            ),
            Confidence.LIKELY,
        ),
    }
)


def own_confidence(failure_class: FailureClass) -> Confidence:
    """The confidence of a class by its own evidence alone."""
    return _OWN_CONFIDENCE.get(failure_class, Confidence.CERTAIN)


def verdict_of(failure_class: FailureClass, confidence: Confidence) -> Verdict:
    """The verdict of a class with a confidence."""
    if confidence is Confidence.UNCERTAIN and failure_class in UNDETERMINED_CLASSES:
        return Verdict.UNDETERMINED
    return failure_class.verdict


@dataclass(frozen=True, slots=True)
class Failure:
    """The failure of a probe or a host. Its texts are for a person and may quote a server; they never become labels.

    `detail` is the finding, half a sentence; `evidence` are further observations that support it, half a sentence
    each; `about` is the name that the operator needs to act: a router, a block list, a nameserver. `confidence` is
    that of the verdict; without one given, that of the class by its own evidence.
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
        """The verdict: the party to call."""
        return verdict_of(self.failure_class, self.confidence)
