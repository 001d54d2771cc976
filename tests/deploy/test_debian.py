"""The recipe of the Debian package: as the project is, and on CI built, checked, installed, run and purged."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

import exporter
from exporter.commands.parsers import PARSERS
from tests.deploy.files import DEPLOY, ROOT
from tests.support.exporter_process import command
from tests.support.require import missing, require_ci, require_program, require_root

RECIPE = DEPLOY / "debian"
MACHINE = Path(__file__).with_name("debian_machine.sh")
_NO_COPY = 77


def _version() -> str:
    newest = (RECIPE / "changelog").read_text().partition("\n")[0]
    found = re.fullmatch(r"mx-exporter \((.+)\) (?:UNRELEASED|[a-z-]+); urgency=\w+", newest)
    assert found is not None
    return found[1]


def test_its_version_is_that_of_the_program() -> None:
    assert re.fullmatch(re.escape(exporter.__version__) + r"-\d+", _version())


def test_its_configuration_is_valid_and_probes_nothing() -> None:
    argv = command("--config.check", f"--config.file={RECIPE / 'config.yaml'}")
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert ": 0 domains, 0 hosts" in done.stdout


def test_flags_that_its_files_name_exist() -> None:
    known = {flag for make in PARSERS.values() for flag in make().flags}
    text = "".join((RECIPE / name).read_text() for name in ("mx-exporter.default", "README.Debian", "config.yaml"))
    named = set(re.findall(r"--[a-z]+(?:[.-][a-z]+)+", text))
    assert {"--web.config.file", "--config.check"} <= named <= known


def test_the_reason_for_an_environment_of_its_own_is_true() -> None:
    """Versions asked for as pyproject.toml has them, and of each release of Debian at least one too old."""
    dependencies = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    lowest = {
        requirement.name: next(each.version for each in requirement.specifier if each.operator == ">=")
        for requirement in map(Requirement, dependencies)
    }
    rows = [line.split() for line in (RECIPE / "README.source").read_text().splitlines() if line.startswith("    ")]
    table = {row[0]: row[1:] for row in rows if row[0] in lowest}
    assert len(table) > 10
    assert {name: row[0] for name, row in table.items()} == {name: lowest[name] for name in table}
    for debian in (1, 2):
        assert any(row[debian] == "none" or Version(row[debian]) < Version(row[0]) for row in table.values())


def _plain_environment() -> dict[str, str]:
    """Without what the tests' own Python was told."""
    return {name: os.environ[name] for name in os.environ if not re.match("PYTHON|COV|VIRTUAL_ENV", name)}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as README.source says; its packages come from where pip finds them."""
    require_ci("a Debian package is built")
    builder = require_program("dpkg-buildpackage")
    require_program("dh_python3")
    folder = tmp_path_factory.mktemp("debian")
    source = folder / "source"
    ignored = shutil.ignore_patterns(".git", ".venv", "debian", "node_modules", "__pycache__", ".*_cache")
    shutil.copytree(ROOT, source, ignore=ignored)
    shutil.copytree(RECIPE, source / "debian")
    done = subprocess.run(
        [builder, "--build=binary", "--no-sign"],
        cwd=source,
        env=_plain_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout
    (built,) = folder.glob("mx-exporter_*.deb")
    return built


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.unmeasured
def test_lintian_finds_nothing(package: Path, tmp_path: Path) -> None:
    (changes,) = package.parent.glob("*.changes")
    argv = [require_program("lintian"), "--allow-root", "--fail-on=error,warning", str(changes)]
    environment = {**_plain_environment(), "TMPDIR": str(tmp_path)}  # where it leaves a file
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.unmeasured
def test_it_is_installed_runs_and_leaves_nothing_behind(package: Path, tmp_path: Path) -> None:
    """On a copy of this machine: the unit's own command as a user who may write nowhere; state goes with a purge."""
    require_root()
    argv = [require_program("unshare"), "--mount", "--net", "--pid", "--fork", "--kill-child"]
    for program in ("man", "ip", "setpriv", "systemd-analyze"):
        require_program(program)
    done = subprocess.run(
        [*argv, "sh", str(MACHINE), str(tmp_path), str(package)],
        env=_plain_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if done.returncode == _NO_COPY:
        missing("the kernel lets nobody mount here")
    assert done.returncode == 0, done.stderr
    findings = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    assert findings.pop("version").startswith(f"mx-exporter, version {exporter.__version__} ")
    assert findings.pop("completion").endswith(" mx-exporter")
    assert findings == {
        "installed": f"install ok installed {_version()}",
        "man": "/usr/share/man/man1/mx-exporter.1.gz",
        "enabled": "/lib/systemd/system/mx-exporter.service",
        "compiled": "1",
        "verified": "yes",
        "served": "1",
        "stopped": "0",
        "kept": "# mine private/mx-exporter",
    }
