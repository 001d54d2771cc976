"""A result as plain data."""

from __future__ import annotations

import json

from exporter.model.address import Family
from exporter.model.arrival import Arrival, AuthenticationMethod, AuthenticationResult, Folder, MailboxProblem
from exporter.model.egress import EgressState, EgressView
from exporter.model.failure import Confidence, FailureClass, Stage
from exporter.model.result import MxDifferences, MxHost, MxLookup, TranscriptLine
from exporter.model.warning import DomainWarning
from exporter.report.as_json import as_json, local_state_json
from exporter.report.local_state import local_state
from tests.results import changed, down_host, result, tls_host, up_host
from tests.support.json_schemas import faults


def test_a_result_is_plain_data_with_verdict_summary_and_next_step() -> None:
    data = json.loads(json.dumps(as_json("healthy.example", result(down_host()))))
    assert (data["name"], data["up"], data["verdict"]) == ("healthy.example", False, "blocked")
    assert data["failure"]["class"] == "reputation_blocked"
    assert data["summary"].startswith("healthy.example: mx2.healthy.example [2001:db8::2] said: 554 ")
    assert data["next"]
    assert data["hosts"][0]["failure"] == data["failure"] | {"evidence": data["hosts"][0]["failure"]["evidence"]}


def test_what_is_up_has_no_failure_and_no_next_step() -> None:
    data = as_json("healthy.example", result(up_host()))
    assert (data["verdict"], data["failure"], data["next"]) == ("up", None, "")


def test_a_domain_has_its_warnings_providers_and_families_and_a_host_its_port_and_module() -> None:
    hosts = changed(up_host(), port=2525, module="full"), down_host(), up_host("mx3.a.example", "192.0.2.3")
    probed = result(*hosts)._replace(
        warnings=(DomainWarning.MTA_STS_MISMATCH,),
        providers=("big.example", "other.example"),
    )
    data = json.loads(json.dumps(as_json("healthy.example", probed)))
    assert data["warnings"] == ["mta_sts_mismatch"]
    assert data["providers"] == ["big.example", "other.example"]
    assert data["addresses_by_family"] == {"ipv4": {"found": 2, "up": 2}, "ipv6": {"found": 1, "up": 0}}
    assert [(host["port"], host["module"], host["preference"]) for host in data["hosts"]] == [
        (2525, "full", 10),
        (25, "default", 20),
        (25, "default", 30),
    ]


def test_addresses_that_were_found_and_not_probed_count() -> None:
    probed = result(up_host())._replace(found=((Family.IPV4, 40), (Family.IPV6, 2)))
    assert as_json("healthy.example", probed)["addresses_by_family"] == {
        "ipv4": {"found": 40, "up": 1},
        "ipv6": {"found": 2, "up": 0},
    }


def test_json_has_the_facts_of_tls() -> None:
    (host,) = as_json("secure.example", result(tls_host()))["hosts"]
    assert host["tls"]["verified"] is False
    assert [fault["class"] for fault in host["tls"]["faults"]] == ["tls_expired"]
    assert host["tls"]["not_after_timestamp_seconds"] < host["tls"]["not_before_timestamp_seconds"] + 90 * 86400
    assert host["recipients"][0] == {"recipient": "a@mx.secure.example", "code": 250}
    assert host["auth_mechanisms"] == {"plaintext": ["LOGIN"], "tls": ["PLAIN", "LOGIN"]}


def test_json_has_the_arrival_of_canaries() -> None:
    found = Arrival(Folder.JUNK, 2.1234567, 1_700_000_000.0, ((AuthenticationMethod.SPF, AuthenticationResult.PASS),))
    lost = Arrival(missing="it did not arrive", problem=MailboxProblem.LOGIN)
    hosts = [changed(up_host(), arrival=arrival) for arrival in (found, lost, None)]
    data = json.loads(json.dumps(as_json("a.example", result(*hosts))))
    first, second, third = [host["canary"] for host in data["hosts"]]
    assert first == {
        "folder": "junk",
        "arrival_seconds": 2.123457,
        "late": False,
        "last_arrival_timestamp_seconds": 1_700_000_000.0,
        "authentication": {"spf": "pass"},
        "missing": "",
        "mailbox_problem": None,
        "awaited_since_timestamp_seconds": None,
    }
    assert (second["folder"], second["missing"], second["mailbox_problem"]) == (None, "it did not arrive", "login")
    assert third is None
    assert faults(data | {"egress": local_state_json(local_state({}, (), {}))}) == []


def test_json_has_mx_hosts_that_are_not_as_expected() -> None:
    lookup = MxLookup("a.example", (MxHost("mx.other.example", 10),), mx_records=1)
    probed = result(up_host())._replace(
        lookup=lookup, mx_differences=MxDifferences(("mx.other.example",), (".us.example",))
    )
    dns = as_json("a.example", probed)["dns"]
    assert (dns["unexpected"], dns["missing"]) == (["mx.other.example"], [".us.example"])


def test_durations_have_microseconds_and_times_milliseconds() -> None:
    noisy = changed(
        up_host(),
        phases=((Stage.CONNECT, 0.012345678901),),
        tcp_rtt=0.0000201234,
        transcript=(TranscriptLine(0.0412345678, False, b"220 ready\r\n"),),
    )
    data = as_json("a.example", result(noisy)._replace(at=1700000000.123456, duration=0.3123456789))
    assert (data["timestamp_seconds"], data["duration_seconds"]) == (1700000000.123, 0.312346)
    (host,) = data["hosts"]
    assert (host["phase_duration_seconds"], host["tcp_rtt_seconds"]) == ({"connect": 0.012346}, 0.00002)
    assert host["dialogue"][0]["seconds"] == 0.041235


def test_every_stage_has_its_duration_and_the_one_in_which_the_session_ended() -> None:
    waits = (Stage.CONNECT, 0.01), (Stage.EHLO_TLS, 0.02), (Stage.AUTH, 0.03), (Stage.RSET, 0.04)
    host = changed(up_host(), phases=waits[:1], waits=waits, unfinished=(Stage.QUIT, 5.0))
    (told,) = as_json("a.example", result(host))["hosts"]
    assert told["phase_duration_seconds"] == {"connect": 0.01, "ehlo_tls": 0.02, "auth": 0.03, "rset": 0.04}
    assert told["unfinished"] == {"stage": "quit", "seconds": 5.0}


def test_our_own_side_has_each_part_and_a_summary() -> None:
    shut = {Family.IPV4: EgressView(EgressState.BLOCKED, Confidence.CERTAIN)}
    data = local_state_json(local_state(shut, (), {FailureClass.EGRESS_BLOCKED: 2}))
    assert data["ipv4"] == {"state": "blocked", "confidence": "certain", "since_timestamp_seconds": None}
    assert (data["hidden_targets"], data["summary"].startswith("Port 25 is blocked")) == (2, True)
