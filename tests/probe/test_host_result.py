"""The result of a record, with the hints that a person needs beside the finding."""

from __future__ import annotations

import pytest

from exporter.model.failure import FailureClass, Stage
from exporter.model.result import HostIdentity
from exporter.probe.host_result import host_result
from exporter.probe.session_record import SessionRecord
from exporter.smtp.events import Problem, ProblemKind
from exporter.smtp.plan import Plan, TlsPlan
from exporter.smtp.reply import Reply

SILENT = Problem(Stage.BANNER, None, ProblemKind.TIMEOUT, "did not answer in time")
CLOSED = Problem(Stage.BANNER, None, ProblemKind.CLOSED, "closed the connection")
PLAIN, IMPLICIT = Plan(b"me.example"), Plan(b"me.example", tls=TlsPlan("relay.example", implicit=True, required=True))


def at(port: int) -> HostIdentity:
    return HostIdentity("relay.example", "192.0.2.1", port, "default")


@pytest.mark.parametrize("problem", [SILENT, CLOSED])
@pytest.mark.parametrize(
    ("port", "plan", "hint"),
    [
        (465, PLAIN, "port 465 speaks TLS first: set `tls: implicit`"),
        (2465, PLAIN, "if port 2465 speaks TLS first, set `tls: implicit`"),
        (25, PLAIN, None),
        (465, IMPLICIT, None),
    ],
)
def test_a_port_that_waits_for_a_handshake_is_hinted_at(
    problem: Problem, port: int, plan: Plan, hint: str | None
) -> None:
    record = SessionRecord(0.0, problem=problem, plan=plan)
    failure = host_result(at(port), record).failure
    assert failure is not None
    assert failure.failure_class in (FailureClass.BANNER_TIMEOUT, FailureClass.BANNER_CLOSED)
    assert failure.evidence == (() if hint is None else (hint,))


MASK = b"*" * 40 + b"0*2**0**"


def test_one_host_behind_a_cisco_inspection_is_told_so_by_name_whether_it_works_or_not() -> None:
    refused = Reply(554, (MASK,))
    failing = SessionRecord(0.0, replies=((Stage.BANNER, refused),), problem=Problem(Stage.BANNER, refused), spoke=True)
    failure = host_result(at(25), failing).failure
    assert failure is not None
    assert any("Cisco inspection" in said for said in failure.evidence)
    working = SessionRecord(0.0, replies=((Stage.BANNER, Reply(220, (MASK,))),), spoke=True, quit_clean=True)
    found = host_result(at(25), working)
    assert found.up
    assert any("Cisco inspection" in said for said in found.outcome.remarks)


def test_a_port_that_spoke_in_the_clear_waits_for_no_handshake() -> None:
    words = 'closed the connection: line 1 of its reply has no end: "22"'
    begun = Problem(Stage.BANNER, None, ProblemKind.CLOSED, words)
    failure = host_result(at(465), SessionRecord(0.0, problem=begun, spoke=True, plan=PLAIN)).failure
    assert failure is not None
    assert failure.evidence == ()
