"""The system trusts the lab's authority in the tests of policies."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.policies.lookups import AUTHORITY


@pytest.fixture(autouse=True)
def _roots(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The system trusts the lab's authority, as a user would have it trust his own."""
    (tmp_path / "roots.pem").write_text(AUTHORITY.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "roots.pem"))
