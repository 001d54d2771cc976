"""The domains that nobody comes to speak with: their names are not resolved, or their ports do not answer."""

from __future__ import annotations

import socket

import dns.edns
import dns.exception
import dns.message
import dns.query
import dns.rcode
import dns.rrset
import pytest

from exporter.demo.domain import DemoDomain, DnsFault, Port
from exporter.demo.domains import DEMO
from exporter.demo.domains.unreachable import UNREACHABLE
from exporter.demo.world import DemoWorld
from exporter.model.failure import FailureClass
from tests.demo.domains.client import PATIENCE, SILENCE

FAULTY = [domain for domain in UNREACHABLE if domain.fault is not None]


def _ask(world: DemoWorld, name: str, kind: str, seconds: float = PATIENCE) -> dns.message.Message:
    address, port = world.nameserver
    return dns.query.udp(dns.message.make_query(name, kind, use_edns=0), address, seconds, port)


@pytest.mark.parametrize("domain", FAULTY, ids=lambda domain: domain.name)
def test_a_domain_whose_dns_is_at_fault(world: DemoWorld, domain: DemoDomain) -> None:
    if domain.fault is DnsFault.SILENT:
        with pytest.raises(dns.exception.Timeout):
            _ask(world, domain.name, "MX", SILENCE)
        return
    answer = _ask(world, domain.name, "MX")
    assert answer.rcode() == dns.rcode.SERVFAIL
    codes = [error.code for error in answer.extended_errors()]
    assert codes == ([dns.edns.EDECode.DNSSEC_BOGUS] if domain.fault is DnsFault.BOGUS else [])


def test_every_fault_is_shown() -> None:
    assert {domain.fault for domain in FAULTY} == set(DnsFault)


@pytest.mark.parametrize(
    "domain", [domain for domain in DEMO if domain.fault is None and domain.all_records], ids=lambda domain: domain.name
)
def test_every_record_of_any_other_domain_is_served(world: DemoWorld, domain: DemoDomain) -> None:
    for name, kind, data in domain.all_records:
        expected = dns.rrset.from_text(f"{name}.", 60, "IN", kind, data)
        assert set(expected) <= set(_ask(world, name, kind).answer[0])


def test_a_domain_that_does_not_exist_is_none_to_the_name_server(world: DemoWorld) -> None:
    absent = [domain.name for domain in UNREACHABLE if domain.expected is FailureClass.DNS_NXDOMAIN]
    assert [_ask(world, name, "MX").rcode() for name in absent] == [dns.rcode.NXDOMAIN]


@pytest.mark.parametrize("domain", [domain for domain in UNREACHABLE if domain.hosts], ids=lambda domain: domain.name)
def test_a_port_on_which_nobody_speaks(world: DemoWorld, domain: DemoDomain) -> None:
    (host,) = domain.hosts
    assert isinstance(host.behaviour, Port)
    smtp, witness = {
        Port.REFUSED: (ConnectionRefusedError, ConnectionRefusedError),
        Port.SILENT: (TimeoutError, ConnectionRefusedError),
        Port.GONE: (TimeoutError, TimeoutError),
    }[host.behaviour]
    with pytest.raises(smtp):
        socket.create_connection((host.address, world.smtp_port), SILENCE)
    with pytest.raises(witness):
        socket.create_connection((host.address, world.witness_port), SILENCE)
