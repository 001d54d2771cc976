"""The house's floors: a module imports only from floors below its own, and each foreign library has one room."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

import exporter

ROOT = Path(exporter.__file__).parent

# Room -> floor; the longest matching prefix counts. Rooms of one floor do not import each other, a package's own
# modules do.
FLOORS = {
    "exporter": 0,  # the package itself: its version
    "exporter.net.timestamps": 0,
    "exporter.concurrency.worker_thread": 0,
    "exporter.app.heartbeat": 0,
    "exporter.net.tcp_info": 0,
    "exporter.concurrency.single_flight": 0,
    "exporter.app.memory_limit": 0,
    "exporter.net.open_files": 0,
    "exporter.app.log_writer": 0,
    "exporter.model.path_trace": 0,
    "exporter.net.poller": 0,
    "exporter.schedule.shard": 0,
    "exporter.concurrency.steady_clock": 0,
    "exporter.app.systemd": 0,
    "exporter.policies.txt_record": 0,
    "exporter.model.evidence": 1,
    "exporter.net.error_queue": 2,
    "exporter.model.result": 2,
    "exporter.smtp": 3,
    "exporter.tls.expensive_certificates": 1,
    "exporter.tls.encrypted_flight": 2,
    "exporter.tls.keylog": 2,
    "exporter.tls.certificate_names": 1,
    "exporter.tls.client_offer": 1,
    "exporter.tls.server_handshake": 3,
    "exporter.tls.records": 1,
    "exporter.policies.dane": 3,
    "exporter.policies.tlsrpt": 3,
    "exporter.policies.mtasts": 4,
    "exporter.store.history": 4,
    "exporter.app.logs": 4,
    "exporter.config": 4,
    "exporter.diagnosis": 5,
    "exporter.web.http_sd": 5,
    "exporter.app.secret_targets": 5,
    "exporter.resolver": 5,
    "exporter.net.connection": 5,
    "exporter.tls": 5,
    "exporter.probe": 6,
    "exporter.report.summary": 6,
    "exporter.report.local_state": 6,
    "exporter.store.targets": 7,
    "exporter.store.transcripts": 7,
    "exporter.metrics": 8,
    "exporter.schedule.scheduler": 8,
    "exporter.egress.watch": 8,
    "exporter.web": 9,
    "exporter.app.engine": 10,
    "exporter.commands": 10,
    "exporter.app.process": 11,
    "exporter.demo": 12,
    "exporter.cli": 13,
    "exporter.__main__": 14,
}

# Library -> the rooms that may import it.
FENCES = {
    "cryptography": ("exporter.tls", "exporter.demo.certificates", "exporter.policies.dane"),
    "OpenSSL": ("exporter.tls",),
    "dns": ("exporter.resolver", "exporter.demo.dns_host"),
    "yaml": ("exporter.config",),
    "pydantic": ("exporter.config",),
    "prometheus_client": ("exporter.metrics",),
    "publicsuffixlist": ("exporter.diagnosis.networks",),
    "starlette": ("exporter.web",),
    "uvicorn": ("exporter.web",),
    "bcrypt": ("exporter.web.access.authentication",),
    "jinja2": ("exporter.web",),
    "h11": ("exporter.policies.mtasts.fetch", "exporter.web.server.connection"),
    "markupsafe": ("exporter.web",),
    "uvloop": ("exporter.cli",),
}
# No socket, no event loop, no clock, no chance: bytes and values in, values out. Of ours they import only one another.
PURE = (
    "exporter.model.configuration",
    "exporter.policies.dane",
    "exporter.diagnosis",
    "exporter.model.evidence",
    "exporter.policies.mtasts.policy",
    "exporter.policies.mtasts.record",
    "exporter.model.path_trace",
    "exporter.model.result",
    "exporter.schedule.shard",
    "exporter.smtp",
    "exporter.tls.expensive_certificates",
    "exporter.tls.certificate_names",
    "exporter.policies.tlsrpt",
    "exporter.policies.txt_record",
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


def _imports(path: Path) -> Iterator[str]:
    return _imported(path.read_text(encoding="utf-8"), str(path))


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
    """Whether the import is of a floor that is not below the module's own."""
    if imported == "exporter" or not _is_within(imported, ["exporter"]):
        return False
    own, other = _room(module), _room(imported)
    return own != other and FLOORS[other] >= FLOORS[own]


def _trespasses(module: str, imported: str) -> bool:
    """Whether the import is of a library that another room keeps to itself."""
    rooms = FENCES.get(imported.partition(".")[0])
    return rooms is not None and not _is_within(module, rooms)


def _soils(module: str, imported: str) -> bool:
    """Whether a pure module would see a socket, an event loop or a clock by the import."""
    if not _is_within(module, PURE):
        return False
    ours = _is_within(imported, ["exporter"]) and imported != "exporter"
    return not _is_within(imported, PURE) if ours else _is_within(imported, IMPURE_MODULES)


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_module_imports_only_from_floors_below(path: Path) -> None:
    assert [imported for imported in _imports(path) if _climbs(_name(path), imported)] == []


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_library_is_imported_only_in_its_room(path: Path) -> None:
    assert [imported for imported in _imports(path) if _trespasses(_name(path), imported)] == []


@pytest.mark.parametrize("path", [path for path in MODULES if _is_within(_name(path), PURE)], ids=_name)
def test_what_is_pure_imports_only_what_is_pure(path: Path) -> None:
    assert [imported for imported in _imports(path) if _soils(_name(path), imported)] == []


@pytest.mark.parametrize("path", [path for path in MODULES if path.name == "__init__.py"], ids=_name)
def test_a_package_runs_nothing_that_its_modules_do_not_want(path: Path) -> None:
    """Who imports a pure module of a package imports the package, too."""
    if any(_is_within(pure, [_name(path)]) for pure in PURE):
        assert [imported for imported in _imports(path) if not _is_within(imported, PURE)] in ([], ["__future__"])


def test_every_module_has_a_floor_of_its_own_choice() -> None:
    """A new top-level room is put on a floor by hand; the package's own 0 is not inherited."""
    assert [name for name in map(_name, MODULES) if name != "exporter" and _room(name) == "exporter"] == []


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
        ("from exporter import transport", True),
        ("from exporter.net.connection import Connection", True),
        ("from exporter import resolver", True),
        ("import exporter.pathology", True),
        ("from exporter.model.path_trace import Hop", False),
        ("from exporter import path", False),
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
        ("exporter.tls.certificate_names", "exporter.tls.client", True),
        ("exporter.tls.namesake", "exporter.app.logs", False),  # the floor of tls, not of tls.names
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
    assert _room("exporter.model.path_trace.hops") == "exporter.model.path_trace"
