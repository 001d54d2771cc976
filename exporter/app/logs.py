"""Log lines for machines that people read: logfmt, or one JSON object a line.

Fields beside the message are given as `extra={"fields": {...}}`. Values may quote a server, so control characters are
escaped: one event stays one line, and no terminal is steered by it. Lines are written by a thread of their own
(:mod:`exporter.app.log_writer`), so that no code that logs ever waits for a reader.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Final, Literal, TextIO

from exporter.app.log_writer import LogWriter, sink_of
from exporter.model.printable import printable

if TYPE_CHECKING:
    from sys import UnraisableHookArgs
    from threading import ExceptHookArgs

LEVELS: Final = ("debug", "info", "warn", "error")
_NAMES: Final = {logging.WARNING: "warn", logging.CRITICAL: "error"}
_BARE: Final = re.compile(r'[^\s"=\\]+')
_MAX_VALUE: Final = 4096  # characters; a traceback has its own, larger bound
_MAX_TRACEBACK: Final = 16384
_MAX_FRAMES: Final = 50  # of each exception in it, the innermost
# At the end the last lines may take so long: a reader that stalls does not hold up the end of the process.
FLUSH_SECONDS: Final = 1.0

log = logging.getLogger(__name__)

Format = Literal["logfmt", "json"]


class _Formatter(logging.Formatter):
    def __init__(self, format_: Format) -> None:
        super().__init__()
        self._render = _logfmt if format_ == "logfmt" else _json

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, object] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": _NAMES.get(record.levelno, record.levelname.lower()),
            "caller": record.name.removeprefix("exporter."),
            "msg": record.getMessage(),
        }
        extra = getattr(record, "fields", None)
        if isinstance(extra, Mapping):
            fields.update(extra)
        if record.exc_info:
            fields["traceback"] = _traceback_text(record.exc_info[1])
        return self._render(fields)


def _traceback_text(error: BaseException | None) -> str:
    return "".join(traceback.format_exception(error, limit=-_MAX_FRAMES))[-_MAX_TRACEBACK:].rstrip("\n")


class _Handler(logging.Handler):
    """The path of each line from the loggers to the writer; no value in it makes logging fail."""

    def __init__(self, format_: Format, stream: TextIO) -> None:
        super().__init__()
        self.setFormatter(_Formatter(format_))
        self.writer: Final = LogWriter(sink_of(stream), self._dropped)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception as error:  # of a value's own __str__, or of arguments that do not fit the message
            line = self._line(
                record.levelno,
                "log line unusable",
                {"caller": record.name, "error": type(error).__name__, "of": str(record.msg)[:_MAX_VALUE]},
            )
        self.writer.put(f"{line}\n")

    def _dropped(self, lines: int) -> str:
        return self._line(logging.WARNING, "log lines dropped, not read in time", {"lines": lines}) + "\n"

    def _line(self, level: int, message: str, fields: Mapping[str, object]) -> str:
        record = logging.LogRecord(__name__, level, "", 0, message, None, None)
        record.fields = fields
        return self.format(record)


def _text(key: str, value: object) -> str:
    return printable(str(value), _MAX_TRACEBACK if key == "traceback" else _MAX_VALUE)


def _logfmt(fields: Mapping[str, object]) -> str:
    return " ".join(f"{key}={_quoted(_text(key, value))}" for key, value in fields.items())


def _quoted(text: str) -> str:
    if _BARE.fullmatch(text):
        return text
    # As readers of logfmt take it off again: a backslash of a server's must neither end the value nor spoil its end.
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _json(fields: Mapping[str, object]) -> str:
    plain = {
        key: value if isinstance(value, int | float | bool) or value is None else _text(key, value)
        for key, value in fields.items()
    }
    return json.dumps(plain, ensure_ascii=False)


def configure(level: str, format_: Format, stream: TextIO | None = None) -> None:
    """Send every log line to `stream`, standard error by default."""
    root = logging.getLogger()
    root.handlers[:] = [_Handler(format_, stream if stream is not None else sys.stderr)]
    root.setLevel({"warn": logging.WARNING}.get(level) or level.upper())
    # The libraries' own lines are not about mail. asyncio's warnings still come through; uvicorn's are about requests
    # that make no sense, and any client that reaches the port can cause them by the thousand.
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _writers() -> Iterator[LogWriter]:
    for handler in logging.getLogger().handlers:
        if isinstance(handler, _Handler):
            yield handler.writer


def dropped_lines() -> int:
    """The number of lines lost so far, for want of a reader or of room."""
    return sum(writer.dropped for writer in _writers())


def flush(seconds: float = FLUSH_SECONDS) -> bool:
    """Wait for the lines under way, at most so long; whether all were written."""
    return all(writer.flush(seconds) for writer in _writers())


def say(text: str) -> None:
    """Write a text for the user at the terminal, like the log lines without waiting for a reader."""
    written = False
    for writer in _writers():
        writer.put(f"{text}\n")
        written = True
    if not written:
        print(text, file=sys.stderr)  # noqa: T201 - nothing is configured yet: the command's own answer


@contextmanager
def everything_logged() -> Iterator[None]:
    """Log the text that Python itself would print to standard error: there it could wait for a reader."""
    unraisable, in_thread = sys.unraisablehook, threading.excepthook
    sys.unraisablehook, threading.excepthook = _log_unraisable, _log_of_thread
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        sys.unraisablehook, threading.excepthook = unraisable, in_thread


def _log_unraisable(unraisable: UnraisableHookArgs, /) -> None:
    _log_exception(unraisable.err_msg or "an exception in a finaliser", unraisable.exc_value)


def _log_of_thread(arguments: ExceptHookArgs, /) -> None:
    if arguments.exc_type is not SystemExit:
        _log_exception("a thread", arguments.exc_value)


def _log_exception(place: str, error: BaseException | None) -> None:
    info: tuple[type[BaseException], BaseException, TracebackType | None] | None = None
    if error is not None:
        info = type(error), error, error.__traceback__
    log.error("internal error", exc_info=info, extra={"fields": {"in": place}})
