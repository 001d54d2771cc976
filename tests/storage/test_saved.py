"""The saved values: which targets are probed in the same way as before."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from ipaddress import ip_network
from types import MappingProxyType
from typing import Any

import pytest

from exporter.model.address import Family
from exporter.model.failure import Stage
from exporter.model.target import Auth, Module, Settings, Starttls
from exporter.storage.saved import fingerprint, without_counters
from exporter.store.journal import Journal
from tests.storage.states import read, text_of

USUAL = Settings()
RICH = Settings(
    module=Module(
        "full",
        (Stage.EHLO, Stage.MAIL),
        rcpt_to=("a@b.example",),
        expect=MappingProxyType({Stage.BANNER: frozenset({220, 250}), Stage.MAIL: frozenset({250})}),
        auth=Auth("user", "secret"),
    ),
    allow_addresses=(ip_network("127.0.0.0/8"),),
)


@pytest.mark.parametrize(
    "values",
    [
        {"module": Module("other")},
        {"module": Module(stages=(Stage.EHLO, Stage.STARTTLS), starttls=Starttls(required=True))},
        {"module": Module(expect=MappingProxyType({Stage.BANNER: frozenset({220})}))},
        {"port": 2525},
        {"helo": "other.example"},
        {"families": (Family.IPV4,)},
        {"source_ipv4": "192.0.2.1"},
        {"max_addresses": 1},
        {"allow_addresses": (ip_network("10.0.0.0/8"),)},
    ],
)
def test_settings_that_decide_on_what_is_found_have_another_fingerprint(values: dict[str, Any]) -> None:
    assert fingerprint(replace(USUAL, **values), USUAL) != fingerprint(USUAL, USUAL)


def test_others_have_the_same() -> None:
    assert fingerprint(replace(USUAL, interval=5.0, timeout=1.0, host_series="none"), USUAL) == fingerprint(
        USUAL, USUAL
    )


def test_the_usual_settings_are_part_of_it_for_they_are_of_the_labels_of_hosts() -> None:
    assert fingerprint(USUAL, replace(USUAL, helo="a.example")) != fingerprint(USUAL, USUAL)


def test_it_is_the_same_in_every_process_and_a_password_is_no_part_of_it() -> None:
    program = "from tests.storage.test_saved import *; print(fingerprint(RICH, USUAL))"
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == fingerprint(RICH, USUAL)
    changed = replace(RICH, module=replace(RICH.module, auth=Auth("user", "another")))
    assert fingerprint(changed, USUAL) == fingerprint(RICH, USUAL)


def test_without_counters_all_else_stays() -> None:
    saved = read(text_of())
    bare = without_counters(saved)
    assert {(each.probes, each.probe_failures) for each in bare.targets.values()} == {(0, 0)}
    assert all(not host.failures for host in bare.hosts.values())
    assert saved.domain_journals
    journals: list[Journal[Any]] = [*bare.domain_journals.values(), *bare.host_journals.values()]
    assert [(each.counts, len(each.entries)) for each in journals] == [((), 1), ((), 1)]
    assert bare.targets.keys() == saved.targets.keys()
    assert [each.result for each in bare.targets.values()] == [each.result for each in saved.targets.values()]
