"""A DNS message -> a plain value to be cached and judged: records, or the reason why there are none."""

from __future__ import annotations

import socket
from dataclasses import dataclass, replace
from functools import lru_cache
from ipaddress import ip_address
from types import MappingProxyType
from typing import Final

import dns.flags
import dns.rcode
import dns.rdatatype

from exporter.model.failure import Confidence, Failure, FailureClass, Stage
from exporter.model.policy import Tlsa
from exporter.model.zone import Signature
from exporter.resolver.domain_names import MalformedReply, labels, text_of
from exporter.resolver.extended_errors import PROHIBITED, ExtendedError, extended_errors
from exporter.resolver.message import (
    AAAA,
    CNAME,
    MAX_LEGAL_TTL,
    MX,
    NS,
    PTR,
    TLSA,
    TXT,
    A,
    RecordSection,
    UselessReply,
    name_in,
    section_of,
)
from exporter.resolver.wire import opt_of, rcode_of

# Limits of the TTL: a new query at least once a day, and not two for one probe.
MIN_TTL: Final = 1.0
MAX_TTL: Final = 86400.0
# A failure is cached only as long as the many domains behind one broken host do not each wait for it.
FAILURE_TTL: Final = 5.0
# RFC 6761, RFC 6762, RFC 7686: top-level domains without a registry.
_WITHOUT_REGISTRY: Final = frozenset({"test", "example", "invalid", "localhost", "local", "onion", "internal"})
# Records of one name and type that are kept: of MX the most preferred, of addresses the lowest. All are counted. The
# largest providers have a dozen; a stranger could have any number examined and kept for a day.
MAX_RECORDS: Final = 128
# So many may be those of another domain, too; what is kept for that has a limit in bytes as well.
_FEW: Final = 8
# TXT and TLSA records of one name that are read; of more of them none is, for each may be the one that counts.
MAX_TEXTS: Final = 64
# The same in bytes; more than any zone needs, and a bound of the memory for one answer.
MAX_DATA_BYTES: Final = 16384
# RFC 1035 2.3.4, as text. A longer text is full of escapes: no host has such a name, so it is only shown.
_MAX_HOST: Final = 253
_QUERY_ANSWER: Final = 0x80  # of the bits QR and Opcode
_OPCODE: Final = 0x78

_C = FailureClass
_RCODES: Final = MappingProxyType(
    {
        dns.rcode.SERVFAIL: (_C.DNS_SERVFAIL, "the resolver could not find out"),
        dns.rcode.REFUSED: (_C.DNS_REFUSED, "the resolver refuses to answer"),
        dns.rcode.FORMERR: (_C.DNS_REFUSED, "the resolver does not understand the question"),
        dns.rcode.NOTIMP: (_C.DNS_REFUSED, "the resolver does not do such questions"),
        dns.rcode.BADVERS: (_C.DNS_REFUSED, "the resolver speaks another version of EDNS, and none without it"),
        dns.rcode.NOTAUTH: (_C.DNS_REFUSED, "the nameserver is not authoritative, and asks no other server"),
        dns.rcode.YXDOMAIN: (_C.DNS_MALFORMED, "a DNAME leads to a name that is too long"),  # RFC 6672 2.2
    }
)
_OURS: Final = frozenset({_C.DNS_REFUSED})

# MX: (preference, host name); A, AAAA: an address; CNAME, PTR: a host name; TXT: its strings joined; TLSA.
Record = tuple[int, str] | str | bytes | Tlsa


@dataclass(frozen=True, slots=True)
class DnsAnswer:
    """The answer to a query. Without records and failure: the name exists, without records of the type (NODATA)."""

    records: tuple[Record, ...] = ()
    failure: Failure | None = None
    ttl: float = 0.0  # seconds; 0: never cached
    authenticated: bool = False  # AD
    is_alias: bool = False  # reached through a CNAME
    canonical: str = ""  # the name at the end of the CNAMEs, where there are any
    nameserver: str = ""  # that gave the answer
    filtered: Failure | None = None  # the resolver made or withheld the answer by a policy of its own, and says so
    more: int = 0  # records beyond those that are kept
    signature: Signature | None = None  # of the records and of the aliases that lead to them, the one that ends first

    @property
    def is_absent(self) -> bool:
        """The name does not exist."""
        return self.failure is not None and self.failure.failure_class is _C.DNS_NXDOMAIN


def failed(failure_class: FailureClass, detail: str, about: str = "") -> DnsAnswer:
    """An answer that is a failure."""
    return DnsAnswer(failure=Failure(Stage.DNS, failure_class, detail, about=about), ttl=FAILURE_TTL)


def unanswered(name: str, nameservers: str, reason: str) -> DnsAnswer:
    """The failure of a query that none of `nameservers` answered, for `reason`."""
    who = f" from the resolver {nameservers}" if nameservers else ""
    detail = f"no answer about {name}{who}"
    evidence = () if reason == f"{nameservers}: no answer" else (reason,)
    failure = Failure(Stage.DNS, _C.DNS_TIMEOUT, detail, evidence=evidence, about=nameservers)
    return DnsAnswer(failure=failure, ttl=FAILURE_TTL, nameserver=nameservers)


def read_reply(name: str, data: bytes, nameserver: str = "") -> DnsAnswer:
    """The answer in the reply of `nameserver` to a query about `name`. Raises MalformedReply."""
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
    """The failure by a resolver that says that it filters."""
    resolver = f"the resolver {nameserver}" if nameserver else "the resolver"
    if error.code == PROHIBITED:
        detail = f"{resolver} may not answer us about {name}: {error.brief}"
    else:
        detail = f"{resolver} filters {name}: {error.brief}"
    evidence = (f"it says: {error.text}",) if error.text else ()
    return Failure(Stage.DNS, _C.RESOLVER_FAILING, detail, Confidence.CERTAIN, evidence, nameserver)


def _read(name: str, data: bytes, errors: tuple[ExtendedError, ...], nameserver: str) -> DnsAnswer:
    rcode = _code(data)
    if rcode not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return DnsAnswer(failure=_refusal(name, rcode, errors, nameserver), ttl=FAILURE_TTL, nameserver=nameserver)
    if data[2] & (_QUERY_ANSWER | _OPCODE) != _QUERY_ANSWER:
        return replace(failed(_C.DNS_MALFORMED, f"the answer about {name} is no answer"), nameserver=nameserver)
    try:
        section = section_of(data)
        records, more = records_of(section, data)
    except UselessReply as problem:
        return replace(failed(_C.DNS_MALFORMED, f"the answer about {name} {problem}"), nameserver=nameserver)
    answer = DnsAnswer(
        records,
        more=more,
        ttl=_clamped(section.ttl),
        is_alias=section.is_alias,
        canonical=text_of(section.name) if section.is_alias else "",
        nameserver=nameserver,
    )
    if rcode == dns.rcode.NXDOMAIN and records:
        how = "it has records for a name that it says does not exist"
        failure = failed(_C.DNS_MALFORMED, f"the answer about {name} contradicts itself: {how}")
        return replace(failure, nameserver=nameserver)
    if rcode == dns.rcode.NXDOMAIN:
        return replace(answer, failure=_absent(name, section))
    authenticated = bool(data[3] & dns.flags.AD)
    if section.signed is None:
        return replace(answer, authenticated=True) if authenticated else answer
    return replace(
        answer, authenticated=authenticated, signature=signature_of(section, name, authenticated=authenticated)
    )


def signature_of(section: RecordSection, name: str, *, authenticated: bool) -> Signature | None:
    """The signature of an answer about `name`; None where it has none."""
    if section.signed is None:
        return None
    ends, begins = section.signed
    kind = dns.rdatatype.to_text(dns.rdatatype.RdataType.make(section.kind))
    return Signature(float(ends), float(begins), f"{kind} of {name}", authenticated)


def _code(data: bytes) -> int:
    """The response code; EDNS extends it where there are no records (RFC 6891 6.1.3)."""
    code = rcode_of(data)
    if not code and data[6:8] != b"\0\0":
        return code
    opt = opt_of(data)
    return code if opt is None else opt.extended_code << 4 | code


def _absent(name: str, section: RecordSection) -> Failure:
    """The failure for NXDOMAIN, of the name or of the name that it is an alias of."""
    last = text_of(section.name)
    evidence: tuple[str, ...] = ()
    if section.zone is not None:  # RFC 2308 3: the SOA is that of the zone in which there is no such name
        zone, depth = text_of(section.zone), len(labels(section.zone))
        if not zone:
            evidence = (f"there is no top-level domain {last.rpartition('.')[2]}",)
        elif depth == 1 and zone not in _WITHOUT_REGISTRY:
            evidence = (f"the registry of {zone} knows no such domain: mistyped, or its registration has ended",)
        elif zone != last and depth > 1:
            evidence = (f"{zone} exists, and its zone has no such name",)
    if section.is_alias:
        detail = f"NXDOMAIN for {name}: it is an alias of {last}, which does not exist"
        return Failure(Stage.DNS, _C.DNS_NXDOMAIN, detail, evidence=evidence, about=last)
    return Failure(Stage.DNS, _C.DNS_NXDOMAIN, f"NXDOMAIN for {name}: the name does not exist", evidence=evidence)


def _refusal(name: str, code: int, errors: tuple[ExtendedError, ...], nameserver: str) -> Failure:
    rcode = dns.rcode.Rcode.make(code)
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
    evidence = tuple(said for said in map(str, errors) if said not in detail)  # nothing is repeated
    return Failure(Stage.DNS, failure_class, detail, evidence=evidence, about=about)


def records_of(section: RecordSection, data: bytes) -> tuple[tuple[Record, ...], int]:
    """The records that are kept, each once (RFC 2181 5), and the number of the others.

    Raises MalformedReply, UselessReply.
    """
    kind = section.kind
    if kind in (TXT, TLSA):
        return _texts(section, data), 0
    places = section.places[-1:] if kind == CNAME else section.places  # RFC 2181 10.1: a name has one alias
    found = {data[begins:ends]: (begins, ends) for begins, ends in places}
    # The kept records do not depend on their order in the message: an MX record begins with its preference.
    kept = list(found) if len(found) <= MAX_RECORDS else sorted(found)[:MAX_RECORDS]
    if kind in (A, AAAA):
        family, size = (socket.AF_INET, 4) if kind == A else (socket.AF_INET6, 16)
        if not {size}.issuperset(map(len, found)):
            raise MalformedReply("an address is too long or too short")
        return tuple([_address(family, address) for address in kept]), len(found) - len(kept)
    records = dict.fromkeys([_pair_or_name(section, data, *found[each]) for each in kept])
    few = len(records) <= _FEW
    return _equal_records(tuple(records)) if few else tuple(records), len(found) - len(kept)


@lru_cache(maxsize=500)
def _equal_records(records: tuple[Record, ...]) -> tuple[Record, ...]:
    """Equal ones are one object: a hundred thousand domains have the MX records of one provider."""
    return records


def _address(family: socket.AddressFamily, packed: bytes) -> str:
    """The canonical text of an address (RFC 5952), as everywhere else in the program."""
    text = socket.inet_ntop(family, packed)
    # The C library writes ::ffff:192.0.2.1 and ::192.0.2.1, Python's ipaddress in hexadecimal; both are special.
    return str(ip_address(text)) if family is socket.AF_INET6 and "." in text else text


def _pair_or_name(section: RecordSection, data: bytes, begins: int, ends: int) -> Record:
    """An MX record's preference and host, or the name that an alias, an NS or a PTR record stands for."""
    if section.kind in (CNAME, NS, PTR):
        return text_of(name_in(section.names, begins, ends))
    if section.kind != MX:
        raise TypeError(f"no query asks for {dns.rdatatype.to_text(dns.rdatatype.RdataType.make(section.kind))}")
    if ends - begins < 3:
        raise MalformedReply("an MX record is too short")
    host = text_of(name_in(section.names, begins + 2, ends))
    return data[begins] << 8 | data[begins + 1], host if len(host) <= _MAX_HOST else f"{host[: _MAX_HOST - 1]}…"


def _texts(section: RecordSection, data: bytes) -> tuple[Record, ...]:
    """TXT and TLSA records: all of them, or none, for of these each may be the one that counts."""
    size = sum([ends - begins for begins, ends in section.places])
    if size > MAX_DATA_BYTES:
        raise UselessReply(f"is {size} bytes long")
    found = dict.fromkeys([data[begins:ends] for begins, ends in section.places])
    if len(found) > MAX_TEXTS:
        raise UselessReply(f"has {len(found)} records")
    return tuple([_joined(each) if section.kind == TXT else tlsa_of(each) for each in found])


def _joined(data: bytes) -> bytes:
    """The strings of a TXT record as one (RFC 1035 3.3.14)."""
    pieces: list[bytes] = []
    place = 0
    while place < len(data):
        following = place + 1 + data[place]
        pieces.append(data[place + 1 : following])
        place = following
    if place != len(data) or not pieces:
        raise MalformedReply("a text is longer or shorter than it says")
    return b"".join(pieces)


def tlsa_of(data: bytes) -> Tlsa:
    """The record with this data; one that no sender can use where even the three numbers are not complete.

    For a sender a malformed record is just unusable (RFC 6698 4.1), and the others beside it count.
    """
    usage, selector, matching = data[:3].ljust(3, b"\xff")
    return Tlsa(usage, selector, matching, data[3:])


@lru_cache(maxsize=1000)
def _clamped(ttl: int) -> float:
    """The TTL within the limits; equal ones are one object, for zones have round ones."""
    if ttl == 0 or ttl > MAX_LEGAL_TTL:
        return 0.0
    return min(max(float(ttl), MIN_TTL), MAX_TTL)
