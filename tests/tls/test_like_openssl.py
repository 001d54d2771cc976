"""Chains on which libraries differ: OpenSSL's answer counts, for it is that of most senders."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from exporter.model.failure import FailureClass
from exporter.model.printable import printable
from exporter.tls.roots import Roots
from exporter.tls.verification import Trust, examine
from tests.support.certificates import DAY, NOW
from tests.support.corpus import HOST, Case, corpus, openssl_verifies, weakly_signed


def judged(case: Case) -> Trust:
    return examine(case.chain, HOST, time.time(), Roots(case.roots))


@pytest.mark.parametrize("case", corpus(), ids=lambda case: case.name.replace(" ", "-"))
def test_a_chain_is_worth_what_openssl_takes_it_for(case: Case, tmp_path: Path) -> None:
    found = judged(case)
    chain_faults = [fault for fault in found.faults if fault.failure_class is not FailureClass.TLS_NAME_MISMATCH]
    assert (not chain_faults) is openssl_verifies(case, tmp_path), found.faults
    assert all(fault.detail and printable(fault.detail) == fault.detail for fault in found.faults)


@pytest.mark.parametrize("digest", ["sha1", "sha512"])
def test_an_old_digest_is_worth_what_openssl_takes_it_for(digest: str, tmp_path: Path) -> None:
    case = weakly_signed(digest)
    assert judged(case).verified is openssl_verifies(case, tmp_path)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no intermediate", "the server sends no intermediate: CN=Inner,O=Lab, which issued its own, is no root"),
        ("the nearest intermediate is missing", "its chain lacks the certificate of CN=Inner,O=Lab"),
        ("the farthest intermediate is missing", "no root of this system vouches for the issuer CN=Outer,O=Lab"),
        ("self-signed", "its certificate is self-signed"),
        ("issued by an unknown root", "its chain ends at CN=Root,O=Lab, which is no root of this system"),
        ("own: for clients", "its certificate is not for servers"),
        ("issuer: CA:FALSE", "the certificate of CN=Middle,O=Lab issues others and is no certificate authority"),
        ("issuer of an issuer: pathlen 0", "the certificate of CN=Middle,O=Lab allows no chain of this length"),
        ("dns excluded, critical", "its certificate bears a name that its issuers may not certify"),
        ("own is expired", f"its certificate expired on {NOW - DAY:%Y-%m-%d}"),
        ("issuer is expired", f"the certificate of CN=Middle,O=Lab in its chain expired on {NOW - DAY:%Y-%m-%d}"),
        ("issuer is not yet valid", f"is not valid before {NOW + DAY:%Y-%m-%d}"),
    ],
)
def test_what_is_wrong_is_told_with_names_and_dates(name: str, said: str) -> None:
    case = next(case for case in corpus() if case.name == name)
    assert any(said in fault.detail for fault in judged(case).faults)


def test_the_dates_are_those_of_the_path_that_verifies() -> None:
    """Neither an expired spare among the certificates nor one that ends sooner counts."""
    sooner = {
        "expired cross certificate, root known": 90,
        "issuer renewed with one key, the expired one first": 90,
        "50 certificates of one name and key, none of them needed": 90,
        "root is expired": -1,
    }
    for case in corpus():
        if case.name in sooner:
            ends = judged(case).not_after
            assert ends == pytest.approx((NOW + sooner[case.name] * DAY).timestamp(), abs=1), case.name
