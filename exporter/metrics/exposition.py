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

from exporter.metrics.families import FAMILIES, MetricFamily
from exporter.store.record import Samples

# Targets whose lines are joined in one go: about a megabyte of text, a millisecond.
_TARGETS_PER_PIECE: Final = 2000
_EOF: Final = b"# EOF\n"
_MAX_ACCEPT: Final = 1024  # characters of the header; Prometheus sends some 300
# Media types and versions; without a version, the one that all who read the type can read.
_WRITTEN: Final = frozenset(
    {
        ("application/openmetrics-text", ""),
        ("application/openmetrics-text", "1.0.0"),
        ("text/plain", ""),
        ("text/plain", "0.0.4"),
        ("text/plain", "1.0.0"),
    }
)
# Ways to write names that leave ours as they are. The others, which are for names of any characters, the library would
# use for those in its registry alone.
_ESCAPINGS: Final = frozenset({"allow-utf-8", "underscores"})


@dataclass(frozen=True, slots=True)
class Format:
    """What was agreed on with the scraper."""

    content_type: str
    openmetrics: bool
    encode: Callable[[CollectorRegistry], bytes]


_PLAIN: Final = Format(CONTENT_TYPE_PLAIN_0_0_4, openmetrics=False, encode=generate_latest)


def negotiate(accept: str) -> Format:
    """The format that an Accept header prefers (RFC 9110 12.5.1); the plain text that everybody reads where it makes
    no sense, or names only what is not written here."""
    offered = [_offer(part) for part in accept[:_MAX_ACCEPT].split(",")]
    for weight, media_type, parameters in sorted(offered, key=lambda offer: -offer[0]):
        version = parameters.get("version", "")
        if weight <= 0 or (media_type, version) not in _WRITTEN:
            continue
        # The library is asked for one format by its name: it minds no weights, and promises any version.
        escaping = parameters.get("escaping", "")
        wanted = (f"; version={version}" if version else "") + (
            f"; escaping={escaping}" if escaping in _ESCAPINGS else ""
        )
        encode, content_type = choose_encoder(media_type + wanted)
        return Format(content_type, content_type.startswith("application/openmetrics-text"), encode)
    return _PLAIN


def _offer(part: str) -> tuple[float, str, dict[str, str]]:
    """One element of the header: weight, media type, parameters. Weight 0 where it cannot be read."""
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
