"""The lines for a person about the policies that apply to mail for a domain."""

from __future__ import annotations

import pytest

from exporter.model.policy import Dane, DaneState, MtaSts, MtaStsMode, MtaStsProblem, TlsRpt
from exporter.model.result import DomainResult
from exporter.report.as_json import as_json
from exporter.report.transcript import policy_lines, remark_lines, transcript_text
from tests.results import changed, result, up_host, with_policies

PLAIN = result(up_host())


def _lines(mta_sts: MtaSts | None = None, tls_rpt: TlsRpt | None = None) -> list[str]:
    return list(policy_lines(PLAIN._replace(mta_sts=mta_sts, tls_rpt=tls_rpt)))


@pytest.mark.parametrize(
    ("mta_sts", "line"),
    [
        (MtaSts(MtaStsMode.ABSENT), "MTA-STS: absent"),
        (
            MtaSts(MtaStsMode.ENFORCE, True, id="1", mx=("mx.a.example", "*.b.example"), max_age=60),
            "MTA-STS: enforce, mx mx.a.example, *.b.example, max_age 60 s",
        ),
        (
            MtaSts(MtaStsMode.UNKNOWN, False, MtaStsProblem.REDIRECT, "it answers 301"),
            "MTA-STS: unknown; not valid: redirect: it answers 301",
        ),
        (MtaSts(MtaStsMode.UNKNOWN, None, MtaStsProblem.LOCAL, "no route"), "MTA-STS: unknown: no route"),
        (
            MtaSts(MtaStsMode.TESTING, True, mx=tuple(f"mx{number}.a" for number in range(20))),
            f"MTA-STS: testing, mx {', '.join(f'mx{number}.a' for number in range(16))} and 4 more",
        ),
    ],
)
def test_mta_sts_is_one_line(mta_sts: MtaSts, line: str) -> None:
    assert _lines(mta_sts) == [line]


@pytest.mark.parametrize(
    ("tls_rpt", "line"),
    [
        (TlsRpt(None, detail="SERVFAIL"), "TLS-RPT: unknown: SERVFAIL"),
        (TlsRpt(False), "TLS-RPT: absent"),
        (TlsRpt(True, False, "the record has no rua"), "TLS-RPT: not valid: the record has no rua"),
        (TlsRpt(True, True, rua=("mailto:a@b.example", "https://c/")), "TLS-RPT: mailto:a@b.example, https://c/"),
    ],
)
def test_tls_reporting_is_one_line(tls_rpt: TlsRpt, line: str) -> None:
    assert _lines(None, tls_rpt) == [line]


def test_dane_comes_with_the_records_it_rests_on() -> None:
    host = changed(up_host(), dane=Dane(DaneState.MISMATCH, ("3 1 1 ab",), "the certificate does not match"))
    assert list(remark_lines(host)) == ["DANE: mismatch: the certificate does not match", "  TLSA 3 1 1 ab"]
    assert list(remark_lines(changed(host, dane=None))) == []


def test_the_dialogue_as_text_shows_them() -> None:
    whole: DomainResult = with_policies(PLAIN)
    text = transcript_text(whole)
    assert "MTA-STS: enforce, mx mx.a.example, max_age 86400 s; not valid: certificate: expired" in text
    assert "TLS-RPT: mailto:a@b.example" in text
    assert "DANE: verified" in text
    assert not any(word in transcript_text(PLAIN._replace(hosts=())) for word in ("MTA-STS", "TLS-RPT", "DANE"))


def test_what_a_stranger_wrote_is_escaped() -> None:
    evil = "\x1b[31m\u202e"
    lines = _lines(MtaSts(MtaStsMode.UNKNOWN, False, MtaStsProblem.TLS, evil), TlsRpt(True, False, evil))
    assert all(line.isprintable() for line in lines)


def test_as_json_they_are_data() -> None:
    whole = as_json("healthy.example", with_policies(PLAIN))
    assert whole["mta_sts"] == {
        "mode": "enforce",
        "valid": False,
        "class": "certificate",
        "detail": "expired",
        "id": "1",
        "mx": ["mx.a.example"],
        "max_age_seconds": 86400,
    }
    assert whole["tls_rpt"] == {"present": True, "valid": True, "detail": "", "rua": ["mailto:a@b.example"]}
    assert whole["hosts"][0]["dane"] == {"state": "verified", "records": ["3 1 1 " + "ab" * 32], "detail": ""}
    nothing = as_json("healthy.example", PLAIN)
    assert (nothing["mta_sts"], nothing["tls_rpt"]) == (None, None)
