"""Fingerprints: one foreign server that answers for everyone is told from a provider."""

from __future__ import annotations

import pytest

from exporter.diagnosis.fingerprints import (
    MASKED,
    SharedFingerprints,
    Suspect,
    mark_of_failure,
    mark_of_issuer,
    marks,
    stage_of,
)
from exporter.model.failure import Failure, FailureClass, Stage
from exporter.smtp.ehlo import parse_ehlo
from exporter.smtp.reply import Reply

PROXY = "proxy.isp.example"


def spoken(greeting: str, *ehlo: str) -> tuple[str, ...]:
    lines = tuple(line.encode() for line in ehlo)
    return marks(greeting.encode(), lines, parse_ehlo(Reply(250, lines)) if lines else None)


def shared_by(*servers: tuple[str, str, tuple[str, ...]], at: float = 1.0, since: float = 0.0) -> Suspect | None:
    """Of (address, mx, marks) each."""
    found = SharedFingerprints()
    for address, mx, its_marks in servers:
        found.record(address, mx, its_marks, at)
    return found.suspect(since)


def everywhere(its_marks: tuple[str, ...], count: int = 4) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(f"{60 + number}.1.0.1", f"mx.domain{number}.example", its_marks) for number in range(count)]


@pytest.mark.parametrize(
    ("greeting", "ehlo", "expected"),
    [
        ("mx.Example.com ESMTP Postfix", ("mx.example.com", "STARTTLS"), ("name:mx.example.com",)),
        ("mx.example.com 4f2 24 Nov", ("b.example Hello", "STARTTLS"), ("name:mx.example.com", "name:b.example")),
        ("ESMTP ready", (), ()),
        ("*********************0*2******0***", ("mx.example.com", "STARTTLS"), (MASKED, "name:mx.example.com")),
        ("mx.example.com", ("mx.example.com", "SIZE 1", "XXXXXXXA"), (MASKED, "name:mx.example.com", "ehlo:SIZE")),
        ("mx.example.com", ("mx.example.com", "SIZE 1", "XCLIENT NAME"), ("name:mx.example.com", "ehlo:SIZE")),
    ],
)  # fmt: skip
def test_the_marks_of_a_server(greeting: str, ehlo: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert spoken(greeting, *ehlo) == expected


def test_one_foreign_name_on_four_unrelated_networks_is_suspect() -> None:
    found = shared_by(*everywhere(spoken(f"{PROXY} ESMTP")))
    assert found is not None
    assert (found.mark, found.everywhere, found.needs_proof) == (f"name:{PROXY}", True, False)
    assert found.addresses[0] == ("60.1.0.1", "mx.domain0.example")


def test_three_networks_are_too_few() -> None:
    assert shared_by(*everywhere(spoken(f"{PROXY} ESMTP"), 3)) is None


def test_one_network_is_heard_once() -> None:
    servers = [(f"60.1.{number}.1", f"mx.domain{number}.example", spoken(PROXY)) for number in range(8)]
    assert shared_by(*servers) is None


def test_a_provider_answers_for_its_own_hosts() -> None:
    servers = [
        (f"{60 + number}.1.0.1", f"customer{number}.mail.protection.provider.example", spoken("eu1.provider.example"))
        for number in range(8)
    ]
    assert shared_by(*servers) is None


def test_customers_of_one_organisation_are_one() -> None:
    servers = [(f"{60 + number}.1.0.1", f"mx{number}.shop.example", spoken(PROXY)) for number in range(8)]
    assert shared_by(*servers) is None


def test_a_server_among_others_is_a_provider_of_some() -> None:
    others = [
        (f"{90 + number}.1.0.1", f"mx.else{number}.example", spoken(f"mx.else{number}.example")) for number in range(3)
    ]
    assert shared_by(*everywhere(spoken(PROXY)), *others) is None


def test_one_exception_does_not_clear_it() -> None:
    other = ("90.1.0.1", "mx.else.example", spoken("mx.else.example"))
    found = shared_by(*everywhere(spoken(PROXY)), other)
    assert found is not None
    assert not found.everywhere


def test_masked_greetings_are_foreign_to_all() -> None:
    found = shared_by(*everywhere(spoken("****************0*2******0***")))
    assert found is not None
    assert found.mark == MASKED


def test_equal_capabilities_are_weaker_than_an_equal_name() -> None:
    extensions = ("PIPELINING", "SIZE 10240000", "8BITMIME")
    each = [
        (
            f"{60 + number}.1.0.1",
            f"mx.d{number}.example",
            spoken(f"mx.d{number}.example", f"mx.d{number}.example", *extensions),
        )
        for number in range(4)
    ]
    found = shared_by(*each)
    assert found is not None
    assert found.needs_proof
    named = shared_by(*everywhere(spoken(PROXY, PROXY, *extensions)))
    assert named is not None
    assert named.mark == f"name:{PROXY}"


def test_what_was_heard_long_ago_does_not_count() -> None:
    assert shared_by(*everywhere(spoken(PROXY)), at=1.0, since=2.0) is None


def test_few_are_remembered_and_those_are_the_latest() -> None:
    found = SharedFingerprints()
    for number in range(200):
        address = f"{number}.1.0.1"
        found.record(address, f"mx.d{number}.example", spoken(PROXY), float(number))
    suspect = found.suspect(0.0)
    assert suspect is not None
    assert len(suspect.addresses) < 100
    assert suspect.addresses[-1][0] == "199.1.0.1"


def refused(said: str, failure_class: FailureClass = FailureClass.BANNER_TEMPFAIL) -> str:
    mark = mark_of_failure(Failure(Stage.BANNER, failure_class), said)
    assert mark is not None
    return mark


def test_one_refusal_to_the_letter_is_that_of_one_server() -> None:
    """An antivirus on our own machine or gateway answers in the name of everybody."""
    replies = [
        refused(f"421 Cannot connect to SMTP server 192.0.2.{number}:25, connect error {number}") for number in range(4)
    ]
    assert len(set(replies)) == 1
    found = shared_by(*everywhere((replies[0],)))
    assert found is not None
    assert (found.everywhere, found.may_be_own) == (True, False)


def test_a_refusal_that_names_us_is_the_hosts_own_word() -> None:
    failure = Failure(Stage.BANNER, FailureClass.REPUTATION_BLOCKED)
    assert mark_of_failure(failure, "554 5.7.1 blocked using bl.example") is None


def test_hosts_that_name_themselves_in_it_refuse_each_by_themselves() -> None:
    servers = [
        (f"{60 + number}.1.0.1", f"mx.{name}.example", (refused(f"554 mx.{name}.example"),))
        for number, name in enumerate("abcdef")
    ]
    assert len({marks_[0] for *_, marks_ in servers}) > 1
    assert shared_by(*servers) is None


def test_who_is_spared_proves_that_it_is_not_on_the_way_out() -> None:
    others = ("90.1.0.1", "mx.else.example", spoken("mx.else.example"))
    assert shared_by(*everywhere((refused("421 Service not available"),), 8), others) is None


def test_one_private_issuer_under_every_certificate_is_an_inspection() -> None:
    private = mark_of_issuer("CN=Example Corp Inspection CA, key 0123456789abcdef")
    without_tls = ("90.1.0.1", "mx.else.example", spoken("mx.else.example"))
    found = shared_by(*everywhere((private,)), without_tls)
    assert found is not None
    assert (found.everywhere, found.shows_elsewhere, stage_of(found.mark)) == (True, False, Stage.TLS)
    public = ("91.1.0.1", "mx.public.example", (mark_of_issuer(""),))
    assert shared_by(*everywhere((private,)), public) is None
    assert shared_by(*everywhere((mark_of_issuer(""),), 9)) is None


@pytest.mark.parametrize(
    ("failure_class", "stage"),
    [
        (FailureClass.NOT_SMTP, Stage.BANNER),
        (FailureClass.CLOSED, Stage.EHLO),
        (FailureClass.TIMEOUT, Stage.EHLO),
        (FailureClass.TLS_HANDSHAKE, Stage.TLS),
    ],
)
def test_one_way_to_break_off_everywhere_is_no_coincidence(failure_class: FailureClass, stage: Stage) -> None:
    mark = mark_of_failure(Failure(stage, failure_class, "the server closed the connection"), "")
    assert mark is not None
    assert shared_by(*everywhere((mark,))) is not None
    assert shared_by(*everywhere((mark,)), ("90.1.0.1", "mx.else.example", spoken("mx.else.example"))) is None
