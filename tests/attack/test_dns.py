"""What the owner of a domain can do by its DNS alone: long answers, many of them, and names that lead nowhere."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from exporter.app.monitor import Monitor, Vantage
from exporter.config.load import load
from exporter.lab.dns_host import DnsHost
from exporter.lab.host import listening_in_thread
from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import ordinary
from exporter.model.target import Target, TargetKind
from exporter.resolver import client
from exporter.resolver.answer import read_reply
from exporter.resolver.domain_names import MalformedReply
from tests.support import dns_messages as dns
from tests.support.exporter_process import ExporterProcess, exporter
from tests.support.steps import at_once
from tests.support.waiting import until_sync

pytestmark = pytest.mark.long

EVIL = "evil.example"
PATIENCE = 60.0  # seconds; on an idle machine it takes two
GOOD = ("one.example", "two.example", "three.example")


@pytest.fixture(scope="module")
def mail_port() -> Iterator[int]:
    with listening_in_thread(SmtpHost(ordinary("mx.good.example", ()))) as port:
        yield port


# Domains by what is wrong with their MX answer.
BY_ANSWER: dict[str, Callable[[str], bytes]] = {
    "heavy.test": dns.heavy_mx,
    "longest.test": dns.longest_mx,
    "chained.test": dns.chained_names,
    "ladder.test": lambda name: dns.pointer_ladder(name, "MX"),
    "aliases.test": lambda name: dns.aliases(name, 400),
    "options.test": lambda name: dns.with_options(name, [(15, b"\0\x16")] * 10_000),
    "error.test": lambda name: dns.with_options(name, [(15, b"\0\x16" + b"\xff" * 60_000)]),
    "header.test": lambda name: dns.reply(name, "MX", [dns.record("MX", b"\0\1\2mx\xc0\2")]),
}
# Its mail host is well, and whatever is asked besides has as long an answer as can be.
TEXTS = "texts.test"


def _good(name: str, kind: str) -> bytes | None:
    """What the good domains have; None of all others."""
    if name in GOOD and kind == "MX":
        return dns.reply(name, kind, [dns.record("MX", b"\0\1\2mx" + dns.QUESTION)])
    if name.removeprefix("mx.") in GOOD:
        return dns.reply(name, kind, [dns.record("A", b"\x7f\0\0\1")] if kind == "A" else ())
    return None


@cache
def _forty_times_1500(name: str, kind: str) -> bytes:
    """40 MX hosts with 1,500 private addresses each; a TTL of 0, so that all of it is asked for every time."""
    if kind == "MX":
        hosts = [dns.record("MX", n.to_bytes(2, "big") + dns.wire(f"mx{n}.{name}"), ttl=0) for n in range(40)]
        return dns.reply(name, kind, hosts)
    if kind == "A":
        return dns.addresses(name, 1500)
    return dns.reply(name, kind)


@cache
def _all_kinds(name: str, kind: str) -> bytes:
    """What the domains of BY_ANSWER and TEXTS have."""
    if kind == "MX" and name in BY_ANSWER:
        return BY_ANSWER[name](name)
    if kind == "MX" and name == TEXTS:
        return dns.reply(name, kind, [dns.record("MX", b"\0\1\2mx" + dns.QUESTION)], authenticated=True)
    if name == f"mx.{TEXTS}":
        return dns.reply(name, kind, [dns.record("A", b"\x7f\0\0\1")] if kind == "A" else (), authenticated=True)
    if kind == "TXT":
        return dns.one_long_text(name) if "sts" in name else dns.many_texts(name)
    return dns.many_tlsa(name) if kind == "TLSA" else dns.reply(name, kind, code=3)


@contextlib.contextmanager
def _exporter_among(
    answers: Callable[[str, str], bytes], port: int, folder: Path, evil: Iterable[str] = (EVIL,)
) -> Iterator[tuple[ExporterProcess, DnsHost]]:
    """An exporter that probes the good domains and the evil each second, whose questions are answered so."""
    server = DnsHost({}, messages=lambda name, kind: _good(name, kind) or answers(name, kind))
    with listening_in_thread(server):
        config = folder / "config.yaml"
        config.write_text(
            f"resolver: {{nameservers: ['{server.server}'], timeout: 10s}}\n"
            f"defaults: {{interval: 1s, timeout: 2s, port: {port}, allow_addresses: [127.0.0.0/8], helo: me.example}}\n"
            "modules: {default: {stages: [ehlo, starttls], policies: [dane, mta_sts, tls_rpt]}}\n"
            f"domains: [{', '.join((*evil, *GOOD))}]\n"
        )
        with exporter(f"--config.file={config}") as process:
            yield process, server


def _probes(process: ExporterProcess) -> dict[str, float]:
    return {sample.labels["domain"]: sample.value for sample in process.named("mx_domain_probes_total")}


def test_one_domain_of_60000_private_addresses_stops_nobody(mail_port: int, tmp_path: Path) -> None:
    with _exporter_among(_forty_times_1500, mail_port, tmp_path) as (process, _):
        until_sync(lambda: _probes(process)[EVIL] >= 1, PATIENCE)
        before = _probes(process)
        # The others keep their pace meanwhile.
        until_sync(lambda: all(_probes(process)[name] >= before[name] + 1 for name in GOOD), PATIENCE)
        samples = process.samples()
        hosts = [each for each in samples if each.name == "mx_host_up" and each.labels["mx"].endswith(EVIL)]
        assert len(hosts) == 16  # max_addresses
        about = {each.name: each.value for each in samples if each.labels.get("domain") == EVIL}
        assert about["mx_domain_addresses"] == 60_000
        assert about["mx_dns_mx_records"] == 40
        assert all(process.value("mx_domain_up", domain=name) == 1 for name in GOOD)
        page = process.get(f"/domain/{EVIL}")
        assert page.status_code == 200
        assert len(page.content) < 900_000
        assert process.stop() == 0


def test_answers_of_every_kind_stop_nobody(mail_port: int, tmp_path: Path) -> None:
    evil = (*BY_ANSWER, TEXTS)
    with _exporter_among(_all_kinds, mail_port, tmp_path, evil) as (process, server):
        until_sync(lambda: all(_probes(process)[name] >= 1 for name in evil), PATIENCE)
        before = _probes(process)
        until_sync(lambda: all(_probes(process)[name] >= before[name] + 1 for name in GOOD), PATIENCE)
        assert all(process.value("mx_domain_up", domain=name) == 1 for name in (*GOOD, TEXTS))
        assert all(process.value("mx_domain_up", domain=name) == 0 for name in BY_ANSWER)
        asked = {kind for name, kind in server.queries if name.endswith(TEXTS)}
        assert asked == {"MX", "A", "AAAA", "TXT", "TLSA"}
        for name in ("chained.test", "ladder.test", "aliases.test", "header.test"):
            assert process.value("mx_domain_failure", domain=name, **{"class": "dns_malformed"}) == 1
        assert process.value("mx_exporter_internal_errors_total") == 0
        assert process.stop() == 0


@pytest.mark.parametrize("kind", sorted(BY_ANSWER))
def test_no_answer_takes_long_to_read(kind: str) -> None:
    data = BY_ANSWER[kind](kind)
    begin = time.thread_time()
    with contextlib.suppress(MalformedReply):
        read_reply(kind, data)
    # Ten milliseconds are allowed for; what is broken takes 30 to 700 times as long.
    assert time.thread_time() - begin < 0.1


@pytest.mark.unmeasured
def test_the_answers_that_a_stranger_asks_for_leave_the_memory_as_it_was(mail_port: int, tmp_path: Path) -> None:
    @cache
    def answers(name: str, kind: str) -> bytes:
        return dns.heavy_mx(name) if kind == "MX" and name != EVIL else dns.reply(name, kind, code=3)

    with _exporter_among(answers, mail_port, tmp_path) as (process, server):
        until_sync(lambda: all(count >= 1 for count in _probes(process).values()), PATIENCE)
        asked = server.queries["one.example", "MX"]
        for number in range(3):
            assert process.get(f"/probe?target=warm{number}.example").status_code == 200
        before = process.value("process_resident_memory_bytes")
        for number in range(20):
            assert process.get(f"/probe?target=evil{number}.example").status_code == 200
        for number in range(20):
            question = (f"evil{number}.example", "MX")
            assert (server.queries[question], server.tcp_queries[question]) == (1, 1)
        # One alone was kept as 2.9 MB.
        after = process.value("process_resident_memory_bytes")
        assert before is not None
        assert after is not None
        assert after - before < 20_000_000
        assert server.queries["one.example", "MX"] == asked  # it is still known


async def test_names_that_a_stranger_chose_take_no_room_from_the_configured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "UNCONFIGURED_BYTES", 900_000)

    @cache
    def answers(name: str, kind: str) -> bytes:
        return dns.heavy_mx(name) if kind == "MX" else dns.reply(name, kind, code=3)

    server = DnsHost({}, messages=answers)
    with listening_in_thread(server):
        config = tmp_path / "config.yaml"
        config.write_text(f"resolver: {{nameservers: ['{server.server}']}}\ndomains: [{EVIL}]\n")
        monitor = Monitor(load(config), Vantage("me.example"))
        resolver = monitor.engine.resolver
        try:
            at_once(monitor.adopting(monitor.active))
            configured = monitor.active.targets[0]
            await monitor.ask(configured)
            its_own = resolver.kept_bytes
            for number in range(30):
                name = f"stranger{number}.example"
                await monitor.ask(Target(TargetKind.DOMAIN, name, name, configured.settings))
                assert resolver.kept_bytes <= its_own + 900_000
            asked = server.queries.total()
            await monitor.ask(configured, fresh=True)
            assert server.queries.total() == asked
        finally:
            await monitor.stop()
