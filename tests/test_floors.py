"""The house's floors: a module imports only from floors below its own, and each foreign library has one room."""

from __future__ import annotations

import ast
from collections.abc import Iterator
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
    "exporter.net.error_queue": 0,
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
    "exporter.lab": 12,  # imports nothing of ours; up here, for only the demo may import it
    "exporter.demo": 13,
    "exporter.cli": 14,
    "exporter.__main__": 15,
}

# Library -> the rooms that may import it.
FENCES = {
    "cryptography": ("exporter.tls", "exporter.lab.certificates", "exporter.policies.dane"),
    "OpenSSL": ("exporter.tls",),
    "dns": ("exporter.resolver", "exporter.lab.dns_host"),
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
# smtp and result know no socket, no event loop and no clock.
PURE = (
    "exporter.model.result",
    "exporter.model.evidence",
    "exporter.model.path_trace",
    "exporter.schedule.shard",
    "exporter.smtp",
    "exporter.policies.mtasts.policy",
    "exporter.policies.mtasts.record",
    "exporter.policies.tlsrpt",
    "exporter.policies.txt_record",
)
IMPURE_MODULES = {"asyncio", "socket", "ssl", "time", "datetime", "select", "selectors", "threading"}

MODULES = sorted(ROOT.rglob("*.py"))


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _room(module: str) -> str:
    parts = module.split(".")
    prefixes = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next(prefix for prefix in prefixes if prefix in FLOORS)


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


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_library_is_imported_only_in_its_room(path: Path) -> None:
    name = _name(path)
    for imported in _imports(path):
        library = imported.split(".")[0]
        rooms = FENCES.get(library, (name,))
        assert any(name == room or name.startswith(room + ".") for room in rooms), f"{name} imports {library}"


@pytest.mark.parametrize("path", [path for path in MODULES if _name(path).startswith(PURE)], ids=_name)
def test_the_protocol_core_is_pure(path: Path) -> None:
    assert not {imported.split(".")[0] for imported in _imports(path)} & IMPURE_MODULES


def test_every_module_has_a_floor_of_its_own_choice() -> None:
    """A new top-level room is put on a floor by hand; the package's own 0 is not inherited."""
    assert [name for name in map(_name, MODULES) if name != "exporter" and _room(name) == "exporter"] == []
