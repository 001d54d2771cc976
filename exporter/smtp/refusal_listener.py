"""Listening on after a violation: a refusal in what else comes says more than the violation does.

Sans-IO, beside a ReplyReader: bytes go to the reader, and :meth:`RefusalListener.finding` is asked after each piece.
"""

from __future__ import annotations

from typing import Final

from exporter.model.failure import Stage
from exporter.smtp import other_protocols
from exporter.smtp.events import Problem, ProblemKind
from exporter.smtp.reply import Reply, ReplyReader

# Another protocol shows in its first bytes or its first line; a server that sends more a byte at a time is not read
# anew each time.
_RECOGNISED_BYTES: Final = 4096


class RefusalListener:
    """The search for a refusal in unsolicited or malformed data, and for another protocol in a malformed greeting."""

    __slots__ = ("_examined_bytes", "_reader", "_stage", "_violation")

    def __init__(self, reader: ReplyReader, stage: Stage, violation: Problem | None = None) -> None:
        """`violation`: the problem if no refusal comes; None: the malformed line for which `reader` gave an error."""
        self._reader = reader
        self._stage = stage
        self._violation = violation
        self._examined_bytes = 0  # in which no other protocol was recognised

    def finding(self, *, eof: bool) -> Reply | Problem | None:
        """The refusal, the problem without one, or None while more data may bring a refusal."""
        if self._is_malformed_greeting and self._examined_bytes < _RECOGNISED_BYTES:
            data = self._reader.raw
            self._examined_bytes = len(data)
            if (name := other_protocols.recognise(data)) is not None:
                return self._not_smtp(name)
        refusal = self._reader.refusal(ended=False)
        if refusal is not None:
            return refusal
        return self.stop() if eof or self._reader.full else None

    def stop(self) -> Reply | Problem:
        """The finding if nothing more comes: an unfinished line may refuse, too."""
        data = self._reader.raw if self._is_malformed_greeting else b""
        name = other_protocols.recognise(data + b"\n") if data else None
        refusal = self._reader.refusal() if name is None else None
        if refusal is not None:
            return refusal
        name = name or (other_protocols.guess(data) if data else None)
        if name is not None:
            return self._not_smtp(name)
        if self._violation is not None:
            return self._violation
        verb = "greeted" if self._stage is Stage.BANNER else "answered"
        return Problem(self._stage, None, ProblemKind.VIOLATION, f"{verb} with {self._reader.error_detail()}")

    @property
    def _is_malformed_greeting(self) -> bool:
        """The first bytes are no reply at all: they may be of any protocol."""
        return self._stage is Stage.BANNER and self._violation is None

    def _not_smtp(self, name: str) -> Problem:
        return Problem(self._stage, None, ProblemKind.NOT_SMTP, f"speaks {name}")
