"""HTTP basic authentication (RFC 7617) against bcrypt hashes.

A password check is slow on purpose, so it runs in a worker thread, one at a time, and correct passwords are cached: as
a keyed hash with a key of this process, so that memory holds neither a password nor anything usable elsewhere. Wrong
passwords are not cached, so guesses displace no entry, and a guess takes the time of one check for an unknown user too.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Container, Mapping
from enum import Enum
from typing import Final

import bcrypt
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from exporter.concurrency.bounded_dict import BoundedDict
from exporter.web.access.active_config import ActiveWebConfig

# Correct passwords in the cache: one a user, and those of hashes that were replaced meanwhile.
MAX_REMEMBERED: Final = 100
# Checks in the queue; further requests get 503. At a bcrypt cost of 10 the last one waits about two seconds.
MAX_WAITING: Final = 32
# bcrypt takes no more of a password into account; the library refuses a longer one instead of cutting it.
_BCRYPT_BYTES: Final = 72
_CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="mx-exporter", charset="UTF-8"'}
_BUSY: Final = {"Retry-After": "1"}


class PasswordCheck(Enum):
    """The result of the check of a request's credentials."""

    RIGHT = "right"
    WRONG = "wrong"
    BUSY = "too many are being checked"


class Passwords:
    """Checks credentials against the hashes of users."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._right: BoundedDict[bytes, None] = BoundedDict(MAX_REMEMBERED)
        self._checking = asyncio.Lock()
        self._waiting = 0

    async def check(self, users: Mapping[str, str], name: str, password: bytes) -> PasswordCheck:
        """Check the password of the user `name`."""
        known = users.get(name)
        # For an unknown user, the hash of a known one, always the same for a name: only the time of the check counts.
        against = known if known is not None else sorted(users.values())[self._digest(name.encode())[0] % len(users)]
        mark = self._digest(name.encode(), against.encode(), password)
        if self._remembers(mark):
            return PasswordCheck.RIGHT
        if self._waiting >= MAX_WAITING:
            return PasswordCheck.BUSY
        self._waiting += 1
        try:
            async with self._checking:
                if self._remembers(mark):  # an earlier request in the queue had the same credentials
                    return PasswordCheck.RIGHT
                matches = await asyncio.to_thread(_matches, password, against)
        finally:
            self._waiting -= 1
        if not matches or known is None:
            return PasswordCheck.WRONG
        self._right[mark] = None
        return PasswordCheck.RIGHT

    def _remembers(self, mark: bytes) -> bool:
        if mark not in self._right:
            return False
        self._right[mark] = None  # as the newest
        return True

    def _digest(self, *parts: bytes) -> bytes:
        framed = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
        return hmac.new(self._key, framed, hashlib.sha256).digest()


def _matches(password: bytes, hashed: str) -> bool:
    try:
        return bcrypt.checkpw(password[:_BCRYPT_BYTES], hashed.encode())
    except ValueError:  # a NUL byte, in some versions of the library
        return False


def credentials(header: str) -> tuple[str, bytes] | None:
    """Name and password of an Authorization header (RFC 7617 2), or None without both."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        return (name.decode(), password) if colon else None
    except (binascii.Error, ValueError):
        return None


class BasicAuthentication:
    """Passes requests with correct credentials to `app`, and all for `open_paths` or where no users are configured."""

    def __init__(self, app: ASGIApp, security: ActiveWebConfig, open_paths: Container[str] = ()) -> None:
        self._app = app
        self._security = security
        self._open_paths = open_paths
        self._passwords = Passwords()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        users = self._security.config.users
        app = self._app
        if users and scope["type"] == "http" and scope["path"] not in self._open_paths:
            given = credentials(Headers(scope=scope).get("authorization", ""))
            verdict = await self._passwords.check(users, *given) if given is not None else PasswordCheck.WRONG
            if verdict is PasswordCheck.WRONG:
                app = PlainTextResponse("Unauthorized\n", 401, _CHALLENGE)
            elif verdict is PasswordCheck.BUSY:
                app = PlainTextResponse(f"{MAX_WAITING} passwords are being checked\n", 503, _BUSY)
        await app(scope, receive, send)
