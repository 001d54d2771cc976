"""From samples to what a scraper reads: the format it accepts, and the text in pieces.

Nothing is rendered here, it is only joined; a scrape of many targets yields in pieces, so that the thread that joins
them never holds up the probes' thread for longer than one piece.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, choose_encoder, generate_latest

from exporter.metrics.families import FAMILIES, Family
from exporter.store import Samples

# Targets whose lines are joined in one go: about a megabyte of text, a millisecond.
_TARGETS_PER_PIECE: Final = 2000
_EOF: Final = b"# EOF\n"
_MAX_ACCEPT: Final = 1024  # characters of the header; Prometheus sends some 300


@dataclass(frozen=True, slots=True)
class Format:
    """What was agreed on with the scraper."""

    content_type: str
    openmetrics: bool
    encode: Callable[[CollectorRegistry], bytes]


_PLAIN: Final = Format(CONTENT_TYPE_PLAIN_0_0_4, openmetrics=False, encode=generate_latest)


def negotiate(accept: str) -> Format:
    """The format for an Accept header; the plain text that everybody reads where it makes no sense."""
    try:
        encode, content_type = choose_encoder(accept[:_MAX_ACCEPT])
    except (TypeError, ValueError):
        return _PLAIN
    return Format(content_type, content_type.startswith("application/openmetrics-text"), encode)


def exposition(
    samples: Sequence[Samples],
    registry: CollectorRegistry | None,
    format_: Format,
    families: Sequence[Family] = FAMILIES,
) -> Iterator[bytes]:
    """The text, in pieces: the targets' samples by family, then what `registry` holds."""
    for place, family in enumerate(families):
        yield from _family(family.header(format_.openmetrics), place, samples)
    if registry is not None:
        yield format_.encode(registry)  # with its EOF where the format has one
    elif format_.openmetrics:
        yield _EOF


def _family(header: bytes, place: int, samples: Sequence[Samples]) -> Iterable[bytes]:
    found = False
    for begin in range(0, len(samples), _TARGETS_PER_PIECE):
        piece = b"".join([target[place] for target in samples[begin : begin + _TARGETS_PER_PIECE]])
        if piece:
            yield piece if found else header + piece
            found = True
