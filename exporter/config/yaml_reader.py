"""YAML text -> a document; the only use of PyYAML's parser.

The event stream is read instead of yaml.load: it alone shows duplicate keys, tags, anchors and quoted scalars, and it
is the fastest. Mistakes are collected and reading goes on, with :data:`REFUSED` in place of the value, so that later
checks can pass over it. Only a syntax error ends the reading, for nothing after it can be trusted.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import yaml

from exporter.config.file_errors import may_pass
from exporter.config.problems import ConfigProblem, Place
from exporter.config.yaml_document import REFUSED, Document, KeyPath, Marks, Refused, dotted
from exporter.config.yaml_merge import MERGE, MERGE_TAKES, Merge
from exporter.config.yaml_scalars import ScalarError, needs_quotes, resolve

# The schema's deepest value is five levels down; more is a mistake, and recursion must end somewhere.
MAX_DEPTH: Final = 16
# Nodes that aliases may stand for in all: 100,000 targets with a shared mapping of labels fit, a "billion laughs"
# does not.
MAX_ALIASED_NODES: Final = 1_000_000

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# YAML 1.2, 5.1: the characters a stream may contain; found here so that the error has a place.
_NOT_ALLOWED: Final = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def contents(path: Path, shown: str) -> bytes | ConfigProblem:
    """The bytes of a file, or the problem; `shown` is its name in messages."""
    try:
        return path.read_bytes()
    except OSError as error:
        return ConfigProblem(shown, 1, 1, "", f"cannot be read: {error.strerror or error}", may_pass(error))


def decoded(shown: str, raw: bytes) -> str | ConfigProblem:
    """The text of UTF-8 bytes (a byte-order mark is allowed), or the problem."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8-sig", "replace")) + 1
        return ConfigProblem(shown, line, column, "", f"is not UTF-8: byte 0x{raw[error.start]:02x}")


def read(path: Path, shown: str) -> Document:
    """The document in a file."""
    return document_in(contents(path, shown), shown)


def document_in(raw: bytes | ConfigProblem, shown: str) -> Document:
    """The document in the bytes of a file."""
    text = decoded(shown, raw) if isinstance(raw, bytes) else raw
    return compose(shown, text) if isinstance(text, str) else Document(shown, problems=[text])


def compose(file: str, text: str) -> Document:
    """The document in `text`; `file` is its name in messages."""
    document = Document(file)
    wrong = _NOT_ALLOWED.search(text)
    if wrong is not None:
        line = text.count("\n", 0, wrong.start()) + 1
        column = wrong.start() - text.rfind("\n", 0, wrong.start())
        message = f"contains the character U+{ord(wrong[0]):04X}, which YAML does not allow"
        document.problems.append(ConfigProblem(file, line, column, "", message))
        return document
    try:
        _Composer(document, text).run()
    except yaml.YAMLError as error:
        document.problems.append(_syntax_problem(file, error))
    except _AliasBombError as error:
        message = f"aliases stand for more than {MAX_ALIASED_NODES} values"
        document.problems.append(ConfigProblem(file, error.place[0] + 1, error.place[1] + 1, "", message))
    return document


def _syntax_problem(file: str, error: yaml.YAMLError) -> ConfigProblem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    parts = (getattr(error, "context", None), getattr(error, "problem", None))
    message = ", ".join(part for part in parts if part) or str(error)
    return ConfigProblem(file, line, column, "", f"YAML syntax error: {message}")


class _MergeKey:
    """The key `<<` without quotes; with quotes it is a key like any other."""


_MERGE_KEY: Final = _MergeKey()


class _AliasBombError(Exception):
    """Aliases of aliases stand for too many values; `place` is that of the last alias."""

    def __init__(self, place: tuple[int, int]) -> None:
        super().__init__(place)
        self.place = place


class _Composer:
    """Builds the data and marks of a document from the events."""

    def __init__(self, document: Document, text: str) -> None:
        self._document = document
        self._events = _LOADER(text)
        # Name -> (value, its marks); None while the value is still being read.
        self._anchors: dict[str, tuple[Any, Marks | tuple[int, int]] | None] = {}
        self._aliased = 0
        # Keys that were read as strings before: a large file has the same few over and over.
        self._plain_keys: set[str] = set()

    def run(self) -> None:
        """Read the only document of the stream."""
        self._events.get_event()  # StreamStart
        if self._events.check_event(yaml.StreamEndEvent):
            self._document.data = None
            return
        self._events.get_event()  # DocumentStart
        data, marks = self._node((), 0)
        self._events.get_event()  # DocumentEnd
        # Only now, so that a syntax error leaves the document without data.
        self._document.data, self._document.marks = data, marks
        following = self._events.get_event()
        if not isinstance(following, yaml.StreamEndEvent):
            self._wrong(_place(following), (), "a second YAML document begins here; a file has one")

    def _node(self, path: tuple[str | int, ...], depth: int) -> tuple[Any, Marks | tuple[int, int]]:
        event = self._events.get_event()
        place = _place(event)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, place, path)
        if event.tag is not None:
            self._wrong(place, path, f"YAML tags are not taken: {event.tag.replace('tag:yaml.org,2002:', '!!')}")
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        data: Any
        marks: Marks | tuple[int, int] = place
        if isinstance(event, yaml.ScalarEvent):
            quoted = event.style or event.tag is not None
            data = event.value if quoted else self._plain(event.value, place, path)
        elif depth == MAX_DEPTH:
            self._wrong(place, path, f"is nested more than {MAX_DEPTH} deep")
            data = self._skip()
        else:
            marks = Marks(place)
            read_container = self._sequence if isinstance(event, yaml.SequenceStartEvent) else self._mapping
            data = read_container(marks, path, depth)
        if event.tag is not None:
            data = REFUSED
        if event.anchor is not None:
            self._anchors[event.anchor] = (data, marks)
        return data, marks

    def _plain(self, text: str, place: tuple[int, int], path: tuple[str | int, ...]) -> Any:
        try:
            return resolve(text)
        except ScalarError as error:
            self._wrong(place, path, str(error))
            return REFUSED

    def _alias(
        self, event: yaml.AliasEvent, place: tuple[int, int], path: tuple[str | int, ...]
    ) -> tuple[Any, Marks | tuple[int, int]]:
        name = event.anchor or ""
        anchored = self._anchors.get(name)
        if anchored is None:
            reason = "stands inside the value it names" if name in self._anchors else "is defined nowhere above"
            self._wrong(place, path, f"the alias *{name} {reason}")
            return REFUSED, place
        _, marks = anchored
        self._aliased += 1 if isinstance(marks, tuple) else marks.nodes
        if self._aliased > MAX_ALIASED_NODES:
            raise _AliasBombError(place)
        return anchored

    def _sequence(self, marks: Marks, path: tuple[str | int, ...], depth: int) -> list[Any]:
        items: list[Any] = []
        while not self._events.check_event(yaml.SequenceEndEvent):
            index = len(items)
            data, child = self._node((*path, index), depth + 1)
            items.append(data)
            marks.children[index] = child
            marks.nodes += 1 if isinstance(child, tuple) else child.nodes
        self._events.get_event()
        return items

    def _mapping(self, marks: Marks, path: tuple[str | int, ...], depth: int) -> dict[str, Any]:
        items: dict[str, Any] = {}
        merge: tuple[Merge, tuple[int, int]] | None = None
        while not self._events.check_event(yaml.MappingEndEvent):
            key, place = self._key(path, depth)
            if not isinstance(key, str):
                data, child = self._node(path if key is None else (*path, MERGE), depth + 1)
                if key is not None and merge is not None:
                    self._duplicate(place, (*path, MERGE), merge[1])
                elif key is not None:
                    merge = self._merge(data, child, path), place
                continue
            data, child = self._node((*path, key), depth + 1)
            if key in items:
                self._duplicate(place, (*path, key), marks.keys[key])
                continue
            items[key] = data
            marks.keys[key] = place
            marks.children[key] = child
            marks.nodes += 1 if isinstance(child, tuple) else child.nodes
        self._events.get_event()
        return items if merge is None else merge[0].apply(items, marks)

    def _merge(self, data: Any, marks: Marks | tuple[int, int], path: tuple[str | int, ...]) -> Merge:
        merge = Merge(data, marks)
        for place in merge.wrong:
            self._wrong(place, (*path, MERGE), MERGE_TAKES)
        return merge

    def _duplicate(self, place: tuple[int, int], path: KeyPath, first: tuple[int, int]) -> None:
        at = Place(self._document.file, first[0] + 1, first[1] + 1)
        self._wrong(place, path, f"duplicate key; the first is at {at}")

    def _key(self, path: tuple[str | int, ...], depth: int) -> tuple[str | _MergeKey | None, tuple[int, int]]:
        """The next key, or None where there is none that can be used."""
        if not self._events.check_event(yaml.ScalarEvent):
            place = _place(self._events.peek_event())
            self._wrong(place, path, "a key must be a string")
            self._node(path, depth + 1)
            return None, place
        event = self._events.get_event()
        place = _place(event)
        if event.anchor is not None or event.tag is not None:
            self._wrong(place, path, "a key takes neither a YAML tag nor an anchor")
        if event.style or event.value in self._plain_keys:
            return event.value, place
        if event.value == MERGE:
            return _MERGE_KEY, place
        if not needs_quotes(event.value):
            self._plain_keys.add(event.value)
            return event.value, place
        self._wrong(place, path, f"a key must be a string: quote {event.value!r}")
        return None, place

    def _skip(self) -> Refused:
        """Pass over the rest of a container whose start was taken."""
        open_containers = 1
        while open_containers:
            event = self._events.get_event()
            if isinstance(event, yaml.CollectionStartEvent):
                open_containers += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                open_containers -= 1
        return REFUSED

    def _wrong(self, place: tuple[int, int], path: KeyPath, message: str) -> None:
        self._document.problems.append(
            ConfigProblem(self._document.file, place[0] + 1, place[1] + 1, dotted(path), message)
        )


def _place(event: Any) -> tuple[int, int]:
    mark = event.start_mark
    return (mark.line, mark.column)
