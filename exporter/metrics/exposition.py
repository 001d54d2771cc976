"""The answer to a scrape: the format that the scraper accepts, and the rows of all records joined to text.

The rows of one shape are joined together, a series of all of them in one go, in pieces: the joining thread never holds
the interpreter for longer than one takes, for the probes run in another thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, cast

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, choose_encoder, generate_latest

from exporter.metrics.columns import value_texts
from exporter.metrics.families import FAMILIES
from exporter.store.row import Shape, Template, ToldRow

# Lines joined in one go: a quarter of a megabyte of text, a fifth of a millisecond; with numbers to write, twice that.
_LINES_PER_PIECE: Final = 2000
# Names that the library gives the samples of a family beside its own.
_SUFFIXES: Final = ("", "_total", "_bucket", "_sum", "_count")
_EOF: Final = b"# EOF\n"
_MAX_ACCEPT: Final = 1024  # characters of the header; Prometheus sends some 300
# Media types and versions; without a version, the oldest, which every reader of the type knows.
_WRITTEN: Final = frozenset(
    {
        ("application/openmetrics-text", ""),
        ("application/openmetrics-text", "1.0.0"),
        ("text/plain", ""),
        ("text/plain", "0.0.4"),
        ("text/plain", "1.0.0"),
    }
)
# Escapings that leave the names used here as they are. The library would apply any other to its own registry alone.
_ESCAPINGS: Final = frozenset({"allow-utf-8", "underscores"})


@dataclass(frozen=True, slots=True)
class Format:
    """The format of an answer, negotiated with the scraper."""

    content_type: str
    openmetrics: bool
    encode: Callable[[CollectorRegistry], bytes]


_PLAIN: Final = Format(CONTENT_TYPE_PLAIN_0_0_4, openmetrics=False, encode=generate_latest)


def negotiate(accept: str) -> Format:
    """The format that an Accept header prefers (RFC 9110 12.5.1).

    Plain text 0.0.4 for a header that is malformed or names no supported format.
    """
    offered = [_offer(part) for part in accept[:_MAX_ACCEPT].split(",")]
    for weight, media_type, parameters in sorted(offered, key=lambda offer: -offer[0]):
        version = parameters.get("version", "")
        if weight <= 0 or (media_type, version) not in _WRITTEN:
            continue
        # The library gets one format by its name: it ignores weights, and promises any version.
        escaping = parameters.get("escaping", "")
        wanted = (f"; version={version}" if version else "") + (
            f"; escaping={escaping}" if escaping in _ESCAPINGS else ""
        )
        encode, content_type = choose_encoder(media_type + wanted)
        return Format(content_type, content_type.startswith("application/openmetrics-text"), encode)
    return _PLAIN


def _offer(part: str) -> tuple[float, str, dict[str, str]]:
    """One element of the header: weight, media type, parameters. Weight 0 for an unreadable one."""
    media_type, *rest = (piece.strip() for piece in part.split(";"))
    pairs = (piece.partition("=") for piece in rest)
    parameters = {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}
    try:
        weight = float(parameters.get("q", "1"))
    except ValueError:
        weight = 0.0
    return (weight if 0 <= weight <= 1 else 0.0), media_type.lower(), parameters


def exposition(
    rows: Iterable[ToldRow], registry: CollectorRegistry | None, format_: Format, wanted: frozenset[str] | None = None
) -> Iterator[bytes]:
    """The text in pieces: the series of `rows` by family, then the metrics of `registry`.

    `wanted`: the names of families, with or without `_total`; None: all of them.
    """
    blocks = _blocks(rows)
    begun = False
    for place, family in enumerate(FAMILIES):
        if wanted is None or family.name in wanted or family.name.removesuffix("_total") in wanted:
            header = family.header(format_.openmetrics).decode().rstrip("\n")
            before = f"\n{header}" if begun else header
            for parts in _parts(blocks, place):
                # A text that cannot be encoded costs a character, not all scrapes.
                yield "".join((before, *parts)).encode(errors="replace")
                before, begun = "", True
    if begun:
        yield b"\n"
    if registry is not None:
        yield format_.encode(_restricted(registry, wanted))  # with its EOF where the format has one
    elif format_.openmetrics:
        yield _EOF


def _restricted(registry: CollectorRegistry, wanted: frozenset[str] | None) -> CollectorRegistry:
    if wanted is None:
        return registry
    names = {name.removesuffix("_total") for name in wanted}
    samples = {name + suffix for name in names for suffix in _SUFFIXES}
    return cast(CollectorRegistry, registry.restricted_registry(samples))


class _Block:
    """Rows of one shape, read from their first family to their last."""

    __slots__ = ("_columns", "_keys", "_moving", "_next", "_numbers", "_shape", "place", "size")

    def __init__(self, shape: Shape, rows: Sequence[ToldRow]) -> None:
        self.size = len(rows)
        self.place = -1  # of the family of the next series
        self._shape = shape
        self._keys = [row[1] for row, _ in rows]
        self._numbers = [row[2] for row, _ in rows]
        # In columns, each record read once, for they lie far apart in memory. Where families are switched off, rows of
        # one shape may have more or fewer numbers that none of them tells.
        read = shape.moving
        self._moving = [] if read is None else [*zip(*[read(record) for _, record in rows], strict=False)]
        self._columns: dict[int, list[str]] = {}  # keys by their place in a row
        self._next = -1
        self._go_on()

    def lines(self, place: int) -> Iterator[list[str]]:
        """The lines of each series of the family at `place`, in parts; those of families before it are left out."""
        while self.place < place:
            self._go_on()
        while self.place == place:
            yield self._lines(self._shape.templates[self._next], self._shape.numbers[self._next])
            self._go_on()

    def _go_on(self) -> None:
        self._next += 1
        templates = self._shape.templates
        self.place = templates[self._next].place if self._next < len(templates) else len(FAMILIES)

    def _lines(self, template: Template, number: int) -> list[str]:
        length, moving = len(template.line), template.moving
        parts = [*template.line] * self.size
        for place, key in enumerate(template.keys):
            parts[2 * place + 1 :: length] = self._column(key)
        if moving >= 0:
            parts[length - 1 :: length] = value_texts(self._moving[moving])
        elif number >= 0:
            parts[length - 1 :: length] = [numbers[number] for numbers in self._numbers]
        return parts

    def _column(self, key: int) -> list[str]:
        found = self._columns.get(key)
        if found is None:
            found = self._columns[key] = [keys[key] for keys in self._keys]
        return found


def _blocks(rows: Iterable[ToldRow]) -> list[_Block]:
    blocks: list[_Block] = []
    by_shape: dict[Shape, list[ToldRow]] = {}
    for told in rows:
        shape = told[0][0]
        alike = by_shape.get(shape)
        if alike is None:
            by_shape[shape] = [told]
            continue
        alike.append(told)
        if len(alike) == _LINES_PER_PIECE:
            blocks.append(_Block(shape, by_shape.pop(shape)))
    blocks += [_Block(shape, alike) for shape, alike in by_shape.items()]
    return blocks


def _parts(blocks: Iterable[_Block], place: int) -> Iterator[list[str]]:
    """The lines of one family in parts, those of a piece at a time."""
    parts: list[str] = []
    count = 0
    for block in blocks:
        if block.place > place:
            continue
        for lines in block.lines(place):
            parts += lines
            count += block.size
            if count >= _LINES_PER_PIECE:
                yield parts
                parts, count = [], 0
    if parts:
        yield parts
