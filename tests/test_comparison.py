"""Other tools in the scenarios of the lab: they work where mail gets through, and tell no block from a death."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import pytest

from tests.namespaces.comparison import Comparison, comparison
from tests.namespaces.mail_network import MailNetwork
from tests.namespaces.network import address
from tests.namespaces.scenarios import SCENARIOS

_BY_NAME: Final = {scenario.name: scenario for scenario in SCENARIOS}


@pytest.fixture(scope="module")
def mail_network() -> Iterator[MailNetwork]:
    with MailNetwork() as running:
        yield running


@pytest.fixture(scope="module")
def tools(mail_network: MailNetwork) -> Iterator[Comparison]:
    with comparison(mail_network) as running:
        yield running


def _said(mail_network: MailNetwork, tools: Comparison, name: str) -> list[str]:
    scenario = _BY_NAME[name]
    ask = (tools.ask_blackbox_exporter, tools.ask_check_smtp)
    with mail_network.set_up(scenario.rules, scenario.client, scenario.speech), ThreadPoolExecutor() as pool:
        return list(pool.map(lambda each: each(address("remote-a")), ask))


def test_an_open_port_succeeds(mail_network: MailNetwork, tools: Comparison) -> None:
    blackbox_exporter, check_smtp = _said(mail_network, tools, "everything open")
    assert blackbox_exporter == "`probe_success 1`"
    assert check_smtp.startswith("`SMTP OK")


@pytest.mark.parametrize(
    ("dead", "blocked"),
    [
        ("the host is gone", "port 25 of the host dropped by the provider"),
        ("host-unreachable from the provider", "admin-prohibited from the gateway"),
        ("RST from the server", "RST forged by the gateway"),
    ],
)
def test_the_dead_and_the_blocked_look_alike(
    mail_network: MailNetwork, tools: Comparison, dead: str, blocked: str
) -> None:
    assert _said(mail_network, tools, dead) == _said(mail_network, tools, blocked)
    assert {_BY_NAME[name].outcome.verdict for name in (dead, blocked)} == {"dead", "blocked"}
