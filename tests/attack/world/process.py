"""A process of the world as the soak sees it: started, heard, ended."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from tests.attack.world.plan import Plan

# Certificates and ten thousand bits take their time on a busy machine.
_START_SECONDS: Final = 60.0
_END_SECONDS: Final = 10.0


class WorldProcess:
    """Plays one role until it is stopped, or until this process is no more. `hear` gets its reports, in a thread."""

    def __init__(self, role: str, plan: Plan, hear: Callable[[str, dict[str, Any]], None]) -> None:
        self.role = role
        self._hear = hear
        self._ready = threading.Event()
        self._log = Path(plan.folder, f"{role}.log")
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.attack.world", role],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.process.stdin is not None
        self.process.stdin.write(plan.to_json() + "\n")
        self.process.stdin.flush()
        self._reader = threading.Thread(target=self._read, name=f"world {role}", daemon=True)
        self._reader.start()

    def wait_ready(self) -> None:
        """Return once it attacks; AssertionError if it cannot."""
        assert self._ready.wait(_START_SECONDS), f"the world's {self.role} did not start: {self.complaints}"
        assert self.process.poll() is None, f"the world's {self.role} ended at once: {self.complaints}"

    @property
    def complaints(self) -> str:
        """What it had to say to its standard error."""
        return self._log.read_text(errors="replace")[-4000:]

    def stop(self) -> None:
        """End it; a second time does nothing."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reader.join(_END_SECONDS)

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as reports:
            for line in reports:
                report: dict[str, Any] = json.loads(line)
                if report.get("ready"):
                    self._ready.set()
                else:
                    self._hear(self.role, report)
        self._ready.set()  # it has ended: nobody shall wait
