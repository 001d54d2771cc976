"""Old versions of TLS are spoken where a whole handshake succeeds in this process, and not where it only begins."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import pytest

from exporter.tls import client_contexts, client_offer
from exporter.tls.version_support import speaks


@pytest.fixture(autouse=True)
def _afresh() -> Iterator[None]:
    yield
    for kept in (speaks, client_contexts.version_context):
        kept.cache_clear()


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1.1"])
def test_a_version_that_this_openssl_does_is_spoken(version: str) -> None:
    assert speaks(version)


def test_a_version_that_this_openssl_was_built_without_is_not() -> None:
    assert speaks("SSLv3") is ssl.HAS_SSLv3


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1.1"])
def test_a_version_whose_signatures_a_policy_forbids_is_not(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # From level 1 on OpenSSL takes no signature with SHA-1, whatever version it offers.
    level = client_offer.WITH_FINITE_FIELD.replace("SECLEVEL=0", "SECLEVEL=1")
    monkeypatch.setattr(client_contexts, "WITH_FINITE_FIELD", level)
    client_contexts.version_context.cache_clear()
    speaks.cache_clear()
    assert not speaks(version)
