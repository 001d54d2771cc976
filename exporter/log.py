"""Log lines for machines that people read: logfmt, or one JSON object a line.

Fields beside the message are given as `extra={"fields": {...}}`. Values may quote a server, so control characters are
escaped: one event stays one line, and no terminal is steered by it.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, Literal, TextIO

from exporter.smtp.printable import printable

LEVELS: Final = ("debug", "info", "warn", "error")
_NAMES: Final = {logging.WARNING: "warn", logging.CRITICAL: "error"}
_BARE: Final = re.compile(r'[^\s"=\\]+')
_MAX_VALUE: Final = 4096  # characters; a traceback has its own, larger bound
_MAX_TRACEBACK: Final = 16384

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
            fields["traceback"] = self.formatException(record.exc_info)[-_MAX_TRACEBACK:]
        return self._render(fields)


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
    handler = logging.StreamHandler(stream if stream is not None else sys.stderr)
    handler.setFormatter(_Formatter(format_))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel({"warn": logging.WARNING}.get(level) or level.upper())
    # The libraries' own chatter is not about mail. asyncio's warnings still come through; uvicorn's are of requests
    # that make no sense, and whoever reaches the port can make them by the thousand.
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).setLevel(logging.ERROR)
