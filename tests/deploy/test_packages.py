"""The wheel and the source distribution: built, installed outside of the clone, and run as a user runs them.

What they depend on comes from the environment of the tests, so that no index is asked. Each environment is fresh, and
its own packages come before what it borrows.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

import exporter
from tests.deploy.files import ROOT
from tests.support.exporter_process import ExporterProcess

pytestmark = pytest.mark.long

SHARED = {
    "bash-completion/completions/mx-exporter",
    "fish/vendor_completions.d/mx-exporter.fish",
    "man/man1/mx-exporter.1",
    "zsh/site-functions/_mx-exporter",
}
KINDS = ("wheel", "sdist")


def _run(*argv: str | Path, cwd: Path) -> str:
    """Standard output of a program that succeeds, outside of the clone and told of no folder to import from."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(argv, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _built(kind: str, source: Path, folder: Path) -> Path:
    _run(sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", folder, cwd=source)
    (built,) = folder.iterdir()
    return built


def _files() -> set[str]:
    """The files of the clone; not what .gitignore names."""
    patterns = [line.rstrip("/") for line in (ROOT / ".gitignore").read_text().split()]

    def kept(folder: str, names: list[str]) -> list[str]:
        root = "/" if Path(folder) == ROOT else ""
        ways = {name: {name, root + name} for name in names if name != ".git"}
        return [name for name in ways if not any(fnmatchcase(way, each) for way in ways[name] for each in patterns)]

    found: set[str] = set()
    for folder, folders, names in os.walk(ROOT):
        folders[:] = kept(folder, folders)
        found |= {Path(folder, name).relative_to(ROOT).as_posix() for name in kept(folder, names)}
    return found


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _built("sdist", ROOT, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made from the source distribution, as every index and distribution makes it."""
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (source,) = folder.iterdir()
    return _built("wheel", source, tmp_path_factory.mktemp("wheel"))


def _installed(package: Path, folder: Path) -> Path:
    """A fresh environment with the package; gives the folder of its programs."""
    _run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder.parent)
    python = folder / "bin" / "python"
    (own,) = folder.glob("lib/python3.*/site-packages")
    # A path alone: what is installed there as editable, as the clone may be, is not followed.
    (own / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    offline = ("--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check")
    _run(sys.executable, "-m", "pip", "--python", python, "install", *offline, package, cwd=folder.parent)
    return folder / "bin"


@pytest.fixture(scope="module", params=KINDS)
def programs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    package: Path = request.getfixturevalue(request.param)
    return _installed(package, tmp_path_factory.mktemp("environment") / "own")


@contextmanager
def _serving(programs: Path, *arguments: str) -> Iterator[ExporterProcess]:
    """The installed command, on a free port, ended as a service manager ends it."""
    argv = [str(programs / "mx-exporter"), *arguments, "--web.listen-address=127.0.0.1:0"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with subprocess.Popen(
        argv, cwd=programs.parent, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            served = ExporterProcess(process)
            yield served
            assert served.stop() == 0, served.text
        finally:
            if process.poll() is None:
                process.kill()


def test_it_is_the_installed_one_that_runs(programs: Path) -> None:
    place = _run(programs / "python", "-c", "import exporter; print(exporter.__file__)", cwd=programs.parent)
    assert Path(place).is_relative_to(programs.parent)
    version = _run(programs / "mx-exporter", "--version", cwd=programs.parent)
    assert version.startswith(f"mx-exporter, version {exporter.__version__} ")


def test_it_checks_the_example_of_a_configuration(programs: Path) -> None:
    config = programs.parent / "config.yaml"
    shutil.copy(ROOT / "config.example.yaml", config)
    assert _run(programs / "mx-exporter", "--config.check", f"--config.file={config}", cwd=programs.parent)


def test_it_serves_pages_and_metrics(programs: Path) -> None:
    config = programs.parent / "served.yaml"
    config.write_text("hosts: ['127.0.0.1:1']\n")
    with _serving(programs, f"--config.file={config}") as served:
        assert served.value("mx_exporter_build_info", version=exporter.__version__) == 1.0
        assert "127.0.0.1:1" in served.get("/").text
        for path in _static_files():
            assert served.get(f"/static/{path.name}").content == path.read_bytes()


def test_its_demo_has_its_world(programs: Path) -> None:
    with _serving(programs, "demo") as served:
        assert len({sample.labels["domain"] for sample in served.samples("/metrics") if "domain" in sample.labels}) > 20


def _static_files() -> Sequence[Path]:
    found = sorted((ROOT / "exporter" / "web" / "pages" / "static").iterdir())
    assert found
    return found


def test_the_man_page_and_the_completions_are_where_they_are_looked_for(programs: Path) -> None:
    share = programs.parent / "share"
    assert {str(path.relative_to(share)) for path in share.rglob("*") if path.is_file()} == SHARED
    written = {path.name: path.read_bytes() for path in (ROOT / "deploy" / "shell").iterdir()}
    for name in SHARED:
        assert (share / name).read_bytes() in written.values(), name


def test_the_wheel_has_every_file_of_the_package_and_no_other(wheel: Path) -> None:
    code = {name for name in _files() if name.startswith("exporter/")}
    assert {"exporter/py.typed", "exporter/web/pages/templates/base.html"} <= code
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    release = f"mx_exporter-{exporter.__version__}"
    about = {f"{release}.dist-info/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt")}
    shared = {f"{release}.data/data/share/{name}" for name in SHARED}
    assert names == code | about | shared | {f"{release}.dist-info/licenses/LICENSE"}


def test_the_source_distribution_has_what_is_in_the_clone_and_nothing_else(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    included = tuple(name.lstrip("/") for name in pyproject["tool"]["hatch"]["build"]["targets"]["sdist"]["include"])
    wanted = {name for name in _files() if name.startswith(included)}
    assert names - {"PKG-INFO", ".gitignore"} == wanted | {"pyproject.toml"}


def test_no_private_key_is_handed_out(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        for member in archive:
            content = archive.extractfile(member)
            assert content is None or b"PRIVATE KEY-----\n" not in content.read(), member.name


def test_the_description_is_the_readme_and_the_licence_is_named(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read(f"mx_exporter-{exporter.__version__}.dist-info/METADATA").decode()
    fields, _, description = metadata.partition("\n\n")
    assert {"License-Expression: Apache-2.0", "License-File: LICENSE"} <= set(fields.splitlines())
    assert description.strip() == (ROOT / "README.md").read_text(encoding="utf-8").strip()
