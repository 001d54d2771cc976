"""The house's floors: a module imports only from floors below its own, and each foreign library has one room."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

import exporter

ROOT = Path(exporter.__file__).parent

# Room -> floor. Rooms of one floor do not import each other; the modules of a room do.
FLOORS = {
    "exporter": 0,  # the package itself: its version
    "exporter.model": 0,  # the values that all rooms speak
    "exporter.concurrency": 0,  # small tools for the event loop
    "exporter.smtp": 1,
    "exporter.net": 1,
    "exporter.arrival": 2,
    "exporter.config": 2,
    "exporter.resolver": 2,
    "exporter.schedule": 2,
    "exporter.store": 2,
    "exporter.tls": 2,
    "exporter.diagnosis": 3,
    "exporter.metrics": 3,
    "exporter.policies": 3,
    "exporter.changes": 4,
    "exporter.storage": 3,
    "exporter.probe": 4,
    "exporter.report": 4,
    "exporter.egress": 5,
    "exporter.standing": 5,
    "exporter.web": 6,
    "exporter.app": 7,
    "exporter.commands": 8,
    "exporter.lab": 8,
    "exporter.demo": 9,
    "exporter.cli": 10,
    "exporter.__main__": 11,
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
    "isal": ("exporter.web.api.gzip_compressor",),
}
# No socket, no event loop, no clock, no chance: bytes and values in, values out. Of ours they import only one another.
PURE = (
    "exporter.concurrency.bounded_dict",
    "exporter.diagnosis",
    "exporter.model",
    "exporter.policies.dane.match",
    "exporter.policies.dane.usability",
    "exporter.policies.domain_judgement",
    "exporter.policies.judgement",
    "exporter.policies.mtasts.policy",
    "exporter.policies.mtasts.record",
    "exporter.policies.spf.macros",
    "exporter.policies.spf.record",
    "exporter.policies.tlsrpt.record",
    "exporter.policies.txt_record",
    "exporter.policies.zone.judgement",
    "exporter.probe.expected_mx",
    "exporter.probe.join",
    "exporter.schedule.shard",
    "exporter.smtp",
    "exporter.standing.generic_names",
    "exporter.tls.certificate_names",
    "exporter.tls.expensive_certificates",
    "exporter.tls.record_counter",
    "exporter.tls.records",
)
IMPURE_MODULES = frozenset(
    {
        "_socket",
        "asyncio",
        "concurrent",
        "datetime",
        "http",
        "random",
        "secrets",
        "select",
        "selectors",
        "signal",
        "socket",
        "socketserver",
        "ssl",
        "subprocess",
        "threading",
        "time",
        "urllib.request",
        "uvloop",
    }
)

MODULES = sorted(ROOT.rglob("*.py"))


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = frozenset(map(_name, MODULES))


def _prefixes(module: str) -> Iterator[str]:
    """The module and the packages it is in, from within: a name is compared by its dotted parts."""
    parts = module.split(".")
    return (".".join(parts[:length]) for length in range(len(parts), 0, -1))


def _is_within(module: str, rooms: Iterable[str]) -> bool:
    return not set(_prefixes(module)).isdisjoint(rooms)


def _room(module: str) -> str:
    return next(prefix for prefix in _prefixes(module) if prefix in FLOORS)


@cache
def _imports(path: Path) -> tuple[str, ...]:
    return tuple(_imported(path.read_text(encoding="utf-8"), str(path)))


def _all_imports() -> Iterator[tuple[str, str]]:
    """Each module with each of its imports."""
    return ((_name(path), imported) for path in MODULES for imported in _imports(path))


def _imported(text: str, path: str = "") -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            for alias in node.names:
                name = f"{module}.{alias.name}"
                yield name if name in NAMES or name in IMPURE_MODULES else module


def _climbs(module: str, imported: str) -> bool:
    """True for an import of a floor that is not below the module's own."""
    if imported == "exporter" or not _is_within(imported, ["exporter"]):
        return False
    own, other = _room(module), _room(imported)
    return own != other and FLOORS[other] >= FLOORS[own]


def _trespasses(module: str, imported: str) -> bool:
    """True for an import of a library that another room keeps to itself."""
    rooms = FENCES.get(imported.partition(".")[0])
    return rooms is not None and not _is_within(module, rooms)


def _soils(module: str, imported: str) -> bool:
    """True if a pure module would see a socket, an event loop or a clock by the import."""
    if not _is_within(module, PURE):
        return False
    ours = _is_within(imported, ["exporter"]) and imported != "exporter"
    return not _is_within(imported, PURE) if ours else _is_within(imported, IMPURE_MODULES)


def test_a_module_imports_only_from_floors_below() -> None:
    assert [each for each in _all_imports() if _climbs(*each)] == []


def _part(module: str, room: str) -> str:
    """The part of a room that a module is in, "" for the room itself."""
    return [*module.removeprefix(f"exporter.{room}").split("."), ""][1]


@pytest.mark.parametrize("room", INNER_FLOORS)
def test_a_part_of_a_room_imports_only_from_parts_below(room: str) -> None:
    floors = INNER_FLOORS[room]
    for name, imported in _all_imports():
        if _room(name) == f"exporter.{room}" and _is_within(imported, [f"exporter.{room}"]):
            own, part = _part(name, room), _part(imported, room)
            assert part == own or floors[part] < floors[own], f"{name} imports {imported}"


@pytest.mark.parametrize("room", INNER_FLOORS)
def test_every_part_of_such_a_room_has_a_floor(room: str) -> None:
    parts = {_part(_name(path), room) for path in MODULES if _room(_name(path)) == f"exporter.{room}"}
    assert parts - {""} == set(INNER_FLOORS[room])


def test_a_library_is_imported_only_in_its_room() -> None:
    assert [each for each in _all_imports() if _trespasses(*each)] == []


def test_what_is_pure_imports_only_what_is_pure() -> None:
    assert [each for each in _all_imports() if _is_within(each[0], PURE) and _soils(*each)] == []


@pytest.mark.parametrize("path", [path for path in MODULES if path.name == "__init__.py"], ids=_name)
def test_a_package_runs_nothing_that_its_modules_do_not_want(path: Path) -> None:
    """An import of a pure module of a package imports the package, too."""
    if any(_is_within(pure, [_name(path)]) for pure in PURE):
        assert [imported for imported in _imports(path) if not _is_within(imported, PURE)] in ([], ["__future__"])


def test_every_room_has_a_floor() -> None:
    """A new room is put on a floor by hand; the package's own 0 is not inherited."""
    assert [name for name in NAMES if name != "exporter" and _room(name) == "exporter"] == []


def test_only_the_entrances_are_loose_modules() -> None:
    assert {path.stem for path in ROOT.glob("*.py")} == LOOSE


def test_the_configuration_is_read_by_the_upper_rooms_alone() -> None:
    importers = {
        _room(_name(path))
        for path in MODULES
        for imported in _imports(path)
        if _is_within(imported, ["exporter.config"])
    }
    assert importers - {"exporter.config"} == {"exporter.app", "exporter.cli", "exporter.commands", "exporter.web"}


def test_every_room_that_is_named_is_there() -> None:
    """A room that moves away is not held under its old name for ever."""
    fenced = {room for rooms in FENCES.values() for room in rooms}
    assert {*FLOORS, *PURE, *fenced} - NAMES == set()


# The checks themselves, with modules that are not there.


@pytest.mark.parametrize(
    ("module", "rooms", "within"),
    [
        ("exporter.model.path_trace", ("exporter.model.path_trace",), True),
        ("exporter.model.path_trace.hops", ("exporter.model.path_trace",), True),
        ("exporter.pathology", ("exporter.model.path_trace",), False),
        ("exporter.path_of", ("exporter.model.path_trace",), False),
        ("exporter", ("exporter.model.path_trace",), False),
        ("exporter.smtp", ("exporter.smtp.reply", "exporter.smt"), False),
        ("exporters.path", ("exporter",), False),
    ],
)
def test_a_name_is_compared_by_its_parts(module: str, rooms: tuple[str, ...], within: bool) -> None:
    assert _is_within(module, rooms) is within


@pytest.mark.parametrize("room", PURE)
@pytest.mark.parametrize(
    ("text", "soils"),
    [
        ("import socket", True),
        ("import asyncio.events", True),
        ("import urllib.request", True),
        ("from urllib import request", True),
        ("from time import time", True),
        ("def f():\n    import ssl", True),
        ("from exporter.net import connection", True),
        ("from exporter.net.connection import TcpConnection", True),
        ("from exporter import resolver", True),
        ("import exporter.pathology", True),
        ("from exporter.model.path_trace import Hop", False),
        ("from exporter.model import path_trace", False),
        ("import urllib.parse, timeit, socketless", False),
    ],
)
def test_a_module_that_is_not_pure_is_found(room: str, text: str, soils: bool) -> None:
    assert any(_soils(f"{room}.oracle", imported) for imported in _imported(text)) is soils
    assert not any(_soils(f"{room}ology", imported) for imported in _imported(text))


@pytest.mark.parametrize(
    ("module", "imported", "climbs"),
    [
        ("exporter.probe.oracle", "exporter.web", True),
        ("exporter.probe.oracle", "exporter.report.summary", True),  # of its own floor
        ("exporter.probe.oracle", "exporter.probe.session", False),
        ("exporter.probe.oracle", "exporter.tls.oracle", False),
        ("exporter.tls.oracle", "exporter.resolver", True),
        ("exporter.probe.oracle", "exporters.web", False),
        ("exporter.probe.oracle", "exporter", False),
    ],
)
def test_an_import_from_above_is_found(module: str, imported: str, climbs: bool) -> None:
    assert _climbs(module, imported) is climbs


@pytest.mark.parametrize(
    ("module", "imported", "trespasses"),
    [
        ("exporter.probe.oracle", "dns.message", True),
        ("exporter.resolver.oracle", "dns.message", False),
        ("exporter.resolverless", "dns", True),
        ("exporter.web.connections", "h11", True),
        ("exporter.probe.oracle", "dnspod", False),
    ],
)
def test_a_library_outside_of_its_room_is_found(module: str, imported: str, trespasses: bool) -> None:
    assert _trespasses(module, imported) is trespasses


def test_a_room_without_a_floor_is_found() -> None:
    assert _room("exporter.pathology") == "exporter"
    assert _room("exporter.model.path_trace.hops") == "exporter.model"
