"""A DNS message -> the plain value that is kept and judged: records, or the reason there are none."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from ipaddress import ip_address
from types import MappingProxyType
from typing import Final

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.rrset
from dns.rdtypes.ANY.CNAME import CNAME
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.TLSA import TLSA
from dns.rdtypes.ANY.TXT import TXT
from dns.rdtypes.IN.A import A
from dns.rdtypes.IN.AAAA import AAAA

from exporter.dane.tlsa import Tlsa
from exporter.resolver.extended_errors import PROHIBITED, ExtendedError, extended_errors
from exporter.resolver.unknown_type import TLSA_UNREAD, tlsa_of
from exporter.resolver.wire import MAX_LEGAL_TTL, opt_of, ordinary_records, parse
from exporter.result import Confidence, Failure, FailureClass, Stage

# However long a zone says, once a day is looked again; however short, what one probe asks twice is asked once.
MIN_TTL: Final = 1.0
MAX_TTL: Final = 86400.0
# A failure is kept only so long that the many domains behind one broken host do not each wait for it.
FAILURE_TTL: Final = 5.0
# The root counts as one.
_LABELS_OF_A_TOP_LEVEL: Final = 2
# RFC 6761, RFC 6762, RFC 7686: where nobody registers anything.
_WITHOUT_REGISTRY: Final = frozenset({"test", "example", "invalid", "localhost", "local", "onion", "internal"})
_CONTRADICTIONS: Final = MappingProxyType(
    {
        dns.message.ChainTooLong: "its aliases lead in a circle, or there are more than 16",
        dns.message.AnswerForNXDOMAIN: "it has records for a name that it says does not exist",
    }
)
# TXT and TLSA records of one name, in bytes; more than anyone needs, and what one answer may keep of our memory.
MAX_DATA_BYTES: Final = 16384

_C = FailureClass
_RCODES: Final = MappingProxyType(
    {
        dns.rcode.SERVFAIL: (_C.DNS_SERVFAIL, "the resolver could not find out"),
        dns.rcode.REFUSED: (_C.DNS_REFUSED, "the resolver refuses to answer"),
        dns.rcode.FORMERR: (_C.DNS_REFUSED, "the resolver does not understand the question"),
        dns.rcode.NOTIMP: (_C.DNS_REFUSED, "the resolver does not do such questions"),
        dns.rcode.BADVERS: (_C.DNS_REFUSED, "the resolver speaks another version of EDNS, and none without it"),
        dns.rcode.NOTAUTH: (_C.DNS_REFUSED, "the nameserver is not authoritative, and asks nobody else"),
        dns.rcode.YXDOMAIN: (_C.DNS_MALFORMED, "a DNAME leads to a name that is too long"),  # RFC 6672 2.2
    }
)
_OURS: Final = frozenset({_C.DNS_REFUSED})

# MX: (preference, host name); A, AAAA: an address; CNAME: a host name; TXT: its strings joined; TLSA.
Record = tuple[int, str] | str | bytes | Tlsa


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question was answered. Without records and failure: the name exists, but nothing of that type (NODATA)."""

    records: tuple[Record, ...] = ()
    failure: Failure | None = None
    ttl: float = 0.0  # seconds; 0: ask again each time
    authenticated: bool = False  # AD
    is_alias: bool = False  # reached through a CNAME
    canonical: str = ""  # the name at the end of the CNAMEs, where there are any
    nameserver: str = ""  # who said so
    filtered: Failure | None = None  # the resolver says that it made or withheld the answer by a policy of its own


def failed(failure_class: FailureClass, detail: str, about: str = "") -> Answer:
    """There is no answer."""
    return Answer(failure=Failure(Stage.DNS, failure_class, detail, about=about), ttl=FAILURE_TTL)


def unanswered(name: str, nameservers: str, reason: str) -> Answer:
    """Nobody of `nameservers` has answered, for `reason`."""
    who = f" from the resolver {nameservers}" if nameservers else ""
    detail = f"no answer about {name}{who}"
    evidence = () if reason == f"{nameservers}: no answer" else (reason,)
    failure = Failure(Stage.DNS, _C.DNS_TIMEOUT, detail, evidence=evidence, about=nameservers)
    return Answer(failure=failure, ttl=FAILURE_TTL, nameserver=nameservers)


def read_reply(name: str, data: bytes, nameserver: str = "") -> Answer:
    """Judge the reply of `nameserver` to a question about `name`. Raises MalformedReply."""
    opt = opt_of(data)
    errors = extended_errors(opt.options) if opt is not None and opt.options else ()
    answer = _read(name, data, errors, nameserver)
    error = next((error for error in errors if error.is_filter), None)
    if error is None:
        return answer
    filtered = filtered_by(name, nameserver, error)
    # Records stay beside it: they are the filter's own. Where there are none the filter is why.
    return replace(answer, filtered=filtered, failure=None if answer.records else filtered)


def filtered_by(name: str, nameserver: str, error: ExtendedError) -> Failure:
    """The resolver says that it filters."""
    resolver = f"the resolver {nameserver}" if nameserver else "the resolver"
    if error.code == PROHIBITED:
        detail = f"{resolver} may not answer us about {name}: {error.brief}"
    else:
        detail = f"{resolver} filters {name}: {error.brief}"
    evidence = (f"it says: {error.text}",) if error.text else ()
    return Failure(Stage.DNS, _C.RESOLVER_FAILING, detail, Confidence.CERTAIN, evidence, nameserver)


def _read(name: str, data: bytes, errors: tuple[ExtendedError, ...], nameserver: str) -> Answer:
    ordinary = ordinary_records(data)
    if ordinary is None:
        return replace(read_answer(name, parse(data), errors, nameserver), nameserver=nameserver)
    rdatas, ttl = ordinary
    records = tuple(map(_record, rdatas))
    if len(set(records)) < len(records):  # RFC 2181 5: no record is twice in a set; one of TXT may be split differently
        records = tuple(map(_record, dict.fromkeys(rdatas)))
    authenticated = bool(data[3] & dns.flags.AD)
    return _bounded(name, Answer(records, None, _clamped(ttl), authenticated, nameserver=nameserver))


def read_answer(
    name: str, message: dns.message.Message, errors: tuple[ExtendedError, ...] = (), nameserver: str = ""
) -> Answer:
    """Judge the answer to a question about `name`, with its extended errors."""
    rcode = message.rcode()
    if rcode not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return Answer(failure=_refusal(name, rcode, errors, nameserver), ttl=FAILURE_TTL)
    if not isinstance(message, dns.message.QueryMessage):
        return failed(_C.DNS_MALFORMED, f"the answer about {name} is no answer")
    try:
        chain = _follow(message)
    except dns.exception.DNSException as error:
        how = _CONTRADICTIONS.get(type(error), "its records do not belong together")
        return failed(_C.DNS_MALFORMED, f"the answer about {name} contradicts itself: {how}")
    ttl = _clamped(chain.minimum_ttl)
    if rcode == dns.rcode.NXDOMAIN:
        canonical = host_text(chain.canonical_name) if chain.cnames else ""
        return Answer(failure=_absent(name, message, chain), ttl=ttl, is_alias=bool(chain.cnames), canonical=canonical)
    records = () if chain.answer is None else tuple(_record(rdata) for rdata in chain.answer)
    return _bounded(
        name,
        Answer(
            records=records,
            ttl=ttl,
            authenticated=bool(message.flags & dns.flags.AD),
            is_alias=bool(chain.cnames),
            canonical=host_text(chain.canonical_name) if chain.cnames else "",
        ),
    )


def _bounded(name: str, answer: Answer) -> Answer:
    size = sum(map(_data_bytes, answer.records))
    if size > MAX_DATA_BYTES:
        return failed(_C.DNS_MALFORMED, f"the answer about {name} is {size} bytes long")
    return answer


def host_text(name: dns.name.Name) -> str:
    """Lower-case A-labels without the final dot; "" for the root."""
    return name.to_text(omit_final_dot=True).lower() if name != dns.name.root else ""


def _follow(message: dns.message.QueryMessage) -> dns.message.ChainingResult:
    """The records at the end of at most 16 aliases. Raises DNSException."""
    try:
        return message.resolve_chaining()
    except dns.message.ChainTooLong:
        # dnspython counts the records at the end as a link: with 16 aliases before them it gives up one too early.
        question = message.question[0]
        first = message.find_rrset(message.answer, question.name, question.rdclass, dns.rdatatype.CNAME)
        rest = copy.copy(message)
        rest.sections = [[dns.rrset.RRset(first[0].target, question.rdclass, question.rdtype)], *message.sections[1:]]
        chain = rest.resolve_chaining()
        return dns.message.ChainingResult(
            chain.canonical_name, chain.answer, min(chain.minimum_ttl, first.ttl), [first, *chain.cnames]
        )


def _absent(name: str, message: dns.message.QueryMessage, chain: dns.message.ChainingResult) -> Failure:
    """NXDOMAIN, for the name or for what it is an alias of."""
    last = host_text(chain.canonical_name)
    # RFC 2308 3: the SOA is that of the zone in which there is no such name.
    soa = next((rrset.name for rrset in message.authority if rrset.rdtype == dns.rdatatype.SOA), None)
    evidence: tuple[str, ...] = ()
    if soa is not None and chain.canonical_name.is_subdomain(soa):
        zone = host_text(soa)
        if not zone:
            evidence = (f"there is no top-level domain {last.rpartition('.')[2]}",)
        elif len(soa.labels) == _LABELS_OF_A_TOP_LEVEL and zone not in _WITHOUT_REGISTRY:
            evidence = (f"the registry of {zone} knows no such domain: mistyped, or its registration has ended",)
        elif zone != last and len(soa.labels) > _LABELS_OF_A_TOP_LEVEL:
            evidence = (f"{zone} exists, and its zone has no such name",)
    if chain.cnames:
        detail = f"NXDOMAIN for {name}: it is an alias of {last}, which does not exist"
        return Failure(Stage.DNS, _C.DNS_NXDOMAIN, detail, evidence=evidence, about=last)
    return Failure(Stage.DNS, _C.DNS_NXDOMAIN, f"NXDOMAIN for {name}: the name does not exist", evidence=evidence)


def _refusal(name: str, rcode: dns.rcode.Rcode, errors: tuple[ExtendedError, ...], nameserver: str) -> Failure:
    text = dns.rcode.to_text(rcode)
    failure_class, meaning = _RCODES.get(rcode, (_C.DNS_SERVFAIL, "the resolver could not find out"))
    about = nameserver if failure_class in _OURS else ""
    if rcode == dns.rcode.SERVFAIL:
        dnssec = next((error for error in errors if error.is_dnssec), None)
        unreached = [error for error in errors if error.is_unreached]
        if dnssec is not None:
            failure_class, meaning = _C.DNS_BOGUS, f"its signatures do not verify, {dnssec.brief}"
        elif unreached:
            meaning = f"the resolver gets no answer from its nameservers, {unreached[0].brief}"
            about = next((error.nameserver for error in unreached if error.nameserver), "")
    detail = f"{text} for {name}: {meaning}"
    evidence = tuple(said for said in map(str, errors) if said not in detail)  # nothing is said twice
    return Failure(Stage.DNS, failure_class, detail, evidence=evidence, about=about)


def _record(rdata: dns.rdata.Rdata) -> Record:
    if isinstance(rdata, MX):
        return rdata.preference, host_text(rdata.exchange)
    if isinstance(rdata, A | AAAA):
        return str(ip_address(rdata.address))
    if isinstance(rdata, CNAME):
        return host_text(rdata.target)
    if isinstance(rdata, TXT):
        return b"".join(rdata.strings)
    if isinstance(rdata, TLSA):
        return Tlsa(rdata.usage, rdata.selector, rdata.mtype, rdata.cert)
    if isinstance(rdata, dns.rdata.GenericRdata) and rdata.rdtype == TLSA_UNREAD:
        return tlsa_of(rdata.data)
    raise TypeError(f"nobody asks for {dns.rdatatype.to_text(rdata.rdtype)}")


def _data_bytes(record: Record) -> int:
    if isinstance(record, Tlsa):
        return len(record.data)
    return len(record) if isinstance(record, bytes) else 0


def _clamped(ttl: int) -> float:
    if ttl == 0 or ttl > MAX_LEGAL_TTL:
        return 0.0
    return min(max(float(ttl), MIN_TTL), MAX_TTL)
