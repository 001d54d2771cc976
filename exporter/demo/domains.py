"""The domains of the demo's mail world: a table of what happens to each, and what a probe must call it.

Every host has an address of its own, which a Linux loopback interface answers for without being told. They are spread
over eight networks of a size (/16) that the diagnosis takes for unrelated, so that it can judge the way out by them.
Address records follow from `hosts`, and so do MX records where `records` has none: preference 10, 20, ... in their
order, and none for a host that bears the domain's own name (RFC 5321 5.1: the implicit MX).
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Final

from exporter.demo.domain import Certificate, DemoDomain, DemoHost, DnsFault, Port, alone, offering, works
from exporter.lab.smtp_host import CLOSE, Drip, SmtpScript, Wait, ordinary, reply
from exporter.model.failure import Confidence, FailureClass
from exporter.model.warning import HostWarning

NETWORK: Final = "127.48.0.0/13"
# Hosts that are expected to answer: on unrelated networks, and none of them one that is broken by hand.
REFERENCES: Final = (
    "mx2.halfdown.example",
    "real.cname.example",
    "mx.halfnull.example",
    "mx.othername.example",
)
_C, _W = FailureClass, HostWarning
_NETWORK: Final = ip_network(NETWORK)


def is_of_the_demo(address: str) -> bool:
    """Whether it is the address of one of these hosts; to the demo, whoever reaches it has got out."""
    return ip_address(address) in _NETWORK


_WORKING: Final = (
    DemoDomain(
        "healthy.example",
        "works",
        "two mail hosts, both well",
        hosts=(works("mx1.healthy.example", "127.49.1.1"), works("mx2.healthy.example", "127.50.1.2")),
        module="tls",
    ),
    DemoDomain(
        "implicit.example",
        "works",
        "no MX record: the domain's own address takes the mail",
        hosts=(works("implicit.example", "127.50.2.1"),),
    ),
    DemoDomain(
        "halfdown.example",
        "works",
        "the first of two mail hosts refuses connections; the domain is up",
        hosts=(
            DemoHost("mx1.halfdown.example", "127.51.3.1", Port.REFUSED),
            works("mx2.halfdown.example", "127.52.3.2"),
        ),
    ),
    DemoDomain(
        "slow.example",
        "works",
        "the greeting comes byte by byte and takes two seconds",
        hosts=alone(
            "slow.example",
            "127.52.4.1",
            ordinary("mx.slow.example", greeting=Drip(reply(220, "mx.slow.example ESMTP"), 0.07)),
            Certificate.VALID,
        ),
    ),
    DemoDomain(
        "cname.example",
        "works",
        "the MX is an alias, which RFC 5321 forbids",
        hosts=(works("real.cname.example", "127.53.5.1"),),
        records=(
            ("cname.example", "MX", "5 alias.cname.example."),
            ("alias.cname.example", "CNAME", "real.cname.example."),
        ),
        warnings=(_W.MX_IS_CNAME,),
    ),
    DemoDomain(
        "halfnull.example",
        "works",
        "a null MX beside a real one",
        hosts=alone("halfnull.example", "127.54.6.1", ordinary("mx.halfnull.example"), Certificate.VALID),
        records=(("halfnull.example", "MX", "0 ."), ("halfnull.example", "MX", "10 mx.halfnull.example.")),
        warnings=(_W.NULL_MX_AMONG_OTHERS,),
    ),
    DemoDomain(
        "helo.example",
        "works",
        "an old server that knows HELO and not EHLO",
        hosts=alone("helo.example", "127.55.7.1", ordinary("mx.helo.example", EHLO=reply(500, "Command unrecognized"))),
        warnings=(_W.HELO_ONLY,),
    ),
    DemoDomain(
        "masked.example",
        "works",
        "a firewall has masked the greeting and the extensions (Cisco PIX)",
        hosts=alone(
            "masked.example",
            "127.48.8.1",
            ordinary(
                "mx.masked.example",
                greeting=b"220 ****************************0*2******0*********************\r\n",
                EHLO=reply(250, "mx.masked.example", "SIZE 10485760", "XXXXXXXA", "XXXXXXXXXXXXXXXB"),
            ),
        ),
        warnings=(_W.STARTTLS_NOT_OFFERED,),
    ),
    DemoDomain(
        "expired.example",
        "works",
        "offers STARTTLS with a certificate that has expired",
        hosts=alone("expired.example", "127.49.9.1", ordinary("mx.expired.example"), Certificate.EXPIRED),
        warnings=(_W.TLS_EXPIRED,),
        module="tls",
    ),
    DemoDomain(
        "othername.example",
        "works",
        "offers STARTTLS with the certificate of another host",
        hosts=alone("othername.example", "127.51.11.1", ordinary("mx.othername.example"), Certificate.OTHER_NAME),
        warnings=(_W.TLS_NAME_MISMATCH,),
        module="tls",
    ),
    DemoDomain(
        "unknownca.example",
        "works",
        "offers STARTTLS with a certificate of an authority that nobody knows",
        hosts=alone("unknownca.example", "127.53.13.1", ordinary("mx.unknownca.example"), Certificate.UNTRUSTED),
        warnings=(_W.TLS_UNTRUSTED,),
        module="tls",
    ),
    DemoDomain(
        "talkative.example",
        "works",
        "tells everybody who asks which mailboxes it has (VRFY)",
        hosts=alone(
            "talkative.example",
            "127.52.12.1",
            ordinary("mx.talkative.example", VRFY=reply(250, "Post Master <postmaster@talkative.example>")),
            Certificate.VALID,
        ),
        warnings=(_W.VRFY_ENABLED,),
        module="mailbox",
    ),
)

_REFUSALS: Final = (
    DemoDomain(
        "greylisting.example",
        "dialogue",
        "greylists: each first recipient is told to come back later",
        _C.GREYLISTED,
        alone(
            "greylisting.example",
            "127.50.10.1",
            ordinary("mx.greylisting.example", RCPT=reply(451, "4.7.1 Greylisted, please try again in 300 seconds")),
            Certificate.VALID,
        ),
        module="mailbox",
    ),
    DemoDomain(
        "unknown.example",
        "dialogue",
        "knows no such recipient",
        _C.MAILBOX_UNKNOWN,
        alone(
            "unknown.example",
            "127.50.42.1",
            ordinary("mx.unknown.example", RCPT=reply(550, "5.1.1 User unknown")),
            Certificate.VALID,
        ),
        module="mailbox",
    ),
    DemoDomain(
        "handshake.example",
        "dialogue",
        "takes STARTTLS and closes the connection in the handshake: senders go on in the clear",
        None,
        alone("handshake.example", "127.51.43.1", offering("mx.handshake.example", reply(220, "Go ahead"), CLOSE)),
        warnings=(_W.TLS_HANDSHAKE,),
        module="tls",
    ),
    DemoDomain(
        "encrypted.example",
        "dialogue",
        "the same, where the module requires TLS",
        _C.TLS_HANDSHAKE,
        alone("encrypted.example", "127.51.43.2", offering("mx.encrypted.example", reply(220, "Go ahead"), CLOSE)),
        module="tls-required",
    ),
    DemoDomain(
        "injected.example",
        "dialogue",
        "plaintext comes between STARTTLS and the handshake",
        _C.TLS_INJECTION,
        alone(
            "injected.example",
            "127.52.44.1",
            offering("mx.injected.example", reply(220, "Go ahead") + reply(250, "Your mail was taken")),
        ),
        module="tls",
    ),
)

_UNREACHABLE: Final = (
    DemoDomain(
        "refused.example",
        "connect",
        "nothing listens on the port",
        _C.CONNECT_REFUSED,
        alone("refused.example", "127.52.20.1", Port.REFUSED),
    ),
    DemoDomain(
        "silent.example",
        "connect",
        "SYNs vanish without an answer, whatever the port: the host is gone",
        _C.CONNECT_TIMEOUT,
        alone("silent.example", "127.53.21.1", Port.GONE),
        confidence=Confidence.LIKELY,  # others answer meanwhile
    ),
    DemoDomain(
        "filtered.example",
        "connect",
        "SYNs to the SMTP port vanish, another port answers: a filter",
        _C.PORT_FILTERED,
        alone("filtered.example", "127.54.22.1", Port.SILENT),
    ),
)

_GREETINGS: Final = (
    DemoDomain(
        "blocklisted.example",
        "banner",
        "554: our address is on a block list",
        _C.REPUTATION_BLOCKED,
        alone(
            "blocklisted.example",
            "127.54.30.1",
            ordinary(
                "mx.blocklisted.example",
                greeting=reply(
                    554, "5.7.1 Service unavailable; Client host [127.0.0.1] blocked using zen.spamhaus.org"
                ),
            ),
        ),
    ),
    DemoDomain(
        "rejecting.example",
        "banner",
        "554 and no reason",
        _C.BANNER_REJECTED,
        alone(
            "rejecting.example",
            "127.55.31.1",
            ordinary("mx.rejecting.example", greeting=reply(554, "Transaction failed")),
        ),
    ),
    DemoDomain(
        "closed.example",
        "banner",
        "554: takes no mail from anybody",
        _C.BANNER_REJECTED,
        alone(
            "closed.example",
            "127.55.31.2",
            ordinary("mx.closed.example", greeting=reply(554, "No SMTP service here")),
        ),
        confidence=Confidence.LIKELY,
    ),
    DemoDomain(
        "busy.example",
        "banner",
        "421: not available now",
        _C.BANNER_TEMPFAIL,
        alone(
            "busy.example",
            "127.48.32.1",
            ordinary(
                "mx.busy.example",
                greeting=(reply(421, "mx.busy.example Service not available, closing transmission channel"), CLOSE),
            ),
        ),
    ),
    DemoDomain(
        "crowded.example",
        "banner",
        "421: too many connections",
        _C.RATE_LIMITED,
        alone(
            "crowded.example",
            "127.49.33.1",
            ordinary(
                "mx.crowded.example",
                greeting=(reply(421, "4.7.0 Too many concurrent connections from your address"), CLOSE),
            ),
        ),
    ),
    DemoDomain(
        "mute.example",
        "banner",
        "takes the connection and says nothing",
        _C.BANNER_TIMEOUT,
        alone("mute.example", "127.50.34.1", ordinary("mx.mute.example", greeting=None)),
    ),
    DemoDomain(
        "hangup.example",
        "banner",
        "takes the connection and closes it",
        _C.BANNER_CLOSED,
        alone("hangup.example", "127.51.35.1", ordinary("mx.hangup.example", greeting=CLOSE)),
    ),
    DemoDomain(
        "ssh.example",
        "banner",
        "an SSH server on the SMTP port",
        _C.NOT_SMTP,
        alone("ssh.example", "127.52.36.1", SmtpScript(b"SSH-2.0-OpenSSH_9.6\r\n", otherwise=CLOSE)),
    ),
    DemoDomain(
        "garbled.example",
        "banner",
        "a greeting with a line that is no reply",
        _C.PROTOCOL_ERROR,
        alone(
            "garbled.example",
            "127.53.37.1",
            ordinary("mx.garbled.example", greeting=b"220-mx.garbled.example ESMTP\r\nor not\r\n"),
        ),
    ),
)

_CONVERSATIONS: Final = (
    DemoDomain(
        "tarpit.example",
        "dialogue",
        "greets, then takes a minute to answer EHLO",
        _C.TIMEOUT,
        alone(
            "tarpit.example",
            "127.48.40.1",
            ordinary("mx.tarpit.example", EHLO=(Wait(60), reply(250, "mx.tarpit.example"))),
        ),
    ),
    DemoDomain(
        "dropping.example",
        "dialogue",
        "closes the connection at EHLO",
        _C.CLOSED,
        alone("dropping.example", "127.49.41.1", ordinary("mx.dropping.example", EHLO=CLOSE)),
    ),
)

_DNS: Final = (
    DemoDomain(
        "nullmx.example",
        "dns",
        "a null MX: the domain takes no mail",
        _C.DNS_NULL_MX,
        records=(("nullmx.example", "MX", "0 ."),),
    ),
    DemoDomain("nxdomain.example", "dns", "the domain does not exist", _C.DNS_NXDOMAIN),
    DemoDomain(
        "noaddress.example",
        "dns",
        "neither an MX nor an address",
        _C.DNS_NO_ADDRESS,
        records=(("noaddress.example", "TXT", '"v=spf1 -all"'),),
    ),
    DemoDomain(
        "dangling.example",
        "dns",
        "the MX names a host that does not exist",
        _C.MX_UNRESOLVABLE,
        records=(("dangling.example", "MX", "10 gone.dangling.example."),),
    ),
    DemoDomain(
        "literal.example",
        "dns",
        "the MX is an IP address",
        _C.MX_IS_ADDRESS,
        records=(("literal.example", "MX", "10 127.50.50.1."),),
    ),
    DemoDomain(
        "private.example",
        "dns",
        "the MX has a private address, which is never connected to",
        _C.MX_ADDRESS_FORBIDDEN,
        records=(("private.example", "MX", "10 mx.private.example."), ("mx.private.example", "A", "10.25.25.25")),
    ),
    DemoDomain("servfail.example", "dns", "its name servers fail", _C.DNS_SERVFAIL, fault=DnsFault.SERVFAIL),
    DemoDomain("bogus.example", "dns", "its DNSSEC signatures are wrong", _C.DNS_BOGUS, fault=DnsFault.BOGUS),
    DemoDomain("lost.example", "dns", "the resolver does not answer", _C.DNS_TIMEOUT, fault=DnsFault.SILENT),
)

DEMO: Final[tuple[DemoDomain, ...]] = (
    *_WORKING,
    *_UNREACHABLE,
    *_GREETINGS,
    *_CONVERSATIONS,
    *_REFUSALS,
    *_DNS,
)
