"""Log lines about the configuration: its warnings, and the problems of its domain files, as far as they are new."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from exporter.model.configuration import Config, DomainList

log = logging.getLogger(__name__)

# Problems reported at one reload, for more are not read; of each file only its first ones come here.
MAX_FAILURES: Final = 10
_MAX_LINES: Final = 100


class ListProblems:
    """The problems as they were logged last."""

    def __init__(self) -> None:
        self._lists: dict[str, DomainList] = {}
        self._failures: tuple[str, ...] = ()
        self._warnings: tuple[str, ...] = ()
        self._unmatched: tuple[str, ...] = ()

    def report(self, config: Config) -> None:
        """Log the problems that are new."""
        for problem in first_of([each for each in config.warnings if each not in self._warnings]):
            log.warning("configuration doubtful", extra={"fields": {"problem": problem}})
        self._warnings = config.warnings
        for problem in first_of([each for each in config.unmatched if each not in self._unmatched]):
            log.warning("no domain file found", extra={"fields": {"problem": problem}})
        self._unmatched = config.unmatched
        changed = [each for each in config.lists if self._lists.get(each.file) != each]
        self._lists = {each.file: each for each in config.lists}
        for problem in first_of([problem for each in changed for problem in each.problems], _MAX_LINES):
            log.warning("domain file line skipped", extra={"fields": {"problem": problem}})
        for each in changed:
            if each.skipped > len(each.problems):
                fields = {"file": each.file, "lines": each.skipped}
                log.warning("domain file lines skipped", extra={"fields": fields})
        for problem in first_of([problem for each in changed for problem in each.ignored], _MAX_LINES):
            log.warning("domain file column ignored", extra={"fields": {"problem": problem}})
        for problem in first_of([problem for each in changed for problem in each.twice], _MAX_LINES):
            log.warning("domain listed twice, the first entry holds", extra={"fields": {"problem": problem}})
        if config.failures != self._failures:
            for problem in first_of(config.failures):
                log.error("domain file failed", extra={"fields": {"problem": problem}})
        self._failures = config.failures


def first_of(lines: Sequence[str], most: int = MAX_FAILURES) -> list[str]:
    """The first lines, and the number of those left out."""
    more = [f"… and {len(lines) - most} more"] if len(lines) > most else []
    return [*lines[:most], *more]
