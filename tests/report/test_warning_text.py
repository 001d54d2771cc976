"""Warnings in words: dates, names and codes of what a session showed."""

from __future__ import annotations

import pytest

from exporter.model.failure import Failure, FailureClass, Stage
from exporter.model.policy import Dane, DaneState, MtaSts, MtaStsMode
from exporter.model.result import MxDifferences, MxHost, MxLookup, TlsResult
from exporter.model.warning import DomainWarning, HostWarning
from exporter.probe.host_warnings import OVERWRITTEN, cost_in_words
from exporter.report.summary import MAX_WORDS, summarise
from exporter.report.warning_text import MAX_SENTENCES, WARNINGS, domain_sentence, host_sentence, warning_sentences
from tests.results import AT, changed, down_host, result, tls_host, up_host

W, D = HostWarning, DomainWarning
DAY = 86400.0
EXPIRED = Failure(Stage.TLS, FailureClass.TLS_EXPIRED, "its certificate expired on 2026-11-15 06:00 UTC")
NAMES = Failure(Stage.TLS, FailureClass.TLS_NAME_MISMATCH, "its certificate is for a.example, not for \x1b[1mb.example")


def tls(*faults: Failure, ends: float | None = None) -> TlsResult:
    return TlsResult("TLSv1.3", "AES", not faults, faults, not_after=ends)


def test_every_warning_has_words() -> None:
    assert set(WARNINGS) == {*HostWarning, *DomainWarning}
    assert all(entry.seen and entry.step for entry in WARNINGS.values())


@pytest.mark.parametrize(
    ("warning", "values", "told"),
    [
        (W.TLS_EXPIRED, {"tls": tls(NAMES, EXPIRED)}, "its certificate expired on 2026-11-15 06:00 UTC"),
        (W.TLS_NAME_MISMATCH, {"tls": tls(NAMES)}, r"its certificate is for a.example, not for \x1b[1mb.example"),
        (W.TLS_EXPIRED, {}, "its certificate, or one of its chain, has expired"),
        (
            W.TLS_EXPIRES_SOON,
            {"tls": tls(ends=AT + 5 * DAY)},
            "its certificate, or one of its chain, ends on 2023-11-19 22:13 UTC, 5 days after this probe",
        ),
        (
            W.TLS_EXPIRES_SOON,
            {"tls": tls(ends=AT + 0.5 * DAY)},
            "its certificate, or one of its chain, ends on 2023-11-15 10:13 UTC, 12 hours after this probe",
        ),
        (W.BANNER_SLOW, {"phases": ((Stage.BANNER, 12.34),)}, "its greeting took 12.3 s"),
        (W.VRFY_ENABLED, {"reply_codes": ((Stage.VRFY, 250),)}, "its VRFY answers 250: it tells every client"),
        (W.QUIT_UNCLEAN, {"reply_codes": ((Stage.QUIT, 250),)}, "it answers QUIT with 250 in place of 221"),
        (W.QUIT_UNCLEAN, {"reply_codes": ()}, "it does not answer QUIT with 221"),
        (W.MASKED, {"remarks": ("another", OVERWRITTEN)}, OVERWRITTEN),
        (W.COSTLY, {"remarks": (cost_in_words(1.0, AT),)}, "the session of 22:13:20 UTC took 1.00 s"),
        (W.MX_IS_CNAME, {}, "mx1.healthy.example is an alias"),
        (
            W.DANE_MISMATCH,
            {"dane": Dane(DaneState.MISMATCH, detail="no record matches")},
            "its certificate matches no TLSA record: no record matches",
        ),
    ],
)
def test_a_sentence_has_what_the_session_showed(warning: HostWarning, values: dict[str, object], told: str) -> None:
    assert host_sentence(warning, changed(up_host(), **values)).startswith(told)


def test_a_policy_is_told_with_its_mode_and_its_names() -> None:
    probed = result(up_host())._replace(
        mta_sts=MtaSts(MtaStsMode.ENFORCE, True, mx=("mx.a.example", "*.b\x00.example"))
    )
    told = domain_sentence(D.MTA_STS_MISMATCH, probed)
    assert told == r"its MTA-STS policy does not name an MX host (mode enforce, for mx.a.example, *.b\x00.example)"
    assert domain_sentence(D.NULL_MX_AMONG_OTHERS, probed) == WARNINGS[D.NULL_MX_AMONG_OTHERS].seen


@pytest.mark.parametrize(
    ("names", "records", "differences", "told"),
    [
        (
            ("mx.other.example", "mx1.us.example"),
            2,
            MxDifferences(("mx.other.example",), ("mx2.us.example",)),
            (
                "its MX records name mx.other.example, which expect_mx does not",
                "its MX records do not name mx2.us.example, as expect_mx does: "
                "they name mx.other.example, mx1.us.example",
            ),
        ),
        (
            ("a.example",),
            0,
            MxDifferences(("a.example",), (".us.example",)),
            (
                "it has no MX record, so its mail goes to a.example itself, which expect_mx does not name",
                "its MX records do not name a host below .us.example, as expect_mx does: it has none",
            ),
        ),
        (
            (),
            1,
            MxDifferences((), ("a.us.example",)),
            ("", "its MX records do not name a.us.example, as expect_mx does: there is no MX host"),
        ),
        (
            tuple(f"mx{number}\x1b.other.example" for number in range(6)),
            6,
            MxDifferences(tuple(f"mx{number}\x1b.other.example" for number in range(6))),
            (
                r"its MX records name mx0\x1b.other.example, mx1\x1b.other.example, mx2\x1b.other.example, "
                r"mx3\x1b.other.example and 2 more, which expect_mx does not",
                "",
            ),
        ),
    ],
)
def test_mx_records_that_are_not_as_expected_are_told_with_their_names(
    names: tuple[str, ...], records: int, differences: MxDifferences, told: tuple[str, str]
) -> None:
    lookup = MxLookup("a.example", tuple(MxHost(name, 10) for name in names), mx_records=records)
    probed = result(up_host())._replace(lookup=lookup, mx_differences=differences)
    for warning, sentence in zip((D.MX_UNEXPECTED, D.MX_MISSING), told, strict=True):
        assert not sentence or domain_sentence(warning, probed) == sentence


def test_a_domain_that_is_down_has_them_among_its_evidence() -> None:
    lookup = MxLookup("a.example", (MxHost("mx.other.example", 10),), mx_records=1)
    probed = result(down_host())._replace(
        lookup=lookup, mx_differences=MxDifferences(("mx.other.example",)), warnings=(D.MX_UNEXPECTED,)
    )
    assert "its MX records name mx.other.example, which expect_mx does not" in summarise("a.example", probed).evidence


def test_hosts_with_the_same_fault_are_told_together_and_those_that_fail_by_their_failure() -> None:
    hosts = [up_host(f"mx{number}.a.example", f"192.0.2.{number}") for number in range(3)]
    down = changed(down_host(), warnings=(W.CONTRADICTORY_CODES,))
    probed = result(*hosts, down)._replace(warnings=(D.NULL_MX_AMONG_OTHERS,))
    assert list(warning_sentences("a.example", probed)) == [
        "a.example: a null MX stands beside other MX records, which count",
        "mx0.a.example [192.0.2.0] and 2 more: it offers no STARTTLS: mail travels in the clear",
    ]


def test_the_lines_are_bounded() -> None:
    hosts = [
        changed(up_host(f"mx{number}.a.example"), warnings=(W.BANNER_SLOW,), phases=((Stage.BANNER, 11.0 + number),))
        for number in range(40)
    ]
    lines = list(warning_sentences("a.example", result(*hosts)))
    assert len(lines) == MAX_SENTENCES + 1
    assert lines[-1] == "and 28 more warnings"


def test_the_summary_says_the_first_and_the_evidence_has_the_rest() -> None:
    expired = changed(tls_host(), tls=tls(EXPIRED))
    (summary, *_) = [summarise("a.example", result(expired))]
    assert summary.summary == (
        "a.example is up: 1 of 1 address takes mail, with warnings:"
        " mx.secure.example [192.0.2.3]: its certificate expired on 2026-11-15 06:00 UTC."
    )
    assert summary.evidence == ()
    long = changed(expired, tls=tls(Failure(Stage.TLS, FailureClass.TLS_EXPIRED, "word " * 40)))
    summary = summarise("a.example", result(long))
    assert summary.summary == "a.example is up: 1 of 1 address takes mail, with warnings."
    assert len(summary.evidence) == 1
    assert len(summarise("a.example", result(expired, up_host())).summary.split()) <= MAX_WORDS
