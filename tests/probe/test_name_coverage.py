"""The names for which a session with another one counts (RFC 6125, RFC 9525, as OpenSSL reads them)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.model.evidence import ConnectEvidence
from exporter.model.failure import FailureClass, Stage
from exporter.probe.name_coverage import handshake_failed, leaf, record_for
from exporter.probe.session_record import FailedTls, SessionRecord, TlsRecord
from exporter.smtp.events import Problem, ProblemKind
from exporter.smtp.plan import Plan, State, TlsPlan
from exporter.tls.client import TlsHandshake
from exporter.tls.roots import Roots
from exporter.tls.verification import examine
from tests.support.certificates import DAY, NOW, Issued, authority, issue

C = FailureClass
ROOT = authority()
ROOTS = Roots((ROOT.der,))
AT = NOW.timestamp()
LED = "mx.example"


def session(issued: Issued, *, verify: bool = False, led: str = LED) -> SessionRecord:
    """A session with the name `led`."""
    plan = Plan(b"me.example", (State.EHLO, State.STARTTLS), tls=TlsPlan(led, verify=verify))
    trust = examine(issued.chain, led, AT, ROOTS)
    handshake = TlsHandshake("TLSv1.3", "TLS_AES_256_GCM_SHA384", issued.chain)
    return SessionRecord(AT, plan=plan, tls=TlsRecord(handshake, trust, 0.1))


def classes(record: SessionRecord | None) -> list[FailureClass] | None:
    return None if record is None or record.tls is None else [fault.failure_class for fault in record.tls.trust.faults]


@pytest.mark.parametrize(
    ("names", "name", "covered"),
    [
        ((LED, "other.example"), "other.example", True),
        ((LED, "*.farm.example"), "t1.farm.example", True),
        ((LED, "*.farm.example"), "a.t1.farm.example", False),
        ((LED, "*.farm.example"), "farm.example", False),
        ((LED, "t*.farm.example"), "t1.farm.example", False),
        ((LED, "*.example"), "t1.example", False),
        ((LED, "*"), "localhost", False),
        ((LED, "OTHER.example"), "other.example", True),
        ((LED, "192.0.2.1"), "192.0.2.1", True),
        ((LED, "192.0.2.1"), "192.0.2.2", False),
        ((LED, "2001:db8::1"), "2001:db8::1", True),
        ((LED,), "192.0.2.1", False),
        ((LED,), LED, True),
        ((LED,), "other.example", False),
        (("elsewhere.example",), LED, True),  # the name of the session itself: whatever was seen is its state
    ],
)
def test_a_name_that_the_certificate_is_for_has_the_state_of_the_session(
    names: tuple[str, ...], name: str, covered: bool
) -> None:
    record = session(issue(*names, by=ROOT))
    assert (record_for(record, name, ROOTS) is not None) is covered


def test_equal_trust_makes_no_record_of_its_own() -> None:
    record = session(issue(LED, "other.example", by=ROOT))
    assert record_for(record, "other.example", ROOTS) is record


def test_the_common_name_counts_where_there_is_no_other_and_is_told_of_its_host() -> None:
    record = session(issue(by=ROOT, subject="old.example"), led="old.example")
    assert record.tls is not None
    assert record.tls.trust.common_name
    assert record_for(record, "other.example", ROOTS) is None
    mixed = session(issue(LED, by=ROOT, subject="old.example"))
    assert record_for(mixed, "old.example", ROOTS) is None, "RFC 6125 6.4.4: there is another name"


def test_a_certificate_that_is_not_trusted_is_so_for_all_its_names() -> None:
    own = session(issue(LED, "other.example"))
    assert classes(record_for(own, "other.example", ROOTS)) == [C.TLS_UNTRUSTED]
    expired = session(issue(LED, "*.farm.example", by=ROOT, start=-90 * DAY, end=-DAY))
    assert classes(record_for(expired, "t1.farm.example", ROOTS)) == [C.TLS_EXPIRED]


def test_the_leader_may_be_the_one_whose_name_is_missing() -> None:
    record = session(issue("other.example", by=ROOT))
    assert classes(record) == [C.TLS_NAME_MISMATCH]
    assert classes(record_for(record, "other.example", ROOTS)) == []


def test_where_the_certificate_decides_about_the_dialogue_both_must_be_trusted_or_neither() -> None:
    for_another = session(issue("other.example", by=ROOT), verify=True)
    assert record_for(for_another, "other.example", ROOTS) is None, "its dialogue would have gone on"
    for_the_leader = session(issue(LED, by=ROOT), verify=True)
    assert record_for(for_the_leader, "other.example", ROOTS, despite_mismatch=True) is None, "its would have ended"
    for_neither = session(issue("third.example", by=ROOT), verify=True)
    assert record_for(for_neither, "other.example", ROOTS) is None
    assert classes(record_for(for_neither, "other.example", ROOTS, despite_mismatch=True)) == [C.TLS_NAME_MISMATCH]
    for_both = session(issue(LED, "other.example", by=ROOT), verify=True)
    assert record_for(for_both, "other.example", ROOTS) is for_both
    untrusted = session(issue(LED, "other.example"), verify=True)
    assert classes(record_for(untrusted, "other.example", ROOTS)) == [C.TLS_UNTRUSTED]


def test_a_wrong_certificate_that_is_known_to_be_the_only_one_is_told_with_the_name() -> None:
    record = session(issue(LED, by=ROOT))
    found = record_for(record, "other.example", ROOTS, despite_mismatch=True)
    assert classes(found) == [C.TLS_NAME_MISMATCH]
    assert found is not None
    assert found.tls is not None
    assert "not for other.example" in found.tls.trust.faults[0].detail


def test_without_a_handshake_there_is_no_name() -> None:
    plain = SessionRecord(AT, plan=Plan(b"me.example"))
    refused = replace(session(issue(LED)), tls=None)
    silent = replace(refused, connect=ConnectEvidence("192.0.2.1", None))
    for record in (plain, refused, silent, SessionRecord(AT)):
        assert record_for(record, "other.example", ROOTS) is record
        assert leaf(record) == b""


def test_a_handshake_that_failed_is_told_from_a_certificate_that_did() -> None:
    done = session(issue(LED))
    assert not handshake_failed(done)
    assert leaf(done) == done.tls.chain[0] if done.tls else False
    broken = Problem(Stage.TLS, None, ProblemKind.HANDSHAKE, "closed the connection")
    assert handshake_failed(replace(done, tls=None, problem=broken))
    assert handshake_failed(replace(done, tls=None, failed_tls=FailedTls("closed the connection")))
    assert not handshake_failed(replace(done, problem=replace(broken, kind=ProblemKind.CERTIFICATE)))
    assert not handshake_failed(replace(done, tls=None, problem=replace(broken, stage=Stage.BANNER)))
