"""A filter for requests that give one parameter twice: which of the two is meant is not known here."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import QueryParams
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

# All parameters of all endpoints that have one value; `name[]` has several. Only these names are repeated in an answer.
SINGLE_VALUED: Final = frozenset(
    {
        "class",
        "debug",
        "group",
        "hours",
        "label",
        "module",
        "mx",
        "page",
        "provider",
        "q",
        "refresh",
        "sort",
        "target",
        "verdict",
        "warning",
    }
)


class RepeatedParameters:
    """Answers such requests with 400, and passes all others to `app`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        repeated = repeated_parameter(scope["query_string"]) if scope["type"] == "http" else ""
        if repeated:
            refusal = PlainTextResponse(f"the parameter {repeated} is given more than once\n", 400)
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)


def repeated_parameter(query: bytes) -> str:
    """The first parameter that has one value and is given again; "" where there is none."""
    seen: set[str] = set()
    for name, _ in QueryParams(query).multi_items():
        if name in SINGLE_VALUED and name in seen:
            return name
        seen.add(name)
    return ""
