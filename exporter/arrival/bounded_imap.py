"""The standard library's IMAP client with bounds: of bytes, of lines, of literals, and of time.

All that an IMAP server sends is hostile. The library reads through the two methods that it lets one replace, so no byte
comes past them; what they refuse ends the session.
"""

from __future__ import annotations

import imaplib
import socket
import ssl
import time
from typing import Any, Final

from exporter.model.arrival import MailboxProblem

# A header of a message, or the name of a folder.
MAX_LITERAL: Final = 65536
MAX_LINE: Final = 16384
# All that one step may read: the list of a thousand folders, the headers of all that is awaited.
MAX_BYTES: Final = 1 << 20
_CHUNK: Final = 16384
_TOO_LATE: Final = "no answer in time"


class MailboxError(Exception):
    """The mailbox cannot be looked into. The text is for a person, and repeats nothing that the server said."""

    def __init__(self, problem: MailboxProblem, detail: str) -> None:
        super().__init__(detail)
        self.problem = problem


class BoundedImap(imaplib.IMAP4):
    """One session by TLS from the start (RFC 8314 3.2). Each step begins with :meth:`allow`."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext, seconds: float) -> None:
        """Connect, and read the greeting. Raises MailboxError and what the library does."""
        self._context = context
        self._buffer = bytearray()
        self._deadline = 0.0
        self._bytes_left = 0
        self.allow(seconds)
        super().__init__(host, port)

    def allow(self, seconds: float) -> None:
        """Let the next step take so many seconds, and read so much."""
        self._deadline = time.monotonic() + seconds
        self._bytes_left = MAX_BYTES

    def open(self, host: str = "", port: int = 993, timeout: float | None = None) -> None:
        """Connect; see the library's."""
        self.host, self.port = host, port
        try:
            plain = socket.create_connection((host, port), self._left())
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise MailboxError(MailboxProblem.UNREACHABLE, f"no connection: {why}") from None
        try:
            plain.settimeout(self._left())  # for the handshake as a whole
            self.sock: socket.socket = self._context.wrap_socket(plain, server_hostname=host)
        except BaseException as error:
            plain.close()
            if not isinstance(error, OSError):
                raise
            why = error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else type(error).__name__
            raise MailboxError(MailboxProblem.TLS, f"the TLS handshake failed: {why}") from None

    def read(self, size: int) -> bytes:
        """Read a literal; see the library's."""
        if size > MAX_LITERAL:
            raise MailboxError(MailboxProblem.PROTOCOL, f"a literal of more than {MAX_LITERAL} bytes")
        while len(self._buffer) < size:
            self._fill()
        return self._take(size)

    def readline(self) -> bytes:
        """Read a line; see the library's."""
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            if searched > MAX_LINE:
                break
            self._fill()
        if not 0 <= end <= MAX_LINE:
            raise MailboxError(MailboxProblem.PROTOCOL, f"a line of more than {MAX_LINE} bytes")
        return self._take(end + 1)

    def send(self, data: Any) -> None:
        """Send a command; see the library's."""
        self.sock.settimeout(self._left())
        self.sock.sendall(data)

    def shutdown(self) -> None:
        """Close the connection."""
        self.sock.close()

    def _take(self, size: int) -> bytes:
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def _fill(self) -> None:
        self.sock.settimeout(self._left())
        try:
            received = self.sock.recv(_CHUNK)
        except TimeoutError:
            raise MailboxError(MailboxProblem.UNREACHABLE, _TOO_LATE) from None
        if not received:
            raise MailboxError(MailboxProblem.UNREACHABLE, "the server closed the connection")
        self._bytes_left -= len(received)
        if self._bytes_left < 0:
            raise MailboxError(MailboxProblem.PROTOCOL, f"an answer of more than {MAX_BYTES} bytes")
        self._buffer += received

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise MailboxError(MailboxProblem.UNREACHABLE, _TOO_LATE)
        return left
