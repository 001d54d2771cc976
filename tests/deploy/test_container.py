from __future__ import annotations

import importlib.metadata
import re
import subprocess
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.deploy.files import DEPLOY, ROOT
from tests.support.require import require_tool

CONTAINER = DEPLOY / "container"
FILE = (CONTAINER / "Containerfile").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
INSTALLED = [*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["fast"]]


def locked(name: str) -> dict[str, tuple[Version, int]]:
    """Version and number of hashes of each package."""
    found: dict[str, tuple[Version, int]] = {}
    package = ""
    for line in (CONTAINER / name).read_text().splitlines():
        if match := re.match(r"([a-z0-9-]+)==(\S+)", line):
            package = match[1]
            found[package] = (Version(match[2]), 0)
        elif re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line):
            found[package] = (found[package][0], found[package][1] + 1)
        else:
            assert line.lstrip().startswith("#"), line
    return found


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("requirements.lock", INSTALLED),
        ("build.lock", PROJECT["build-system"]["requires"]),
    ],
)
def test_the_lock_has_what_the_project_asks_for_with_hashes(lock: str, wanted: list[str]) -> None:
    packages = locked(lock)
    assert all(hashes for _, hashes in packages.values())
    for requirement in map(Requirement, wanted):
        version, _ = packages[requirement.name.lower()]
        assert version in requirement.specifier, requirement


def _with_what_they_need(wanted: list[str]) -> set[str]:
    """Names of the packages, of those that they ask for, and so on, as installed here."""
    names: set[str] = set()
    for requirement in map(Requirement, wanted):
        names.add(canonicalize_name(requirement.name))
        for line in importlib.metadata.requires(requirement.name) or ():
            needed = Requirement(line)
            extras = ("", *requirement.extras)
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras):
                needed.marker = None
                names |= _with_what_they_need([str(needed)])
    return names


def test_the_lock_has_what_those_ask_for_and_nothing_else() -> None:
    """After a change of dependencies: deploy/container/lock writes it anew."""
    assert set(locked("requirements.lock")) == _with_what_they_need(INSTALLED)


def test_hadolint_finds_nothing() -> None:
    argv = [require_tool("hadolint"), str(CONTAINER / "Containerfile")]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_base_is_pinned_by_its_digest_and_the_user_is_not_root() -> None:
    assert re.search(r"^ARG BASE=\S+:\S+@sha256:[0-9a-f]{64}$", FILE, re.MULTILINE)
    assert set(re.findall(r"^FROM (\S+)", FILE, re.MULTILINE)) == {"${BASE}"}
    assert re.search(r"^USER [1-9][0-9]*:[1-9][0-9]*$", FILE, re.MULTILINE)


def test_what_is_copied_is_let_through() -> None:
    ignored, *let_through = (ROOT / ".dockerignore").read_text().splitlines()
    assert ignored == "*"
    for line in re.findall(r"^COPY (?!--from)(.+) \S+$", FILE, re.MULTILINE):
        for source in line.split():
            assert (ROOT / source).exists()
            pattern = re.sub(r"/[^/]+\.lock$", "/*.lock", source)
            assert f"!{pattern}" in let_through, source


def test_a_library_whose_private_parts_are_used_is_bounded_by_its_next_version() -> None:
    """uvicorn's protocol is subclassed, and no documentation says what of it stays: the next is tried first."""
    (uvicorn,) = [each for each in map(Requirement, PROJECT["project"]["dependencies"]) if each.name == "uvicorn"]
    (upper,) = [Version(each.version) for each in uvicorn.specifier if each.operator == "<"]
    version, _ = locked("requirements.lock")["uvicorn"]
    assert (upper.major, upper.minor) == (version.major, version.minor + 1)
