"""The reader of our output, which may go before the end."""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

from exporter.commands.mistakes import ManualError
from exporter.commands.reader import is_gone, while_read


@pytest.fixture
def pipe() -> Iterator[tuple[TextIO, TextIO]]:
    reading, writing = os.pipe()
    with os.fdopen(reading) as reader, os.fdopen(writing, "w") as writer:
        yield reader, writer


async def test_work_ends_with_its_reader(pipe: tuple[TextIO, TextIO]) -> None:
    reader, writer = pipe
    assert not is_gone(writer)
    ended: list[str] = []

    async def work() -> None:
        reader.close()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.append("tidied up")

    with pytest.raises(BrokenPipeError):
        await while_read(work(), writer)
    assert ended == ["tidied up"]
    assert is_gone(writer)


async def test_the_result_and_the_error_of_work_are_passed_on() -> None:
    async def seven() -> int:
        return 7

    async def wrong() -> int:
        raise ManualError("why")

    assert await while_read(seven(), io.StringIO()) == 7
    with pytest.raises(ManualError, match="why"):
        await while_read(wrong(), io.StringIO())


@pytest.mark.parametrize("says", [True, False])
async def test_ctrl_c_lets_work_show_what_it_knows(says: bool) -> None:
    begun = asyncio.Event()

    async def work() -> None:
        try:
            begun.set()
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            if says:
                raise ManualError("interrupted") from None
            raise

    task = asyncio.create_task(while_read(work(), io.StringIO()))
    await begun.wait()
    task.cancel()
    with pytest.raises(ManualError if says else asyncio.CancelledError):
        await task


def test_a_file_has_no_reader(tmp_path: Path) -> None:
    with (tmp_path / "out").open("w") as out:
        assert not is_gone(out)
