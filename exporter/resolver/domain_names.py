"""Domain names in a DNS message (RFC 1035 4.1.4) -> their wire form in lower case, and the text of that.

A pointer may only lead back, to a place behind the header and before all parts of the name that were read so far. So no
name is read from the header or in a loop. And all names of one message together have a bound: a message of 64 KiB has
room for 4,000 names of 127 labels each, which would take longer than everything else.
"""

from __future__ import annotations

from typing import Final

HEADER_BYTES: Final = 12
# The least value of a length octet that makes it the first half of a pointer.
POINTER: Final = 0xC0
_MAX_LABEL: Final = 63
# RFC 1035 2.3.4, without the root's octet.
_MAX_NAME_BYTES: Final = 254
# Pointers of one name. A compressor points at a name that stands there whole or ends in such a pointer itself: as deep
# as this is what dnspython follows, too.
_MAX_POINTERS: Final = 16
# Labels and pointers of all names of one message together, some 2 ms of work. An answer of 64 KiB in which 1,800
# records repeat an owner of five labels has 9,000.
MAX_STEPS: Final = 16_384

# Escaped as in dnspython and in zone files.
_SPECIAL: Final = b'"().;\\@$'
_ESCAPES: Final = {
    number: f"\\{chr(number)}" if number in _SPECIAL else f"\\{number:03d}"
    for number in range(256)
    if number in _SPECIAL or not 0x20 < number < 0x7F
}


class MalformedReply(Exception):  # noqa: N818 - no error of the program
    """An answer that cannot be parsed."""


class NameReader:
    """The names of one message, within its bound. Everything raises MalformedReply."""

    __slots__ = ("_data", "_left", "_pointed")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._left = MAX_STEPS
        self._pointed: dict[int, bytes] = {}  # names that a pointer alone stands for, by where it leads

    def at(self, place: int) -> tuple[bytes, int]:
        """The name at `place` in lower case, without the root, and the place behind it."""
        data = self._data
        try:
            if data[place] < POINTER:
                return self._read(place)
            target = (data[place] & 0x3F) << 8 | data[place + 1]
            name = self._pointed.get(target)
            if name is None:
                name = self._pointed[target] = self._read(place)[0]
        except IndexError:
            raise MalformedReply("it ends within a name") from None
        return name, place + 2

    def _read(self, place: int) -> tuple[bytes, int]:
        """Raises IndexError where the message ends within the name."""
        data, pieces, size, pointers, behind = self._data, [], 0, 0, 0
        start, end = place, len(data)
        while length := data[place]:
            self._left -= 1
            if self._left < 0:
                raise MalformedReply("its names have more labels than real names have")
            if length <= _MAX_LABEL:
                following = place + 1 + length
                size += 1 + length
                if following >= end or size > _MAX_NAME_BYTES:
                    raise MalformedReply("a name is too long")
                pieces.append(data[place:following])
                place = following
                continue
            if length < POINTER:
                raise MalformedReply("a label is of an unknown kind")
            target = (length & 0x3F) << 8 | data[place + 1]
            pointers += 1
            behind = behind or place + 2
            if not HEADER_BYTES <= target < start or pointers > _MAX_POINTERS:
                raise MalformedReply("a name points where no name can be")
            place, start, end = target, target, start
        # A length is at most 63, which is no letter: the whole may be taken to lower case.
        return b"".join(pieces).lower(), behind or place + 1


def after_name(message: bytes, place: int) -> int:
    """The place behind a name, which a pointer ends; the pointer is not followed. IndexError without an end."""
    while length := message[place]:
        if length >= POINTER:
            return place + 2
        place += 1 + length
    return place + 1


def labels(name: bytes) -> list[bytes]:
    """The labels of a name in wire form, without the root."""
    found: list[bytes] = []
    place = 0
    while place < len(name):
        following = place + 1 + name[place]
        found.append(name[place + 1 : following])
        place = following
    return found


def text_of(name: bytes) -> str:
    """A name in wire form as lower-case A-labels without the final dot; "" for the root; other bytes are escaped."""
    return ".".join([label.decode("latin-1").translate(_ESCAPES) for label in labels(name)])


def suffixes(name: bytes) -> list[bytes]:
    """The name and the domains around it, itself first, the root last."""
    found = [name]
    place = 0
    while place < len(name):
        place += 1 + name[place]
        found.append(name[place:])
    return found
