"""The domains that take mail do, and each warning has its reason on the wire."""

from __future__ import annotations

import ssl

import pytest

from exporter.demo.domain import Certificate, DemoDomain
from exporter.demo.domains.working import WORKING
from exporter.demo.mail_hosts import HostState
from exporter.demo.world import DemoWorld
from exporter.model.warning import HostWarning
from tests.demo.domains.client import only_host, session

CERTIFICATES = {
    "healthy.example": "",
    "cname.example": "",
    "expired.example": "certificate has expired",
    "othername.example": "Hostname mismatch",
    "unknownca.example": "unable to get local issuer certificate",
}


def _of(name: str) -> DemoDomain:
    return next(domain for domain in WORKING if domain.name == name)


@pytest.mark.parametrize("domain", WORKING, ids=lambda domain: domain.name)
def test_one_of_its_hosts_at_least_takes_mail(world: DemoWorld, domain: DemoDomain) -> None:
    assert domain.expected is None
    speaking = [host.name for host in domain.hosts if world.state(host.name) is HostState.SPEAKING]
    assert speaking
    for host in speaking:
        with session(world, host) as client:
            assert client.sendmail("a@me.example", [f"postmaster@{domain.name}"], "Subject: hello\r\n\r\n") == {}


@pytest.mark.parametrize("domain", WORKING, ids=lambda domain: domain.name)
def test_a_host_with_a_certificate_offers_tls_and_no_other(world: DemoWorld, domain: DemoDomain) -> None:
    for host in domain.hosts:
        if world.state(host.name) is HostState.SPEAKING:
            with session(world, host.name) as client:
                client.ehlo_or_helo_if_needed()
                assert client.has_extn("starttls") is (host.certificate is not None)


@pytest.mark.parametrize("name", CERTIFICATES)
def test_a_certificate_is_as_good_as_the_table_says(world: DemoWorld, name: str) -> None:
    context = ssl.create_default_context(cadata=world.authority.pem)
    host = _of(name).hosts[0].name
    client = session(world, host)
    client._host = host  # type: ignore[attr-defined] # the name that the certificate is checked against
    try:
        client.starttls(context=context)
        problem = ""
    except ssl.SSLCertVerificationError as error:
        problem = error.verify_message
    finally:
        client.close()
    assert problem.startswith(CERTIFICATES[name])
    assert bool(problem) is bool(CERTIFICATES[name])


def test_each_kind_of_certificate_is_shown() -> None:
    assert {host.certificate for domain in WORKING for host in domain.hosts} >= set(Certificate)


def test_the_oddities_that_are_warned_of_are_there(world: DemoWorld) -> None:
    assert HostWarning.HELO_ONLY in _of("helo.example").warnings
    with session(world, only_host(_of("helo.example"))) as client:
        assert client.ehlo()[0] == 500
        assert client.helo()[0] == 250
    assert HostWarning.VRFY_ENABLED in _of("talkative.example").warnings
    with session(world, only_host(_of("talkative.example"))) as client:
        assert client.verify("postmaster")[0] == 250
