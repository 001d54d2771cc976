"""The closed lists of old versions."""

from __future__ import annotations

from exporter.model.tls_version import OLD_VERSIONS, VersionState


def test_versions_have_the_names_that_openssl_gives_them_in_a_session() -> None:
    assert OLD_VERSIONS == ("TLSv1.1", "TLSv1", "SSLv3")
    assert [state.value for state in VersionState] == ["accepted", "refused", "unknown", "untestable"]
