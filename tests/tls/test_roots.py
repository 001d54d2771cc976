"""The system's roots, found as OpenSSL finds them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from exporter.tls.roots import system_roots
from tests.support.certificates import authority


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place that holds this system's roots; none yet."""
    (tmp_path / "certs").mkdir()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "roots.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "certs"))
    return tmp_path


def test_nothing_there_is_no_roots(folder: Path) -> None:
    assert system_roots().certificates == frozenset()


def test_a_file_is_read_and_read_again_when_it_has_changed(folder: Path) -> None:
    first, second = authority("First"), authority("Second")
    file = folder / "roots.pem"
    file.write_text(f"# comment\n{first.pem}")
    assert system_roots().certificates == {first.der}
    assert system_roots() is system_roots()
    file.write_text(first.pem + "\n" + second.pem)
    assert system_roots().certificates == {first.der, second.der}


def test_one_that_cannot_be_read_does_not_cost_the_others(folder: Path) -> None:
    good = authority("Good")
    bad = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    odd = "-----BEGIN CERTIFICATE-----\n!\xff\n-----END CERTIFICATE-----\n"
    (folder / "roots.pem").write_text(bad + good.pem + odd, encoding="latin-1")
    assert system_roots().certificates == {good.der}


def test_a_folder_is_read_by_its_hashed_names(folder: Path) -> None:
    hashed, other = authority("Hashed"), authority("Other")
    (folder / "certs" / "0123abcd.0").write_text(hashed.pem)
    (folder / "certs" / "other.pem").write_text(other.pem)
    os.utime(folder / "certs", (1, 1))  # whatever was read of it before has another time
    assert system_roots().certificates == {hashed.der}


def test_several_folders_are_named_as_in_a_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = authority("First"), authority("Second")
    (folder / "more").mkdir()
    (folder / "certs" / "0123abcd.0").write_text(first.pem)
    (folder / "more" / "0123abcd.1").write_text(second.pem)
    monkeypatch.setenv("SSL_CERT_DIR", f"{folder / 'certs'}{os.pathsep}{folder / 'more'}")
    assert system_roots().certificates == {first.der, second.der}
