"""The report of `probe --report`: for each name a text to paste into a ticket or a mail to a postmaster."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TextIO

from exporter.commands.reports import tell_missing
from exporter.model.result import DomainResult
from exporter.model.target import Target
from exporter.report.incident import Incident, SessionDialogue, incident_report
from exporter.report.local_state import LocalState


class IncidentReports:
    """One report a name, an empty line between two."""

    streams = False

    def __init__(self, out: TextIO, helo: str = "") -> None:
        """`helo`: the name of this host where the configuration has none."""
        self._out = out
        self._helo = helo
        self._side = LocalState()
        self._down = False
        self._told = 0

    def progress(self, result: DomainResult) -> None:
        """Show nothing: the reports are to be copied whole."""

    def know(self, side: LocalState) -> None:
        """Tell the state in each report from now on."""
        self._side = side

    def add(self, target: Target, result: DomainResult) -> None:
        """Print the report."""
        self._down |= not result.up
        dialogues = {
            host.identity: SessionDialogue(
                host.timings.at, host.transcript, tls=host.facts.tls, tls_at=host.timings.tls_at
            )
            for host in result.hosts
        }
        incident = Incident(
            target.name, result, target.settings, self._helo, time.time(), self._side, dialogues=dialogues
        )
        print("\n" * bool(self._told) + incident_report(incident), end="", file=self._out, flush=True)
        self._told += 1

    async def keep_drawn(self) -> None:
        """Draw nothing."""

    def finish(self, without_result: Sequence[str] = ()) -> int:
        """The exit code."""
        tell_missing(without_result, self._out)
        return int(self._down)
