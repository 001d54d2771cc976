"""Domains that take mail: some of them well, the others with something to be warned of."""

from __future__ import annotations

from typing import Final

from exporter.demo.domain import Certificate, DemoDomain, DemoHost, Port, alone, works
from exporter.lab.smtp_script import Drip, ordinary, reply
from exporter.model.failure import FailureClass
from exporter.model.warning import DomainWarning, HostWarning

_C, _W = FailureClass, HostWarning

WORKING: Final = (
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
        warnings=(DomainWarning.NULL_MX_AMONG_OTHERS,),
    ),
    DemoDomain(
        "moved.example",
        "works",
        "a customer of bigmail.example whose MX record names a host of somebody else",
        hosts=alone("moved.example", "127.50.14.1", ordinary("mx.moved.example"), Certificate.VALID),
        warnings=(DomainWarning.MX_UNEXPECTED, DomainWarning.MX_MISSING),
        expect_mx=(".bigmail.example",),
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
        "offers STARTTLS with a certificate of an unknown authority",
        hosts=alone("unknownca.example", "127.53.13.1", ordinary("mx.unknownca.example"), Certificate.UNTRUSTED),
        warnings=(_W.TLS_UNTRUSTED,),
        module="tls",
    ),
    DemoDomain(
        "talkative.example",
        "works",
        "tells every client which mailboxes it has (VRFY)",
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
