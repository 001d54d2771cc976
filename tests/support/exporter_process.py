"""The exporter as a user runs it: a process, its log and its HTTP answers."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import IO

import httpx
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from tests.support import plain_http
from tests.support.waiting import until_sync

_LISTENING = re.compile(r"\bserving\b.*listen(?:=\"?|\": \")([^\s\"]+)")

# Python that a process runs first (see `exporter`): it looks at its domain files every tenth of a second, and one that
# has been still for a fifth counts as written. All else is as everybody runs it.
FILES_WATCHED_CLOSELY = """
import exporter.app.watchers, exporter.config.stillness
exporter.app.watchers._FILES_SECONDS = 0.1
exporter.config.stillness.SETTLE_SECONDS = exporter.app.watchers.SETTLE_SECONDS = 0.2
"""


# Python that a process runs first: at its end, it gives what is under way a tenth of a second.
HASTY = "import exporter.app.monitor\nexporter.app.monitor.STOP_GRACE_SECONDS = 0.1"

# The same: pages of the demo come again every 30 seconds, as those of an exporter do, and not every 5, for an element
# that a test has found goes with the page that it was on.
UNHURRIED = "\nimport exporter.demo.levers\nexporter.demo.levers._REFRESH_SECONDS = 30"


class ExporterProcess:
    """A running exporter. `log` grows while it runs."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.log: list[str] = []
        assert process.stderr is not None
        self._reader = threading.Thread(target=self._read, args=(process.stderr,), daemon=True)
        self._reader.start()
        until_sync(lambda: self._address() or process.poll() is not None)
        address = self._address()
        assert address is not None, self.text
        self.url = f"http://{address}"

    @property
    def text(self) -> str:
        """The whole log so far."""
        return "\n".join(self.log)

    def get(self, path: str, **headers: str) -> httpx.Response:
        """An answer."""
        return plain_http.get(self.url + path, headers=headers, timeout=30.0)

    def samples(self, path: str = "/metrics") -> list[Sample]:
        """Every sample of an exposition."""
        families = text_string_to_metric_families(self.get(path).text)
        return [sample for family in families for sample in family.samples]

    def named(self, *names: str) -> list[Sample]:
        """The samples of these names: no other line is parsed, for a page has thousands and is read often."""
        lines = "".join(f"{line}\n" for line in self.get("/metrics").text.split("\n") if line.startswith(names))
        families = text_string_to_metric_families(lines)
        return [sample for family in families for sample in family.samples if sample.name in names]

    def value(self, name: str, **labels: str) -> float | None:
        """The value of the one series that has these labels."""
        return next((sample.value for sample in self.named(name) if labels.items() <= sample.labels.items()), None)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to end; returns the exit code."""
        self.process.send_signal(number)
        code = self.process.wait(20.0)
        self._reader.join(5.0)
        return code

    def _read(self, stream: IO[str]) -> None:
        for line in stream:
            self.log.append(line.rstrip("\n"))

    def _address(self) -> str | None:
        found = _LISTENING.search("\n".join(self.log))
        return found[1] if found else None


@contextlib.contextmanager
def exporter(*arguments: str, first: str = "", prefix: Sequence[str] = ()) -> Iterator[ExporterProcess]:
    """`mx-exporter` with these arguments, on a free port of loopback.

    `first` is Python that it runs first, `prefix` the command that runs it.
    """
    with subprocess.Popen(
        [*prefix, *command(*arguments, "--web.listen-address=127.0.0.1:0", first=first)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        try:
            yield ExporterProcess(process)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()


@contextlib.contextmanager
def running_demo(*arguments: str, first: str = "") -> Iterator[ExporterProcess]:
    """`mx-exporter demo`, ended by SIGTERM, for one that is killed leaves its folder behind.

    Its probes of silent hosts are not waited for at the end; all else is as everybody runs it.
    """
    with exporter("demo", *arguments, first=HASTY + first) as process:
        try:
            yield process
        finally:
            if process.process.poll() is None:
                process.stop()


def command(*arguments: str, first: str = "") -> Sequence[str]:
    """How to start it."""
    if not first:
        return [sys.executable, "-m", "exporter", *arguments]
    program = f"import sys\n{first}\nfrom exporter.cli import main\nsys.exit(main())"
    return [sys.executable, "-c", program, *arguments]
