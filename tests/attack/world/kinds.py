"""Every kind of attack by name: who makes it, what it does, and how many domains it takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

from tests.support.hostile_hosts import GROUPS


class Room(Enum):
    """Who makes the attack."""

    SMTP = "smtp"  # a mail host
    TLS = "tls"  # a mail host, with STARTTLS
    DNS = "dns"  # the owner of a domain
    POLICY = "policy"  # an MTA-STS policy host
    WEB = "web"  # a client
    OWN = "own"  # the machine that the exporter runs on


@dataclass(frozen=True, slots=True)
class Kind:
    """One attack. `domains` are configured for it, each probed once in `every` intervals with `module`.

    Of a `patient` one a try may take minutes, ours or the exporter's, which leaves alone what burns its CPU.
    """

    name: str
    room: Room
    does: str
    domains: int = 0
    module: str = "default"
    every: int = 1
    patient: bool = False


def _all() -> Iterator[Kind]:
    for group, hosts in GROUPS.items():
        yield Kind(f"smtp-{group}", Room.SMTP, f"the catalogue of odd servers: {group}", len(hosts))
    yield Kind("smtp-injection", Room.SMTP, "the next answer, or lines more, behind an answer", 3, "tls")
    for name, does, domains in (
        ("starttls-injection", "plaintext behind the 220 to STARTTLS", 3),
        ("starttls-refused", "454, 554, and a 220 that is followed by the end", 3),
        ("starttls-garbage", "anything but a ServerHello; alerts", 3),
        ("starttls-hang", "silence or a dripping handshake", 3),
        ("starttls-certificates", "many names, a chain of 50, expired, another's, of nobody's authority", 5),
        ("starttls-second-ehlo", "the second EHLO without an answer, refused, endless", 3),
        ("tls-dhe", "Diffie-Hellman groups of up to 10,000 bits", 3),
        ("tls-handshake-records", "empty and endless records in place of a handshake; a byte in each after it", 3),
        ("tls-records", "key updates without end, answered and not; records of padding alone", 3),
    ):
        yield Kind(name, Room.TLS, does, domains, "tls", patient=True)
    yield Kind("auth-thief", Room.TLS, "a certificate for its own name, and AUTH: who says a password?", 1, "tls")
    for name, does, domains, module in (
        ("dns-addresses", "40 MX hosts with 1,500 private addresses each", 2, "default"),
        ("dns-mx-64k", "64 KiB of MX records, kept for a day", 2, "default"),
        ("dns-ttl", "TTL 0 and TTL 2^31", 2, "default"),
        ("dns-compression", "pointers to themselves, forward, in circles and in chains", 4, "default"),
        ("dns-header-pointer", "pointers into the header", 2, "default"),
        ("dns-tcp-hang", "truncated; over TCP nothing", 2, "default"),
        ("dns-tcp-dribble", "truncated; over TCP byte by byte", 2, "default"),
        ("dns-wrong-id", "fifty answers with a wrong id, none with the right one", 1, "default"),
        ("dns-wrong-question", "an answer to another question", 1, "default"),
        ("dns-cname", "loops, a chain of 200 in one answer", 3, "default"),
        ("dns-names", "NULs, dots, escapes, markup and 255 octets in MX names", 4, "default"),
        ("dns-txt", "60 KiB of TXT where policies are looked for", 2, "policies"),
        ("dns-ede", "a hundred extended errors with texts", 2, "default"),
        ("dns-silence", "no answer", 2, "default"),
        ("dns-errors", "SERVFAIL, REFUSED, FORMERR, NOTIMP, NXDOMAIN in turn", 3, "default"),
        ("dns-rotating", "other addresses at each question", 4, "default"),
        ("dns-changing-mx", "other MX names at each question", 4, "default"),
        ("dns-forbidden", "addresses nobody may be connected to, in every spelling", 2, "default"),
        ("dns-self", "MX of itself, of the root, of localhost, of an address", 5, "default"),
        ("dns-garbage", "bytes at random, counts without records, questions for answers", 4, "default"),
        ("dns-flood", "the answer two hundred times over", 2, "default"),
    ):
        yield Kind(name, Room.DNS, does, domains, module)
    for name, does in (
        ("sts-silent", "a policy host that accepts and says nothing, with a new policy each time"),
        ("sts-drip", "a policy that comes byte by byte"),
        ("sts-huge", "a policy without end"),
        ("sts-garbage", "no TLS, no HTTP, redirects, nonsense"),
    ):
        yield Kind(name, Room.POLICY, does, 0, "policies", patient=True)
    # Their domains have sixteen dead addresses each, so that there is something to read.
    does = "ask for all metrics, which are many, and read next to nothing"
    yield Kind("web-slow-readers", Room.WEB, does, 150, every=12, patient=True)
    yield Kind("web-slow-heads", Room.WEB, "requests byte by byte, or none", patient=True)
    for name, does in (
        ("web-connects", "connections that are dropped at once"),
        ("web-odd-requests", "what no client should say"),
        ("web-other-sites", "POSTs from other sites, foreign Host, foreign Origin"),
        ("web-pages", "pages, with names made up"),
        ("web-probes", "/probe of ever new names with 64 KiB of MX each"),
        ("web-thief", "/probe of a stranger with the module that has a password"),
    ):
        yield Kind(name, Room.WEB, does)
    yield Kind("own-log", Room.OWN, "nobody reads the log for a while")
    yield Kind("own-files", Room.OWN, "the domain file cut, emptied, removed, restored")
    yield Kind("own-reloads", Room.OWN, "SIGHUP every few seconds")


KINDS: Final = MappingProxyType({kind.name: kind for kind in _all()})
