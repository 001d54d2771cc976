"""The shipped files of Prometheus and Alertmanager at work: faster, at other addresses, else unchanged."""

from __future__ import annotations

import contextlib
import json
import math
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.deploy.deployed import ALERTMANAGER_CONFIG, PROMETHEUS, RULE_FILES, read_yaml, seconds
from tests.support import plain_http
from tests.support.daemons import free_port, running
from tests.support.require import require_program

FASTER = 60
# What is told where a machine is slow, whatever a test is about, and is true then: minutes are seconds here.
_SLOWNESS = frozenset({"MxExporterDown", "MxProbesStale", "MxScheduleLate", "MxTargetNotAnswered"})
# Who is told where a test has no Alertmanager: not the one that this machine may have.
_NOBODY = "127.0.0.1:9"
_DURATIONS = {
    *(
        "scrape_interval",
        "scrape_timeout",
        "evaluation_interval",
        "refresh_interval",
        "interval",
        "for",
        "keep_firing_for",
    ),
    *("group_wait", "group_interval", "repeat_interval"),
}
# The exporter's own time for an address stays what it is, and so does the time that a scrape has for a probe.
_LEAST_MILLISECONDS = {"scrape_timeout": 500, "scrape_interval": 500}
# No test waits for a group of rules that is due each hour.
_MOST_SECONDS = {"interval": 120.0}


def sooner(value: Any, faster: int) -> Any:
    """A configuration with every duration divided."""
    if isinstance(value, list):
        return [sooner(item, faster) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _divided(key, item, faster) if key in _DURATIONS else sooner(item, faster) for key, item in value.items()
    }


def _divided(key: str, duration: str, faster: int) -> str:
    milliseconds = round(min(seconds(duration), _MOST_SECONDS.get(key, math.inf)) * 1000 / faster)
    return f"{max(milliseconds, _LEAST_MILLISECONDS.get(key, 1))}ms"


def at(value: Any, places: dict[str, str]) -> Any:
    """A configuration with other addresses."""
    text = json.dumps(value)
    for shipped, here in places.items():
        assert shipped in text, f"{shipped} is nowhere in the configuration"
        text = text.replace(shipped, here)
    return json.loads(text)


class Prometheus:
    """A running one."""

    def __init__(self, url: str) -> None:
        self.url = url

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series of an instant query; AssertionError for one that is wrong."""
        answer = plain_http.get(f"{self.url}/api/v1/query", params={"query": expression}, timeout=30.0)
        assert answer.status_code == 200, f"{expression}: {answer.text}"
        found: list[dict[str, Any]] = answer.json()["data"]["result"]
        return found

    def label_values(self, label: str, series: str) -> list[str]:
        """The query of Grafana for a variable."""
        answer = plain_http.get(f"{self.url}/api/v1/label/{label}/values", params={"match[]": series}, timeout=30.0)
        assert answer.status_code == 200, f"{series}: {answer.text}"
        values: list[str] = answer.json()["data"]
        return values


@contextlib.contextmanager
def prometheus(
    folder: Path,
    name: str,
    places: dict[str, str],
    faster: int = FASTER,
    scrape_configs: list[dict[str, Any]] | None = None,
    more: dict[str, dict[str, Any]] | None = None,
) -> Iterator[Prometheus]:
    """Prometheus with the shipped configuration of that name, or other jobs or more in it, and the shipped rules."""
    program, port = require_program("prometheus"), free_port()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rules").mkdir()
    for path in RULE_FILES:
        (folder / "rules" / path.name).write_text(yaml.safe_dump(sooner(read_yaml(path), faster)), encoding="utf-8")
    config = folder / name
    shipped = read_yaml(PROMETHEUS / name)
    if scrape_configs is not None:
        shipped["scrape_configs"] = scrape_configs
    for section, keys in (more or {}).items():
        shipped[section] |= keys
    configuration = at(sooner(shipped, faster), {"localhost:9093": _NOBODY, **places})
    config.write_text(yaml.safe_dump(configuration), encoding="utf-8")
    argv = [
        program,
        f"--config.file={config}",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    url = f"http://127.0.0.1:{port}"
    with running(argv, lambda: _ready(f"{url}/-/ready"), folder / "prometheus.log"):
        yield Prometheus(url)


@contextlib.contextmanager
def alertmanager(folder: Path, webhook: str, faster: int = FASTER) -> Iterator[str]:
    """Alertmanager with the shipped configuration, whose operators are told by `webhook`; gives its host and port."""
    program, port = require_program("prometheus-alertmanager"), free_port()
    folder.mkdir(parents=True, exist_ok=True)
    configuration = sooner(read_yaml(ALERTMANAGER_CONFIG), faster)
    for receiver in configuration["receivers"]:
        if receiver["name"] == "operators":
            receiver["webhook_configs"] = [{"url": webhook}]
    config = folder / "alertmanager.yml"
    config.write_text(yaml.safe_dump(configuration), encoding="utf-8")
    argv = [
        program,
        f"--config.file={config}",
        f"--storage.path={folder}/alertmanager-data",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    with running(argv, lambda: _ready(f"http://127.0.0.1:{port}/-/ready"), folder / "alertmanager.log"):
        yield f"127.0.0.1:{port}"


def _ready(url: str) -> bool:
    try:
        return plain_http.get(url).status_code == 200
    except httpx.TransportError:
        return False


class Notices:
    """The notifications to the operators, as they come."""

    def __init__(self) -> None:
        self.alerts: list[dict[str, Any]] = []

    def told(self, status: str, name: str, since: int = 0, **labels: str) -> dict[str, Any] | None:
        """The first such alert after the first `since`."""
        wanted = {"alertname": name, **labels}.items()
        for alert in tuple(self.alerts)[since:]:
            if alert["status"] == status and wanted <= alert["labels"].items():
                return alert
        return None

    def statements(self, since: int = 0, **labels: str) -> set[tuple[str, str]]:
        """Status and name of such alerts after the first `since`, but for those that tell how slow the machine is."""
        return {
            (alert["status"], alert["labels"]["alertname"])
            for alert in tuple(self.alerts)[since:]
            if labels.items() <= alert["labels"].items() and alert["labels"]["alertname"] not in _SLOWNESS
        }


@contextlib.contextmanager
def webhook() -> Iterator[tuple[str, Notices]]:
    """Somebody to be told; gives the address and what has come."""
    notices = Notices()

    class Receiver(_Quiet):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            notices.alerts += json.loads(body)["alerts"]
            self.answer(b"")

    with _serving(Receiver) as address:
        yield f"http://{address}/", notices


@contextlib.contextmanager
def page(content: Callable[[str], bytes], content_type: str) -> Iterator[str]:
    """A web server whose pages are `content(path)`; gives its host and port."""

    class Page(_Quiet):
        def do_GET(self) -> None:
            self.answer(content(self.path), content_type)

    with _serving(Page) as address:
        yield address


class _Quiet(BaseHTTPRequestHandler):
    def answer(self, body: bytes, content_type: str = "text/plain") -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """A test's output is its own."""


@contextlib.contextmanager
def _serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


_EGRESS = re.compile(rb'(mx_egress_state\{family="ipv4",state="(\w+)"\}) \S+')


def with_egress(exposition: bytes, state: str) -> bytes:
    """The same, but the egress of IPv4 is in that state."""
    return _EGRESS.sub(lambda found: b"%s %d" % (found[1], found[2] == state.encode()), exposition)
