from __future__ import annotations

import asyncio
import configparser
import os
import re
import shlex
import signal
import subprocess
from pathlib import Path

import pytest

from exporter.app.monitor import STOP_GRACE_SECONDS
from exporter.commands.parser import USAGE
from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import ordinary
from tests.deploy.files import DEPLOY
from tests.support.exporter_process import command, exporter
from tests.support.require import require_program
from tests.support.waiting import until_sync

UNIT = DEPLOY / "systemd" / "mx-exporter.service"
# 1.1 of systemd 252: what is left is the network, which is what it is for.
MOST_EXPOSED = 1.2


@pytest.fixture(scope="module")
def service() -> configparser.SectionProxy:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(UNIT)
    return parser["Service"]


def test_its_exposure_is_low() -> None:
    argv = [require_program("systemd-analyze"), "security", "--offline=true", "--no-pager", str(UNIT)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    found = re.search(r"Overall exposure level for mx-exporter\.service: ([0-9.]+)", done.stdout)
    assert found is not None, done.stderr
    assert float(found[1]) <= MOST_EXPOSED


def test_systemd_understands_every_line(tmp_path: Path) -> None:
    """systemd-analyze warns of an unknown key or value; the program itself need not be installed."""
    unit = tmp_path / UNIT.name
    unit.write_text(re.sub(r"/opt/mx-exporter/bin/mx-exporter", "/bin/true", UNIT.read_text()))
    argv = [require_program("systemd-analyze"), "verify", "--recursive-errors=no", str(unit)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_its_flags_are_ours_and_a_usage_error_does_not_restart_it(service: configparser.SectionProxy) -> None:
    program, *flags = shlex.split(service["ExecStart"].replace("$ARGS", "--shard=0 --total-shards=2"))
    assert program.endswith("/mx-exporter")
    done = subprocess.run(command(*flags), capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == USAGE
    assert done.stderr.startswith("/etc/mx-exporter/config.yaml:1:1: cannot be read")
    assert service["RestartPreventExitStatus"] == str(USAGE)


def test_it_is_given_time_to_say_quit(service: configparser.SectionProxy) -> None:
    assert float(service["TimeoutStopSec"].removesuffix("s")) > 2 * STOP_GRACE_SECONDS


def _expanded(group: str) -> set[str]:
    """The system calls of a group of systemd's, with those of the groups in it."""
    argv = [require_program("systemd-analyze"), "syscall-filter", "--no-pager", group]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    names: set[str] = set()
    for line in (line.strip() for line in done.stdout.splitlines()[1:]):
        if line.startswith("@"):
            names |= _expanded(line)
        elif line and not line.startswith("#"):
            names.add(line)
    return names


def _allowed() -> set[str]:
    """The rest after the lines of the unit, in their order."""
    allowed: set[str] = set()
    for line in re.findall(r"^SystemCallFilter=(.+)$", UNIT.read_text(), re.MULTILINE):
        groups: list[str] = line.removeprefix("~").split()
        named = set().union(*map(_expanded, groups))
        allowed = allowed - named if line.startswith("~") else allowed | named
    return allowed


async def test_it_works_without_any_capability_and_within_the_system_calls_it_is_left(tmp_path: Path) -> None:
    """Nor is memory ever both written and executed. Seen by strace, without a privilege to gain or to lose."""
    host = SmtpHost(ordinary("mx.a.example"))
    port = await host.start("127.0.0.1", 0)
    config = tmp_path / "config.yaml"
    config.write_text(
        "defaults: {interval: 1s, timeout: 1s, allow_addresses: [127.0.0.0/8], helo: probe.example}\n"
        f"hosts: ['127.0.0.1:{port}', '127.0.0.9:{port}']\n"
    )
    log = tmp_path / "strace.txt"
    prefix = [require_program("setpriv"), "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]
    prefix += [require_program("strace"), "--follow-forks", "--quiet=all", f"--output={log}"]
    status = await asyncio.to_thread(_watched, prefix, f"--config.file={config}")
    await host.stop()
    assert re.search(r"^CapEff:\t0+$", status, re.MULTILINE)
    assert re.search(r"^CapPrm:\t0+$", status, re.MULTILINE)
    assert re.search(r"^NoNewPrivs:\t1$", status, re.MULTILINE)
    calls = re.findall(r"^\d+ +(\w+)\((.*)", log.read_text(errors="replace"), re.MULTILINE)
    used = {name for name, _ in calls}
    assert {"connect", "epoll_ctl", "sendto"} <= used
    assert used - _allowed() == set()
    assert [text for _, text in calls if "PROT_WRITE|PROT_EXEC" in text] == []


def _watched(prefix: list[str], *flags: str) -> str:
    """Serve until both hosts are probed; gives the status of the process by the kernel."""
    with exporter(*flags, prefix=prefix) as tracer:
        pid = tracer.process.pid
        (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        try:
            until_sync(lambda: {each.value for each in tracer.named("mx_host_up")} == {0.0, 1.0}, 60.0)
            return Path(f"/proc/{child}/status").read_text()
        finally:
            # The tracer ends with it, and not the other way round.
            os.kill(int(child), signal.SIGTERM)
            tracer.process.wait(20.0)
