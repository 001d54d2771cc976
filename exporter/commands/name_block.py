"""One name among the transcripts of a probe: its lookup, its dialogues one after the other, its verdict.

The lines of a dialogue are given as they come; a host whose result nothing changes any more gets its outcome behind
them, others with the verdict of the whole.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

from exporter.commands.dialogue_lines import (
    about_lines,
    evidence,
    heading_line,
    live_line,
    lookup_lines,
    outcome,
    remarks,
    session_lines,
    verdict_lines,
    warnings,
)
from exporter.commands.final_results import may_change
from exporter.commands.live import Awaited, LiveProbes, result_of
from exporter.commands.terminal import Ink, Line, line
from exporter.model.failure import Failure
from exporter.model.result import DomainResult, HostIdentity, HostResult, MxLookup
from exporter.model.target import Target
from exporter.probe.hosts import Host
from exporter.probe.join import providers_of
from exporter.report.summary import deciding_host
from exporter.report.transcript import (
    arrival_lines,
    failure_line,
    outcome_line,
    policy_lines,
    provider_lines,
    warning_lines,
)

_BLANK: Final = line()


class NameBlock:
    """The block of one name; each line is given once."""

    def __init__(self, target: Target, live: LiveProbes) -> None:
        self._target = target
        self._live = live
        self._has_lookup = False
        self.has_lines = False  # any has been given
        self._place = 0  # of the host whose dialogue is shown
        self._above: HostIdentity | None = None  # the host whose heading is the last
        self._lines = 0  # of its dialogue, shown
        # The hosts whose dialogue is shown, and whether their outcome is.
        self._shown: dict[HostIdentity, bool] = {}
        self._began = time.monotonic()

    def new_lines(self) -> Iterator[Line]:
        """All that has happened since the last call, as far as its place has come."""
        seen = self._live.targets.get(self._target.key)
        if seen is None or (seen.lookup is not None and seen.lookup.failure is not None):
            return
        if not self._has_lookup and seen.lookup is not None:
            yield from self._lookup(seen.lookup, None, providers_of(seen.lookup.hosts))
        self._has_lookup = True
        probed = seen.probed
        while self._place < len(probed):
            host = probed[self._place]
            yield from self._dialogue(host)
            result = result_of(host)
            if result is None:
                return
            yield from self._end_of_dialogue(result, is_alone=len(seen.hosts) == 1)

    @property
    def wait(self) -> Awaited:
        """The wait for the next line."""
        seen = self._live.targets.get(self._target.key)
        if seen is None:
            return Awaited(f"looking up {self._target.name}", self._began)
        probed = seen.probed
        if self._place >= len(probed):
            return self._live.traces.get(self._target.key, self._live.wait)
        session = self._live.session_of(probed[self._place])
        if session is None or not session.wait.text:
            return Awaited(f"waiting for a turn with {probed[self._place].key.address}", 0.0)
        return session.wait

    def end(self, result: DomainResult, helo: str) -> Iterator[Line]:
        """The rest, with the verdict."""
        yield from self.new_lines()
        if not self._has_lookup and result.lookup is not None:
            yield from self._lookup(result.lookup, result.failure, result.providers)
        summarised = deciding_host(result)
        for host in result.hosts:
            if not self._shown.get(host.identity):
                outcome_lines = [*_outcome(host, result, summarised)]
                yield from self._rest_of_host(host, result.preference_of(host.mx), outcome_lines)
        if about := [*about_lines((*warning_lines(result), *policy_lines(result)))]:
            yield from self._gap()
            yield from about
        yield from self._gap()
        yield from verdict_lines(self._target, result, helo)

    def interrupted(self) -> Iterator[Line]:
        """All that is known, in place of a verdict."""
        yield from self.new_lines()
        name = self._target.name
        seen = self._live.targets.get(self._target.key)
        if seen is None:
            yield line((name, Ink.HEADING), ": interrupted during its lookup, nothing is known")
            return
        probed = seen.probed
        while self._place < len(probed):
            host = probed[self._place]
            yield from self._dialogue(host)
            result = result_of(host)
            if host.identity != self._above:
                yield from self._heading(host.identity, self._preference(host))
            if result is not None:
                yield from self._end_of_dialogue(result, is_alone=False)
                continue
            session = self._live.session_of(host)
            if session is not None and session.wait.text:
                wait = session.wait
                yield line(f"  interrupted: {wait.text}, for {time.monotonic() - wait.since:.1f} s", hang=4)
            self._next_dialogue()
        known = [result for host in probed if (result := result_of(host)) is not None]
        up = sum(result.up for result in known)
        yield from self._gap()
        yield line(
            (name, Ink.HEADING),
            f": interrupted, no verdict: {len(known)} of {len(seen.hosts)} addresses seen, {up} up",
            hang=4,
        )

    def _lookup(self, lookup: MxLookup, summarised: Failure | None, providers: tuple[str, ...]) -> Iterator[Line]:
        yield from lookup_lines(self._target.name, lookup, summarised)
        yield from about_lines(provider_lines(providers))
        self.has_lines = True

    def _rest_of_host(self, host: HostResult, preference: int | None, outcome_lines: list[Line]) -> Iterator[Line]:
        """The lines of a host that have not been shown: its outcome, or all."""
        is_shown = host.identity in self._shown or host.identity == self._above
        if (outcome_lines or not is_shown) and host.identity != self._above:
            yield from self._heading(host.identity, preference)
        if not is_shown:
            yield from session_lines(host)
            yield from remarks(host)
        self._shown[host.identity] = True
        yield from outcome_lines

    def _dialogue(self, host: Host) -> Iterator[Line]:
        """The heading, once there is anything to show below it, and the lines that are new."""
        session, result = self._live.session_of(host), result_of(host)
        if session is None:
            lines = () if result is None else tuple(session_lines(result))
        else:
            lines = tuple(map(live_line, session.lines[self._lines :]))
            self._lines += len(lines)
        if lines and host.identity != self._above:
            yield from self._heading(host.identity, self._preference(host))
        yield from lines

    def _end_of_dialogue(self, result: HostResult, *, is_alone: bool) -> Iterator[Line]:
        """The remarks; the outcome, if nothing changes it and the verdict of the whole does not say the same.

        A host that has said nothing is left for the verdict.
        """
        if result.identity == self._above:
            yield from remarks(result)
            is_final = result.evidence is None or not may_change(result, result.evidence)
            is_final = is_final and self._target.settings.module.mailbox is None  # its message may not arrive
            failure = result.failure
            self._shown[result.identity] = tells = is_final and not (is_alone and failure is not None)
            if tells:
                yield from evidence(result)
                yield outcome("up" if failure is None else failure_line(failure), failure)
                yield from warnings(result)
        self._next_dialogue()

    def _next_dialogue(self) -> None:
        self._place += 1
        self._lines = 0

    def _heading(self, host: HostIdentity, preference: int | None) -> Iterator[Line]:
        yield from self._gap()
        yield heading_line(host.mx, host.address, preference)
        self._above = host

    def _preference(self, host: Host) -> int | None:
        lookup = self._live.targets[self._target.key].lookup
        hosts = () if lookup is None else lookup.hosts
        return next((each.preference for each in hosts if each.name == host.key.mx), None)

    def _gap(self) -> Iterator[Line]:
        """An empty line, unless nothing stands above it."""
        if self.has_lines:
            yield _BLANK
        self.has_lines = True


def _outcome(host: HostResult, result: DomainResult, summarised: HostResult | None) -> Iterator[Line]:
    """The outcome of a host, with the evidence that the verdict of the whole does not give, and its warnings."""
    if summarised is None or host.identity != summarised.identity:
        yield from evidence(host)
    yield from (line(f"  {text}", hang=4) for text in arrival_lines(host))
    if (text := outcome_line(host, result, summarised)) is not None:
        yield outcome(text, host.failure)
    yield from warnings(host)
