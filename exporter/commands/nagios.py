"""The report of a probe for Nagios, Icinga and their like: one line with performance data, and a state as exit code.

The form is that of https://www.monitoring-plugins.org/doc/guidelines.html: all on the standard output, `|` before the
performance data, and state 3 for whatever keeps the plugin from its work, mistakes of the user among it.
"""

from __future__ import annotations

import contextlib
import io
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from enum import IntEnum
from types import MappingProxyType
from typing import Final, TextIO

from exporter.commands.mistakes import ManualError
from exporter.commands.reports import missing
from exporter.config.problems import ConfigError
from exporter.diagnosis.advice import mark_of
from exporter.model.failure import Verdict
from exporter.model.printable import printable
from exporter.model.result import DomainResult
from exporter.model.target import Target
from exporter.report.local_state import LocalState, local_state_lines
from exporter.report.summary import summarise

SERVICE: Final = "MX"
_MAX_TEXT: Final = 1000  # characters; NRPE takes a kilobyte of a line
_SHOWN: Final = 5  # names with a state of their own, of many


class PluginState(IntEnum):
    """A state; the value is the exit code."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


_STATES: Final = MappingProxyType(
    {
        Verdict.DEGRADED: PluginState.WARNING,
        Verdict.UNDETERMINED: PluginState.CRITICAL,
        Verdict.BLOCKED: PluginState.CRITICAL,
        Verdict.DEAD: PluginState.CRITICAL,
        Verdict.MISCONFIGURED: PluginState.CRITICAL,
        Verdict.DECLINED: PluginState.CRITICAL,
        Verdict.LOCAL: PluginState.UNKNOWN,
    }
)
# Of several names, as the plugins that combine states order them.
_WORST_FIRST: Final = (PluginState.CRITICAL, PluginState.WARNING, PluginState.UNKNOWN, PluginState.OK)


def state_of(result: DomainResult) -> PluginState:
    """The state of one result."""
    if result.failure is not None:
        return _STATES[result.failure.verdict]
    return PluginState.WARNING if _warnings(result) else PluginState.OK


class NagiosReport:
    """Collects results and shows them on one line."""

    streams = False

    def __init__(self, out: TextIO, helo: str = "") -> None:
        """`helo`: the name of this host where the configuration has none."""
        self._out = out
        self._helo = helo
        self._side = LocalState()
        self._results: list[tuple[Target, DomainResult]] = []

    def progress(self, result: DomainResult) -> None:
        """Show nothing: there is but one line."""

    def know(self, side: LocalState) -> None:
        """Keep the state of our own side, which stands first on the line."""
        self._side = side

    def add(self, target: Target, result: DomainResult) -> None:
        """Take in a result."""
        self._results.append((target, result))

    async def keep_drawn(self) -> None:
        """Draw nothing."""

    def finish(self, without_result: Sequence[str] = ()) -> int:
        """Print the line; returns the exit code. Raises ManualError where the state is not known."""
        self._results.sort(key=lambda each: (_WORST_FIRST.index(state_of(each[1])), each[0].name))
        if without_result or not self._results:
            known = [f"{target.name} {_word(result)}" for target, result in self._results[:_SHOWN]]
            raise ManualError("\n".join((f"interrupted, {missing(without_result)}", *known)))
        text = " ".join((*local_state_lines(self._side), *self._texts()))
        state = state_of(self._results[0][1])
        print(f"{_line(state, text)} | {' '.join(self._performance())}", file=self._out, flush=True)
        return state

    def _texts(self) -> Iterator[str]:
        if len(self._results) == 1:
            yield self._told(*self._results[0])
            return
        states = Counter(_word(result) for _, result in self._results)
        counts = (f"{count} {word}" for word, count in states.items())
        yield f"{len(self._results)} names: {', '.join(counts)}"
        wrong = [(target, result) for target, result in self._results if state_of(result) is not PluginState.OK]
        for target, result in wrong[:_SHOWN]:
            yield f"- {target.name} {_reason(result)}"
        if len(wrong) > _SHOWN:
            yield f"- and {len(wrong) - _SHOWN} more"

    def _told(self, target: Target, result: DomainResult) -> str:
        settings = target.settings
        summary = summarise(target.name, result, helo=settings.helo or self._helo, port=settings.port).summary
        if result.failure is not None:
            return f"{_reason(result)}: {summary}"
        warnings = _warnings(result)
        return f"{summary.removesuffix('.')} ({', '.join(warnings)})" if warnings else summary

    def _performance(self) -> Iterator[str]:
        """The duration and the addresses that are up; of several names, of each under its name."""
        for target, result in self._results:
            for label, value in (
                ("time", f"{result.duration:.6f}s;;;0"),
                ("addresses_up", f"{result.addresses_up};;;0;{result.addresses}"),
            ):
                yield f"{label}={value}" if len(self._results) == 1 else f"'{target.name} {label}'={value}"


def as_plugin(work: Callable[[], int], out: TextIO) -> int:
    """The state that `work` returns. Where it fails, the line says why, and nothing else is printed."""
    errors = io.StringIO()
    try:
        with contextlib.redirect_stderr(errors), _terminated_as_interrupted():
            return work()
    except KeyboardInterrupt:
        return unknown("interrupted before any result", out)
    except SystemExit as end:
        return unknown(errors.getvalue().partition("\n")[0], out) if end.code else PluginState.OK  # 0: --help
    except (ManualError, ConfigError) as error:
        return unknown("; ".join(str(error).splitlines()), out)
    except Exception as error:
        return unknown(f"internal error: {error!r}", out)


@contextlib.contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Take SIGTERM, with which a supervisor ends a slow plugin, as SIGINT: the line says what is known."""
    before = signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    # Ignored where a shell has started this in the background: SIGTERM would be, too.
    is_ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    if is_ignored:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        if is_ignored:
            signal.signal(signal.SIGINT, signal.SIG_IGN)


def unknown(text: str, out: TextIO) -> int:
    """Print a line without a result; returns the exit code."""
    print(_line(PluginState.UNKNOWN, text), file=out, flush=True)
    return PluginState.UNKNOWN


def _line(state: PluginState, text: str) -> str:
    # What stands behind a bar would be taken for performance data.
    return f"{SERVICE} {state.name} - {printable(text, _MAX_TEXT).replace('|', '/')}"


def _warnings(result: DomainResult) -> list[str]:
    found = [*result.warnings, *(warning for host in result.hosts if host.up for warning in host.outcome.warnings)]
    return list(dict.fromkeys(warning.value for warning in found))


def _word(result: DomainResult) -> str:
    return "up" if result.failure is None else f"{result.failure.verdict}{mark_of(result.failure.confidence)}"


def _reason(result: DomainResult) -> str:
    """The verdict with its class, or the warnings."""
    if result.failure is None:
        return f"{_word(result)} with {', '.join(_warnings(result))}"
    return f"{_word(result)}, {result.failure.failure_class}"
