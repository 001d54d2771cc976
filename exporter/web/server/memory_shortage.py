"""The answer and the log line for a request whose answer needs more memory than there is."""

from __future__ import annotations

import logging
from typing import Final

from starlette.responses import PlainTextResponse

from exporter.web.server.log_limit import LogLimit
from exporter.web.server.request_limit import BUSY

log = logging.getLogger(__name__)

_limit: Final = LogLimit(log, "web answer dropped, memory is short")


def report_memory_shortage(answer: str) -> None:
    """Log that the memory was not enough for `answer`."""
    _limit.report(logging.ERROR, answer=answer)


def memory_shortage_response() -> PlainTextResponse:
    """The answer to the request."""
    return PlainTextResponse("out of memory\n", 503, BUSY)
