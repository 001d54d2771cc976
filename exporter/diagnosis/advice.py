"""The next step after a failure, in one line: the person to call, and the first command to run. Pure.

One line for each class, with placeholders for names. `{router|the last hop}` is the router; where that is not known,
as in the tables of the documentation and in the alerts, it is "the last hop".

A reader may copy a line into a shell: commands contain only addresses, ports and names of the configuration.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from exporter.model.failure import UNDETERMINED_CLASSES, Confidence, Failure, FailureClass, Verdict, verdict_of
from exporter.model.printable import printable

_C = FailureClass
_PLACE: Final = re.compile(r"\{(\w+)\|([^}]*)\}")
# A longer name does not fit into one line.
_MAX_NAME: Final = 80


@dataclass(frozen=True, slots=True)
class AdviceNames:
    """The names for the placeholders; "" for an unknown one."""

    target: str = ""  # as configured
    host: str = ""  # of the mail host
    address: str = ""  # and its address
    port: str = ""
    router: str = ""  # the last one that answered on the path, or that rejects the connect
    about: str = ""  # a block list, a nameserver, an operator
    helo: str = ""  # our EHLO name
    tls_client: str = ""  # the command that begins TLS as the probe did; STARTTLS where that is not known
    is_host: bool = False  # the target is the host itself: no MX record leads to it

    @property
    def asked(self) -> str:
        """The name that the DNS was asked for: of a host, without the port that the target has."""
        return self.host if self.is_host and self.host else self.target

    @property
    def record(self) -> str:
        """The type of record that it was asked for."""
        return "A" if self.is_host else ""

    @property
    def endpoint(self) -> str:
        """Address and port as one argument of a command."""
        if not self.address or not self.port:
            return ""
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


NO_NAMES: Final = AdviceNames()


@dataclass(frozen=True, slots=True)
class Advice:
    """The line of a class; `unsure` where another step comes first while the verdict is not certain."""

    line: str
    unsure: str = ""


_ADMINISTRATOR: Final = "the DNS administrator of {asked|the domain}"
_POSTMASTER: Final = "the postmaster of {host|the mail host}"
_QUESTION: Final = "{record|MX} {asked|NAME}"
_DIG: Final = f"`dig {_QUESTION}`"
_TRACE: Final = "`mx-exporter trace {address|ADDRESS} --port {port|25}`"
_PROBE: Final = "`mx-exporter probe {target|NAME}`"
_S_CLIENT: Final = "`{tls_client|openssl s_client -starttls smtp} -connect {endpoint|ADDRESS:25}`"
_RELAY: Final = "{router|the last hop that answers}"
_SETTLE: Final = (
    "settle it before you call: set `egress.references` and `egress.witness_ports`, run"
    f" {_TRACE}, or probe from another network"
)
_SETTLE_ELSEWHERE: Final = f"settle it before you call: run {_PROBE} from another network"
_CALL_IF_IT_STAYS: Final = f"wait; if it stays, call {_POSTMASTER}"
_DANE: Final = f"call {_POSTMASTER}: senders who honour DANE keep their mail"

_LINES: Final = {
    _C.DNS_NXDOMAIN: Advice("look for a misspelt name or an expired registration: `whois {asked|NAME}`"),
    _C.DNS_NO_ADDRESS: Advice(f"tell {_ADMINISTRATOR}: it needs an MX record, or `0 .` where it takes no mail"),
    _C.DNS_NULL_MX: Advice("nothing is wrong: take {target|the domain} out of the configuration"),
    _C.DNS_SERVFAIL: Advice(f"ask its name servers themselves with `dig +trace {_QUESTION}`; call {_ADMINISTRATOR}"),
    _C.DNS_BOGUS: Advice(f"call {_ADMINISTRATOR}, with `dig {_QUESTION}` (fails) and `dig +cd {_QUESTION}` (works)"),
    _C.DNS_REFUSED: Advice(
        "call the operator of {about|our resolver}: its access list must name this machine; or set `resolver`"
    ),
    _C.DNS_TIMEOUT: Advice(f"see whether {{about|our resolver}} answers at all with {_DIG}; call its operator"),
    _C.DNS_MALFORMED: Advice(f"send {_ADMINISTRATOR} what {_DIG} shows"),
    _C.MX_UNRESOLVABLE: Advice(f"send {_ADMINISTRATOR} what {_DIG} shows: no address is found for its MX hosts"),
    _C.MX_IS_ADDRESS: Advice(f"tell {_ADMINISTRATOR}: an MX record names a host, which has the address"),
    _C.MX_ADDRESS_FORBIDDEN: Advice(
        f"tell {_ADMINISTRATOR}; if {{address|the address}} is meant, set `allow_addresses`"
    ),
    _C.CONNECT_REFUSED: Advice(
        f"call {_POSTMASTER}: nothing listens on port {{port|25}} of {{address|its address}}",
        f"see with {_TRACE} that the refusal is the host's own; call {_POSTMASTER}",
    ),
    _C.CONNECT_TIMEOUT: Advice(f"call {_POSTMASTER}, by other means than mail: host or network is gone", _SETTLE),
    _C.CONNECT_UNREACHABLE: Advice(
        f"call {_POSTMASTER} or its network; {{router|a router}} has no route to {{address|the address}}: {_TRACE}"
    ),
    _C.CONNECT_PROHIBITED: Advice(
        f"call the owner of {{router|the router that forbids it}}: {_TRACE} shows where it stands"
    ),
    _C.PORT_FILTERED: Advice(
        f"call the owner of {_RELAY}, after which port {{port|25}} is lost: {_TRACE}",
        f"see with {_TRACE} where port {{port|25}} is lost; call the owner of {_RELAY}",
    ),
    _C.EGRESS_BLOCKED: Advice(
        f"call our provider, or the owner of {_RELAY}, and have outgoing port {{port|25}} opened: {_TRACE}",
        f"set `egress.references` to be certain; then call our provider, or the owner of {_RELAY}: {_TRACE}",
    ),
    _C.OFFLINE: Advice("look at our own link, gateway and uplink: `ip route get {address|ADDRESS}`"),
    _C.EGRESS_INTERCEPTED: Advice(
        "look for a mail proxy or SMTP inspection in our own firewall, then call our provider: " + _TRACE
    ),
    _C.RESOLVER_FAILING: Advice(
        f"mend {{about|our resolver}} first: uplink, trust anchor, filter, our clock; see {_DIG}"
    ),
    _C.LOCAL_FIREWALL: Advice("mend the output rules of this machine for port {port|25}: `nft list ruleset`"),
    _C.NO_ROUTE: Advice(
        "mend the route (`ip route get {address|ADDRESS}`) or `source_address`; where there is no IPv6, set"
        " `address_families`"
    ),
    _C.LOCAL_RESOURCE: Advice("raise the limits of the service (open files, memory) or lower `limits.concurrency`"),
    _C.NO_TURN: Advice("ask later or with a longer scrape timeout, or raise `limits.per_address`"),
    _C.BANNER_TIMEOUT: Advice(
        f"call {_POSTMASTER}",
        f"settle it before you call: raise `timeout` (five minutes are granted), or run {_PROBE} from another network",
    ),
    _C.BANNER_CLOSED: Advice(f"call {_POSTMASTER}", _SETTLE_ELSEWHERE),
    _C.BANNER_TEMPFAIL: Advice(_CALL_IF_IT_STAYS),
    _C.BANNER_REJECTED: Advice(
        f"call {_POSTMASTER}: the host says that it takes no mail, so the MX record is wrong or the server is",
        f"{_SETTLE_ELSEWHERE}; its postmaster can tell whether our address is refused",
    ),
    _C.NOT_SMTP: Advice(f"see whether port {{port|25}} is the right one; call {_POSTMASTER}"),
    _C.PROTOCOL_ERROR: Advice(f"send {_POSTMASTER} the dialogue: {_PROBE}"),
    _C.UNEXPECTED_REPLY: Advice(f"mend `expect` of the module, or ask {_POSTMASTER}"),
    _C.EHLO_REJECTED: Advice(f"send {_POSTMASTER} the dialogue: {_PROBE}"),
    _C.EHLO_TEMPFAIL: Advice(_CALL_IF_IT_STAYS),
    _C.TIMEOUT: Advice(f"wait, or raise `timeout`; if it stays, call {_POSTMASTER}"),
    _C.CLOSED: Advice(_CALL_IF_IT_STAYS),
    _C.STARTTLS_NOT_OFFERED: Advice(f"call {_POSTMASTER}; if others see STARTTLS there, a firewall rewrites EHLO"),
    _C.STARTTLS_REJECTED: Advice(f"call {_POSTMASTER}"),
    _C.TLS_HANDSHAKE: Advice(f"compare {_S_CLIENT}; call {_POSTMASTER}"),
    _C.TLS_INJECTION: Advice(f"call {_POSTMASTER} at once: any device on the path can insert commands"),
    _C.TLS_EXPIRED: Advice(f"call {_POSTMASTER}: a certificate is to be renewed, and loaded"),
    _C.TLS_NOT_YET_VALID: Advice(f"look at our own clock with `date -u`; call {_POSTMASTER}"),
    _C.TLS_NAME_MISMATCH: Advice(f"call {_POSTMASTER}: the certificate has to name {{host|the mail host}}"),
    _C.TLS_UNTRUSTED: Advice(f"call {_POSTMASTER}, or name its authority in `SSL_CERT_FILE`"),
    _C.AUTH_NOT_OFFERED: Advice("look at the port and the server of the module: {host|HOST}, port {port|587}"),
    _C.AUTH_FAILED: Advice("mend `auth` of the module: {host|the server} refuses our credentials"),
    _C.DANE_MISMATCH: Advice(_DANE),
    _C.DANE_NO_TLS: Advice(_DANE),
    _C.MTA_STS_MISMATCH: Advice("tell the owner of {asked|the domain}: its policy does not name {host|the MX host}"),
    _C.MTA_STS_NO_TLS: Advice(f"call {_POSTMASTER}: senders who honour MTA-STS keep their mail"),
    _C.MTA_STS_UNTRUSTED: Advice(f"call {_POSTMASTER}: senders who honour MTA-STS keep their mail"),
    _C.REPUTATION_BLOCKED: Advice(
        "find what was sent from our address; then ask {about|the list that the reply names} to remove it"
    ),
    _C.POLICY_REJECTED: Advice(f"ask {_POSTMASTER}, with the reply, by other means than mail from this address"),
    _C.RDNS_REQUIRED: Advice(
        "mend the PTR record of our address: it has to name {helo|our EHLO name}, and that our address;"
        f" where they do, ask {_POSTMASTER}"
    ),
    _C.HELO_REJECTED: Advice("set `helo`, now {helo|our own name}, to a name that resolves to our address"),
    _C.SENDER_AUTH_FAILED: Advice("mend our SPF, DKIM or DMARC records, or set another `mail_from`"),
    _C.TLS_REQUIRED: Advice(
        "add `starttls` to `stages` of the module",
        f"add `starttls` to `stages` of the module; where it is there, compare {_S_CLIENT}",
    ),
    _C.AUTH_REQUIRED: Advice("see whether {host|the MX host} is meant to take mail from strangers; else set `auth`"),
    _C.RELAY_DENIED: Advice(f"tell {_ADMINISTRATOR}: {{host|the MX host}} takes no mail for it"),
    _C.RATE_LIMITED: Advice("probe it less: a longer `interval`, `limits.per_address_interval`"),
    _C.GREYLISTED: Advice("nothing to mend: a longer `interval`, or come again with the same sender"),
    _C.MAILBOX_UNKNOWN: Advice("mend `rcpt_to` of the module"),
    _C.MAILBOX_FULL: Advice("tell the mailbox's owner, or mend `rcpt_to` of the module"),
    _C.MAILBOX_DISABLED: Advice("mend `rcpt_to` of the module"),
    _C.SENDER_REJECTED: Advice("mend `mail_from` of the module"),
    _C.MESSAGE_TOO_LARGE: Advice("mend `size` of the module"),
    _C.NOT_ARRIVED: Advice(
        "settle it before you call: look into all folders of the mailbox, and send it a message from"
        f" another network; then ask {_POSTMASTER} for ours by its time and Message-ID",
    ),
    _C.ARRIVED_AS_JUNK: Advice(
        f"mend our SPF, DKIM and DMARC where `mx_canary_authentication` fails; else ask {_POSTMASTER} for the reason"
    ),
    _C.TEMPFAIL: Advice(_CALL_IF_IT_STAYS),
    _C.REJECTED: Advice(f"ask {_POSTMASTER}, with the reply"),
    _C.INTERNAL: Advice("report the traceback of the exporter's log"),
}
ADVICE: Final[Mapping[FailureClass, Advice]] = MappingProxyType(_LINES)
# What differs for a target that is a host: it has no MX record, and `whois` knows domains.
_OF_HOST: Final = {
    _C.DNS_NXDOMAIN: Advice(f"look for a misspelt name; else tell {_ADMINISTRATOR}"),
    _C.DNS_NO_ADDRESS: Advice(f"tell {_ADMINISTRATOR}: it needs an A or AAAA record"),
}
# A target that is an address: no DNS led to it.
_OF_ADDRESS: Final = Advice("if {address|the address} is meant, set `allow_addresses`, by hand `--allow-address`")


def next_step(failure: Failure, names: AdviceNames = NO_NAMES) -> str:
    """The line for a failure."""
    return _fill(_line(_advice(failure.failure_class, names), failure.confidence, failure.failure_class), names)


def plain_step(failure_class: FailureClass, verdict: Verdict) -> str:
    """The line without names, for tables that have only the class and its verdict."""
    unsure = verdict is not failure_class.verdict
    confidence = Confidence.UNCERTAIN if unsure else Confidence.CERTAIN
    return _fill(_line(ADVICE[failure_class], confidence, failure_class), NO_NAMES)


def verdicts_of(failure_class: FailureClass) -> tuple[Verdict, ...]:
    """The verdicts of a class: its own, and that of evidence that fits other classes as well."""
    return tuple(dict.fromkeys((failure_class.verdict, verdict_of(failure_class, Confidence.UNCERTAIN))))


def mark_of(confidence: Confidence) -> str:
    """The mark behind the word of a verdict that is not certain."""
    return "" if confidence is Confidence.CERTAIN else "?"


def section_of(failure_class: FailureClass) -> str:
    """The section of the documentation about a class."""
    return f"docs/reference/classes.md#{failure_class}"


def _advice(failure_class: FailureClass, names: AdviceNames) -> Advice:
    if not names.is_host:
        return ADVICE[failure_class]
    if failure_class is _C.MX_ADDRESS_FORBIDDEN and names.host == names.address:
        return _OF_ADDRESS
    return _OF_HOST.get(failure_class, ADVICE[failure_class])


def _line(advice: Advice, confidence: Confidence, failure_class: FailureClass) -> str:
    # For a class that may mean dead or blocked, "likely" is enough to know the person to call.
    settled = confidence is Confidence.LIKELY and failure_class in UNDETERMINED_CLASSES
    # The line of a class that no evidence settles says so itself.
    if confidence is Confidence.CERTAIN or settled or failure_class.verdict is Verdict.UNDETERMINED:
        return advice.line
    if advice.unsure or confidence is Confidence.LIKELY:
        return advice.unsure or advice.line
    return f"see with {_PROBE} whether it stays so; then {advice.line}"


def _fill(line: str, names: AdviceNames) -> str:
    def put(place: re.Match[str]) -> str:
        name: str = getattr(names, place[1])
        return printable(name, _MAX_NAME) if name else place[2]

    return _PLACE.sub(put, line)
