"""A probe of the mail servers that most of the world runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.model.address import Family
from exporter.model.configuration import ResolverSettings
from exporter.model.failure import Stage
from exporter.resolver.client import Resolver
from tests.probe.hosting import HostWorld
from tests.probe.probing import domain_of, settings_of
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
        try:
            lookup = await resolver.lookup_mx("real.example", (Family.IPV4,))
            async with HostWorld(resolver) as world:
                target = domain_of("real.example", settings_of(port, 20.0))
                addresses = [(mx.name, address) for mx in lookup.hosts for address in mx.addresses]
                (host,) = await world.probe(target, *addresses)
        finally:
            resolver.close()
    assert host.up
    assert (host.mx, host.address) == (NAME, "127.0.0.1")
    assert dict(host.facts.reply_codes) == {Stage.BANNER: 220, Stage.EHLO: 250, Stage.QUIT: 221}
    assert [stage for stage, _ in host.timings.phases] == [Stage.CONNECT, Stage.BANNER, Stage.EHLO, Stage.QUIT]
    assert host.facts.esmtp
    assert {"SIZE", "8BITMIME"} <= set(host.facts.extensions)
    assert host.facts.size_limit
    assert b"probe.example" in b"".join(line.data for line in host.transcript if line.sent)
