"""An IMAP server over TLS with the folders of one user in memory: as much of RFC 3501 as finding and deleting needs.

`INBOX`, and `Junk`, which it marks (RFC 6154). A message is put into a folder by :meth:`ImapHost.deliver`.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from email.message import Message
from email.parser import BytesHeaderParser
from typing import Final

from exporter.lab.host import StreamHost

INBOX: Final = "INBOX"
JUNK: Final = "Junk"
# Kept of each folder, should nobody delete; the newest count.
MAX_MESSAGES: Final = 100
_MARKS: Final = {INBOX: r"\HasNoChildren", JUNK: r"\HasNoChildren \Junk"}
_CAPABILITIES: Final = "IMAP4rev1 AUTH=PLAIN LIST-EXTENDED SPECIAL-USE UIDPLUS"
_WORD: Final = re.compile(r'"((?:[^"\\]|\\.)*)"|([^\s"]+)')
_FIELDS: Final = re.compile(r"HEADER\.FIELDS \(([^()]*)\)", re.IGNORECASE)
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


class CommandRefusedError(Exception):
    """A command that is answered with NO or BAD, which the text begins with."""


@dataclass(slots=True)
class ImapMessage:
    """A message in a folder."""

    uid: int
    header: Message
    came: date
    is_deleted: bool = False


@dataclass
class ImapHost(StreamHost):
    """A server for one user. `folders` may be looked at while it runs."""

    username: str
    password: str
    folders: dict[str, deque[ImapMessage]] = field(
        default_factory=lambda: {name: deque(maxlen=MAX_MESSAGES) for name in _MARKS}
    )
    sessions: int = 0  # ever
    logouts: int = 0  # likewise, of clients that said so
    _last_uid: int = 0

    def deliver(self, folder: str, message: bytes) -> None:
        """Put a message into a folder; its header is all that is kept."""
        self._last_uid += 1
        header = BytesHeaderParser().parsebytes(message)
        self.folders[folder].append(ImapMessage(self._last_uid, header, datetime.now(UTC).date()))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.sessions += 1
        try:
            await _ImapSession(self, reader, writer).run()
        except (OSError, ValueError, asyncio.IncompleteReadError):
            pass  # the client has gone, or sends a line beyond all measure
        finally:
            writer.transport.abort()


class _ImapSession:
    """The dialogue with one client."""

    def __init__(self, host: ImapHost, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._host = host
        self._reader = reader
        self._writer = writer
        self._is_known = False
        self._selected: deque[ImapMessage] | None = None

    async def run(self) -> None:
        await self._say(f"* OK [CAPABILITY {_CAPABILITIES}] ready")
        while line := await self._line():
            tag, _, rest = line.partition(" ")
            verb, _, arguments = rest.partition(" ")
            try:
                for told in await self._obey(verb.upper(), arguments):
                    await self._say(told)
            except CommandRefusedError as error:
                await self._say(f"{tag} {error}")
                continue
            await self._say(f"{tag} OK done")
            if verb.upper() == "LOGOUT":
                self._host.logouts += 1
                self._writer.close()
                await self._writer.wait_closed()
                return

    async def _line(self) -> str:
        return (await self._reader.readline()).decode("utf-8", "replace").rstrip("\r\n")

    async def _say(self, line: str) -> None:
        self._writer.write(f"{line}\r\n".encode())
        await self._writer.drain()

    async def _obey(self, verb: str, arguments: str) -> list[str]:
        """The untagged answers to a command."""
        match verb:
            case "CAPABILITY":
                return [f"* CAPABILITY {_CAPABILITIES}"]
            case "NOOP":
                return []
            case "LOGOUT":
                return ["* BYE"]
            case "AUTHENTICATE" if not self._is_known:
                await self._authenticate(arguments)
                return []
        if not self._is_known:
            raise CommandRefusedError("BAD not in this state")
        match verb:
            case "LIST":
                only = JUNK if arguments.upper().startswith("(SPECIAL-USE)") else ""
                return [f'* LIST ({marks}) "/" "{name}"' for name, marks in _MARKS.items() if only in ("", name)]
            case "SELECT":
                return self._select(_words(arguments))
            case "UID":
                return self._uid(arguments)
        raise CommandRefusedError("BAD unknown")

    async def _authenticate(self, arguments: str) -> None:
        """RFC 4616 2."""
        if arguments.upper() != "PLAIN":
            raise CommandRefusedError("NO PLAIN alone")
        await self._say("+ ")
        expected = f"\0{self._host.username}\0{self._host.password}".encode()
        try:
            self._is_known = base64.b64decode(await self._line(), validate=True) == expected
        except binascii.Error:
            raise CommandRefusedError("BAD not base64") from None
        if not self._is_known:
            raise CommandRefusedError("NO [AUTHENTICATIONFAILED] wrong")

    def _select(self, words: list[str]) -> list[str]:
        self._selected = self._host.folders.get(words[0] if words else "")
        if self._selected is None:
            raise CommandRefusedError("NO [NONEXISTENT] no such folder")
        flags = r"* FLAGS (\Deleted)"
        return [flags, f"* {len(self._selected)} EXISTS", "* 0 RECENT", "* OK [UIDVALIDITY 1] valid"]

    def _uid(self, arguments: str) -> list[str]:
        folder = self._selected
        verb, _, rest = arguments.partition(" ")
        if folder is None:
            raise CommandRefusedError("BAD no folder is selected")
        if verb.upper() == "SEARCH":
            found = [str(message.uid) for message in folder if _matches(message, _words(rest))]
            return [" ".join(["* SEARCH", *found])]
        uids, _, what = rest.partition(" ")
        wanted = [each for each in folder if str(each.uid) in uids.split(",")]  # RFC 3501 6.4.8: others are no error
        match verb.upper():
            case "FETCH":
                return [_fetched(folder.index(each) + 1, each, what) for each in wanted]
            case "STORE" if what.upper() == r"+FLAGS.SILENT (\DELETED)":
                for each in wanted:
                    each.is_deleted = True
                return []
            case "EXPUNGE":
                return [*_expunged(folder, wanted)]
        raise CommandRefusedError("BAD unknown")


def _expunged(folder: deque[ImapMessage], wanted: list[ImapMessage]) -> Iterator[str]:
    for message in wanted:
        if message.is_deleted:
            yield f"* {folder.index(message) + 1} EXPUNGE"
            folder.remove(message)


def _words(text: str) -> list[str]:
    return [bare or re.sub(r"\\(.)", r"\1", quoted) for quoted, bare in _WORD.findall(text)]


def _matches(message: ImapMessage, criteria: list[str]) -> bool:
    """RFC 3501 6.4.4: all of them."""
    left = iter(criteria)
    try:
        return all(_holds(message, key.upper(), left) for key in left)
    except (StopIteration, RuntimeError, ValueError, KeyError):
        raise CommandRefusedError("BAD unreadable criteria") from None


def _holds(message: ImapMessage, key: str, left: Iterator[str]) -> bool:
    match key:
        case "ALL":
            return True
        case "UNDELETED":
            return not message.is_deleted
        case "BEFORE":
            day, month, year = next(left).split("-")
            return message.came < date(int(year), _MONTHS.index(month.lower()) + 1, int(day))
        case "OR":
            first = _holds(message, next(left).upper(), left)
            return _holds(message, next(left).upper(), left) or first  # both are read
        case "HEADER":
            name, text = next(left), next(left).lower()
            return any(text in str(value).lower() for value in message.header.get_all(name, []))
    raise KeyError(key)


def _fetched(place: int, message: ImapMessage, what: str) -> str:
    asked = _FIELDS.search(what)
    if asked is None:
        raise CommandRefusedError("BAD header fields alone")
    wanted = asked[1].upper().split()
    lines = [f"{name}: {value}\r\n" for name, value in message.header.items() if name.upper() in wanted]
    text = "".join(lines) + "\r\n"
    section = f"BODY[HEADER.FIELDS ({' '.join(wanted)})]<0>"
    return f"* {place} FETCH (UID {message.uid} {section} {{{len(text.encode())}}}\r\n{text})"
