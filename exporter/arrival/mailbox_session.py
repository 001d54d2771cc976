"""A session with the mailbox of canaries: messages of ours are found, read and deleted, and no others. It blocks.

A server that misunderstands a search may name any message. So each is known by its own Message-ID, read again, before
it counts or is deleted, and without UID EXPUNGE (RFC 4315) it is only marked: EXPUNGE removes what others have marked.
"""

from __future__ import annotations

import imaplib
import re
import ssl
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import Any, Final

from exporter.arrival.authentication_results import authentication_of, fields
from exporter.arrival.bounded_imap import BoundedImap, MailboxError
from exporter.arrival.folder_names import junk_name, quoted, sent_name
from exporter.model.arrival import Folder, Found, MailboxProblem
from exporter.model.target import CANARY_FIELD, CANARY_ID_PREFIX, CanaryMailbox

# Of one step.
STEP_SECONDS: Final = 20.0
_LOGOUT_SECONDS: Final = 2.0
_AT_ONCE: Final = 16  # messages that one search is for
_MAX_FOUND: Final = 4  # messages with one Message-ID: one, and copies of it
_MAX_OLD: Final = 50  # messages of ours that nobody waits for, removed in one session
_OLD_SECONDS: Final = 2 * 86400.0
_UID: Final = re.compile(rb"[1-9][0-9]{0,9}")
_OURS: Final = re.compile(rf"<({re.escape(CANARY_ID_PREFIX)}[0-9a-f]{{32}}@[^\s<>@]{{1,255}})>")
_FETCHED: Final = re.compile(rb"\bUID ([1-9][0-9]{0,9})\b")
# RFC 5530: the server lets nobody in for now.
_BUSY: Final = re.compile(r"\[(UNAVAILABLE|INUSE|LIMIT|SERVERBUG)\b", re.IGNORECASE)
_FETCH: Final = "(UID BODY.PEEK[HEADER.FIELDS (MESSAGE-ID AUTHENTICATION-RESULTS)]<0.16384>)"
_REFUSALS: Final = {
    MailboxProblem.LOGIN: "the server refuses the user name or the password",
    MailboxProblem.FOLDER: "the server refuses a command for a folder",
}
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class MailboxSession:
    """A session that is logged in."""

    def __init__(self, mailbox: CanaryMailbox) -> None:
        """Raises MailboxError."""
        self._mailbox = mailbox
        self._believed = frozenset(mailbox.authserv_ids)
        with _told(MailboxProblem.PROTOCOL):
            self._imap = BoundedImap(mailbox.host, mailbox.port, ssl.create_default_context(), STEP_SECONDS)
        try:
            with _told(MailboxProblem.LOGIN):
                self._log_in()
            with _told(MailboxProblem.FOLDER):
                self._folders = self._all_folders()
        except BaseException:
            self.close()
            raise

    @property
    def knows_junk(self) -> bool:
        """A folder for junk is known, and looked into."""
        return any(kind is Folder.JUNK for _, kind in self._folders)

    def look(self, awaited: Collection[str]) -> tuple[Found, ...]:
        """The messages of these Message-IDs (without brackets) that are there, each deleted. Raises MailboxError."""
        self._imap.allow(STEP_SECONDS)
        found: list[tuple[str, str, Found]] = []
        with _told(MailboxProblem.FOLDER):
            if not self.knows_junk:  # it may have been made for the message that is looked for
                self._folders = self._all_folders()
            for name, kind in self._folders:
                self._select(name)
                found += [(name, uid, each) for uid, each in self._find([*awaited], kind)]
        # Only now: of a message that was deleted before a look failed it would be said that it did not arrive.
        with suppress(MailboxError), _told(MailboxProblem.FOLDER):
            for name in dict.fromkeys(name for name, _, _ in found):
                self._select(name)
                self._delete([uid for each, uid, _ in found if each == name], awaited)
        return tuple(each for _, _, each in found)

    def remove_old(self) -> int:
        """Delete messages of ours that have arrived too late for whoever waited. Raises MailboxError."""
        self._imap.allow(STEP_SECONDS)
        removed = 0
        with _told(MailboxProblem.FOLDER):
            for name, _ in self._folders:
                self._select(name)
                before = ("UNDELETED", "BEFORE", _date(time.time() - _OLD_SECONDS))
                uids = self._search(*before, "HEADER", *map(quoted, CANARY_FIELD))[:_MAX_OLD]
                removed += self._delete(uids)
        return removed

    def close(self) -> None:
        """Log out, and close the connection. What the server says to that does not matter."""
        self._imap.allow(_LOGOUT_SECONDS)
        with suppress(Exception):
            self._imap.logout()
        with suppress(Exception):
            self._imap.shutdown()

    def _log_in(self) -> None:
        imap, mailbox = self._imap, self._mailbox
        try:
            if "AUTH=PLAIN" in imap.capabilities:
                # RFC 4616 2, which unlike LOGIN takes any UTF-8.
                imap.authenticate("PLAIN", lambda _: f"\0{mailbox.username}\0{mailbox.password}".encode())
            else:
                imap.login(quoted(mailbox.username), mailbox.password)
        except UnicodeEncodeError:
            raise MailboxError(MailboxProblem.LOGIN, "the server takes user name and password in ASCII alone") from None
        except imaplib.IMAP4.error as error:
            if isinstance(error, imaplib.IMAP4.abort) or _BUSY.search(str(error)) is None:
                raise
            raise MailboxError(MailboxProblem.UNREACHABLE, "the server lets nobody in for now") from None
        # RFC 3501 6.2.3: those of before may not be those of now.
        told = imap.capability()[1][-1]
        self._capabilities = frozenset((told or b"").upper().split())

    def _all_folders(self) -> tuple[tuple[str, Folder], ...]:
        inboxes = [(sent_name(name), Folder.INBOX) for name in self._mailbox.inbox]
        return (*inboxes, *((name, Folder.JUNK) for name in self._junk_folders()))

    def _junk_folders(self) -> list[str]:
        if self._mailbox.junk:
            return [*map(sent_name, self._mailbox.junk)]
        # RFC 6154 2: those with both must know how to select; others may mark their folders all the same.
        option = '(SPECIAL-USE) ""' if self._capabilities >= {b"SPECIAL-USE", b"LIST-EXTENDED"} else '""'
        return [name for line in self._answer(self._imap.list(option, '"*"')) if (name := junk_name(line))]

    def _select(self, name: str) -> None:
        if self._imap.select(name)[0] != "OK":
            # The name of another is the server's word.
            known = name if name in map(sent_name, (*self._mailbox.inbox, *self._mailbox.junk)) else "marked as junk"
            raise MailboxError(MailboxProblem.FOLDER, f"the folder {known} cannot be opened")

    def _find(self, awaited: list[str], kind: Folder) -> Iterator[tuple[str, Found]]:
        for start in range(0, len(awaited), _AT_ONCE):
            batch = awaited[start : start + _AT_ONCE]
            # RFC 3501 6.4.4: OR has two keys. The whole of a Message-ID: there are servers that find whole words alone.
            keys = [("HEADER", "Message-ID", quoted(f"<{message_id}>")) for message_id in batch]
            either = [word for key in keys[:-1] for word in ("OR", *key)]
            uids = self._search("UNDELETED", *either, *keys[-1])[: _MAX_FOUND * len(batch)]
            for uid, header in self._headers(uids):
                if (message_id := _own_id(header)) in batch:
                    yield uid, Found(message_id, kind, authentication_of(header, self._believed))

    def _search(self, *criteria: str) -> list[str]:
        lines = self._answer(self._imap.uid("SEARCH", *criteria))
        words = b" ".join(line for line in lines if isinstance(line, bytes)).split()
        return [word.decode("ascii") for word in words if _UID.fullmatch(word)]

    def _headers(self, uids: list[str]) -> Iterator[tuple[str, bytes]]:
        """The fields of messages that are asked for, of those that are still there."""
        if not uids:
            return
        parts = self._answer(self._imap.uid("FETCH", ",".join(uids), _FETCH))
        for part, after in zip(parts, [*parts[1:], b""], strict=True):
            if isinstance(part, tuple):
                # The UID stands before or after the literal.
                match = _FETCHED.search(part[0]) or _FETCHED.match(after.lstrip() if isinstance(after, bytes) else b"")
                if match is not None and match[1].decode("ascii") in uids:
                    yield match[1].decode("ascii"), bytes(part[1])

    def _delete(self, uids: list[str], awaited: Collection[str] | None = None) -> int:
        """Delete messages that are ours, by their headers as they are now, and of those `awaited`, if given."""
        own = [(uid, _own_id(header)) for uid, header in self._headers(uids)]
        ours = [uid for uid, message_id in own if message_id and (awaited is None or message_id in awaited)]
        if ours:
            numbers = ",".join(ours)
            self._answer(self._imap.uid("STORE", numbers, "+FLAGS.SILENT", r"(\Deleted)"))
            if b"UIDPLUS" in self._capabilities:
                self._answer(self._imap.uid("EXPUNGE", numbers))
        return len(ours)

    @staticmethod
    def _answer(answer: tuple[str, list[Any]]) -> list[Any]:
        status, data = answer
        if status != "OK":
            raise MailboxError(MailboxProblem.FOLDER, _REFUSALS[MailboxProblem.FOLDER])
        return data


class _told:  # noqa: N801 - reads as the statement it is
    """Errors of the library and of the network as MailboxError; `refused` is what a refusal of the server means."""

    def __init__(self, refused: MailboxProblem) -> None:
        self._refused = refused

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, MailboxError):
            return
        if isinstance(error, imaplib.IMAP4.readonly):
            raise MailboxError(MailboxProblem.FOLDER, "a folder can only be read") from None
        if isinstance(error, imaplib.IMAP4.abort):
            raise MailboxError(MailboxProblem.PROTOCOL, "the session ended, or what was said is not IMAP") from None
        if isinstance(error, imaplib.IMAP4.error):
            raise MailboxError(self._refused, _REFUSALS.get(self._refused, "the server refuses")) from None
        if isinstance(error, OSError):
            why = error.strerror or type(error).__name__
            raise MailboxError(MailboxProblem.UNREACHABLE, f"the connection failed: {why}") from None
        if isinstance(error, Exception):
            # The library's own parser, at the mercy of what it reads.
            raise MailboxError(MailboxProblem.PROTOCOL, f"an unreadable answer: {type(error).__name__}") from None


def _own_id(header: bytes) -> str:
    """The Message-ID in a header, without brackets, if it is one of ours."""
    value = next(fields(header, b"message-id"), "")
    match = _OURS.fullmatch(value)
    return "" if match is None else match[1]


def _date(at: float) -> str:
    """RFC 3501 9: English months, whatever the locale."""
    day = time.gmtime(at)
    return f"{day.tm_mday:02d}-{_MONTHS[day.tm_mon - 1]}-{day.tm_year}"
