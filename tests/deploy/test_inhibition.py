"""Inhibition of alerts: a real Alertmanager with the shipped configuration."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.deploy.stack import alertmanager
from tests.support.waiting import until_sync

HERE = {"vantage": "here", "instance": "a:10225", "job": "mx"}
BLOCKED = {**HERE, "alertname": "MxEgressBlocked", "family": "ipv4"}
OFFLINE = {**HERE, "alertname": "MxEgressOffline", "family": "ipv4"}
RESOLVER = {**HERE, "alertname": "MxResolverFailing"}
DEAD = {**HERE, "alertname": "MxDomainDead", "domain": "a.example", "family": "ipv4"}
ASKED_FOR = {**DEAD, "instance": "service:10225", "job": "mx-probe", "target": "a.example"}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with alertmanager(tmp_path_factory.mktemp("alertmanager"), "http://127.0.0.1:9/") as address:
        yield address


@pytest.mark.parametrize(
    ("source", "target", "silent"),
    [
        (BLOCKED, DEAD, True),
        (BLOCKED, {**DEAD, "family": "ipv6"}, False),
        (BLOCKED, {**DEAD, "vantage": "there"}, False),
        (BLOCKED, {**DEAD, "instance": "b:10225"}, False),
        (BLOCKED, {**DEAD, "alertname": "MxReputationBlocked"}, True),
        (BLOCKED, {**DEAD, "alertname": "MxDomainUndetermined"}, True),
        (RESOLVER, {**DEAD, "family": ""}, True),
        (RESOLVER, {**DEAD, "alertname": "MxDomainUndetermined", "family": ""}, True),
        (RESOLVER, DEAD, False),
        (RESOLVER, {**DEAD, "family": "", "vantage": "there"}, False),
        (RESOLVER, {**HERE, "alertname": "MxLocalFailure"}, True),
        (OFFLINE, RESOLVER, True),
        (BLOCKED, {**DEAD, "alertname": "MxDomainTakesNoMail"}, False),
        (BLOCKED, {**HERE, "alertname": "MxConfiguredHostDown", "mx": "relay.example", "family": "ipv4"}, True),
        (BLOCKED, {**HERE, "alertname": "MxEgressReferenceDown", "reference": "mx.r.example"}, True),
        (BLOCKED, {**HERE, "alertname": "MxCertificateExpired", "mx": "mx.a.example"}, False),
        (BLOCKED, {**HERE, "alertname": "MxLocalFailure"}, False),
        (BLOCKED, ASKED_FOR, True),
        (BLOCKED, {**ASKED_FOR, "vantage": "there"}, False),
        (BLOCKED, {**ASKED_FOR, "family": "ipv6"}, False),
        (OFFLINE, {**HERE, "alertname": "MxLocalFailure"}, True),
        (OFFLINE, {**DEAD, "family": ""}, True),
        ({**OFFLINE, "family": "ipv6"}, {**DEAD, "family": ""}, False),
        ({"alertname": "MxDomainDeadEverywhere", "domain": "a.example"}, DEAD, True),
        ({"alertname": "MxDomainDeadEverywhere", "domain": "b.example"}, DEAD, False),
        (
            {"alertname": "MxDomainDeadEverywhere", "domain": "a.example"},
            {**DEAD, "alertname": "MxDomainUndetermined"},
            True,
        ),
        ({"alertname": "MxDomainBlockedFromHere", "domain": "a.example", "vantage": "here"}, DEAD, True),
        ({"alertname": "MxDomainBlockedFromHere", "domain": "a.example", "vantage": "there"}, DEAD, False),
        (DEAD, {**HERE, "alertname": "MxDomainDown", "domain": "a.example"}, True),
        (DEAD, {**HERE, "alertname": "MxDomainDown", "domain": "b.example"}, False),
        ({**HERE, "alertname": "MxExporterDown"}, {**HERE, "alertname": "MxTargetNotAnswered", "target": "x"}, True),
    ],
)
def test_an_alert_silences_those_that_it_explains_and_no_other(
    source: dict[str, str], target: dict[str, str], silent: bool, address: str, request: pytest.FixtureRequest
) -> None:
    # Each case has a label, a place and a domain of its own: the alerts of the others are still there.
    number = request.node.callspec.id
    # Taken in their order: once the last of them is silent, the first have been looked at.
    explains = {**HERE, "alertname": "MxExporterDown"}
    marker = {**HERE, "alertname": "MxTargetNotAnswered", "target": "marker"}
    alerts = [{**alert, "case": number} for alert in (source, target, explains, marker)]
    for alert in alerts:
        for label in ("vantage", "domain"):
            if label in alert:
                alert[label] += f"-{number}"
    assert httpx.post(f"http://{address}/api/v2/alerts", json=[{"labels": each} for each in alerts]).status_code == 200

    def states() -> dict[tuple[str, str], str]:
        found = httpx.get(f"http://{address}/api/v2/alerts", params={"filter": f'case="{number}"'}).json()
        return {
            (alert["labels"]["alertname"], alert["labels"].get("target", "")): alert["status"]["state"]
            for alert in found
        }

    until_sync(lambda: states().get(("MxTargetNotAnswered", "marker")) == "suppressed", 30.0)
    assert states()[target["alertname"], target.get("target", "")] == ("suppressed" if silent else "active")
