"""`--web.config.file`: what is taken, what is refused and where, and that promtool thinks the same."""

from __future__ import annotations

import subprocess
from pathlib import Path

import bcrypt
import pytest
from cryptography.hazmat.primitives import serialization

from exporter.config.problems import ConfigError
from exporter.config.web.load import RateLimit, WebConfig, load_web
from exporter.config.web.schema import MAX_BCRYPT_COST
from tests.support.certificates import authority, issue
from tests.support.require import require_program

HASH = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
TLS = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"


@pytest.fixture(autouse=True)
def files(tmp_path: Path) -> Path:
    ca = authority()
    issue("web.example", by=ca).write(tmp_path)
    other = issue("other.example", by=ca)
    other.write(tmp_path, "other")
    (tmp_path / "ca.pem").write_text(ca.pem)
    (tmp_path / "garbage").write_text("nothing of the kind\n")
    (tmp_path / "empty").write_text("")
    encrypted = other.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    )
    (tmp_path / "encrypted.key").write_bytes(encrypted)
    return tmp_path


def loaded(folder: Path, text: str) -> WebConfig:
    path = folder / "web.yaml"
    path.write_text(text)
    return load_web(path)


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as error:
        loaded(folder, text)
    return [str(problem).removeprefix(f"{folder}/") for problem in error.value.errors]


def promtool_takes(path: Path) -> bool:
    program = require_program("promtool")
    return subprocess.run([program, "check", "web-config", str(path)], capture_output=True, check=False).returncode == 0


ACCEPTED = {
    "nothing": "{}",
    "certificate": TLS,
    "client certificates": TLS + "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n",
    "client certificates if given": TLS + "  client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: ca.pem\n",
    "asked for": TLS + "  client_auth_type: RequestClientCert\n",
    "versions": TLS + "  min_version: TLS13\n  max_version: TLS13\n",
    "ciphers": TLS
    + "  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]\n  prefer_server_cipher_suites: false\n",
    "curve": TLS + "  curve_preferences: [CurveP256]\n",
    "http": "http_server_config:\n  http2: false\n  headers:\n    X-Frame-Options: deny\n    X-XSS-Protection: '0'\n",
    "users": f"basic_auth_users:\n  alice: {HASH}\n  bob: {HASH.replace('$2b$', '$2y$')}\n",
}
# Refused by promtool too.
REFUSED = {
    "unknown key": ("tls_server_confg: {}", ["web.yaml:1:1: tls_server_confg: unknown key; did you mean"]),
    "unknown key inside": (TLS + "  nope: 1\n", ["web.yaml:4:3: tls_server_config.nope: unknown key"]),
    "type": ("http_server_config: []", ["web.yaml:1:21: http_server_config: must be a mapping, not a list"]),
    "header": (
        "http_server_config:\n  headers: {X-Nope: a}",
        ["web.yaml:2:13: http_server_config.headers.X-Nope: 'X-Nope' is not a header"],
    ),
    "header value": (
        "http_server_config:\n  headers:\n    X-Frame-Options: allow\n",
        ["web.yaml:3:5: http_server_config.headers: X-Frame-Options must be deny or sameorigin, not 'allow'"],
    ),
    "no hash": ("basic_auth_users:\n  alice: secret\n", ["web.yaml:2:10: basic_auth_users.alice: must be a bcrypt"]),
    "no certificate": (
        "tls_server_config: {client_auth_type: NoClientCert}",
        [
            "web.yaml:1:20: tls_server_config: cert_file is missing",
            "web.yaml:1:20: tls_server_config: key_file is missing",
        ],
    ),
    "no key": ("tls_server_config: {cert_file: server.pem}", ["web.yaml:1:20: tls_server_config: key_file is missing"]),
    "no such file": (
        TLS.replace("server.pem", "nope.pem"),
        ["web.yaml:2:14: tls_server_config.cert_file: cannot be read: No such file or directory"],
    ),
    "garbage certificate": (
        TLS.replace("server.pem", "garbage"),
        ["web.yaml:2:14: tls_server_config.cert_file: has no certificate in PEM form"],
    ),
    "garbage key": (
        TLS.replace("server.key", "garbage"),
        ["web.yaml:3:13: tls_server_config.key_file: has no private key in PEM form"],
    ),
    "empty file": (TLS.replace("server.pem", "empty"), ["web.yaml:2:14: tls_server_config.cert_file: is empty"]),
    "another's key": (
        TLS.replace("server.key", "other.key"),
        ["web.yaml:3:13: tls_server_config.key_file: is not the key of the certificate"],
    ),
    "encrypted key": (
        TLS.replace("server.key", "encrypted.key"),
        ["web.yaml:3:13: tls_server_config.key_file: the key is encrypted"],
    ),
    "client CA without a use": (
        TLS + "  client_ca_file: ca.pem\n",
        ["web.yaml:4:19: tls_server_config.client_ca_file: has no effect without client_auth_type"],
    ),
    "no such client CA": (
        TLS + "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: nope\n",
        ["web.yaml:5:19: tls_server_config.client_ca_file: cannot be read: No such file or directory"],
    ),
    "unknown client auth": (
        TLS + "  client_auth_type: Nobody\n",
        ["web.yaml:4:21: tls_server_config.client_auth_type: must be NoClientCert, "],
    ),
    "unknown version": (
        TLS + "  min_version: SSL3\n",
        ["web.yaml:4:16: tls_server_config.min_version: must be TLS10,"],
    ),
    "unknown cipher": (
        TLS + "  cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]\n",
        ["web.yaml:4:19: tls_server_config.cipher_suites[0]: 'TLS_RSA_WITH_RC4_128_SHA' is not"],
    ),
    "unknown curve": (
        TLS + "  curve_preferences: [P256]\n",
        ["web.yaml:4:23: tls_server_config.curve_preferences[0]: 'P256' is not a curve"],
    ),
}
# What the format's own programs let pass, and we do not, or what a promtool of today does not know yet.
STRICTER = {
    "empty": ("", ["web.yaml:1:1: is empty: write {} if that is meant"]),
    "any certificate": (
        TLS + "  client_auth_type: RequireAnyClientCert\n",
        ["web.yaml:4:21: tls_server_config.client_auth_type: RequireAnyClientCert would take a certificate that"],
    ),
    "garbage client CA": (
        TLS + "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: garbage\n",
        ["web.yaml:5:19: tls_server_config.client_ca_file: has no certificate in PEM form"],
    ),
    "versions crossed": (
        TLS + "  min_version: TLS13\n  max_version: TLS12\n",
        ["web.yaml:5:16: tls_server_config.max_version: TLS12 is below min_version, TLS13"],
    ),
    "curves": (
        TLS + "  curve_preferences: [X25519, CurveP256]\n",
        ["web.yaml:4:22: tls_server_config.curve_preferences: Python takes a single curve"],
    ),
    "no suite left": (
        TLS + "  cipher_suites: [TLS_AES_128_GCM_SHA256]\n  max_version: TLS12\n",
        ["web.yaml:4:18: tls_server_config.cipher_suites: none of these is a suite of TLS12"],
    ),
    "sans of nobody": (
        TLS + "  client_allowed_sans: [a.example]\n",
        ["web.yaml:4:24: tls_server_config.client_allowed_sans: needs client_auth_type"],
    ),
    "no sans": (
        TLS + "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n  client_allowed_sans: []\n",
        ["web.yaml:6:24: tls_server_config.client_allowed_sans: must not be empty"],
    ),
    "certificate twice": (
        TLS + "  cert: x\n",
        ["web.yaml:4:9: tls_server_config.cert: is given twice: as cert_file too"],
    ),
    "colon": (f"basic_auth_users: {{'a:b': {HASH}}}", ["web.yaml:1:20: basic_auth_users.a:b: 'a:b': the name of a"]),
    "costly": (
        f"basic_auth_users: {{a: {HASH.replace('$04$', f'${MAX_BCRYPT_COST + 1}$')}}}",
        ["web.yaml:1:23: basic_auth_users.a: the cost of the hash must be between 4 and 15"],
    ),
    "no burst": ("rate_limit: {interval: 1s, burst: 0}", ["web.yaml:1:35: rate_limit.burst: must be at least 1"]),
    "no unit": ("rate_limit: {interval: 1}", ["web.yaml:1:24: rate_limit.interval: 1 needs a unit, such as 1s"]),
    "line break in a header": (
        'http_server_config: {headers: {Content-Security-Policy: "a\\r\\nSet-Cookie: b"}}',
        ["web.yaml:1:57: http_server_config.headers.Content-Security-Policy: a header has visible ASCII characters"],
    ),
}


@pytest.mark.parametrize("text", ACCEPTED.values(), ids=ACCEPTED)
def test_what_is_right_is_taken_as_by_promtool(files: Path, text: str) -> None:
    loaded(files, text)
    assert promtool_takes(files / "web.yaml")


@pytest.mark.parametrize(("text", "expected"), REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_is_refused_at_its_place_and_by_promtool(files: Path, text: str, expected: list[str]) -> None:
    found = problems(files, text)
    assert [line[: len(start)] for line, start in zip(found, expected, strict=True)] == expected
    assert not promtool_takes(files / "web.yaml")


@pytest.mark.parametrize(("text", "expected"), STRICTER.values(), ids=STRICTER)
def test_what_could_not_be_kept_is_refused_at_its_place(files: Path, text: str, expected: list[str]) -> None:
    found = problems(files, text)
    assert [line[: len(start)] for line, start in zip(found, expected, strict=True)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{interval: 1s, burst: 20}", RateLimit(1.0, 20)),
        ("{interval: 250ms}", RateLimit(0.25, 1)),
        ("{interval: 0, burst: 20}", None),
        ("{interval: 0s}", None),
        ("{burst: 20}", None),
        ("{}", None),
    ],
)
def test_a_rate_limit(files: Path, text: str, expected: RateLimit | None) -> None:
    """By itself: Debian's promtool is older than the key."""
    assert loaded(files, f"rate_limit: {text}").rate_limit == expected


def test_all_mistakes_are_told_at_once_in_their_order(files: Path) -> None:
    text = f"http_server_config: {{http3: true}}\nbasic_auth_users: {{a: x, b: {HASH}, c: y}}\nnope: 1\n"
    assert [line.split(": ")[:2] for line in problems(files, text)] == [
        ["web.yaml:1:22", "http_server_config.http3"],
        ["web.yaml:2:23", "basic_auth_users.a"],
        ["web.yaml:2:" + str(len(f"basic_auth_users: {{a: x, b: {HASH}, c: ") + 1), "basic_auth_users.c"],
        ["web.yaml:3:1", "nope"],
    ]


def test_no_message_repeats_a_secret(files: Path) -> None:
    text = "basic_auth_users: {a: hunter2}\ntls_server_config: {key: hunter2, cert: hunter2}\n"
    assert "hunter2" not in "".join(problems(files, text))
    assert HASH not in repr(loaded(files, f"basic_auth_users: {{a: {HASH}}}"))


def test_a_change_of_any_file_is_seen(files: Path) -> None:
    config = loaded(files, ACCEPTED["client certificates"])
    assert config.snapshot() == config.file_states
    assert {Path(state[0]).name for state in config.file_states} == {"web.yaml", "server.pem", "server.key", "ca.pem"}
    (files / "server.key").rename(files / "elsewhere")
    assert config.snapshot() != config.file_states
