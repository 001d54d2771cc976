"""A canary message that is awaited in a mailbox: its outcome, and the moments at which it is looked for."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from exporter.model.arrival import Found, MailboxProblem

# A message that is late is looked for so long after its time; so is one whose mailbox could not be looked into.
PATIENCE_SECONDS: Final = 6 * 3600.0
# Looks follow one another by this share of the time waited.
_SHARE: Final = 8.0
_LONGEST_PAUSE: Final = 30.0
_LONGEST_LATE_PAUSE: Final = 1800.0
# Seconds to arrival are told where they are right to this share of them, or to this much: to log in takes its time.
_TOLERANCE_SHARE: Final = 0.25
_TOLERANCE_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class News:
    """The outcome of an awaited message: found, or missing, with the sentence about it. With neither: no outcome yet.

    A message that is missing may yet be found. `problem`: the mailbox cannot be looked into.
    """

    found: Found | None = None
    seconds: float | None = None
    is_late: bool = False  # it was missing
    missing: str = ""
    problem: MailboxProblem | None = None


@dataclass(slots=True)
class AwaitedMessage:
    """A message that a host has accepted. Moments are of the monotonic clock."""

    accepted_at: float  # Unix time
    tell: Callable[[News], bool]  # False: nobody wants to know any more
    within: float  # seconds, after which it is missing
    began: float = field(init=False)  # the moment of its acceptance
    looked_at: float | None = None  # the begin of the last whole look
    is_late: bool = False  # it has been told that it is missing

    def __post_init__(self) -> None:
        self.began = time.monotonic() - max(0.0, time.time() - self.accepted_at)

    @property
    def is_hopeless(self) -> bool:
        """Looks for it have gone on for long enough, or could not be had for so long."""
        return time.monotonic() - self.began > self.within + PATIENCE_SECONDS

    def is_over(self, moment: float) -> bool:
        """The time of the message was over at `moment`, by the monotonic clock."""
        return moment - self.began >= self.within

    def pause(self, least: float) -> float:
        """Seconds to the next look for it, at least `least` after the last one."""
        if self.looked_at is None:
            return 0.0
        now = time.monotonic()
        waited = now - self.began
        if self.is_late:
            wanted = min(waited / _SHARE, _LONGEST_LATE_PAUSE)
            return max(0.0, self.looked_at + max(wanted, least) - now)
        return max(min(waited / _SHARE, _LONGEST_PAUSE, max(0.0, self.within - waited)), least)

    def seconds(self, now: float) -> float | None:
        """Seconds to its arrival, found now; None where the look before was too long ago to tell."""
        since = self.began if self.looked_at is None else self.looked_at
        seconds = now - self.began
        return seconds if now - since <= max(_TOLERANCE_SECONDS, seconds * _TOLERANCE_SHARE) else None

    def missing(self, *, knows_junk: bool) -> str:
        """The sentence about it when its time is over."""
        at = time.strftime("%H:%M:%S", time.gmtime(self.accepted_at))
        where = "neither the inbox nor junk has" if knows_junk else "the inbox, the only folder known, has not"
        return f"the message accepted at {at} UTC did not arrive within {self.within:g} s: {where} got it"
