"""A probe of the mail servers that most of the world runs."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from exporter.concurrency.slots import ProbeSlots
from exporter.model.configuration import Limits, ResolverSettings
from exporter.model.failure import Stage
from exporter.model.target import Settings, Target, TargetKind
from exporter.probe.probe_options import ProbeOptions
from exporter.probe.prober import Prober
from exporter.resolver.client import Resolver
from tests.support.daemons import nsd
from tests.support.mail_servers import MAIL_SERVERS, MailServer

NAME = "mx.real.example"
ZONE = """\
$TTL 60
@ IN SOA ns admin 1 3600 600 86400 30
@ IN NS ns
@ IN MX 10 mx
ns IN A 127.0.0.1
mx IN A 127.0.0.1
"""


@pytest.mark.parametrize("server", MAIL_SERVERS, ids=lambda server: server.__name__)
async def test_a_real_mail_server_is_up_with_all_that_it_announces(server: MailServer, tmp_path: Path) -> None:
    with server(tmp_path / "mail", NAME) as port, nsd(tmp_path / "dns", {"real.example": ZONE}) as dns_port:
        resolver = Resolver(ResolverSettings(nameservers=(("127.0.0.1", dns_port),)))
        prober = Prober(resolver, Limits(), "probe.example", ProbeSlots(10))
        settings = Settings(port=port, allow_addresses=(ip_network("127.0.0.0/8"),), timeout=20.0)
        try:
            result = await prober.probe(
                Target(TargetKind.DOMAIN, "real.example", "real.example", settings), ProbeOptions(transcript=True)
            )
        finally:
            resolver.close()
    (host,) = [host for host in result.hosts if host.up]
    assert (host.mx, host.address, host.identity.preference) == (NAME, "127.0.0.1", 10)
    assert dict(host.facts.reply_codes) == {Stage.BANNER: 220, Stage.EHLO: 250, Stage.QUIT: 221}
    assert [stage for stage, _ in host.timings.phases] == [Stage.CONNECT, Stage.BANNER, Stage.EHLO, Stage.QUIT]
    assert host.facts.esmtp
    assert {"SIZE", "8BITMIME"} <= set(host.facts.extensions)
    assert host.facts.size_limit
    assert b"probe.example" in b"".join(line.data for line in host.transcript if line.sent)
