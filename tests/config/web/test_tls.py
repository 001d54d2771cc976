"""`tls_server_config` as an SSL context: what it is told, and the key of each mistake."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from exporter.config.web.schema import TlsServerSection
from exporter.config.web.tls import MAX_PEM_BYTES, TlsSectionError, server_context
from tests.support.certificates import Issued, authority, issue

CA = authority()
WEB, OTHER = issue("web.example", by=CA), issue("other.example", by=CA)
FILES = {"cert_file": "server.pem", "key_file": "server.key"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> Path:
    WEB.write(tmp_path)
    OTHER.write(tmp_path, "other")
    (tmp_path / "ca.pem").write_text(CA.pem)
    (tmp_path / "garbage").write_text("nothing of the kind\n")
    (tmp_path / "blank").write_text("\n \n")
    (tmp_path / "huge").write_bytes(b"x" * (MAX_PEM_BYTES + 1))
    encrypted = OTHER.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    )
    (tmp_path / "encrypted.key").write_bytes(encrypted)
    return tmp_path


def context(folder: Path, **keys: Any) -> ssl.SSLContext:
    return server_context(TlsServerSection.model_validate({**FILES, **keys}), folder)


def met(server: ssl.SSLContext, own: Issued | None = None, folder: Path | None = None) -> ssl.SSLObject:
    """The client's end of a handshake with `server`, done in memory. Raises SSLError."""
    client_context = ssl.create_default_context(cadata=CA.pem)
    client_context.set_alpn_protocols(["h2", "http/1.1"])
    if own is not None and folder is not None:
        client_context.load_cert_chain(*own.write(folder, "client"))
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname="web.example")
    other = server.wrap_bio(to_server, to_client, server_side=True)
    for end in (client, other) * 3:
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            pass
    return client


def test_the_context_serves_the_certificate_over_http_1_1_and_gives_no_tickets(folder: Path) -> None:
    made = context(folder)
    assert (made.minimum_version, made.maximum_version) == (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
    assert made.verify_mode is ssl.CERT_NONE
    client = met(made)
    assert client.selected_alpn_protocol() == "http/1.1"
    assert client.getpeercert(binary_form=True) == WEB.der
    assert made.num_tickets == 0
    assert made.options & ssl.OP_NO_TICKET


def test_suites_and_versions_are_those_that_are_named(folder: Path) -> None:
    suites = ["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"]
    made = context(folder, cipher_suites=suites, max_version="TLS12", prefer_server_cipher_suites=False)
    assert made.maximum_version is ssl.TLSVersion.TLSv1_2
    found = {cipher["name"] for cipher in made.get_ciphers() if cipher["protocol"] != "TLSv1.3"}
    assert found == {"ECDHE-ECDSA-AES128-GCM-SHA256"}
    assert not made.options & ssl.OP_CIPHER_SERVER_PREFERENCE
    assert met(made).version() == "TLSv1.2"


def test_suites_of_tls_1_3_alone_leave_that_version_alone(folder: Path) -> None:
    made = context(folder, cipher_suites=["TLS_AES_128_GCM_SHA256"])
    assert made.minimum_version is ssl.TLSVersion.TLSv1_3


def test_the_old_versions_of_tls_are_taken_from_a_user_who_writes_them_down(folder: Path) -> None:
    assert context(folder, min_version="TLS10").minimum_version is ssl.TLSVersion.TLSv1


def test_certificate_and_key_may_stand_in_the_section_itself(folder: Path) -> None:
    made = server_context(
        TlsServerSection(
            cert=(folder / "server.pem").read_text(),
            key=(folder / "server.key").read_text(),
            client_ca=CA.pem,
            client_auth_type="RequireAndVerifyClientCert",
        ),
        Path("/nowhere"),
    )
    assert made.verify_mode is ssl.CERT_REQUIRED
    assert len(made.get_ca_certs()) == 1


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        ("NoClientCert", ssl.CERT_NONE),
        ("RequestClientCert", ssl.CERT_NONE),
        ("VerifyClientCertIfGiven", ssl.CERT_OPTIONAL),
        ("RequireAndVerifyClientCert", ssl.CERT_REQUIRED),
    ],
)
def test_a_certificate_of_the_client_is_asked_for_as_configured(folder: Path, kind: str, mode: ssl.VerifyMode) -> None:
    authorities = {} if kind == "NoClientCert" else {"client_ca_file": "ca.pem"}
    assert context(folder, client_auth_type=kind, **authorities).verify_mode is mode


def test_only_a_client_with_a_certificate_of_the_authority_gets_in(folder: Path) -> None:
    made = context(folder, client_auth_type="RequireAndVerifyClientCert", client_ca_file="ca.pem")
    assert met(made, OTHER, folder).version() == "TLSv1.3"
    for own in (None, issue("other.example")):
        with pytest.raises(ssl.SSLError):
            met(made, own, folder)


@pytest.mark.parametrize(
    ("keys", "key", "words"),
    [
        ({"cert_file": ""}, "", "cert_file is missing"),
        ({"key_file": ""}, "", "key_file is missing"),
        ({"cert": "x"}, "cert", "is given twice: as cert_file too"),
        ({"key": "x"}, "key", "is given twice: as key_file too"),
        ({"cert_file": "nope"}, "cert_file", "cannot be read: No such file or directory"),
        ({"cert_file": "."}, "cert_file", "cannot be read: Is a directory"),
        ({"cert_file": "garbage"}, "cert_file", "has no certificate in PEM form"),
        ({"cert_file": "", "cert": "garbage"}, "cert", "has no certificate in PEM form"),
        ({"cert_file": "blank"}, "cert_file", "is empty"),
        ({"cert_file": "huge"}, "cert_file", f"has more than {MAX_PEM_BYTES} bytes"),
        ({"key_file": "garbage"}, "key_file", "has no private key in PEM form"),
        ({"key_file": "other.key"}, "key_file", "is not the key of the certificate"),
        ({"key_file": "encrypted.key"}, "key_file", "the key is encrypted"),
        ({"min_version": "TLS13", "max_version": "TLS12"}, "max_version", "TLS12 is below min_version, TLS13"),
        (
            {"cipher_suites": ["TLS_AES_128_GCM_SHA256"], "max_version": "TLS12"},
            "cipher_suites",
            "none of these is a suite of TLS12",
        ),
        ({"curve_preferences": ["X25519", "CurveP256"]}, "curve_preferences", "a single curve"),
        ({"client_ca_file": "ca.pem"}, "client_ca_file", "has no effect without client_auth_type"),
        ({"client_ca": "x", "client_auth_type": "NoClientCert"}, "client_ca", "has no effect"),
        (
            {"client_ca": "x", "client_ca_file": "ca.pem", "client_auth_type": "VerifyClientCertIfGiven"},
            "client_ca",
            "is given twice",
        ),
        (
            {"client_ca_file": "garbage", "client_auth_type": "VerifyClientCertIfGiven"},
            "client_ca_file",
            "has no certificate in PEM form",
        ),
        (
            {"client_allowed_sans": ["a"], "client_auth_type": "VerifyClientCertIfGiven"},
            "client_allowed_sans",
            "needs client_auth_type: RequireAndVerifyClientCert",
        ),
    ],
)
def test_a_mistake_has_its_key(folder: Path, keys: dict[str, Any], key: str, words: str) -> None:
    with pytest.raises(TlsSectionError, match=words) as found:
        context(folder, **keys)
    assert [error.key for error in found.value.errors] == [key]


def test_every_mistake_is_told_at_once(folder: Path) -> None:
    with pytest.raises(TlsSectionError) as found:
        context(
            folder, cert_file="none", key_file="garbage2", min_version="TLS13", max_version="TLS12", client_ca_file="x"
        )
    keys = [error.key for error in found.value.errors]
    assert keys == ["max_version", "cert_file", "key_file", "client_ca_file"]
