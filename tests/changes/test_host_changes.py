"""The changes that a session shows of a host: facts other than those known, and nothing that it did not see."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.changes.host_changes import host_changes
from exporter.model.certificate import NO_ROOTS
from exporter.model.change import Difference, HostChange
from exporter.model.failure import Failure, FailureClass, Stage
from exporter.model.policy import Dane, DaneState
from exporter.model.result import HostFacts, HostResult, TlsResult
from tests.results import CERTIFICATE, changed, down_host, up_host

RECORDS = ("3 1 1 " + "ab" * 32, "3 1 1 " + "cd" * 32)
UNTRUSTED = Failure(Stage.TLS, FailureClass.TLS_UNTRUSTED, "self-signed")
EXPIRED = Failure(Stage.TLS, FailureClass.TLS_EXPIRED, "expired")
OTHER = (replace(CERTIFICATE, digest="0c" * 32),)
PUBLIC = TlsResult(
    *("TLSv1.3", "A", True, (), 0.0, 90 * 86400.0, "mx.example", "CN=R10,O=Let's Encrypt,C=US"), chain=(CERTIFICATE,)
)
PRIVATE = replace(
    PUBLIC, verified=False, faults=(UNTRUSTED,), issuer="CN=Gateway CA,O=Example\\, Inc.,C=US", chain=OTHER
)
HOST = changed(
    up_host(),
    extensions=("STARTTLS", "SIZE"),
    size_limit=1000,
    software="Postfix",
    tls=PUBLIC,
    dane=Dane(DaneState.VERIFIED, RECORDS),
)


def differences(known: HostFacts, result: HostResult) -> tuple[Difference, ...]:
    return host_changes(known, result)[0]


def kinds(known: HostResult, now: HostResult) -> list[HostChange]:
    return [HostChange(each.what) for each in differences(known.facts, now)]


def test_an_equal_session_changes_nothing() -> None:
    found, known = host_changes(HOST.facts, HOST)
    assert found == ()
    assert known is HOST.facts


def test_starttls_that_is_gone_is_a_downgrade_and_comes_back() -> None:
    without = changed(HOST, extensions=("SIZE",))
    assert kinds(HOST, without) == [HostChange.STARTTLS_LOST]
    assert kinds(without, HOST) == [HostChange.STARTTLS_BACK]
    # Whoever strips EHLO strips STARTTLS.
    assert kinds(HOST, changed(HOST, extensions=(), esmtp=False)) == [HostChange.STARTTLS_LOST]


def test_a_session_that_did_not_come_to_a_fact_changes_nothing_and_forgets_nothing() -> None:
    silent = down_host()
    found, known = host_changes(HOST.facts, silent)
    assert found == ()
    facts = HOST.facts
    assert (known.esmtp, known.extensions, known.tls, known.dane) == (
        facts.esmtp,
        facts.extensions,
        facts.tls,
        facts.dane,
    )
    assert (known.size_limit, known.software) == (1000, "Postfix")
    # Afterwards it is compared with what was known before.
    assert [each.what for each in differences(known, changed(HOST, software="Exim"))] == [HostChange.SOFTWARE]


def test_facts_that_are_seen_for_the_first_time_are_no_change() -> None:
    found, known = host_changes(HostFacts(), HOST)
    assert found == ()
    assert known is HOST.facts


def test_what_an_interception_of_our_own_egress_answers_is_no_fact_of_the_host() -> None:
    failure = Failure(Stage.BANNER, FailureClass.EGRESS_INTERCEPTED, "one speaker everywhere")
    intercepted = changed(HOST, extensions=(), tls=None, software="Exim", failure=failure)
    assert host_changes(HOST.facts, intercepted) == ((), HOST.facts)


def test_a_renewed_certificate_is_another_one_of_the_same_issuer() -> None:
    """An authority has several keys, and signs with one this time and with another the next."""
    renewed = replace(
        PUBLIC, not_before=5.0, not_after=180 * 86400.0, issuer="CN=R11,O=Let's Encrypt,C=US", chain=OTHER
    )
    (found,) = differences(HOST.facts, changed(HOST, tls=renewed))
    assert found.what is HostChange.CERTIFICATE
    assert found.before == "mx.example, by CN=R10,O=Let's Encrypt,C=US, until 1970-04-01"
    assert found.now == "mx.example, by CN=R11,O=Let's Encrypt,C=US, until 1970-06-30"


def test_a_certificate_of_the_same_names_issuer_and_dates_is_another_one_by_its_fingerprint() -> None:
    (found,) = differences(HOST.facts, changed(HOST, tls=replace(PUBLIC, chain=OTHER)))
    assert found.what is HostChange.CERTIFICATE
    shared = "mx.example, by CN=R10,O=Let's Encrypt,C=US, until 1970-04-01, SHA-256 "
    assert (found.before, found.now) == (f"{shared}{'0a' * 8}", f"{shared}{'0c' * 8}")


def test_another_intermediate_certificate_or_another_date_of_the_chain_is_the_same_certificate() -> None:
    longer = replace(PUBLIC, chain=(CERTIFICATE, *OTHER), not_after=1.0)
    assert kinds(HOST, changed(HOST, tls=longer)) == []


def test_an_issuer_that_no_root_vouches_for_is_a_private_one_where_one_did_before() -> None:
    private, other = changed(HOST, tls=PRIVATE), changed(HOST, tls=replace(PRIVATE, issuer="CN=Other", chain=()))
    assert kinds(HOST, private) == [HostChange.CERTIFICATE, HostChange.ISSUER_PRIVATE]
    assert kinds(private, other) == [HostChange.CERTIFICATE, HostChange.ISSUER]
    assert kinds(private, HOST) == [HostChange.CERTIFICATE, HostChange.ISSUER]
    (_, issuer) = differences(HOST.facts, private)
    assert (issuer.before, issuer.now) == ("Let's Encrypt", "Example\\, Inc. (no root vouches for it)")


def test_a_forged_certificate_with_the_name_of_the_issuer_is_of_a_private_one() -> None:
    forged = changed(HOST, tls=replace(PRIVATE, issuer=PUBLIC.issuer))
    assert kinds(HOST, forged) == [HostChange.CERTIFICATE, HostChange.ISSUER_PRIVATE]
    assert kinds(forged, HOST) == [HostChange.CERTIFICATE, HostChange.ISSUER]
    # In turns both are values that were seen: neither is told twice.
    (_, there), (_, back) = differences(HOST.facts, forged), differences(forged.facts, HOST)
    assert (there.new, there.gone) == (back.gone, back.new) != (back.new, back.gone)


def test_the_same_certificate_of_which_the_intermediate_is_missing_has_no_other_issuer() -> None:
    assert kinds(HOST, changed(HOST, tls=replace(PUBLIC, verified=False, faults=(UNTRUSTED,)))) == []


@pytest.mark.parametrize("issuer", [PUBLIC.issuer, "CN=E7,O=Other"])
def test_without_roots_of_our_own_no_issuer_is_a_private_one(issuer: str) -> None:
    """As in a container whose bundle of certificates is gone: every host is as untrusted as any."""
    ours = replace(UNTRUSTED, detail=NO_ROOTS)
    renewed = changed(HOST, tls=replace(PUBLIC, verified=False, faults=(ours,), chain=OTHER, issuer=issuer))
    for before, after in ((HOST, renewed), (renewed, HOST)):
        found = differences(before.facts, after)
        assert [each.what for each in found[:1]] == [HostChange.CERTIFICATE]
        assert [each.what for each in found[1:]] == [HostChange.ISSUER] * (issuer != PUBLIC.issuer)
        assert not any("root" in each.now + each.before for each in found)


def test_of_a_chain_that_is_not_shown_any_more_the_certificate_itself_stays_known() -> None:
    long = changed(HOST, tls=replace(PUBLIC, chain=(CERTIFICATE, *OTHER)))
    _, known = host_changes(long.facts, down_host())
    assert known.tls is not None
    assert known.tls.chain == (CERTIFICATE,)
    assert kinds(changed(HOST, tls=known.tls), long) == []


def test_a_certificate_that_only_expires_is_the_same_certificate() -> None:
    expired = changed(HOST, tls=replace(PUBLIC, verified=False, faults=(EXPIRED,)))
    assert kinds(HOST, expired) == []


def test_the_version_of_tls_the_software_and_the_size_limit_change() -> None:
    other = changed(HOST, tls=replace(PUBLIC, version="TLSv1.2"), software="Exim", size_limit=0)
    found = differences(HOST.facts, other)
    assert [(each.what, each.before, each.now) for each in found] == [
        (HostChange.TLS_VERSION, "TLSv1.3", "TLSv1.2"),
        (HostChange.SOFTWARE, "Postfix", "Exim"),
        (HostChange.SIZE_LIMIT, "1,000 bytes", "no limit"),
    ]


def test_a_certificate_that_the_same_tlsa_records_do_not_match_has_left_them_behind() -> None:
    mismatch = changed(HOST, dane=Dane(DaneState.MISMATCH, RECORDS[::-1]), tls=replace(PUBLIC, chain=OTHER))
    assert kinds(HOST, mismatch) == [HostChange.CERTIFICATE, HostChange.TLSA_OUTDATED]
    assert kinds(mismatch, HOST) == [HostChange.CERTIFICATE, HostChange.DANE]


@pytest.mark.parametrize(
    ("dane", "tls"),
    [
        pytest.param(Dane(DaneState.MISMATCH, ("3 1 1 ee",)), replace(PUBLIC, chain=OTHER), id="both changed"),
        pytest.param(Dane(DaneState.MISMATCH, ("3 1 1 ee",)), PUBLIC, id="the records changed"),
        pytest.param(Dane(DaneState.MISMATCH, RECORDS), PUBLIC, id="neither is known to have changed"),
    ],
)
def test_another_mismatch_is_not_said_to_come_from_the_certificate(dane: Dane, tls: TlsResult) -> None:
    assert kinds(HOST, changed(HOST, dane=dane, tls=tls))[-1] is HostChange.TLSA_MISMATCH


@pytest.mark.parametrize("state", [DaneState.VERIFIED, DaneState.MISMATCH, DaneState.NO_TLS, DaneState.UNUSABLE])
def test_tlsa_records_are_gone_where_an_authenticated_answer_has_none(state: DaneState) -> None:
    gone = changed(HOST, dane=Dane(DaneState.ABSENT))
    assert kinds(changed(HOST, dane=Dane(state, RECORDS)), gone) == [HostChange.TLSA_GONE]


@pytest.mark.parametrize("state", [DaneState.LOOKUP_FAILED, DaneState.UNCHECKED])
def test_tlsa_records_that_are_not_known_are_not_gone(state: DaneState) -> None:
    unknown = changed(HOST, dane=Dane(state))
    found, known = host_changes(HOST.facts, unknown)
    assert found == ()
    assert known.dane == HOST.facts.dane
    assert kinds(unknown, HOST) == []


def test_dane_that_does_not_apply_any_more_is_another_state_and_no_record_that_went() -> None:
    insecure = changed(HOST, dane=Dane(DaneState.INSECURE))
    assert kinds(HOST, insecure) == [HostChange.DANE]
    assert kinds(insecure, changed(HOST, dane=Dane(DaneState.ABSENT))) == [HostChange.DANE]


def test_texts_of_servers_are_escaped_and_bounded() -> None:
    hostile = replace(PUBLIC, subject="a\x1b[31m" * 500, issuer="O=" + "\u202e" * 500, not_after=1e300, chain=OTHER)
    for each in differences(HOST.facts, changed(HOST, tls=hostile)):
        assert each.now.isprintable()
        assert len(each.now) < 5000
