"""The TLS records and bytes of a server, counted and held against the limits of the connection. Pure.

TLS lets a server send any number of records without text: tickets, requests for new keys, empty records. Each costs the
client microseconds, so every connection has limits: as many records and bytes as any honest server needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

# Bytes that TLS itself has to answer to one read: a Finished, an alert, a key update or two. 4,000 demands of TLS 1.2
# for a new handshake fit in one record, and each draws a refusal.
MAX_ANSWER_BYTES: Final = 8192


@dataclass(frozen=True, slots=True)
class RecordLimits:
    """The limits of one kind of connection. None: this kind of traffic has no limit of its own."""

    handshake_bytes: int  # received before the handshake is done
    all_bytes: int | None = None  # received in all
    records: int | None = None  # in all
    text_records: int | None = None
    empty_records: int | None = None  # without text, those of the handshake among them
    empty_bytes: int | None = None  # in records without text, after the handshake
    bytes_beside_text: int | None = None  # headers, padding and records without text, after the handshake


class RecordCounter:
    """The counts of one connection. Sentences about an excess are predicates whose subject is the server."""

    __slots__ = (
        "_beside_text",
        "_bytes",
        "_empty_bytes",
        "_has_text",
        "_limits",
        "_record_bytes",
        "_records",
        "_text_records",
        "in_handshake",
    )

    def __init__(self, limits: RecordLimits) -> None:
        self.in_handshake = True
        self._limits = limits
        self._bytes = 0
        self._records = 0
        self._text_records = 0
        self._empty_bytes = 0
        self._beside_text = 0
        self._record_bytes = 0  # of the record that was begun last
        self._has_text = False  # that record

    def add_bytes(self, count: int) -> None:
        """Count received bytes."""
        self._bytes += count

    def begin_record(self, size: int) -> None:
        """Count a record, which has no text as far as is known."""
        self._records += 1
        self._has_text = False
        self._record_bytes = 0 if self.in_handshake else size
        self._empty_bytes += self._record_bytes
        self._beside_text += self._record_bytes

    def add_text(self, size: int) -> None:
        """Count text of the record that was begun last."""
        if not size:
            return
        self._beside_text -= size
        if not self._has_text:
            self._has_text = True
            self._text_records += 1
            self._empty_bytes -= self._record_bytes

    def excess_of_bytes(self) -> str | None:
        """A sentence about too many bytes; None where there are not."""
        limit = self._limits.handshake_bytes if self.in_handshake else self._limits.all_bytes
        return f"sent more than {limit} bytes of TLS" if _exceeds(self._bytes, limit) else None

    def excess_of_records(self) -> str | None:
        """A sentence about too many records of a kind; None where there are not."""
        limits = self._limits
        if _exceeds(self._records, limits.records):
            return f"sent more than {limits.records} records of TLS"
        if _exceeds(self._text_records, limits.text_records):
            return f"spoke in more than {limits.text_records} records of TLS"
        if _exceeds(self._records - self._text_records, limits.empty_records):
            return f"sent more than {limits.empty_records} records of TLS that say nothing"
        if _exceeds(self._empty_bytes, limits.empty_bytes):
            return f"sent more than {limits.empty_bytes} bytes of TLS without saying anything"
        if _exceeds(self._beside_text, limits.bytes_beside_text):
            return f"sent more than {limits.bytes_beside_text} bytes of TLS that are no text"
        return None

    @staticmethod
    def excess_of_answers(pending: int) -> str | None:
        """A sentence about too many bytes that TLS has to answer to one read; None where there are not."""
        return f"demanded more than {MAX_ANSWER_BYTES} bytes of answers at once" if pending > MAX_ANSWER_BYTES else None


def _exceeds(count: int, limit: int | None) -> bool:
    return limit is not None and count > limit
