"""Who may ask: the web configuration that holds at this moment, loaded again when its files have changed.

Read by the web server's thread for each connection and each request; written by whoever reloads. It is replaced whole,
so a reader sees one state or the other.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from exporter.config.problems import ConfigError
from exporter.config.web.load import WebConfig, load_web
from exporter.tls.certificate import alternative_names

log = logging.getLogger(__name__)

# How often the files are looked at. A certificate is renewed weeks before it ends; a user that was taken out is not
# there for much longer.
_WATCH_SECONDS: Final = 5.0


class ActiveWebConfig:
    """Holds the configuration of `--web.config.file`; without one, nothing is asked of anybody."""

    def __init__(
        self, path: Path | None = None, config: WebConfig | None = None, on_load: Callable[[bool], None] | None = None
    ) -> None:
        """`config` is what was loaded from `path`; `on_load` hears of each further load whether it succeeded."""
        self.config = config or WebConfig()
        self._path = path
        self._on_load = on_load or (lambda _: None)
        self._loading = asyncio.Lock()
        self._problems: list[str] = []

    async def reload(self) -> list[str]:
        """Load the file again. What is wrong with it, a line each; with any, the one before holds."""
        if self._path is None:
            return []
        async with self._loading:
            before, self._problems = self._problems, []
            try:
                self.config = await asyncio.to_thread(load_web, self._path)
            except ConfigError as error:
                self._problems = [str(problem) for problem in error.errors]
            self._on_load(not self._problems)
        for problem in self._problems:
            if problem not in before:  # a mistake is told once, not every few seconds
                log.error("web configuration not reloaded", extra={"fields": {"problem": problem}})
        if not self._problems:
            log.info("web configuration reloaded", extra={"fields": {"tls": int(self.config.tls is not None)}})
        return self._problems

    async def watch(self) -> None:
        """Reload whenever a file has changed, without end. What failed is tried again: what it lacks may have come."""
        while self._path is not None:
            await asyncio.sleep(_WATCH_SECONDS)
            config = self.config
            if self._problems or await asyncio.to_thread(config.snapshot) != config.file_states:
                try:
                    await self.reload()
                except Exception:
                    log.exception("internal error in a reload of the web configuration")
                    self._on_load(False)


def admits(config: WebConfig, certificate: bytes | None) -> bool:
    """Whether a client that was verified with this certificate is one of those named."""
    allowed = config.client_allowed_sans
    if allowed is None:
        return True
    return certificate is not None and not allowed.isdisjoint(alternative_names(certificate))
