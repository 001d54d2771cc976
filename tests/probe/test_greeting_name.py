"""The names in a greeting, held against the host that was meant."""

from __future__ import annotations

import pytest

from exporter.lab.smtp_script import ordinary, reply
from exporter.model.failure import FailureClass
from exporter.model.result import MxHost
from exporter.model.warning import HostWarning
from exporter.probe.probe_options import ProbeOptions
from tests.probe.probing import (
    Names,
    domain_of,
    mx_lookup,
    new_prober,
    only_host,
    settings_of,
    smtp_hosts,
)

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
        names.domains["a.example"] = mx_lookup(MxHost("b.example", 10, ("127.0.0.2",)))
        result = await new_prober(names).probe(domain_of("a.example", settings_of(port)))
    assert (W.BANNER_NAME_MISMATCH in only_host(result).outcome.warnings) is warned


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
        names.domains["a.example"] = mx_lookup(MxHost(mx, 10, ("127.0.0.2",)))
        result = await new_prober(names).probe(domain_of("a.example", settings_of(port)))
    assert (W.BANNER_NAME_MISMATCH in only_host(result).outcome.warnings) is warned


async def test_who_greeted_is_looked_up_within_the_time_given() -> None:
    async with smtp_hosts(("127.0.0.2", ordinary("other.example"))) as (port, _):
        names = Names(
            {"a.example": mx_lookup(MxHost("b.example", 10, ("127.0.0.2",)))}, never=frozenset({"other.example"})
        )
        result = await new_prober(names).probe(
            domain_of("a.example", settings_of(port, 60.0)), ProbeOptions(within=1.0)
        )
    assert result.up
    assert W.BANNER_NAME_MISMATCH not in result.hosts[0].outcome.warnings
