"""The log of a command whose text a person reads: its lines come behind the text, not amid it."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from exporter.app import logs

# Characters that are held; at the usual level there are none.
MAX_HELD: Final = 4 * 1024 * 1024


class HeldLog(io.StringIO):
    """Keeps the lines that are written to it, as far as there is room."""

    def __init__(self) -> None:
        super().__init__()
        self._dropped = 0

    def write(self, text: str, /) -> int:
        """Keep lines, or count them."""
        for line in text.splitlines(keepends=True):
            if self.tell() + len(line) <= MAX_HELD:
                super().write(line)
            else:
                self._dropped += 1
        return len(text)

    def text(self) -> str:
        """All that was kept."""
        more = f"… {self._dropped} more lines of the log\n" if self._dropped else ""
        return self.getvalue() + more


@contextmanager
def log_behind_text(level: str) -> Iterator[None]:
    """Hold the log back until the end."""
    held = HeldLog()
    logs.configure(level, "logfmt", held)
    try:
        yield
    finally:
        logs.flush()
        logs.configure(level, "logfmt")
        sys.stderr.write(held.text())
        sys.stderr.flush()
