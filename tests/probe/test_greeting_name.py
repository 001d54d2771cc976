"""The names in a greeting, held against the host that was meant."""

from __future__ import annotations

import pytest

from exporter.lab.smtp_script import ordinary, reply
from exporter.model.failure import FailureClass
from exporter.model.warning import HostWarning
from exporter.probe import greeting_name
from tests.probe.hosting import probe
from tests.probe.probing import Names, smtp_hosts

C, W = FailureClass, HostWarning


@pytest.mark.parametrize(
    ("names", "warned"),
    [
        (Names(hosts={"greeted.example": ("127.0.0.2",)}), False),
        (Names(hosts={"greeted.example": ("127.0.0.9",)}), True),
        (Names(failures={"greeted.example": C.DNS_NXDOMAIN}), True),
        (Names(failures={"greeted.example": C.DNS_TIMEOUT}), False),
    ],
    ids=["same", "other", "absent", "unknown"],
)
async def test_a_greeting_in_the_name_of_another_is_a_warning(names: Names, warned: bool) -> None:
    async with smtp_hosts(("127.0.0.2", ordinary("greeted.example"))) as (port, _):
        result = await probe(port, mx="b.example", resolver=names)
    assert (W.BANNER_NAME_MISMATCH in result.outcome.warnings) is warned


@pytest.mark.parametrize(
    ("mx", "greeting", "warned"),
    [
        ("mx.farm.example", ("node7.eu.farm.example ESMTP",), False),
        ("mx.farm.co.uk", ("node7.farm.co.uk ESMTP",), False),
        ("mx.one.co.uk", ("mx.two.co.uk ESMTP",), True),
        ("b.example", ("No spam here", "b.example ESMTP"), False),
        ("mx.farm.example", ("hello.there ESMTP", "node7.farm.example ESMTP"), False),
        ("b.example", ("Welcome", "elsewhere.example ESMTP"), True),
        ("b.example", ("elsewhere.example ESMTP", "here.example ESMTP"), False),
        ("b.example", ("Welcome", "to this place"), False),
    ],
)
async def test_the_name_is_looked_for_in_all_lines_and_farms_have_many(
    mx: str, greeting: tuple[str, ...], warned: bool
) -> None:
    others = ("elsewhere.example", "mx.two.co.uk", "hello.there", "node7.eu.farm.example", "node7.farm.co.uk")
    names = Names(hosts={**dict.fromkeys(others, ("127.0.0.9",)), "here.example": ("127.0.0.2",)})
    async with smtp_hosts(("127.0.0.2", ordinary(mx, greeting=reply(220, *greeting)))) as (port, _):
        result = await probe(port, mx=mx, resolver=names)
    assert (W.BANNER_NAME_MISMATCH in result.outcome.warnings) is warned


async def test_who_greeted_is_looked_up_for_a_moment_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(greeting_name, "PATIENCE_SECONDS", 0.05)
    async with smtp_hosts(("127.0.0.2", ordinary("other.example"))) as (port, _):
        result = await probe(port, mx="b.example", resolver=Names(never=frozenset({"other.example"})))
    assert result.up
    assert W.BANNER_NAME_MISMATCH not in result.outcome.warnings
