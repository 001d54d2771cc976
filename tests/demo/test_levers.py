"""The demo broken on purpose over HTTP: the diagnosis follows, and all is well again afterwards."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from exporter.demo.domains import DEMO, REFERENCES
from exporter.demo.domains.provider import PROVIDER, PROVIDERS
from exporter.demo.mailbox import CANARY_HOST
from exporter.demo.reputation import HELO, LISTS, OUR_ADDRESS
from tests.support import plain_http
from tests.support.exporter_process import ExporterProcess, running_demo
from tests.support.waiting import until_sync

pytestmark = pytest.mark.long

SECONDS = 60.0


@pytest.fixture(scope="module")
def running() -> Iterator[ExporterProcess]:
    with running_demo() as process:
        yield process
        assert process.stop() == 0
        assert "level=error" not in process.text


@pytest.fixture
def demo(running: ExporterProcess) -> Iterator[ExporterProcess]:
    until_sync(lambda: is_as_told(running), SECONDS)
    yield running
    press(running, "all/restore")
    until_sync(lambda: is_as_told(running), SECONDS)


def press(process: ExporterProcess, lever: str, status: int = 303, **headers: str) -> httpx.Response:
    answer = plain_http.post(f"{process.url}/levers/{lever}", headers=headers, timeout=30.0)
    assert answer.status_code == status, answer.text
    return answer


def classes(process: ExporterProcess) -> dict[str, str]:
    """Of the domains that are down, why; "" for those that are up."""
    found = {}
    for sample in process.named("mx_domain_up", "mx_domain_failure"):
        if sample.name == "mx_domain_up" and sample.value:
            found[sample.labels["domain"]] = ""
        elif sample.name == "mx_domain_failure":
            found[sample.labels["domain"]] = sample.labels["class"]
    return found


def rows(process: ExporterProcess, group: str) -> list[str]:
    """The texts of the rows of the fleet in groups."""
    table = process.get(f"/?group={group}").text.partition("<tbody>")[2].partition("</tbody>")[0]
    return [" ".join(re.sub(r"<[^>]*>", " ", row).split()) for row in table.split("</tr>")]


def is_as_told(process: ExporterProcess) -> bool:
    told = {domain.name: domain.expected.value if domain.expected else "" for domain in DEMO}
    return classes(process) == told and process.value("mx_egress_state", family="ipv4", state="open") == 1.0


def test_a_gateway_that_lets_no_mail_out_is_seen_by_all_hosts_and_references(demo: ExporterProcess) -> None:
    press(demo, "gateway/throw")
    until_sync(lambda: demo.value("mx_egress_state", family="ipv4", state="blocked") == 1.0, SECONDS)
    with_hosts = {domain.name for domain in DEMO if domain.takes_mail}
    without = {domain.name: domain.expected for domain in DEMO if not domain.takes_mail}
    until_sync(lambda: {classes(demo)[name] for name in with_hosts} == {"egress_blocked"}, SECONDS)
    assert {name: classes(demo)[name] for name in without} == without
    references = {
        sample.labels["reference"].partition(":")[0]: sample.value for sample in demo.named("mx_egress_reference_up")
    }
    assert references == dict.fromkeys(REFERENCES, 0.0)
    press(demo, "gateway/restore")
    until_sync(lambda: demo.value("mx_egress_state", family="ipv4", state="open") == 1.0, SECONDS)


def test_one_of_two_hosts_killed_is_a_host_down_and_both_are_a_domain_down(demo: ExporterProcess) -> None:
    press(demo, "mx1/throw")
    mx1 = {"mx": "mx1.healthy.example"}
    until_sync(lambda: demo.value("mx_host_failure", **{"class": "connect_refused"}, **mx1) == 1.0, SECONDS)
    assert demo.value("mx_domain_up", domain="healthy.example") == 1.0
    press(demo, "mx2/throw")
    until_sync(lambda: classes(demo)["healthy.example"] == "connect_refused", SECONDS)
    press(demo, "mx1/restore")
    until_sync(lambda: classes(demo)["healthy.example"] == "", SECONDS)


def test_an_address_of_a_provider_is_one_host_down_and_all_of_it_one_row(demo: ExporterProcess) -> None:
    customers = [domain.name for domain in PROVIDERS]
    press(demo, "address/throw")
    until_sync(lambda: demo.value("mx_host_up", mx=f"mx1.{PROVIDER}", address="127.53.60.2") == 0.0, SECONDS)
    assert {classes(demo)[name] for name in customers} == {""}
    press(demo, "provider/throw")
    until_sync(lambda: {classes(demo)[name] for name in customers} == {"connect_refused"}, SECONDS)
    told = f"{len(customers)} targets {len(customers)} dead connect_refused"
    assert rows(demo, "provider")[0] == f"{PROVIDER} {told}"
    assert rows(demo, "host")[:2] == [f"mx1.{PROVIDER} host {told} 0/2", f"mx2.{PROVIDER} host {told} 0/2"]
    press(demo, "provider/restore")
    until_sync(lambda: {classes(demo)[name] for name in customers} == {""}, SECONDS)


def test_a_customer_whose_mx_moves_is_warned_of_and_not_when_it_is_back(demo: ExporterProcess) -> None:
    def warned() -> set[str]:
        own = [each.labels for each in demo.named("mx_domain_warning")]
        return {labels["class"] for labels in own if labels["domain"] == "customer01.example"}

    assert warned() == set()
    press(demo, "customer/throw")
    until_sync(lambda: warned() == {"mx_unexpected", "mx_missing"}, SECONDS)
    page = demo.get("/domain/customer01.example").text
    assert "its MX records name mx.moved.example, which expect_mx does not" in page
    assert "(not expected)" in page
    assert "What changed" in page
    changed = {
        (each.labels["domain"], each.labels["what"]): each.value for each in demo.named("mx_domain_changes_total")
    }
    assert changed == {("customer01.example", "mx"): 1.0, ("customer01.example", "networks"): 1.0}
    assert classes(demo)["customer01.example"] == ""
    press(demo, "customer/restore")
    until_sync(lambda: warned() == set(), SECONDS)


def test_a_downgrade_and_another_certificate_are_told_and_the_hosts_are_up(demo: ExporterProcess) -> None:
    def found() -> set[tuple[str, str]]:
        own = [each.labels for each in demo.named("mx_host_changes_total")]
        return {(labels["mx"], labels["what"]) for labels in own if labels["mx"].endswith("healthy.example")}

    press(demo, "strip/throw")
    press(demo, "certificate/throw")
    wanted = {("mx2.healthy.example", "starttls_lost"), ("mx1.healthy.example", "certificate")}
    until_sync(lambda: wanted <= found(), SECONDS)
    assert classes(demo)["healthy.example"] == ""
    for path in ("/domain/healthy.example", "/mx/mx2.healthy.example", "/domain/healthy.example/report"):
        page = demo.get(path).text
        assert "What changed" in page
        assert "STARTTLS is no longer offered to us" in page
    press(demo, "strip/restore")
    until_sync(lambda: ("mx2.healthy.example", "starttls_back") in found(), SECONDS)


def test_all_that_levers_break_together_is_told_and_repaired(demo: ExporterProcess) -> None:
    press(demo, "address/throw")
    press(demo, "provider/throw")
    press(demo, "address/restore")  # three of its four addresses are still dead
    assert "Nothing is broken now." not in demo.get("/").text
    press(demo, "address/throw")
    press(demo, "all/restore")
    assert "Nothing is broken now." in demo.get("/").text
    hosts = {(f"mx{name}.{PROVIDER}", f"127.5{name + 2}.60.{last}") for name in (1, 2) for last in (1, 2)}
    until_sync(lambda: {demo.value("mx_host_up", mx=mx, address=address) for mx, address in hosts} == {1.0}, SECONDS)


def test_our_address_is_delisted_and_gets_its_name(demo: ExporterProcess) -> None:
    ours, on_list = {"family": "ipv4"}, {"family": "ipv4", "list": LISTS[0]}
    until_sync(lambda: demo.value("mx_self_listed", **on_list) == 1.0, SECONDS)
    until_sync(lambda: demo.value("mx_self_fcrdns", **ours) == 0.0, SECONDS)
    assert demo.value("mx_self_address_info", address=OUR_ADDRESS, **ours) == 1.0
    assert demo.value("mx_self_spf", domain=HELO, result="pass", **ours) == 1.0
    assert demo.value("mx_self_list_up", family="ipv4", list=LISTS[1]) == 0.0
    until_sync(lambda: f"is listed by {LISTS[0]}" in demo.get("/domain/blocklisted.example").text, SECONDS)
    until_sync(lambda: "has no PTR record" in demo.get("/domain/nameless.example").text, SECONDS)
    press(demo, "delist/throw")
    press(demo, "pointer/throw")
    until_sync(lambda: demo.value("mx_self_listed", **on_list) == 0.0, SECONDS)
    until_sync(lambda: demo.value("mx_self_fcrdns", **ours) == 1.0, SECONDS)
    until_sync(lambda: {classes(demo)[f"{name}.example"] for name in ("blocklisted", "nameless")} == {""}, SECONDS)
    assert "confirmed" in demo.get("/standing").text
    # Refused and taken: for a screen reader each dialogue of the one host has a name of its own.
    named = re.findall('aria-label="(Dialogue with [^"]+)"', demo.get("/domain/blocklisted.example").text)
    assert len(set(named)) == len(named) == 2


def test_a_filtered_host_is_blocked_and_one_that_is_off_is_dead(demo: ExporterProcess) -> None:
    press(demo, "filter/throw")
    press(demo, "power/throw")
    until_sync(lambda: classes(demo)["implicit.example"] == "port_filtered", SECONDS)
    until_sync(lambda: classes(demo)["helo.example"] == "connect_timeout", SECONDS)


def test_canaries_that_are_filed_as_junk_are_told_apart(demo: ExporterProcess) -> None:
    """One message a minute: the way back into the inbox is the next one's, and not waited for."""
    press(demo, "junk/throw")
    failure = {"mx": CANARY_HOST.name, "class": "arrived_as_junk"}
    until_sync(lambda: demo.value("mx_host_failure", **failure) == 1.0, 2 * SECONDS)
    assert demo.value("mx_canary_folder", mx=CANARY_HOST.name, folder="junk") == 1.0
    assert demo.value("mx_canary_authentication", mx=CANARY_HOST.name, method="spf", result="pass") == 1.0
    (port,) = {each.labels["port"] for each in demo.samples() if each.labels.get("mx") == CANARY_HOST.name}
    assert "found in junk" in demo.get(f"/host/{CANARY_HOST.name}:{port}").text
    press(demo, "lost/throw")
    assert "canaries are accepted and lost" in demo.get("/").text
    press(demo, "junk/restore")
    assert "Nothing is broken now." in demo.get("/").text


def test_another_sites_form_breaks_nothing(demo: ExporterProcess) -> None:
    for headers in ({"Origin": "http://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert "another site" in press(demo, "gateway/throw", 403, **headers).text
    assert "Nothing is broken now." in demo.get("/").text
