"""A web server with the answers of a large fleet, as a process of its own whose memory and files can be looked at.

Run: python -m tests.attack.large_web_server TARGETS OPEN_FILES [WEB_CONFIG]. It prints its port and answers each line
of its standard input: `take` opens files until there are none, `give` closes them; `hurry` has clients that do not read
thrown out after half a second, `bear` as late as ever. It ends with its input.
"""

from __future__ import annotations

import contextlib
import os
import resource
import sys
from pathlib import Path

from exporter.app import logs
from exporter.config.web.load import load_web
from exporter.metrics.exposition import exposition, negotiate
from exporter.web.access.active_config import ActiveWebConfig
from exporter.web.app import create_app
from exporter.web.backend import Exposition
from exporter.web.server.connection import STALL_SECONDS, HttpConnection
from exporter.web.server.listen import listen
from exporter.web.server.server import WebServer
from tests.bench.rows import fleet
from tests.web.fake_backend import FakeBackend

# Of the configuration and of /sd, for each target: labels can be as long.
_LABELS = "x" * 2500
_HURRY_SECONDS = 0.5


class LargeBackend(FakeBackend):
    """Real samples of so many targets; every answer is made anew, as the exporter's own are."""

    def __init__(self, targets: int) -> None:
        super().__init__()
        self.results = fleet(targets)
        self.text = "".join(f"- {record.target.name}: {_LABELS}\n" for record in self.results.targets.records())

    def metrics(self, accept: str, names: frozenset[str] | None) -> Exposition:
        format_ = negotiate(accept)
        return Exposition(format_.content_type, exposition(self.results.rows(), None, format_, names))

    def discovery(self) -> Exposition:
        return Exposition("application/json", [self.text.encode()])

    def effective_config(self) -> str:
        return str(self.text.encode(), "ascii")


def main() -> None:
    """Serve until nobody listens any more."""
    limit = int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    logs.configure("warn", "logfmt")
    path = Path(sys.argv[3]) if len(sys.argv) > 3 else None
    security = ActiveWebConfig(path, load_web(path)) if path is not None else ActiveWebConfig()
    app = create_app(LargeBackend(int(sys.argv[1])), security=security)
    server = WebServer(app, listen(["127.0.0.1:0"]), security)
    server.start()
    print(server.addresses[0][1], flush=True)
    held: list[int] = []
    for line in sys.stdin:
        if line == "take\n":
            with contextlib.suppress(OSError):
                while True:
                    held.append(os.open(os.devnull, os.O_RDONLY))
        elif line == "give\n":
            while held:
                os.close(held.pop())
        else:
            HttpConnection.stall_seconds = _HURRY_SECONDS if line == "hurry\n" else STALL_SECONDS
        print("done", flush=True)
    server.stop(1)


if __name__ == "__main__":
    main()
