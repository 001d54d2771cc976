"""The demo's table is consistent."""

from __future__ import annotations

from collections import Counter
from ipaddress import ip_address, ip_network

from exporter.demo.domain import DnsFault, Port
from exporter.demo.domains import DEMO, NETWORK, REFERENCES, is_of_the_demo
from exporter.diagnosis.egress_state import NETWORKS_NEEDED
from exporter.diagnosis.networks import network_of
from exporter.model.failure import FailureClass, Verdict

DOMAINS = {domain.name: domain for domain in DEMO}


def test_each_domain_host_and_address_is_there_once() -> None:
    hosts = [host for domain in DEMO for host in domain.hosts]
    for names in ([domain.name for domain in DEMO], [host.key for host in hosts], [host.address for host in hosts]):
        assert [name for name, count in Counter(names).items() if count > 1] == []


def test_hosts_live_in_the_demo_network_and_domains_in_the_reserved_one() -> None:
    """RFC 2606: `example` is nobody's."""
    for domain in DEMO:
        assert domain.name.endswith(".example")
        for host in domain.hosts:
            assert host.name == domain.name or host.name.endswith(f".{domain.name}")
            assert ip_address(host.address) in ip_network(NETWORK)


def test_hosts_and_references_are_on_enough_networks_to_judge_the_way_out_by() -> None:
    hosts = {host.name: host for domain in DEMO for host in domain.hosts}
    assert len({network_of(host.address) for host in hosts.values()}) >= 2 * NETWORKS_NEEDED
    references = [hosts[name] for name in REFERENCES]
    assert len({network_of(host.address) for host in references}) == len(references) == NETWORKS_NEEDED
    assert not [host.name for host in references if isinstance(host.behaviour, Port)]
    assert all(is_of_the_demo(host.address) for host in hosts.values())
    assert not is_of_the_demo("127.0.0.1")


def test_a_domain_with_warnings_is_up() -> None:
    assert [domain.name for domain in DEMO if domain.warnings and domain.expected] == []


def test_records_follow_from_hosts() -> None:
    assert set(DOMAINS["healthy.example"].all_records) == {
        ("healthy.example", "MX", "10 mx1.healthy.example."),
        ("healthy.example", "MX", "20 mx2.healthy.example."),
        ("mx1.healthy.example", "A", "127.49.1.1"),
        ("mx2.healthy.example", "A", "127.50.1.2"),
    }
    assert DOMAINS["implicit.example"].all_records == (("implicit.example", "A", "127.50.2.1"),)
    assert DOMAINS["nullmx.example"].all_records == (("nullmx.example", "MX", "0 ."),)
    assert DOMAINS["nxdomain.example"].all_records == ()
    assert DOMAINS["cname.example"].aliases("real.cname.example") == ("alias.cname.example",)


def test_what_a_newcomer_looks_for_is_there() -> None:
    shown = {domain.expected for domain in DEMO}
    assert shown >= {
        None,
        FailureClass.CONNECT_REFUSED,
        FailureClass.CONNECT_TIMEOUT,
        FailureClass.BANNER_REJECTED,
        FailureClass.REPUTATION_BLOCKED,
        FailureClass.BANNER_TEMPFAIL,
        FailureClass.BANNER_TIMEOUT,
        FailureClass.DNS_NULL_MX,
        FailureClass.DNS_NXDOMAIN,
        FailureClass.NOT_SMTP,
    }
    assert {domain.verdict for domain in DEMO} == {None, *Verdict}
    assert {domain.fault for domain in DEMO} == {None, *DnsFault}
    assert {host.behaviour for domain in DEMO for host in domain.hosts if isinstance(host.behaviour, Port)} == set(Port)
