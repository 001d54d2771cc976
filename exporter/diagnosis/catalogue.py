"""The meaning of each failure class: its stages, its symptom, and the evidence for each confidence. Pure.

Data for readers: the page of the classes and docs/reference/classes.md are generated from it, and the summary of a
failure falls back on it. The next step for each class is in :mod:`exporter.diagnosis.advice`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from exporter.model.failure import Confidence, FailureClass, Stage

_C, _S = FailureClass, Stage


@dataclass(frozen=True, slots=True)
class ClassEntry:
    """One class. No `stages`: any. An empty ground: the class never has that confidence."""

    stages: tuple[Stage, ...]
    seen: str  # half a sentence, about the host or the domain
    certain: str = ""
    likely: str = ""
    uncertain: str = ""

    def ground(self, confidence: Confidence) -> str:
        """The evidence that gives this confidence."""
        grounds = {
            Confidence.CERTAIN: self.certain,
            Confidence.LIKELY: self.likely,
            Confidence.UNCERTAIN: self.uncertain,
        }
        return grounds[confidence]


_WORDS: Final = "the words of the reply say so"
_CODE: Final = "its codes alone say so, or words that fit other reasons too"
_EHLO: Final = (_S.EHLO, _S.EHLO_TLS)


def _answer(seen: str, certain: str = "the answer of the resolver says so") -> ClassEntry:
    return ClassEntry((_S.DNS,), seen, certain)


def _reply(seen: str, words: str = _WORDS) -> ClassEntry:
    return ClassEntry((), seen, words, _CODE)


def _certificate(seen: str, certain: str) -> ClassEntry:
    return ClassEntry((_S.TLS,), seen, certain)


_DNS: Final = {
    _C.DNS_NXDOMAIN: _answer("the domain does not exist"),
    _C.DNS_NO_ADDRESS: _answer("no MX, and the domain itself has no address"),
    _C.DNS_NULL_MX: _answer("`0 .` alone: it takes no mail (RFC 7505)"),
    _C.DNS_SERVFAIL: ClassEntry(
        (_S.DNS,),
        "the resolver gets no answer from the domain's name servers",
        likely="SERVFAIL for this name, while others are answered",
    ),
    _C.DNS_BOGUS: _answer(
        "DNSSEC of the domain does not verify", "SERVFAIL with an extended error of DNSSEC (RFC 8914)"
    ),
    _C.DNS_REFUSED: _answer("the resolver refuses to answer us", "REFUSED"),
    _C.DNS_TIMEOUT: ClassEntry(
        (_S.DNS,), "the resolver does not answer", likely="no answer to any try; packets may be lost on the path to it"
    ),
    _C.DNS_MALFORMED: _answer("an answer that cannot be read, or a chain of aliases that does not end"),
    _C.MX_UNRESOLVABLE: _answer("no name among its MX records has an address"),
    _C.MX_IS_ADDRESS: _answer("an IP address where the MX record needs a host name"),
    _C.MX_ADDRESS_FORBIDDEN: _answer(
        "the MX points to a loopback, private or other special address; not connected to", "the address itself"
    ),
    _C.RESOLVER_FAILING: ClassEntry(
        (_S.DNS,),
        "names that have nothing in common fail alike at once, or the answer was filtered",
        "at least four unrelated names fail alike, those of the references among them",
        "the same without references, or an answer that is marked as filtered (EDE 15 to 18) or looks so",
    ),
}
_CONNECT: Final = {
    _C.CONNECT_REFUSED: ClassEntry(
        (_S.CONNECT,),
        "the port is closed: RST of the host",
        "a trace reaches the host itself, or its own ICMP says so",
        "a RST in its name; a device on the path could have forged it",
    ),
    _C.CONNECT_TIMEOUT: ClassEntry(
        (_S.CONNECT,),
        "no answer, and no sign of a block",
        likely="no witness port answers either, while unrelated networks greet in sessions begun after it",
        uncertain="nothing to compare with: no witness port was asked, or no other network has greeted since",
    ),
    _C.CONNECT_UNREACHABLE: ClassEntry(
        (_S.CONNECT,),
        "a router says that the address cannot be reached",
        likely="ICMP network or host unreachable; the router may lack a route for us alone",
    ),
    _C.CONNECT_PROHIBITED: ClassEntry(
        (_S.CONNECT,),
        "a router forbids it (ICMP), or resets it in the host's name",
        "ICMP administratively prohibited, or port unreachable from an address that is not the host's",
        "a RST that comes from nearer than the host, by the trace",
    ),
    _C.PORT_FILTERED: ClassEntry(
        (_S.CONNECT,),
        "port 25 does not answer, another port of the host answers or gets further",
        "a witness port answers, the trace ends before the host, and other networks have answered on the port since",
        "a witness port answers or refuses, or the trace of another port gets further",
        "others answered before, and none has since: the egress may have been blocked meanwhile",
    ),
    _C.EGRESS_BLOCKED: ClassEntry(
        (_S.CONNECT, _S.BANNER),
        "port 25 fails on all unrelated networks at once, other ports get out",
        "the references are among the networks that fail",
        "at least four unrelated networks fail alike, and no reference is configured",
    ),
    _C.OFFLINE: ClassEntry(
        (_S.CONNECT,),
        "nothing gets out on any port",
        "the references are among the networks that are silent on every port",
        "at least four unrelated networks are silent on every port, and no reference is configured",
    ),
    _C.EGRESS_INTERCEPTED: ClassEntry(
        (_S.BANNER, _S.TLS),
        "one foreign server answers for unrelated networks",
        "other ports of the same hosts show another server, or the answer comes from nearer than the hosts",
        "one server on at least four unrelated networks, and no interception check proves it foreign",
    ),
    _C.LOCAL_FIREWALL: ClassEntry(
        (_S.CONNECT,),
        "this machine's own packet filter or policy",
        "EPERM or EACCES, an ICMP error of our own, or the kernel counts each SYN as dropped within",
        "not even the first router answers the port, while it answers another one",
    ),
    _C.NO_ROUTE: ClassEntry((_S.CONNECT,), "no route from here", "the kernel says so, and no router does"),
    _C.LOCAL_RESOURCE: ClassEntry((_S.CONNECT,), "out of ports, files or memory", "the kernel says so"),
    _C.NO_TURN: ClassEntry(
        (_S.CONNECT,),
        "our limits left no session in time for `/probe`, or the host is `costly`",
        "our own clock",
    ),
}
_GREETING: Final = {
    _C.BANNER_TIMEOUT: ClassEntry(
        (_S.BANNER,),
        "connected, and no complete greeting in time",
        uncertain="always: it may be dead, slow (RFC 5321 4.5.3.2.1 grants five minutes), or answer all but us",
    ),
    _C.BANNER_CLOSED: ClassEntry(
        (_S.BANNER,),
        "closed or reset before a greeting",
        uncertain="always: it may be broken, or close the connections of those whom it does not like",
    ),
    _C.BANNER_TEMPFAIL: ClassEntry((_S.BANNER,), "greets with 4xx and no finer reason", _WORDS, _CODE),
    _C.BANNER_REJECTED: ClassEntry(
        (_S.BANNER,),
        "greets with 5xx and no finer reason",
        likely="its words say that the host takes no mail",
        uncertain="521 or another 5xx without such words: most of them are about the client",
    ),
    _C.NOT_SMTP: ClassEntry(
        (_S.BANNER,), "SSH, HTTP, TLS or another protocol answers", "its bytes belong to no mail host"
    ),
}
_DIALOGUE: Final = {
    _C.PROTOCOL_ERROR: ClassEntry((), "a malformed, unsolicited or endless reply", "the reply itself"),
    _C.UNEXPECTED_REPLY: ClassEntry((), "a positive reply that the module's `expect` does not list", "the code"),
    _C.EHLO_REJECTED: ClassEntry(_EHLO, "EHLO, and then HELO, refused for good", _WORDS, _CODE),
    _C.EHLO_TEMPFAIL: ClassEntry(_EHLO, "EHLO, and then HELO, refused for now", _WORDS, _CODE),
    _C.TIMEOUT: ClassEntry(
        (), "no answer after the greeting", likely="no reply in time; packets may be lost on the path, too"
    ),
    _C.CLOSED: ClassEntry((), "closed or reset after the greeting", likely="always: it gives no reason"),
    _C.STARTTLS_NOT_OFFERED: ClassEntry(
        (_S.STARTTLS,), "EHLO lacks STARTTLS, and the module requires it", "the answer to EHLO"
    ),
    _C.STARTTLS_REJECTED: ClassEntry((_S.STARTTLS,), "STARTTLS refused, and the module requires it", _WORDS, _CODE),
    _C.AUTH_NOT_OFFERED: ClassEntry((_S.AUTH,), "neither PLAIN nor LOGIN, after TLS", "the answer to EHLO"),
    _C.AUTH_FAILED: ClassEntry((_S.AUTH,), "our credentials are refused", "5xx to AUTH"),
}
_TLS: Final = {
    _C.TLS_HANDSHAKE: ClassEntry(
        (_S.TLS,),
        "no handshake, where TLS is required or a session without TLS could not be tried",
        likely="how the handshake ended; either side may be the one that cannot",
    ),
    _C.TLS_INJECTION: ClassEntry((_S.STARTTLS,), "plaintext between the 220 and the handshake", "the plaintext itself"),
    _C.TLS_EXPIRED: _certificate("a certificate of the chain has expired", "its dates, by our clock"),
    _C.TLS_NOT_YET_VALID: _certificate("a certificate is not valid yet", "its dates, by our clock"),
    _C.TLS_NAME_MISMATCH: _certificate("the certificate is for other names", "its names"),
    _C.TLS_UNTRUSTED: _certificate("no root of this system vouches for the chain", "the chain that was sent"),
    _C.DANE_MISMATCH: _certificate("the certificate matches no TLSA record", "authenticated records, and the chain"),
    _C.DANE_NO_TLS: ClassEntry(
        (_S.STARTTLS,), "TLSA records, and no TLS", "authenticated records, and the answer to EHLO"
    ),
    _C.MTA_STS_MISMATCH: ClassEntry((_S.DNS,), "an enforced policy that does not name the MX host", "the policy"),
    _C.MTA_STS_NO_TLS: ClassEntry(
        (_S.STARTTLS,), "an enforced policy, and no TLS", "the policy, and the answer to EHLO"
    ),
    _C.MTA_STS_UNTRUSTED: _certificate(
        "an enforced policy, and a certificate that is not valid for the MX host", "the policy, and the chain"
    ),
}
_REPLIES: Final = {
    _C.REPUTATION_BLOCKED: _reply("names a block list or our address's reputation", "it names the list or our address"),
    _C.POLICY_REJECTED: _reply("refused by policy (5.7.x), nothing finer"),
    _C.RDNS_REQUIRED: _reply("our address lacks reverse DNS that fits"),
    _C.HELO_REJECTED: _reply("our EHLO name is objected to"),
    _C.SENDER_AUTH_FAILED: _reply("SPF, DKIM or DMARC of our sender fails"),
    _C.TLS_REQUIRED: _reply("mail is taken over TLS only"),
    _C.AUTH_REQUIRED: _reply("a login is demanded: a submission server, or a policy"),
    _C.RELAY_DENIED: _reply("the MX host does not take mail for the domain"),
    _C.RATE_LIMITED: _reply("too many connections, messages or recipients, or too fast"),
    _C.GREYLISTED: _reply("an unknown sender has to come again later"),
    _C.MAILBOX_UNKNOWN: _reply("there is no such mailbox"),
    _C.MAILBOX_FULL: _reply("the mailbox is full"),
    _C.MAILBOX_DISABLED: _reply("the mailbox is out of use"),
    _C.SENDER_REJECTED: _reply("our sender, or the empty one, is refused"),
    _C.MESSAGE_TOO_LARGE: _reply("larger than it takes (SIZE, 552)"),
    _C.NOT_ARRIVED: ClassEntry(
        (_S.DATA,),
        "a message was accepted, and is not in its mailbox in time",
        uncertain="a whole look into the mailbox after `within`; it may be lost, filed elsewhere, or still on its way",
    ),
    _C.ARRIVED_AS_JUNK: ClassEntry(
        (_S.DATA,),
        "a message was accepted, and filed as junk",
        likely="it was found in the folder for junk; its text or its reader's own rules may be the reason",
    ),
    _C.TEMPFAIL: _reply("4xx to a later command, nothing finer"),
    _C.REJECTED: _reply("5xx to a later command, nothing finer"),
    _C.INTERNAL: ClassEntry((), "a bug of the exporter", "the traceback in its log"),
}
_WRITTEN: Final = {**_DNS, **_CONNECT, **_GREETING, **_DIALOGUE, **_TLS, **_REPLIES}
# In the order of a probe: that of the closed list.
CATALOGUE: Final[Mapping[FailureClass, ClassEntry]] = MappingProxyType({each: _WRITTEN[each] for each in FailureClass})
