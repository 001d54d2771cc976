"""The web configuration in use: TLS, users and limits, loaded again when its files change.

Read by the web server's thread for each connection and each request; replaced whole by a reload in another thread.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from exporter.config import stillness
from exporter.config.problems import ConfigError
from exporter.config.web.load import WebConfig, load_web
from exporter.tls.certificate import alternative_names

log = logging.getLogger(__name__)

# Between two checks of the files: a user that was removed has access for little longer.
_WATCH_SECONDS: Final = 5.0
# Checks in a row that find another change, after which that is told: half a minute.
_MOST_CHANGES: Final = 15
_RESTLESS: Final = "its files go on changing, and are read once they are still"


class ActiveWebConfig:
    """Holds the configuration of `--web.config.file`; without a file, every request is allowed."""

    def __init__(
        self, path: Path | None = None, config: WebConfig | None = None, on_load: Callable[[bool], None] | None = None
    ) -> None:
        """`config` was loaded from `path`; `on_load` is called with the success of each further load."""
        self.config = config or WebConfig()
        self._path = path
        self._on_load = on_load or (lambda _: None)
        self._loading = asyncio.Lock()
        self._problems: list[str] = []

    async def reload(self) -> list[str]:
        """Load the file again. Its problems, a line each; with any, the configuration before stays in use."""
        if self._path is None:
            return []
        async with self._loading:
            try:
                self.config = await asyncio.to_thread(load_web, self._path)
            except ConfigError as error:
                self._refused([str(problem) for problem in error.errors])
            else:
                self._problems = []
                self._on_load(True)
                log.info("web configuration reloaded", extra={"fields": {"tls": int(self.config.tls is not None)}})
            return self._problems

    def _refused(self, problems: list[str]) -> None:
        """Have a load failed: a problem is logged once, not every few seconds."""
        before, self._problems = self._problems, problems
        self._on_load(False)
        for problem in problems:
            if problem not in before:
                log.error("web configuration not reloaded", extra={"fields": {"problem": problem}})

    async def watch(self) -> None:
        """Reload after each change of a file, without end. A failed load is repeated: a missing file may be there."""
        pause, seen, changes = _WATCH_SECONDS, self.config.file_states, 0
        while self._path is not None:
            await asyncio.sleep(pause)
            pause = _WATCH_SECONDS
            before, seen = seen, await asyncio.to_thread(self.config.snapshot)
            changes = changes + 1 if seen != before else 0
            if changes:
                # Of a file that is half written, the users may be what is missing.
                pause = stillness.SETTLE_SECONDS
                if changes == _MOST_CHANGES:
                    self._refused([f"{self._path}: {_RESTLESS}"])
            elif self._problems or seen != self.config.file_states:
                try:
                    await self.reload()
                except Exception:
                    log.exception("internal error in a reload of the web configuration")
                    self._on_load(False)


def admits(config: WebConfig, certificate: bytes | None) -> bool:
    """True for a verified client certificate with an allowed name, or where all names are allowed."""
    allowed = config.client_allowed_sans
    if allowed is None:
        return True
    return certificate is not None and not allowed.isdisjoint(alternative_names(certificate))
