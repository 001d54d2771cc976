"""The house's floors: a module imports only from floors below its own, and each foreign library has one room."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import exporter

ROOT = Path(exporter.__file__).parent

# Room -> floor. Rooms of one floor do not import each other; the modules of a room do.
FLOORS = {
    "model": 0,  # the values that all rooms speak
    "concurrency": 0,  # small tools for the event loop
    "smtp": 1,
    "net": 1,
    "config": 2,
    "resolver": 2,
    "schedule": 2,
    "store": 2,
    "tls": 2,
    "diagnosis": 3,
    "metrics": 3,
    "policies": 3,
    "probe": 4,
    "report": 4,
    "egress": 5,
    "web": 6,
    "app": 7,
    "commands": 8,
    "lab": 8,
    "demo": 9,
    "cli": 10,
    "__main__": 11,
}
# The floors within a room of several: part -> floor, the first name below the room.
INNER_FLOORS = {
    "web": {
        "access": 0,  # knows no page, no endpoint, no connection
        "backend": 0,  # values and protocols
        "server": 1,  # connections, knows no page and no endpoint
        "api": 2,  # endpoints for programs
        "pages": 2,  # pages for people
        "app": 3,
    },
}
# Modules of the package itself, beside the rooms: no more than these.
LOOSE = {"__init__", "__main__", "cli"}

# Library -> the rooms that may import it.
FENCES = {
    "cryptography": ("exporter.tls", "exporter.policies.dane", "exporter.lab"),
    "OpenSSL": ("exporter.tls",),
    "dns": ("exporter.resolver", "exporter.lab.dns_host"),
    "yaml": ("exporter.config",),
    "pydantic": ("exporter.config",),
    "prometheus_client": ("exporter.metrics",),
    "publicsuffixlist": ("exporter.diagnosis.networks",),
    "starlette": ("exporter.web",),
    "uvicorn": ("exporter.web.server",),
    "bcrypt": ("exporter.web.access.authentication",),
    "jinja2": ("exporter.web.pages",),
    "h11": ("exporter.policies.mtasts.fetch", "exporter.web.server.connection"),
    "markupsafe": ("exporter.web.pages",),
    "uvloop": ("exporter.cli",),
}
# These know no socket, no event loop and no clock.
PURE = (
    "exporter.diagnosis",
    "exporter.model",
    "exporter.policies.judgement",
    "exporter.policies.mtasts.policy",
    "exporter.policies.mtasts.record",
    "exporter.policies.tlsrpt",
    "exporter.policies.txt_record",
    "exporter.schedule.shard",
    "exporter.smtp",
)
IMPURE_MODULES = {"asyncio", "socket", "ssl", "time", "datetime", "select", "selectors", "threading"}

MODULES = sorted(ROOT.rglob("*.py"))


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _room(module: str) -> str:
    """The room that a module is in: the first name below the package."""
    return [*module.split("."), "__init__"][1]


def _is_in(module: str, room: str) -> bool:
    """Whether `module` is `room` or in it; `exporter.pathology` is not in `exporter.path`."""
    return module == room or module.startswith(room + ".")


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            for alias in node.names:
                name = f"{module}.{alias.name}"
                yield name if (ROOT.parent / (name.replace(".", "/") + ".py")).exists() else module


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_module_imports_only_from_floors_below(path: Path) -> None:
    own = _room(_name(path))
    for imported in _imports(path):
        if imported == "exporter" or not imported.startswith("exporter."):
            continue
        room = _room(imported)
        assert room == own or FLOORS[room] < FLOORS[own], f"{_name(path)} imports {imported}"


def _part(module: str, room: str) -> str:
    """The part of a room that a module is in, "" for the room itself."""
    return [*module.removeprefix(f"exporter.{room}").split("."), ""][1]


@pytest.mark.parametrize(
    ("room", "path"), [(room, path) for room in INNER_FLOORS for path in MODULES if _room(_name(path)) == room]
)
def test_a_part_of_a_room_imports_only_from_parts_below(room: str, path: Path) -> None:
    floors = INNER_FLOORS[room]
    own = _part(_name(path), room)
    for imported in _imports(path):
        part = _part(imported, room) if _is_in(imported, f"exporter.{room}") else own
        assert part == own or floors[part] < floors[own], f"{_name(path)} imports {imported}"


@pytest.mark.parametrize("room", INNER_FLOORS)
def test_every_part_of_such_a_room_has_a_floor(room: str) -> None:
    parts = {_part(_name(path), room) for path in MODULES if _room(_name(path)) == room}
    assert parts - {""} == set(INNER_FLOORS[room])


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_library_is_imported_only_in_its_room(path: Path) -> None:
    name = _name(path)
    for imported in _imports(path):
        library = imported.split(".")[0]
        assert any(_is_in(name, room) for room in FENCES.get(library, (name,))), f"{name} imports {library}"


@pytest.mark.parametrize(
    "path", [path for path in MODULES if any(_is_in(_name(path), room) for room in PURE)], ids=_name
)
def test_the_core_is_pure(path: Path) -> None:
    assert not {imported.split(".")[0] for imported in _imports(path)} & IMPURE_MODULES


@pytest.mark.parametrize("room", PURE)
def test_a_pure_room_is_there(room: str) -> None:
    assert any(_is_in(_name(path), room) for path in MODULES)


def test_a_name_that_begins_like_a_room_is_not_in_it() -> None:
    assert _is_in("exporter.path", "exporter.path")
    assert _is_in("exporter.path.hop", "exporter.path")
    assert not _is_in("exporter.pathology", "exporter.path")


def test_every_room_has_a_floor() -> None:
    """A new room is put on a floor by hand."""
    assert {_room(_name(path)) for path in MODULES} - {"__init__"} == set(FLOORS)


def test_only_the_entrances_are_loose_modules() -> None:
    assert {path.stem for path in ROOT.glob("*.py")} == LOOSE


def test_the_configuration_is_read_by_the_upper_rooms_alone() -> None:
    importers = {
        _room(_name(path)) for path in MODULES for imported in _imports(path) if _is_in(imported, "exporter.config")
    }
    assert importers - {"config"} == {"app", "cli", "commands", "web"}
