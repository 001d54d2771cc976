"""Sizes of keys as labels, and fingerprints as text."""

from __future__ import annotations

import pytest

from exporter.model.certificate import KeyType, SentCertificate, fingerprint_text


@pytest.mark.parametrize(("bits", "label"), [(2048, "2048"), (256, "256"), (2047, "other"), (0, "other"), (None, "")])
def test_a_size_that_keys_do_not_have_is_no_label(bits: int | None, label: str) -> None:
    assert SentCertificate("", "", 0.0, 1.0, "", "", KeyType.RSA, bits).bits_label == label


def test_a_fingerprint_is_written_as_openssl_writes_it() -> None:
    assert fingerprint_text("00ab10") == "00:AB:10"
    assert fingerprint_text("") == ""
