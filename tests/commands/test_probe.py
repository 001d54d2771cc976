"""`mx-exporter probe` within this process: the names, the settings they get, the report and the exit code."""

from __future__ import annotations

import argparse
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from exporter.commands.mistakes import ManualError
from exporter.commands.one_shot import MANY_NAMES
from exporter.commands.parser import USAGE
from exporter.commands.parsers import probe_parser
from exporter.commands.probe import probe_names
from exporter.config.problems import ConfigError
from exporter.lab.dns_host import DnsHost
from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import ordinary

MX = "mx.a.example"
RECORDS = {
    ("a.example", "MX"): [f"10 {MX}."],
    (MX, "A"): ["127.0.0.1"],
    ("null.example", "MX"): ["0 ."],
    ("probe.example", "A"): ["127.0.0.1"],
}


@dataclass(frozen=True)
class World:
    """A nameserver and one mail host."""

    dns: DnsHost
    resolver: str
    smtp: SmtpHost
    port: int


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with _running() as running:
        yield running


@asynccontextmanager
async def _running() -> AsyncIterator[World]:
    dns, smtp = DnsHost(RECORDS), SmtpHost(ordinary(MX))
    address, port = await dns.start()
    try:
        yield World(dns, f"{address}:{port}", smtp, await smtp.start("127.0.0.1"))
    finally:
        await smtp.stop()
        await dns.stop()


def flags(world: World, *names: str, **given: Any) -> argparse.Namespace:
    values: dict[str, Any] = {
        "port": world.port,
        "helo": "probe.example",
        "timeout": "5s",
        "allow_addresses": ["127.0.0.0/8"],
        "resolver": world.resolver,
    }
    return argparse.Namespace(**{**vars(probe_parser().parse(names)), **values, **given})


async def test_a_domain_that_is_up_shows_its_dialogue_and_is_a_success(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await probe_names(flags(world, "a.example")) == 0
    shown = capsys.readouterr()
    assert "> EHLO probe.example" in shown.out
    assert MX in shown.out
    assert shown.err == ""


async def test_one_that_is_down_makes_the_exit_code_and_json_has_a_line_for_each(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await probe_names(flags(world, "a.example", "null.example", json=True)) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["name"]: line["verdict"] for line in lines} == {"a.example": "up", "null.example": "declined"}


async def test_a_report_is_the_text_for_a_ticket(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert await probe_names(flags(world, "a.example", "null.example", report=True)) == 1
    reports = capsys.readouterr().out.removeprefix("Report on ").split("\n\nReport on ")
    first, second = sorted(reports)
    assert first.startswith("a.example, made at ")
    assert "\nVerdict: up\n" in first
    assert "\nOur address: 127.0.0.1 (" in first
    assert f"\n  10 {MX} [127.0.0.1] port {world.port}: up\n" in first
    assert " > EHLO probe.example\n" in first
    assert "\nVerdict: declined (certain): dns_null_mx at dns\n" in second


async def test_many_names_of_a_file_are_a_table(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "names"
    path.write_text("# all of them\n" + "".join(f"absent{number}.example\n" for number in range(MANY_NAMES)))
    assert await probe_names(flags(world, input=str(path))) == 1
    *_, last = lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("absent") and "dns_nxdomain" in line for line in lines) == MANY_NAMES
    assert last.startswith(f"{MANY_NAMES} names in ")


async def test_by_hand_the_dialogue_and_the_way_are_those_of_the_flags(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    given: dict[str, Any] = {"rcpt": ["bob@{domain}"], "source": ["127.0.0.9"], "ipv4": True, "vrfy": "bob"}
    await probe_names(flags(world, "a.example", json=True, **given))
    (host,) = json.loads(capsys.readouterr().out)["hosts"]
    said = [line["text"] for line in host["dialogue"] if line["from"] == "client"]
    assert said[:4] == ["EHLO probe.example", "VRFY bob", "MAIL FROM:<>", "RCPT TO:<bob@a.example>"]
    assert host["module"] == "default+vrfy+mail+rcpt@probe.example@127.0.0.9"


async def test_wrong_lines_of_a_file_are_told_and_the_others_probed(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "names"
    path.write_text("a.example\na_b\nx..y\n")
    assert await probe_names(flags(world, input=str(path))) == USAGE
    shown = capsys.readouterr()
    assert [line.partition(": ")[2].partition(": ")[0] for line in shown.err.splitlines()] == [f"{path}:2", f"{path}:3"]
    assert "a.example is up" in shown.out
    path.write_text("a_b\nx..y\n")
    with pytest.raises(ManualError, match=r"names:1: .*\n.*names:2: "):
        await probe_names(flags(world, input=str(path)))


async def test_names_may_come_from_the_standard_input(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "names"
    path.write_text("a.example  # the first\n\n")
    with path.open() as names:
        monkeypatch.setattr("sys.stdin", names)
        assert await probe_names(flags(world, input="-")) == 0
    assert MX in capsys.readouterr().out


async def test_a_configured_name_is_probed_as_configured_and_flags_outrank_it(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(
        f"resolver: {{nameservers: ['{world.resolver}']}}\n"
        f"domains: [{{domain: a.example, port: {world.port}, helo: own.example, allow_addresses: [127.0.0.0/8]}}]\n"
    )
    bare: dict[str, Any] = {"resolver": None, "port": None, "helo": None, "allow_addresses": [], "config_file": path}
    await probe_names(flags(world, "a.example", **bare))
    assert "> EHLO own.example" in capsys.readouterr().out
    await probe_names(flags(world, "a.example", **{**bare, "helo": "flag.example"}))
    assert "> EHLO flag.example" in capsys.readouterr().out


async def test_a_helo_name_that_does_not_exist_is_a_warning_and_no_failure(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await probe_names(flags(world, "a.example", helo="absent.example")) == 0
    assert "mx-exporter probe: warning: EHLO says absent.example" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("names", "given", "words"),
    [
        ((), {}, "no NAME given"),
        (("a.example", "b c"), {}, "argument 2"),
        (("a.example",), {"module": "absent"}, "--module: no module 'absent'"),
        (("a.example",), {"resolver": "nowhere"}, "--resolver"),
        (("a.example",), {"port": 0}, "--port"),
        ((), {"input": "/nowhere/at/all"}, "--input"),
    ],
)
async def test_a_mistake_is_told_before_anything_is_probed(
    world: World, names: tuple[str, ...], given: dict[str, Any], words: str
) -> None:
    with pytest.raises(ManualError, match=words):
        await probe_names(flags(world, *names, **given))
    assert world.smtp.connections == 0
    assert not world.dns.queries


async def test_a_mistake_in_the_configuration_is_its_own_error(world: World, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("domans: []\n")
    with pytest.raises(ConfigError, match="domans"):
        await probe_names(flags(world, "a.example", config_file=path))


@pytest.mark.parametrize(("helo", "module"), [(None, "default"), ("probe.example", "default"), ("x.a", "default@x.a")])
async def test_a_module_is_named_as_the_server_names_it(
    world: World, tmp_path: Path, helo: str | None, module: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("defaults: {helo: probe.example}\n")
    await probe_names(flags(world, "a.example", config_file=path, helo=helo, json=True))
    (host,) = json.loads(capsys.readouterr().out)["hosts"]
    assert host["module"] == module
