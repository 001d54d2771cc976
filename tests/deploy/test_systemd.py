from __future__ import annotations

import configparser
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from exporter.cli import USAGE
from exporter.service import STOP_GRACE_SECONDS
from tests.deploy.files import DEPLOY
from tests.lab.exporter_process import command
from tests.lab.require import require_program

UNIT = DEPLOY / "systemd" / "mx-exporter.service"
MOST_EXPOSED = 1.5


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
    """It warns of a key or value it does not know; the program itself need not be installed."""
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
