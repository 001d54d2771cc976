"""The page of a target: its hosts."""

from __future__ import annotations

import re

from exporter.model.evidence import ConnectEvidence, Evidence
from exporter.model.policy import Dane, DaneState, MtaSts, MtaStsMode, TlsRpt
from exporter.model.warning import DomainWarning
from tests.results import changed, domain, down_host, result, tls_host, up_host, with_policies
from tests.web.fake_backend import FakeBackend
from tests.web.pages.browsing import (
    C,
    get,
    host,
    known,
    text,
)


async def test_a_domains_page_shows_hosts_phases_replies_extensions_and_certificate(backend: FakeBackend) -> None:
    probed = result(up_host(), tls_host(), down_host())
    backend.kept = known((domain("healthy.example"), probed))
    page = await get(backend, "/domain/healthy.example")
    shown = text(page)
    assert re.findall(r'<h2 id="host\d"><span class="preference" title="MX preference">(\d+)</span> (\S+)', page) == [
        ("10", "mx1.healthy.example"),
        ("20", "mx.secure.example"),
        ("30", "mx2.healthy.example"),
    ]
    assert 'aria-label="phases: connect 10 ms, banner 250 ms, ehlo 11 ms, quit 12 ms"' in page
    assert "banner 220, ehlo 250, quit 221" in shown
    assert "banner 554 5.7.1" in shown
    assert "PIPELINING SIZE" in shown
    assert "size limit 10,240,000 bytes" in shown
    assert "Certificate not verified" in shown
    assert "issuer CN=Authority" in shown
    assert "tls_expired : the server's certificate has expired" in shown
    assert "valid until 2023-11-13 22:13:20 UTC expired" in shown
    assert "AUTH with TLS PLAIN LOGIN" in shown


async def test_without_a_path_the_last_router_is_named(backend: FakeBackend) -> None:
    silent = changed(
        down_host(C.PORT_FILTERED),
        evidence=Evidence(25, ConnectEvidence("192.0.2.9", None, elapsed=9.0)),
        last_hop="203.0.113.9",
    )
    backend.kept = known((domain(), result(silent)))
    shown = text(await get(backend, "/domain/healthy.example"))
    assert "the last router that answered on the path is 203.0.113.9" in shown


async def test_policies_and_dane_are_told(backend: FakeBackend) -> None:
    matched = changed(tls_host(), dane=Dane(DaneState.MISMATCH, ("3 1 1 AB",), "no TLSA record matches"))
    probed = result(matched)._replace(mta_sts=MtaSts(MtaStsMode.ENFORCE, mx=("*.example",)), tls_rpt=TlsRpt(False))
    backend.kept = known((domain(), probed))
    shown = text(await get(backend, "/domain/healthy.example"))
    assert "MTA-STS: enforce, mx *.example TLS-RPT: absent" in shown
    assert "DANE: mismatch: no TLSA record matches TLSA 3 1 1 AB" in shown


async def test_a_host_that_others_share_leads_to_them(backend: FakeBackend) -> None:
    probed = result(up_host(), down_host())
    relay = result(up_host("relay.example"))._replace(lookup=None)
    backend.kept = known((domain("healthy.example"), probed), (host("relay.example:25"), relay))
    backend.sharing = {probed.hosts[0].identity: 412, probed.hosts[1].identity: 1, relay.hosts[0].identity: 1}
    page = await get(backend, "/domain/healthy.example")
    assert '<a class="shared" href="../mx/mx1.healthy.example">shared by 412 domains</a>' in page
    assert page.count("shared by") == 1  # the other host is this domain's alone
    assert "shared by 1 domain<" in await get(backend, "/host/relay.example%3A25")


async def test_providers_warnings_and_families_of_the_domain_are_told(backend: FakeBackend) -> None:
    probed = result(up_host(), down_host())._replace(
        providers=("big.example", "other.example"),
        warnings=(DomainWarning.MTA_STS_MISMATCH,),
    )
    backend.kept = known((domain("healthy.example"), probed))
    page = await get(backend, "/domain/healthy.example")
    shown = text(page)
    assert "mta_sts_mismatch its MTA-STS policy does not name an MX host provider big.example provider other" in shown
    assert '<a class="chip warning" href="../classes#mta_sts_mismatch">' in page
    assert '<a href="../?provider=other.example">' in page
    assert "addresses up 1 of 1 IPv4, 0 of 1 IPv6" in shown
    assert "mta_sts_mismatch and 1 more" in text(await get(backend, "/"))
    assert "healthy.example is up: 1 of 2 addresses takes mail, with warnings" in shown


async def test_the_chain_has_its_fingerprints_and_old_versions_are_told(backend: FakeBackend) -> None:
    backend.kept = known((domain(), result(tls_host())))
    page = await get(backend, "/domain/healthy.example")
    shown = text(page)
    assert "key rsa, 2048 bits" in shown
    assert "subject CN=mx.secure.example issuer CN=Authority" in shown
    assert ":".join(["0A"] * 32) in shown
    assert ":".join(["0B"] * 32) in shown
    assert "TLSv1.1: accepted: with AES128-SHA" in shown
    assert "TLSv1: refused: it accepts no version" in shown


async def test_the_name_servers_of_a_zone_have_a_table(backend: FakeBackend) -> None:
    backend.kept = known((domain(), with_policies(result(up_host()))))
    shown = text(await get(backend, "/domain/healthy.example"))
    assert "zone: secure.example: 1 of 2 addresses of name servers agree" in shown
    assert "ns1.b.example 192.0.2.53 agrees 10 mx.secure.example 3600 s" in shown
    assert "ns2.b.example 2001:db8::53 lame it answers REFUSED" in shown
    assert "first signature to end MX of secure.example, 2023-11-15 22:13 UTC" in shown
