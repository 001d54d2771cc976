from __future__ import annotations

import pytest

from exporter.arrival.authentication_results import authentication_of, fields
from exporter.model.arrival import AuthenticationMethod, AuthenticationResult

M, R = AuthenticationMethod, AuthenticationResult
BELIEVED = ("mx.example.org",)


def field(value: str) -> bytes:
    return f"Authentication-Results: {value}\r\n".encode()


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("mx.example.org; none", {}),
        ("mx.example.org 1; spf=pass smtp.mailfrom=example.net", {M.SPF: R.PASS}),
        ("MX.Example.ORG; SPF=SoftFail", {M.SPF: R.SOFTFAIL}),
        ("mx.example.org; spf/1 = pass; dkim = none", {M.SPF: R.PASS, M.DKIM: R.NONE}),
        (
            'mx.example.org (a; b (c) \\) d);\r\n\tspf=fail reason="x; dkim=pass" (dmarc=pass); dmarc=hardfail',
            {M.SPF: R.FAIL, M.DMARC: R.FAIL},
        ),
        ("mx.example.org; dkim=fail header.d=a.example; dkim=pass header.d=b.example", {M.DKIM: R.PASS}),
        ("mx.example.org; dkim=bestguesspass; arc=pass; iprev=pass", {M.DKIM: R.OTHER}),
        ("mx.evil.example; spf=pass", {}),
        ("mx.example.org.evil.example; spf=pass", {}),
        ("(mx.example.org) mx.evil.example; spf=pass", {}),
        ("spf=pass", {}),
        ("", {}),
        ('"mx.example.org"; spf=pass', {M.SPF: R.PASS}),
        ('"mx\\.example.org"\t1\t; spf=pass', {M.SPF: R.PASS}),
        ("mx.example.org\t1; spf=pass", {M.SPF: R.PASS}),
        ("\r\n mx.example.org(its (own) name)1\r\n\t; spf\r\n =\r\n pass", {M.SPF: R.PASS}),
        # A server leaves them alone, for they do not bear its name, or are no results.
        ("mx.example.org 2; spf=pass", {}),
        ("mx.example.org 1 1; spf=pass", {}),
        ("mx.example.org mx.evil.example; spf=pass", {}),
        ('"mx.example.org mx.evil.example"; spf=pass', {}),
        ('mx.example.org"; spf=pass', {}),
        ("mx.evil.example; x=y\rAuthentication-Results: mx.example.org; spf=pass", {}),
        ("mx.evil.example; x=(y\r\n Authentication-Results: mx.example.org; spf=pass", {}),
    ],
)
def test_the_results_of_a_field_are_those_of_a_server_that_is_believed(
    value: str, found: dict[AuthenticationMethod, AuthenticationResult]
) -> None:
    assert dict(authentication_of(field(value), BELIEVED)) == found


def test_of_several_fields_the_topmost_counts_for_each_method() -> None:
    header = field("mx.example.org; spf=fail") + field("mx.evil.example; dmarc=pass")
    header += field("mx.example.org; spf=pass; dkim=pass")
    assert authentication_of(header, BELIEVED) == ((M.SPF, R.FAIL), (M.DKIM, R.PASS))


def test_without_a_server_that_is_believed_nothing_is() -> None:
    assert authentication_of(field("mx.example.org; spf=pass"), ()) == ()


def test_what_is_hostile_costs_little() -> None:
    header = field("mx.example.org; " + "(" * 100_000) + field("\\" * 100_000) + field('"' * 99_999)
    assert authentication_of(header, BELIEVED) == ()


def test_fields_are_unfolded_and_known_in_any_case() -> None:
    assert [*fields(b"message-ID:\r\n <a@b>\r\nOther: c\r\n", b"message-id")] == ["<a@b>"]
