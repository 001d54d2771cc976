"""gzip by ISA-L, and by zlib where that is not installed."""

from __future__ import annotations

import gzip
import runpy
import sys
from collections.abc import Callable
from random import Random

import pytest

from exporter.web.api import gzip_compressor as module
from exporter.web.api import streaming
from exporter.web.api.gzip_compressor import GzipCompressor
from tests.web.asking import browse
from tests.web.fake_backend import FakeBackend

_TEXT = b"".join(b'mx_host_up{address="192.0.2.%d"} 1\n' % (number % 256) for number in range(40_000))


@pytest.fixture(params=["isal", "zlib"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[], GzipCompressor]:
    """`gzip_compressor` as it is with the library, and with the standard one alone."""
    if request.param == "isal":
        pytest.importorskip("isal")
    else:
        monkeypatch.setitem(sys.modules, "isal", None)
    loaded = runpy.run_path(module.__file__)
    assert loaded["_library"].__name__.rpartition(".")[2] == {"isal": "isal_zlib", "zlib": "zlib"}[request.param]
    made: Callable[[], GzipCompressor] = loaded["gzip_compressor"]
    return made


@pytest.mark.parametrize("text", [b"", b"z", _TEXT, Random(17).randbytes(1_000_000)])
def test_a_text_in_pieces_is_read_whole(library: Callable[[], GzipCompressor], text: bytes) -> None:
    compressor = library()
    compressed = bytearray()
    for begin in range(0, len(text), 99_999):
        compressed += compressor.compress(memoryview(text)[begin : begin + 99_999])
    compressed += compressor.flush()
    assert gzip.decompress(compressed) == text
    assert len(compressed) < (len(text) / 8 if text is _TEXT else len(text) * 1.01 + 64)


async def test_scrapes_are_compressed_by_it(
    library: Callable[[], GzipCompressor], backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "gzip_compressor", library)
    backend.pieces = [_TEXT, b"", b"z"]
    headers = {"Accept-Encoding": "gzip"}
    async with browse(backend) as client, client.stream("GET", "/metrics", headers=headers) as answer:
        raw = b"".join([piece async for piece in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == _TEXT + b"z"
