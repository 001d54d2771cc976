"""Our standing in the server: read from dialogues that happened anyway, settled by the configuration, logged."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from exporter.app.active_configuration import active_configuration
from exporter.app.monitor import Monitor, Vantage
from exporter.app.standing import StandingTask, believable, changes, settings_of, told_by_all
from exporter.config.load import load
from exporter.lab.dns_host import DnsHost
from exporter.lab.host import listening
from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import ordinary, reply
from exporter.model.address import Family
from exporter.model.egress import EGRESS_UNKNOWN, EgressState, EgressView
from exporter.model.failure import Confidence, FailureClass
from exporter.model.result import HostIdentity, Said, TranscriptLine
from exporter.model.standing import (
    AddressName,
    AddressSource,
    FamilyStanding,
    HeloName,
    ListAnswer,
    ListingState,
    ReverseDns,
    SenderPolicy,
    SpfResult,
)
from exporter.standing.agreement import Told
from exporter.standing.checks import MailSender, Pace
from exporter.store.transcripts import TranscriptStore
from tests.config.loading import config
from tests.results import changed, up_host
from tests.support.waiting import until

OURS = "192.0.2.1"
PACE = Pace(look=0.02, names=0.02, lists=0.02, between=0.0)


def test_without_the_section_nothing_is_asked_for() -> None:
    assert settings_of(config("{}"), "me.example") is None
    assert settings_of(config("standing:"), "me.example") is None


def test_an_empty_section_asks_for_all_but_lists() -> None:
    settings = settings_of(config("standing: {}"), "me.example")
    assert settings is not None
    assert (settings.plan.helo, settings.plan.senders, settings.plan.lists) == (("me.example",), (), ())
    assert settings.families == tuple(Family)


def test_names_senders_and_sources_come_from_the_configuration() -> None:
    settings = settings_of(
        config(
            """
            defaults: {helo: probe.example, source_address: {ipv4: 198.51.100.7}, address_families: [ipv4]}
            standing: {addresses: ["192.0.2.1", "2001:DB8::1"], lists: [BL.example., two.bl.example]}
            modules:
              one: {stages: [ehlo, mail], mail_from: a@one.example}
              same: {stages: [ehlo, mail], mail_from: b@one.example}
              null: {stages: [ehlo, mail]}
              literal: {stages: [ehlo, mail], mail_from: "c@[192.0.2.9]"}
            domains: [{domain: a.example, helo: other.example}]
            """.replace("null:", '"null":')
        ),
        "me.example",
    )
    assert settings is not None
    assert settings.addresses == ("192.0.2.1", "2001:db8::1")
    assert settings.families == (Family.IPV4,)
    assert settings.sources[Family.IPV4] == "198.51.100.7"
    assert settings.plan.helo == ("probe.example", "other.example")
    assert [sender.domain for sender in settings.plan.senders] == ["one.example", "probe.example"]
    assert settings.plan.senders[1] == MailSender("probe.example")
    assert settings.plan.lists == ("bl.example", "two.bl.example")


def dialogue(greeting: bytes) -> tuple[TranscriptLine, ...]:
    return (
        TranscriptLine(0.1, False, b"220 mx ESMTP\r\n"),
        TranscriptLine(0.2, True, b"EHLO probe.example\r\n"),
        TranscriptLine(0.3, False, b"250-mx " + greeting + b"\r\n250 SIZE\r\n"),
    )


def test_the_latest_dialogues_are_read_and_those_of_other_sources_left_out() -> None:
    store = TranscriptStore()
    now = time.time()
    for module, at, said in (
        ("default", now, b"Hello [192.0.2.1]"),
        ("default@other.helo.example", now, b"Hello [192.0.2.2]"),
        ("@reference", now, b"Hello [192.0.2.3]"),
        ("default@198.51.100.7", now, b"Hello [192.0.2.4]"),
        ("default@*ipv4", now, b"Hello [192.0.2.5]"),
        ("silent", now, b"Hello"),
        ("old", now - 2 * 86400, b"Hello [192.0.2.6]"),
    ):
        key = HostIdentity("", "203.0.113.9", 25, module)
        store.keep(key, changed(up_host("mx.example", "203.0.113.9"), at=at), Said.of(dialogue(said)))
    told = [each.address for each in told_by_all(store) if each is not None]
    assert told == ["192.0.2.1", "192.0.2.2", "192.0.2.3"]
    assert len(list(told_by_all(store))) == 7


def test_what_a_server_on_the_way_tells_in_the_place_of_all_is_not_believed() -> None:
    told = [Told("mx.one.example", "203.0.113.9", OURS), Told("mx.one.example", "2001:db8::9", "2001:db8::1")]
    assert list(believable(told, EGRESS_UNKNOWN)) == told
    intercepted = {**EGRESS_UNKNOWN, Family.IPV4: EgressView(EgressState.INTERCEPTED)}
    assert list(believable(told, intercepted)) == told[1:]


WELL = FamilyStanding(
    Family.IPV4,
    AddressSource.TOLD,
    OURS,
    3,
    reverse=ReverseDns("pointer", (AddressName("mail.example", True, (OURS,)),)),
    helo=(HeloName("probe.example", True),),
    spf=(SenderPolicy("sender.example", SpfResult.PASS),),
    lists=(ListAnswer("one.bl", ListingState.CLEAR),),
)
NONE = FamilyStanding(Family.IPV4)


def test_at_first_only_the_address_and_what_is_wrong_is_news() -> None:
    assert [(fields["fact"], is_bad) for fields, is_bad in changes(NONE, WELL)] == [("address", False)]
    ill = replace(
        WELL,
        reverse=ReverseDns("pointer"),
        helo=(HeloName("probe.example", False),),
        spf=(SenderPolicy("sender.example", SpfResult.FAIL),),
        lists=(ListAnswer("one.bl", ListingState.LISTED),),
    )
    told = [(fields["fact"], fields["state"], is_bad) for fields, is_bad in changes(NONE, ill)]
    assert told == [
        ("address", "told", False),
        ("reverse DNS", "missing", True),
        ("EHLO name", "differs", True),
        ("SPF", "fail", True),
        ("block list", "listed", True),
    ]
    back = [(fields["fact"], fields["state"], is_bad) for fields, is_bad in changes(ill, WELL)]
    assert back == [
        ("reverse DNS", "confirmed", False),
        ("EHLO name", "matches", False),
        ("SPF", "pass", False),
        ("block list", "clear", False),
    ]
    assert list(changes(WELL, WELL)) == []


def test_what_is_not_known_for_a_while_is_no_news() -> None:
    unknown = replace(WELL, reverse=ReverseDns("pointer", failure="no answer"), helo=(HeloName("probe.example", None),))
    assert list(changes(WELL, unknown)) == []
    assert list(changes(unknown, WELL)) == []


HOSTS = {"mx.one.example": "127.61.0.1", "mx.two.example": "127.62.0.1", "mx.three.example": "127.63.0.1"}
NAMELESS = reply(554, f"5.7.25 Client host rejected: cannot find your reverse hostname, [{OURS}]")
LISTED = reply(554, f"5.7.1 Client host [{OURS}] blocked using bl.example")


@asynccontextmanager
async def world() -> AsyncIterator[tuple[DnsHost, int]]:
    """Three hosts that tell our address, two that refuse it, and their DNS."""
    records = {(name, "A"): [address] for name, address in HOSTS.items()} | {
        ("probe.example", "A"): [OURS],
        ("mx.nameless.example", "A"): ["127.64.0.1"],
        ("mx.listed.example", "A"): ["127.65.0.1"],
        ("2.0.0.127.bl.example", "A"): ["127.0.0.2"],
        ("1.2.0.192.bl.example", "A"): ["127.0.0.4"],
    }
    dns, port = DnsHost(records, ttl=0), 0
    scripts = {
        address: ordinary(name, EHLO=reply(250, f"{name} at your service, [{OURS}]", "SIZE"))
        for name, address in HOSTS.items()
    }
    scripts["127.64.0.1"] = ordinary("mx.nameless.example", greeting=NAMELESS)
    scripts["127.65.0.1"] = ordinary("mx.listed.example", greeting=LISTED)
    hosts = {address: SmtpHost(script) for address, script in scripts.items()}
    async with listening(dns):
        try:
            for address, host in hosts.items():
                port = await host.start(address, port)
            yield dns, port
        finally:
            for host in hosts.values():
                await host.stop()


async def test_the_whole_way_from_ehlo_answers_to_metrics_and_diagnosis(tmp_path: Path) -> None:
    async with world() as (dns, port):
        path = tmp_path / "config.yaml"
        path.write_text(
            f"""
            defaults: {{interval: 1s, timeout: 5s, helo: probe.example, address_families: [ipv4],
                       allow_addresses: [127.0.0.0/8]}}
            resolver: {{nameservers: ["{dns.server}"], timeout: 2s}}
            egress: {{witness_ports: [], trace: false}}
            standing: {{lists: [bl.example]}}
            hosts: [{", ".join(f'"{name}:{port}"' for name in (*HOSTS, "mx.nameless.example", "mx.listed.example"))}]
            domains: [{{domain: mx.listed.example, port: {port}}}]
            """
        )
        monitor = Monitor(load(path), Vantage("me.example"))
        for _ in monitor.adopting(monitor.active):
            pass
        task = asyncio.create_task(StandingTask(monitor, "me.example", PACE).run())

        def value(name: str, **labels: str) -> float | None:
            found: float | None = monitor.metrics.registry.get_sample_value(name, {"family": "ipv4", **labels})
            return found

        def failure(name: str) -> FailureOf:
            results = [each.result for each in monitor.results.hosts.records() if each.identity.mx == name]
            found = next((each.failure for each in results if each is not None), None)
            return None if found is None else (found.failure_class, found.confidence, found.evidence)

        try:
            await until(lambda: value("mx_self_listed", list="bl.example") == 1.0)
            await until(lambda: value("mx_self_fcrdns") == 0.0)
            assert value("mx_self_address_info", address=OURS) == 1.0
            assert value("mx_self_helo_matches") == 1.0
            missing = f"our address {OURS} has no PTR record: 1.2.0.192.in-addr.arpa names nothing"
            await until(
                lambda: failure("mx.nameless.example") == (FailureClass.RDNS_REQUIRED, Confidence.CERTAIN, (missing,))
            )
            listed = f"our address {OURS} is listed by bl.example; 1 domain refuses us for our reputation"
            await until(lambda: (failure("mx.listed.example") or ((),))[-1] == (listed,))
            dns.records = {
                **{key: data for key, data in dns.records.items() if key[0] != "1.2.0.192.bl.example"},
                ("1.2.0.192.in-addr.arpa", "PTR"): ["probe.example."],
            }
            await until(lambda: value("mx_self_listed", list="bl.example") == 0.0)
            await until(lambda: value("mx_self_fcrdns") == 1.0)
            clear = f"our address {OURS} is listed by none of bl.example; 1 domain refuses us for our reputation"
            await until(lambda: (failure("mx.listed.example") or ((),))[-1] == (clear,))
            off = replace(monitor.active.config, standing=None)
            for _ in monitor.adopting(active_configuration(2, off, monitor.shard)):
                pass
            await until(lambda: value("mx_self_fcrdns") is None)
            await until(lambda: (failure("mx.listed.example") or ((1,),))[-1] == ())
        finally:
            task.cancel()
            await monitor.stop()


FailureOf = tuple[FailureClass, Confidence, tuple[str, ...]] | None


async def test_a_bug_of_ours_is_counted_and_the_look_goes_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("standing: {}\n")
    monitor = Monitor(load(path), Vantage("me.example"))
    broken = TranscriptStore()
    looks = []

    def latest() -> object:
        looks.append(1)
        raise LookupError("oops")

    broken.latest = latest  # type: ignore[method-assign, assignment]
    monitor.results.transcripts = broken  # type: ignore[misc]
    task = asyncio.create_task(StandingTask(monitor, "me.example", PACE).run())
    await until(lambda: len(looks) > 1)
    task.cancel()
    await monitor.stop()
    assert monitor.metrics.registry.get_sample_value("mx_exporter_internal_errors_total") == len(looks)
    assert "internal error in the look at our own standing" in caplog.text
