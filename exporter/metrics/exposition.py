"""The answer to a scrape: the format that the scraper accepts, and the samples joined to text.

Nothing is rendered here. The text of many targets is joined in pieces, so that the joining thread never holds the
interpreter for longer than one piece takes: the probes run in another thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, choose_encoder, generate_latest

from exporter.metrics.families import FAMILIES, MetricFamily
from exporter.store.record import Samples

# Targets whose lines are joined in one go: about a megabyte of text, a millisecond.
_TARGETS_PER_PIECE: Final = 2000
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
    samples: Sequence[Samples],
    registry: CollectorRegistry | None,
    format_: Format,
    families: Sequence[MetricFamily] = FAMILIES,
) -> Iterator[bytes]:
    """The text in pieces: the samples of the targets by family, then the metrics of `registry`."""
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
