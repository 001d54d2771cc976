"""The egress is closed and opened again while the exporter runs: the state turns, and every silent host with it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final, cast

import pytest
from prometheus_client.samples import Sample

from exporter.lab.smtp_script import CLOSE, SmtpScript, Wait
from tests.namespaces.mail_network import DOMAINS, PROXY, REFERENCES, SMTP, MailNetwork, host_and_port
from tests.namespaces.network import Family, address, drop_port_25, filter_rule, redirect_port_25_to, reset_port_25
from tests.support.exporter_process import ExporterProcess, command
from tests.support.waiting import until_sync

pytestmark = pytest.mark.long

INTERVAL: Final = 4.0  # seconds, longer than a probe that meets silence
# Within two intervals a domain is probed twice; a probe may have been under way, and its result came first.
PROBES: Final = 3
# A reference is judged by itself for so many probes of each domain.
WATCHED: Final = 3
# What the slowest turn may take on a busy machine; how many probes it took is what counts.
_TURN_SECONDS: Final = 60.0
_LOOKED_AT: Final = (
    *("mx_domain_probes_total", "mx_domain_up", "mx_egress_reference_up", "mx_egress_state"),
    *("mx_host_failure", "mx_host_up", "mx_path_last_hop"),
)
_FAMILY: Final[dict[str, Family]] = {"ipv4": 4, "ipv6": 6}


@pytest.fixture(scope="module")
def mail_network() -> Iterator[MailNetwork]:
    with MailNetwork() as running:
        yield running


class Watched:
    """The exporter on the client, as Prometheus there would see it. One scrape after the other."""

    def __init__(self, mail_network: MailNetwork, process: ExporterProcess) -> None:
        self._network = mail_network.network
        self._process = process
        self.samples: list[Sample] = []
        self.states: dict[str, list[str]] = {family: [] for family in _FAMILY}
        self.classes: set[str] = set()  # of failing hosts
        self._before: dict[str, float] = {}  # probes of each domain when the filter was replaced
        _until(lambda: self.is_open("ipv4") and self.is_open("ipv6"))

    def scrape(self) -> None:
        """Look again; each state that was seen is kept."""
        self.samples = self._network.run_in("client", partial(self._process.named, *_LOOKED_AT))
        for family, seen in self.states.items():
            (state,) = self.labels("state", "mx_egress_state", family=family)
            if seen[-1:] != [state]:
                seen.append(state)
        self.classes.update(self.labels("class", "mx_host_failure"))

    def labels(self, label: str, name: str, **labels: str) -> list[str]:
        """The values of a label of the series that are 1."""
        return sorted(
            sample.labels[label]
            for sample in self.samples
            if sample.name == name and sample.value == 1 and labels.items() <= sample.labels.items()
        )

    def probes(self) -> dict[str, float]:
        """The number of probes of each domain."""
        return {
            sample.labels["domain"]: sample.value for sample in self.samples if sample.name == "mx_domain_probes_total"
        }

    def is_open(self, family: str) -> bool:
        """Open, and every host of the family is up, the references too."""
        self.scrape()
        return (
            self.states[family][-1] == "open"
            and set(_addresses(family)) <= set(self.labels("address", "mx_host_up"))
            and set(_references(family)) <= set(self.labels("reference", "mx_egress_reference_up"))
        )

    def is_blocked(self, family: str) -> bool:
        """Blocked, and every host of the family is known to be for that."""
        self.scrape()
        blocked = {"class": "egress_blocked", "verdict": "blocked", "confidence": "certain"}
        hosts = self.labels("address", "mx_host_failure", **blocked)
        return self.states[family][-1] == "blocked" and set(_addresses(family)) <= set(hosts)

    def turn(self, node: str, *rules: str) -> None:
        """Replace a packet filter; the states seen from now on are those after it."""
        self._network.rules(node, *rules)
        self.scrape()
        self.states = {family: seen[-1:] for family, seen in self.states.items()}
        self.classes = set()
        self._before = self.probes()

    def within_two_intervals(self, holds: Callable[[str], bool], *families: str) -> None:
        """Assert that it comes to hold for the families before any domain was probed too often since the turn."""
        seen: dict[str, float] = {}

        def settled() -> bool:
            for family in families:
                if family not in seen and holds(family):
                    seen[family] = max(self._probes_since())
            return len(seen) == len(families) or max(self._probes_since()) > PROBES

        _until(settled)
        assert seen.keys() == set(families), self.states
        assert max(seen.values()) <= PROBES

    def watch(self) -> None:
        """Until each domain was probed a few times since the turn."""

        def seen_enough() -> bool:
            self.scrape()
            return min(self._probes_since()) >= WATCHED

        _until(seen_enough)

    def until_the_path_ends_at(self, router: str) -> None:
        """Until every host of both families names this router; the traces take turns."""
        expected = sorted(address(router, family) for family in _FAMILY.values() for _ in DOMAINS)

        def named() -> bool:
            self.scrape()
            return self.labels("hop", "mx_path_last_hop") == expected

        _until(named)

    def _probes_since(self) -> list[float]:
        return [now - self._before[domain] for domain, now in self.probes().items()]


def _until(condition: Callable[[], bool]) -> None:
    until_sync(condition, _TURN_SECONDS, pause=0.2)


def _addresses(family: str) -> list[str]:
    return [address(remote, _FAMILY[family]) for remote in DOMAINS]


def _references(family: str) -> list[str]:
    return [host_and_port(host, port) for host, port in REFERENCES if (":" in host) is (family == "ipv6")]


@contextmanager
def _watching(mail_network: MailNetwork, folder: Path) -> Iterator[Watched]:
    domains = f"domains: [{', '.join(DOMAINS.values())}]"
    path = folder / "config.yaml"
    path.write_text(mail_network.config(defaults=f"  interval: {INTERVAL:g}s", more=domains))
    argv = command(f"--config.file={path}", "--web.listen-address=127.0.0.1:0")
    network = mail_network.network
    start = partial(network.popen, "client", argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    process = cast("subprocess.Popen[str]", start())
    try:
        yield Watched(mail_network, ExporterProcess(process))
    finally:
        process.kill()
        process.wait()
        for node in ("gateway", "remote-b"):
            network.rules(node)


@pytest.fixture
def watched(mail_network: MailNetwork, tmp_path: Path) -> Iterator[Watched]:
    with _watching(mail_network, tmp_path) as running:
        yield running


@pytest.mark.parametrize("rule", [drop_port_25(), reset_port_25()], ids=["dropped", "reset"])
def test_the_gateways_rule_turns_the_state_and_every_host_with_it_and_back(watched: Watched, rule: str) -> None:
    watched.turn("gateway", rule)
    watched.within_two_intervals(watched.is_blocked, "ipv4", "ipv6")
    watched.until_the_path_ends_at("gateway")
    _back_at_once(watched)
    assert watched.labels("hop", "mx_path_last_hop") == []


def _back_at_once(watched: Watched) -> None:
    """The rule is taken away: open, not by way of a state in which nothing is known, nor of another class."""
    watched.turn("gateway")
    watched.within_two_intervals(watched.is_open, "ipv4", "ipv6")
    for states in watched.states.values():
        assert states in (["blocked", "open"], ["open"])
    assert watched.classes <= {"egress_blocked"}


@pytest.mark.parametrize(
    "script", [SmtpScript(greeting=(Wait(60.0),)), SmtpScript(greeting=CLOSE)], ids=["mute", "closed"]
)
def test_a_middle_that_accepts_for_everyone_without_a_word_turns_it_too(
    watched: Watched, mail_network: MailNetwork, script: SmtpScript, monkeypatch: pytest.MonkeyPatch
) -> None:
    for proxy in mail_network.proxies:
        monkeypatch.setattr(proxy, "script", script)
    watched.turn("gateway", *(redirect_port_25_to(address("gateway", family), PROXY) for family in (4, 6)))
    watched.within_two_intervals(watched.is_blocked, "ipv4", "ipv6")
    assert watched.classes <= {"egress_blocked", "banner_timeout", "banner_closed"}
    _back_at_once(watched)


def test_one_silent_reference_turns_nothing(watched: Watched) -> None:
    silent, port = next(iter(REFERENCES))
    watched.turn("remote-b", drop_port_25("input", silent))
    watched.watch()
    assert host_and_port(silent, port) not in watched.labels("reference", "mx_egress_reference_up")
    assert len(watched.labels("reference", "mx_egress_reference_up")) == len(REFERENCES) - 1
    assert watched.states == {"ipv4": ["open"], "ipv6": ["open"]}
    assert watched.labels("address", "mx_host_failure") == []


def test_ipv6_is_judged_apart(watched: Watched) -> None:
    watched.turn("gateway", filter_rule("forward", f"meta nfproto ipv6 tcp dport {SMTP} drop"))
    watched.within_two_intervals(watched.is_blocked, "ipv6")
    assert watched.states["ipv4"] == ["open"]
    assert watched.labels("address", "mx_host_failure") == sorted(_addresses("ipv6"))
    assert watched.labels("domain", "mx_domain_up") == sorted(DOMAINS.values())
