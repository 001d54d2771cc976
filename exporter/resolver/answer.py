"""A DNS message -> the plain value that is kept and judged: records, or the reason there are none."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from ipaddress import ip_address
from types import MappingProxyType
from typing import Final

import dns.edns
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
from exporter.resolver.unknown_type import TLSA_UNREAD, tlsa_of
from exporter.resolver.wire import MAX_LEGAL_TTL, ordinary_records, parse
from exporter.result import Failure, FailureClass, Stage
from exporter.smtp.printable import printable

# However long a zone says, once a day is looked again; however short, what one probe asks twice is asked once.
MIN_TTL: Final = 1.0
MAX_TTL: Final = 86400.0
# A failure is kept only so long that the many domains behind one broken host do not each wait for it.
FAILURE_TTL: Final = 5.0
# TXT and TLSA records of one name, in bytes; more than anyone needs, and what one answer may keep of our memory.
MAX_DATA_BYTES: Final = 16384

_C = FailureClass
_RCODES: Final = MappingProxyType(
    {
        dns.rcode.NXDOMAIN: (_C.DNS_NXDOMAIN, "the name does not exist"),
        dns.rcode.SERVFAIL: (_C.DNS_SERVFAIL, "the resolver could not find out"),
        dns.rcode.REFUSED: (_C.DNS_REFUSED, "the resolver refuses to answer"),
        dns.rcode.FORMERR: (_C.DNS_REFUSED, "the resolver does not understand the question"),
        dns.rcode.NOTIMP: (_C.DNS_REFUSED, "the resolver does not do such questions"),
        dns.rcode.NOTAUTH: (_C.DNS_REFUSED, "the nameserver is not authoritative, and asks nobody else"),
        dns.rcode.YXDOMAIN: (_C.DNS_MALFORMED, "a DNAME leads to a name that is too long"),  # RFC 6672 2.2
    }
)
# RFC 8914 4: unsupported algorithm or digest, indeterminate … no zone key, invalid NSEC3 or unsupported iterations.
_DNSSEC_ERRORS: Final = frozenset({1, 2, *range(5, 13), 25, 27})

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


def failed(failure_class: FailureClass, detail: str) -> Answer:
    """There is no answer."""
    return Answer(failure=Failure(Stage.DNS, failure_class, detail), ttl=FAILURE_TTL)


def read_reply(name: str, data: bytes) -> Answer:
    """Judge the reply to a question about `name`. Raises MalformedReply."""
    ordinary = ordinary_records(data)
    if ordinary is None:
        return read_answer(name, parse(data))
    rdatas, ttl = ordinary
    records = tuple(map(_record, rdatas))
    if len(set(records)) < len(records):  # RFC 2181 5: no record is twice in a set; one of TXT may be split differently
        records = tuple(map(_record, dict.fromkeys(rdatas)))
    return _bounded(name, Answer(records, ttl=_clamped(ttl), authenticated=bool(data[3] & dns.flags.AD)))


def read_answer(name: str, message: dns.message.Message) -> Answer:
    """Judge the answer to a question about `name`."""
    rcode = message.rcode()
    if rcode not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return failed(*_refusal(name, message))
    if not isinstance(message, dns.message.QueryMessage):
        return failed(_C.DNS_MALFORMED, f"the answer about {name} is no answer")
    try:
        chain = _follow(message)
    except dns.exception.DNSException as error:
        return failed(_C.DNS_MALFORMED, f"the answer about {name} contradicts itself: {type(error).__name__}")
    ttl = _clamped(chain.minimum_ttl)
    if rcode == dns.rcode.NXDOMAIN:
        return Answer(failure=Failure(Stage.DNS, *_refusal(name, message)), ttl=ttl)
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


def _refusal(name: str, message: dns.message.Message) -> tuple[FailureClass, str]:
    rcode = message.rcode()
    text = dns.rcode.to_text(rcode)
    failure_class, meaning = _RCODES.get(rcode, (_C.DNS_SERVFAIL, "the resolver could not find out"))
    detail = f"{text} for {name}: {meaning}"
    for option in message.options:
        if isinstance(option, dns.edns.EDEOption):
            detail += f" (extended error {int(option.code)}{f', {option.text}' if option.text else ''})"
            if rcode == dns.rcode.SERVFAIL and option.code in _DNSSEC_ERRORS:
                failure_class = _C.DNS_BOGUS
    return failure_class, printable(detail, limit=512)


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
