"""A web server with the answers of a large fleet, as a process of its own whose memory can be looked at.

Run: python -m tests.attack.large_web_server TARGETS [WEB_CONFIG]. It prints its port, and ends with its standard input.
"""

from __future__ import annotations

import sys
from pathlib import Path

from exporter import log
from exporter.config.web import load_web
from exporter.metrics.exposition import exposition, negotiate
from exporter.metrics.renewal import render_after
from exporter.store import Store
from exporter.web.app import create_app
from exporter.web.backend import Exposition
from exporter.web.listen import listen
from exporter.web.security import Security
from exporter.web.server import WebServer
from tests.bench.rows import fleet
from tests.web.fake_backend import FakeBackend


class LargeBackend(FakeBackend):
    """Real samples of so many targets; every scrape joins them anew, as the exporter's own do."""

    def __init__(self, targets: int) -> None:
        super().__init__()
        self.store = fleet(targets, Store(render_after))
        self.configuration = "".join(f"- {record.target.name}: {'x' * 200}\n" for record in self.store.records())

    def metrics(self, accept: str) -> Exposition:
        samples = [record.samples for record in self.store.records()]
        format_ = negotiate(accept)
        return Exposition(format_.content_type, exposition(samples, None, format_))

    def discovery(self) -> Exposition:
        return Exposition("application/json", [self.configuration.encode()])

    def effective_config(self) -> str:
        return str(self.configuration.encode(), "ascii")  # a new one for each, as YAML is written


def main() -> None:
    """Serve until nobody listens any more."""
    log.configure("warn", "logfmt")
    path = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    security = Security(path, load_web(path)) if path is not None else Security()
    app = create_app(LargeBackend(int(sys.argv[1])), security=security)
    server = WebServer(app, listen(["127.0.0.1:0"]), security)
    server.start()
    print(server.addresses[0][1], flush=True)
    sys.stdin.read()
    server.stop(1)


if __name__ == "__main__":
    main()
