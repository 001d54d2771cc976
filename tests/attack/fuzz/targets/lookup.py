"""What a resolver sends, and what the kernel tells of ICMP errors."""

from __future__ import annotations

import struct
from ipaddress import ip_address
from typing import Final

import dns.flags
import dns.message
import dns.rdatatype
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.TXT import TXT

from exporter.diagnosis.networks import organisation
from exporter.model.policy import Tlsa
from exporter.model.zone import DirectAnswer, DirectOutcome
from exporter.net import error_queue
from exporter.policies.dane.usability import preferred, unusable
from exporter.resolver import wire
from exporter.resolver.answer import MAX_DATA_BYTES, DnsAnswer, read_reply
from exporter.resolver.direct import read_direct
from exporter.resolver.domain_names import MalformedReply
from exporter.resolver.extended_errors import extended_errors
from tests.attack.fuzz.frame import Target, agree
from tests.attack.fuzz.targets.promises import harmless, name_text, options

_T: Final = dns.rdatatype.RdataType
_KINDS: Final = (_T.MX, _T.A, _T.AAAA, _T.TXT, _T.TLSA, _T.CNAME)
_KNOWN: Final = frozenset(_KINDS) - {_T.TLSA}
_NAMES: Final = ("a.example", "_25._tcp.mx.a.example", "x" * 60 + ".very.long.name.example")
_HEADER_BYTES: Final = 10  # of a header without its id


def read_answer(data: bytes) -> None:
    """A reply to one of our questions: ours reads of it what dnspython reads, or says that it cannot be read."""
    (kind, name), rest = options(data, 2)
    asked, section = _NAMES[name % len(_NAMES)], wire.question_section(_NAMES[name % len(_NAMES)], _KINDS[kind % 6])
    # An answer repeats the question, which no mutation would find; where `kind` is large it need not.
    header = b"\x12\x34" + rest[:_HEADER_BYTES].ljust(_HEADER_BYTES, b"\0")
    message = header + section + rest[_HEADER_BYTES:] if kind < 128 else b"\x12\x34" + rest
    if not wire.answers(message, section):
        return
    wire.code_of(message)
    wire.is_truncated(message)
    opt = wire.opt_of(message)
    for error in extended_errors(opt.options) if opt is not None else ():
        harmless(f"{error} {error.brief} {error.nameserver}", "an extended error", limit=2048)
    direct = read_direct(asked, message)
    found = read_reply(asked, message, "192.0.2.53")
    _bounded(found)
    if found.records:
        _as_dnspython(found, message)
    if _KINDS[kind % 6] is _T.MX:
        _direct(found, direct)


def _direct(found: DnsAnswer, direct: DirectAnswer) -> None:
    """The same message as the answer of a name server: the same records, or a reason why it counts for nothing."""
    harmless(direct.detail, "the words about a name server", limit=4096)
    agree(not direct.mx or direct.outcome is DirectOutcome.ANSWERED, f"records of an answer that is {direct.outcome}")
    agree(direct.mx <= set(found.records) or bool(found.failure), f"{direct.mx} and {found.records}")
    agree(direct.signature is None or not direct.signature.is_authenticated, "verified by nobody")


def _bounded(found: DnsAnswer) -> None:
    agree(found.ttl == 0.0 or 1.0 <= found.ttl <= 86400.0, f"TTL {found.ttl}")
    for failure in filter(None, (found.failure, found.filtered)):
        for text in (failure.detail, failure.about, *failure.evidence):
            harmless(text, "a failure", limit=4096)
    harmless(found.canonical, "a name", limit=1010)
    size = 0
    for record in found.records:
        match record:
            case Tlsa():
                size += len(record.data)
                harmless(f"{record} {unusable(record)}", "a TLSA record", limit=512)
            case bytes():
                size += len(record)
            case (_, host):
                harmless(host, "a host", limit=1010)
                harmless(organisation(host), "an organisation", limit=1010)
            case str():
                harmless(record, "a name or address", limit=1010)
    agree(size <= MAX_DATA_BYTES, f"{size} bytes of data")
    preferred([record for record in found.records if isinstance(record, Tlsa)])


def _as_dnspython(found: DnsAnswer, message: bytes) -> None:
    """The library, given the whole message, reads the same records, in whatever order."""
    try:
        whole = dns.message.from_wire(message, ignore_trailing=True, raise_on_truncation=False)
        chain = whole.resolve_chaining() if isinstance(whole, dns.message.QueryMessage) else None
    except Exception:  # what follows the answers is nothing to us
        return
    theirs = {_of(rdata) for rdata in (chain.answer or ()) if rdata.rdtype in _KNOWN} if chain is not None else set()
    ours = {record for record in found.records if not isinstance(record, Tlsa)}
    agree(not ours or ours == theirs, f"ours {ours}, dnspython's {theirs}")
    agree(found.authenticated is bool(whole.flags & dns.flags.AD), "AD")
    if found.signature is not None:
        ours_ends, kinds = found.signature.ends, (dns.rdatatype.from_text(found.signature.of.split()[0]), _T.CNAME)
        ends = {rdata.expiration for rrset in whole.answer if rrset.covers in kinds for rdata in rrset}
        agree(ours_ends in ends, f"a signature ends at {ours_ends}, dnspython has {ends}")
        agree(found.signature.is_authenticated is found.authenticated, "a signature verified by nobody")


def _of(rdata: dns.rdata.Rdata) -> object:
    if isinstance(rdata, MX):
        return rdata.preference, name_text(rdata.exchange)
    if isinstance(rdata, TXT):
        return b"".join(rdata.strings)
    text = rdata.to_text()
    return text.lower().removesuffix(".") if rdata.rdtype == _T.CNAME else str(ip_address(text))


def read_tlsa(data: bytes) -> None:
    """TLSA records of any numbers and data."""
    (usage, selector, matching), rest = options(data, 3)
    record = Tlsa(usage, selector, matching, rest)
    harmless(f"{record} {unusable(record)}", "a TLSA record", limit=512)
    agree(len(preferred([record, record])) in (0, 2), "one of two that are the same")


def read_icmp(data: bytes) -> None:
    """An entry of the error queue: an address or none."""
    found = error_queue.parse(data)
    agree((found is None) is (len(data) < 16), f"{found} of {len(data)} bytes")
    if found is not None and found.sender:
        ip_address(found.sender)


_POINTER: Final = b"\xc0\x0c"


def _record(kind: int, data: bytes, ttl: int = 300) -> bytes:
    return _POINTER + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data


def _signature(covered: int, ends: int, begins: int) -> bytes:
    """An RRSIG by the root (RFC 4034 3.1)."""
    return _record(_T.RRSIG, struct.pack("!HBBIIIH", covered, 8, 2, 300, ends, begins, 1) + bytes(9))


_TOKENS: Final = (
    _POINTER, b"\xc0\x00", b"\xc0\x02", b"\xc0\xff", b"\x81\x80", b"\x81\xa0", b"\x83\x83", b"\x02mx\xc0\x0c",
    b"\x3f", b"\x40", _record(_T.MX, b"\x00\x0a\x02mx\xc0\x0c"), _record(_T.MX, b"\0\0\0"),
    _record(_T.A, b"\xc0\0\2\1"), _record(_T.AAAA, bytes(16)), _record(_T.CNAME, b"\1b\xc0\x0c"),
    _record(_T.TXT, b"\5v=x1;"), _record(_T.RRSIG, bytes(30)),
    _signature(_T.MX, 1_900_000_000, 1_800_000_000), _signature(_T.MX, 0, 2**32 - 1), _signature(_T.CNAME, 1, 1),
    _signature(_T.A, 2**32 - 1, 0), b"\x85\x80", _record(_T.TLSA, b"\3\1\1" + bytes(32)),
    _record(39, b"\1d\0"), b"\0\0\x29\x04\xd0\0\0\0\0\0\0", b"\0\0\x29\x04\xd0\0\0\0\0\0\x08\0\x0f\0\x04\0\x06hi",
    b"\xff\xff\xff\xff",
)  # fmt: skip
TARGETS: Final = (
    Target("dns-reply", read_answer, (MalformedReply,), _TOKENS),
    Target("tlsa", read_tlsa, tokens=(b"\3\1\1", b"\2\0\0", b"\3\0\2", b"\2\1\0\x30\x82")),
    Target("icmp", read_icmp, tokens=(b"\x02\x00", b"\x0a\x00", b"\x6f\0\0\0\x02\x03\x0d\0")),
)
