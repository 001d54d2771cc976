"""Inhibition of alerts: a real Alertmanager with the shipped configuration."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.deploy.stack import alertmanager
from tests.support import plain_http
from tests.support.waiting import until_sync

HERE = {"vantage": "here", "instance": "a:10225", "job": "mx"}
BLOCKED = {**HERE, "alertname": "MxEgressBlocked", "family": "ipv4"}
OFFLINE = {**HERE, "alertname": "MxEgressOffline", "family": "ipv4"}
RESOLVER = {**HERE, "alertname": "MxResolverFailing"}
DEAD = {**HERE, "alertname": "MxDomainDead", "domain": "a.example", "family": "ipv4"}
BURNS = {"alertname": "MxBudgetBurnsFast", "level": "provider", "provider": "big.example", "severity": "critical"}
SLOWLY = {**BURNS, "alertname": "MxBudgetBurns", "severity": "warning"}
SHARED = {
    **HERE,
    "alertname": "MxSharedHostDown",
    "mx": "mx.big.example",
    "port": "25",
    "module": "default",
    "family": "ipv4",
    "provider": "big.example",
}
PROVIDER = {
    **HERE,
    "alertname": "MxProviderDown",
    "severity": "critical",
    "provider": "big.example",
    "family": "ipv4",
}
# One whose domains put mail off or are misconfigured.
MILD = {**PROVIDER, "severity": "warning"}
# Of a domain that this host takes down, and of one of the provider that has two names of equal preference.
BEHIND = {**DEAD, "mx": "mx.big.example", "port": "25", "module": "default", "provider": "big.example"}
HOST = {**SHARED, "alertname": "MxHostDown", "address": "192.0.2.1"}
ADDRESS = {key: HOST[key] for key in HOST if key not in ("mx", "provider")} | {"alertname": "MxAddressDown"}
# An address that is all that some domains have, each with an MX name of its own; a name on it that several share.
FRONT = {**ADDRESS, "alertname": "MxSharedAddressDown"}
TENANT = {**BEHIND, "mx": "mx.a.example", "provider": "a.example", "address": "192.0.2.1"}
NAME = {**SHARED, "address": "192.0.2.1"}
EVERYWHERE = {key: BEHIND[key] for key in ("domain", "mx", "port", "module", "provider")}
# Two exporters that stand for each other: each by itself, and what both see.
ONE = {**BLOCKED, "instance": "pair", "exporter": "a"}
BOTH = {**BLOCKED, "instance": "pair"}
OF_BOTH = {**DEAD, "instance": "pair"}
# As the rules tell it where the name that is asked for is the instance.
BY_NAME = {**DEAD, "instance": "a.example", "job": "mx-probe", "target": "a.example"}
LOCAL = {"vantage": "here", "job": "mx-probe", "alertname": "MxLocalFailure", "target": "several"}
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
        (PROVIDER, BURNS, True),
        (PROVIDER, SLOWLY, True),
        (PROVIDER, {**BURNS, "provider": "other.example"}, False),
        (PROVIDER, {"alertname": "MxBudgetBurnsFast", "level": "fleet"}, False),
        (MILD, BURNS, False),
        (BURNS, SLOWLY, True),
        (BURNS, {**SLOWLY, "provider": "other.example"}, False),
        (BURNS, {"alertname": "MxBudgetBurns", "level": "fleet"}, False),
        ({"alertname": "MxBudgetBurnsFast", "level": "fleet"}, {"alertname": "MxBudgetBurns", "level": "fleet"}, True),
        (SHARED, BEHIND, True),
        *((SHARED, {**BEHIND, "alertname": f"MxDomain{name}"}, True) for name in ("Blocked", "Undetermined", "Down")),
        (SHARED, {**BEHIND, "alertname": "MxDomainMisconfigured"}, True),
        (SHARED, {**BEHIND, "alertname": "MxReputationBlocked"}, True),
        # What has another first MX host, is asked for on another port, or has none, for DNS knows none.
        (SHARED, {**BEHIND, "mx": "mx.other.example"}, False),
        (SHARED, {**BEHIND, "port": "587"}, False),
        (SHARED, {**BEHIND, "module": "full"}, False),
        (SHARED, {**BEHIND, "vantage": "there"}, False),
        (SHARED, {**BEHIND, "instance": "b:10225"}, False),
        (SHARED, DEAD, False),
        (SHARED, {**BEHIND, "alertname": "MxDomainTakesNoMail"}, False),
        (SHARED, {**BEHIND, "alertname": "MxCertificateExpired"}, False),
        (SHARED, HOST, True),
        (SHARED, {**HOST, "mx": "mx2.big.example"}, False),
        (ADDRESS, HOST, True),
        (ADDRESS, {**HOST, "address": "192.0.2.2"}, False),
        (ADDRESS, SHARED, False),
        (BLOCKED, ADDRESS, True),
        (FRONT, TENANT, True),
        *((FRONT, {**TENANT, "alertname": f"MxDomain{name}"}, True) for name in ("Blocked", "Undetermined", "Down")),
        (FRONT, {**TENANT, "alertname": "MxReputationBlocked"}, True),
        # What has a second address has none as a label.
        (FRONT, BEHIND, False),
        ({**FRONT, "address": ""}, BEHIND, False),
        (FRONT, {**TENANT, "address": "192.0.2.2"}, False),
        (FRONT, {**TENANT, "port": "587"}, False),
        (FRONT, {**TENANT, "module": "full"}, False),
        (FRONT, {**TENANT, "vantage": "there"}, False),
        (FRONT, {**TENANT, "instance": "b:10225"}, False),
        (FRONT, {**TENANT, "alertname": "MxCertificateExpired"}, False),
        (FRONT, {**TENANT, "alertname": "MxDomainBlockedFromHere"}, True),
        (FRONT, {**TENANT, "alertname": "MxDomainBlockedFromHere", "vantage": "there"}, False),
        (FRONT, {**TENANT, "alertname": "MxDomainDeadEverywhere", "vantage": ""}, True),
        (FRONT, {**EVERYWHERE, "alertname": "MxDomainDeadEverywhere"}, False),
        (FRONT, HOST, True),
        (FRONT, ADDRESS, True),
        (FRONT, NAME, True),
        (FRONT, SHARED, False),
        (NAME, FRONT, False),
        (PROVIDER, FRONT, False),
        (PROVIDER, {**FRONT, "provider": "big.example"}, True),
        (BLOCKED, FRONT, True),
        (BLOCKED, {**FRONT, "instance": "service:10225", "target": "several"}, True),
        (SHARED, {**EVERYWHERE, "alertname": "MxDomainDeadEverywhere"}, True),
        (SHARED, {"alertname": "MxDomainDeadEverywhere", "domain": "a.example"}, False),
        (SHARED, {**EVERYWHERE, "alertname": "MxDomainBlockedFromHere", "vantage": "here"}, True),
        (SHARED, {**EVERYWHERE, "alertname": "MxDomainBlockedFromHere", "vantage": "there"}, False),
        (PROVIDER, BEHIND, True),
        (PROVIDER, {**BEHIND, "mx": "mx2.big.example"}, True),
        (PROVIDER, {**BEHIND, "provider": "other.example"}, False),
        (PROVIDER, {**BEHIND, "instance": "b:10225"}, False),
        # A domain with several providers has no such label.
        (PROVIDER, {**BEHIND, "provider": ""}, False),
        (PROVIDER, DEAD, False),
        (PROVIDER, SHARED, True),
        (PROVIDER, {**SHARED, "provider": ""}, False),
        (PROVIDER, {**EVERYWHERE, "alertname": "MxDomainDeadEverywhere"}, True),
        (PROVIDER, {**EVERYWHERE, "alertname": "MxDomainBlockedFromHere", "vantage": "there"}, False),
        *(
            (PROVIDER, {**BEHIND, "alertname": f"MxDomain{name}"}, True)
            for name in ("Misconfigured", "Degraded", "Down")
        ),
        *((MILD, {**BEHIND, "alertname": f"MxDomain{name}"}, True) for name in ("Misconfigured", "Degraded", "Down")),
        # Of the same provider, what is worse than most of its domains.
        (MILD, BEHIND, False),
        *(
            (MILD, {**BEHIND, "alertname": f"MxDomain{name}"}, False)
            for name in ("Blocked", "Undetermined", "Declined")
        ),
        (MILD, {**BEHIND, "alertname": "MxReputationBlocked"}, False),
        (MILD, {**BEHIND, "alertname": "MxDomainMisconfigured", "provider": "other.example"}, False),
        (MILD, {**BEHIND, "alertname": "MxDomainMisconfigured", "provider": ""}, False),
        (MILD, {**BEHIND, "alertname": "MxDomainMisconfigured", "instance": "b:10225"}, False),
        (MILD, {**BEHIND, "alertname": "MxDomainMisconfigured", "vantage": "there"}, False),
        (MILD, SHARED, False),
        (MILD, {**FRONT, "provider": "big.example"}, False),
        (MILD, {**EVERYWHERE, "alertname": "MxDomainDeadEverywhere"}, False),
        (MILD, {**EVERYWHERE, "alertname": "MxDomainBlockedFromHere", "vantage": "here"}, False),
        (PROVIDER, {**EVERYWHERE, "alertname": "MxDomainBlockedFromHere", "vantage": "here"}, True),
        (BLOCKED, SHARED, True),
        (BLOCKED, PROVIDER, True),
        (BLOCKED, MILD, True),
        (BLOCKED, HOST, True),
        (BLOCKED, {**SHARED, "family": "ipv6"}, False),
        (BLOCKED, {**SHARED, "instance": "service:10225"}, False),
        (BLOCKED, {**SHARED, "instance": "service:10225", "target": "several"}, True),
        ({**HOST, "alertname": "MxConfiguredHostDown"}, HOST, True),
        ({**HOST, "alertname": "MxConfiguredHostDown"}, {**HOST, "mx": "mx2.big.example"}, False),
        (DEAD, {**HERE, "alertname": "MxDomainDown", "domain": "a.example"}, True),
        (DEAD, {**HERE, "alertname": "MxDomainDown", "domain": "b.example"}, False),
        ({**HERE, "alertname": "MxExporterDown"}, {**HERE, "alertname": "MxTargetNotAnswered", "target": "x"}, True),
        ({**HERE, "alertname": "MxExporterDown"}, {"vantage": "here", "alertname": "MxExporterDown"}, True),
        (ONE, OF_BOTH, False),
        (ONE, {**OF_BOTH, "alertname": "MxHostDown"}, False),
        (ONE, {**ONE, "alertname": "MxEgressReferenceDown", "reference": "r"}, True),
        (ONE, {**ONE, "alertname": "MxEgressReferenceDown", "reference": "r", "exporter": "b"}, False),
        (BOTH, OF_BOTH, True),
        (BOTH, ONE, True),
        (ONE, BOTH, False),
        ({**RESOLVER, "instance": "pair"}, {**RESOLVER, "instance": "pair", "exporter": "a"}, True),
        ({**RESOLVER, "instance": "pair", "exporter": "a"}, {**OF_BOTH, "family": ""}, False),
        ({**RESOLVER, "instance": "pair"}, {**OF_BOTH, "family": ""}, True),
        (BLOCKED, BY_NAME, True),
        (BLOCKED, {**BY_NAME, "alertname": "MxConfiguredHostDown", "domain": "", "mx": "mx.a.example"}, True),
        (BLOCKED, {**BY_NAME, "target": ""}, False),
        (BLOCKED, {**BY_NAME, "family": "ipv6"}, False),
        (BLOCKED, {**BY_NAME, "vantage": "there"}, False),
        # Nobody gave a place to either.
        ({**BLOCKED, "vantage": ""}, {**BY_NAME, "vantage": ""}, True),
        (OFFLINE, {**BY_NAME, "family": ""}, True),
        (OFFLINE, LOCAL, True),
        ({**OFFLINE, "family": "ipv6"}, LOCAL, False),
        (RESOLVER, {**BY_NAME, "family": ""}, True),
        (RESOLVER, BY_NAME, False),
        (RESOLVER, LOCAL, True),
        (RESOLVER, {**LOCAL, "vantage": "there"}, False),
    ],
)
def test_an_alert_silences_those_that_it_explains_and_no_other(
    source: dict[str, str], target: dict[str, str], silent: bool, address: str, request: pytest.FixtureRequest
) -> None:
    # Each case has a label, place, domain, host, provider and level of its own: alerts of the others are still there.
    number = request.node.callspec.id
    # Taken in their order: once the last of them is silent, the first have been looked at.
    explains = {**HERE, "alertname": "MxExporterDown"}
    marker = {**HERE, "alertname": "MxTargetNotAnswered", "target": "marker"}
    alerts = [{**alert, "case": number} for alert in (source, target, explains, marker)]
    for alert in alerts:
        for label in ("vantage", "domain", "mx", "provider", "level"):
            if alert.get(label):
                alert[label] += f"-{number}"
    assert (
        plain_http.post(f"http://{address}/api/v2/alerts", json=[{"labels": each} for each in alerts]).status_code
        == 200
    )

    def states() -> dict[tuple[str, ...], str]:
        found = plain_http.get(f"http://{address}/api/v2/alerts", params={"filter": f'case="{number}"'}).json()
        return {_key(alert["labels"]): alert["status"]["state"] for alert in found}

    until_sync(lambda: states().get(_key(marker)) == "suppressed", 30.0)
    assert states()[_key(target)] == ("suppressed" if silent else "active")


def _key(labels: dict[str, str]) -> tuple[str, ...]:
    return tuple(labels.get(name, "") for name in ("alertname", "target", "instance", "exporter", "reference"))
