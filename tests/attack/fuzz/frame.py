"""One input, tried: what a target is, and when an input is a finding."""

from __future__ import annotations

import contextlib
import resource
import signal
import time
import traceback
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[3]
# What nobody sends in one piece of whatever kind; each reader has a bound of its own below it.
MAX_INPUT_BYTES: Final = 65536
# An honest input takes a millisecond: a finding is what a stranger could stop the loop with.
CPU_SECONDS: Final = 0.25
# Then the input is given up.
ENDLESS_SECONDS: Final = 20.0
# What one input may make of itself in memory, for a moment or for good.
MAX_GROWTH_BYTES: Final = 64 * 2**20
# How often an input must be slow, for the machine is shared.
_TIMES_SLOW: Final = 3


class Disagreement(Exception):  # noqa: N818 - no error of the program under test
    """Two opinions on the same bytes differ, or a promise about the outcome is not kept."""


def agree(holds: object, what: str) -> None:
    """Raise Disagreement unless it `holds`."""
    if not holds:
        raise Disagreement(what)


class Endless(BaseException):
    """The input was given up. No Exception, so that no reader takes it for a fault of its input."""


@dataclass(frozen=True, slots=True)
class Target:
    """A reader of what strangers send. `attempt` raises nothing but what `documented` names."""

    name: str
    attempt: Callable[[bytes], None]
    documented: tuple[type[Exception], ...] = ()
    tokens: tuple[bytes, ...] = ()  # what its inputs are made of
    max_bytes: int = MAX_INPUT_BYTES
    cpu_seconds: float = CPU_SECONDS


class Kind(StrEnum):
    """What is wrong with what an input does."""

    RAISES = "raises"
    DISAGREES = "disagrees"
    SLOW = "slow"
    ENDLESS = "endless"
    LARGE = "large"
    CRASHES = "crashes"  # takes the interpreter down


@dataclass(frozen=True, slots=True)
class Finding:
    """An input that does what none may. `mark` is the same for inputs that find the same."""

    target: str
    kind: Kind
    mark: str
    detail: str
    data: bytes

    def __str__(self) -> str:
        return f"{self.target} {self.kind}: {self.detail}"


def examine(target: Target, data: bytes, *, slowness: float = 1.0) -> Finding | None:
    """Try one input. `slowness`: how many times longer than usual all takes, as under instrumentation."""
    allowed = target.cpu_seconds * slowness
    peak = _peak_bytes()
    took, raised = _timed(target, data, slowness)
    if isinstance(raised, Endless):
        return Finding(target.name, Kind.ENDLESS, "", f"no end within {ENDLESS_SECONDS:g} s of CPU", data)
    if raised is not None and not isinstance(raised, target.documented):
        return _raised(target, data, raised)
    if took > allowed and (least := min(_timed(target, data, slowness)[0] for _ in range(_TIMES_SLOW))) > allowed:
        return Finding(target.name, Kind.SLOW, "", f"{least:.2f} s of CPU for {len(data)} bytes", data)
    if _peak_bytes() - peak > MAX_GROWTH_BYTES and (size := _allocated(target, data)) > MAX_GROWTH_BYTES:
        return Finding(target.name, Kind.LARGE, "", f"{size / 2**20:.0f} MiB for {len(data)} bytes", data)
    return None


def _timed(target: Target, data: bytes, slowness: float) -> tuple[float, BaseException | None]:
    """The CPU seconds of all threads that one attempt takes, and what it raises."""
    begun = time.process_time()
    raised: BaseException | None = None
    try:
        with _bounded(ENDLESS_SECONDS * slowness):
            target.attempt(data)
    except (Exception, Endless) as error:
        raised = error
    return time.process_time() - begun, raised


@contextmanager
def _bounded(seconds: float) -> Iterator[None]:
    """Raise Endless after so much CPU. It is the timer of the process, which no test's timeout uses."""

    def give_up(_signal: int, _frame: FrameType | None) -> None:
        raise Endless

    before = signal.signal(signal.SIGPROF, give_up)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _raised(target: Target, data: bytes, error: BaseException) -> Finding:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(ROOT)]
    ours = next((frame for frame in reversed(frames) if "/tests/" not in frame.filename), frames[-1])
    place = f"{Path(ours.filename).relative_to(ROOT)}:{ours.lineno}"
    kind = Kind.DISAGREES if isinstance(error, Disagreement) else Kind.RAISES
    if kind is Kind.DISAGREES:
        place = f"{Path(frames[-2].filename).name}:{frames[-2].lineno}"
    told = "".join(traceback.format_exception_only(error)).strip()[:2000]
    return Finding(target.name, kind, f"{type(error).__name__} at {place}", f"{told} at {place}", data)


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def forget_peak() -> None:
    """From now on the peak of memory is that of what comes, and not of what the process did before."""
    with contextlib.suppress(OSError):  # Linux alone has it
        Path("/proc/self/clear_refs").write_text("5")  # proc(5)


def _allocated(target: Target, data: bytes) -> int:
    """The peak of what one attempt allocates; slow, so only to confirm."""
    tracemalloc.start()
    try:
        _timed(target, data, 10.0)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
