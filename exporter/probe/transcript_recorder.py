"""The transcript of one session: bounded while it is recorded, without the password when it is read."""

from __future__ import annotations

from typing import Final

from exporter.model.result import TranscriptLine
from exporter.smtp.commands import masked
from exporter.smtp.plan import Credentials

# Of one session, for a person to read; a hostile server fills it and no more.
MAX_TRANSCRIPT_BYTES: Final = 16384


class TranscriptRecorder:
    """The lines of one session, as they went over the wire."""

    __slots__ = ("_left", "_lines")

    def __init__(self) -> None:
        self._lines: list[TranscriptLine] = []
        self._left = MAX_TRANSCRIPT_BYTES

    def record(self, at: float, data: bytes, *, sent: bool) -> None:
        """Add bytes sent or received `at` seconds after the connect began, as far as there is room."""
        if self._left > 0:
            kept = data[: self._left]
            self._left -= len(kept)
            self._lines.append(TranscriptLine(at, sent, kept))

    def lines(self, credentials: Credentials | None) -> tuple[TranscriptLine, ...]:
        """The transcript without the password, which a server may repeat across the pieces that it sends."""
        if credentials is None:
            return tuple(self._lines)
        joined: list[TranscriptLine] = []
        for line in self._lines:
            if joined and not line.sent and not joined[-1].sent:
                joined[-1] = joined[-1]._replace(data=joined[-1].data + line.data)
            else:
                joined.append(line)
        return tuple(line._replace(data=masked(line.data, credentials)) for line in joined)
