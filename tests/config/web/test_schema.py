"""The keys of `--web.config.file` by themselves, and that OpenSSL knows what they name."""

from __future__ import annotations

import ssl
from typing import Any

import pytest
from pydantic import ValidationError

from exporter.config.web.schema import (
    CIPHER_SUITES,
    CURVES,
    HEADERS,
    MAX_BCRYPT_COST,
    MAX_HEADER,
    HttpServerSection,
    RateLimitSection,
    TlsServerSection,
    WebSection,
)

HASH = f"$2b$10${'a' * 53}"


def refusal(data: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as error:
        WebSection.model_validate(data)
    return str(error.value.errors(include_input=False, include_url=False)[0]["msg"])


@pytest.mark.parametrize("suite", [name for name in CIPHER_SUITES.values() if name])
def test_openssl_has_each_suite_under_its_name(suite: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(suite)
    assert suite in {cipher["name"] for cipher in context.get_ciphers()}


@pytest.mark.parametrize("curve", CURVES.values())
def test_openssl_has_each_curve_under_its_name(curve: str) -> None:
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).set_ecdh_curve(curve)


@pytest.mark.parametrize(
    ("keys", "enabled"),
    [
        ({}, False),
        ({"min_version": "TLS13", "client_auth_type": None}, False),
        ({"cert_file": "a.pem"}, True),
        ({"key": "x"}, True),
        ({"client_ca_file": "ca.pem"}, True),
        ({"client_auth_type": "NoClientCert"}, True),
        ({"client_allowed_sans": ["a"]}, True),
    ],
)
def test_tls_is_meant_where_a_key_makes_sense_only_with_it(keys: dict[str, Any], enabled: bool) -> None:
    assert TlsServerSection.model_validate(keys).enabled is enabled


@pytest.mark.parametrize("header", HEADERS)
def test_a_header_may_be_switched_off(header: str) -> None:
    assert HttpServerSection(headers={header: ""}).headers == {header: ""}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"http_server_config": {"headers": {"Server": "x"}}}, "'Server' is not a header that can be set"),
        ({"http_server_config": {"headers": {"X-Frame-Options": "allow"}}}, "must be deny or sameorigin, not 'allow'"),
        ({"http_server_config": {"headers": {"Content-Security-Policy": "a\r\nb"}}}, "visible ASCII"),
        (
            {"http_server_config": {"headers": {"Content-Security-Policy": "x" * (MAX_HEADER + 1)}}},
            "at most 4096 characters",
        ),
        ({"basic_auth_users": {"a:b": HASH}}, "has no colon"),
        ({"basic_auth_users": {"": HASH}}, "is not empty"),
        ({"basic_auth_users": {"a": None}}, "must be a bcrypt hash, not empty"),
        ({"basic_auth_users": {"a": HASH[:-1]}}, "must be a bcrypt hash, such as"),
        ({"basic_auth_users": {"a": HASH.replace("$10$", "$03$")}}, "between 4 and 15"),
        ({"basic_auth_users": {"a": HASH.replace("$10$", f"${MAX_BCRYPT_COST + 1}$")}}, "between 4 and 15"),
        ({"tls_server_config": {"client_auth_type": "RequireClientCert"}}, "write RequireAndVerifyClientCert"),
        ({"tls_server_config": {"cert_file": "a\0b"}}, "must be the name of a file"),
        ({"tls_server_config": {"cipher_suites": ["RC4"]}}, "'RC4' is not a cipher suite"),
        ({"tls_server_config": {"curve_preferences": ["P256"]}}, "'P256' is not a curve"),
        ({"rate_limit": {"interval": 1}}, "1 needs a unit"),
    ],
)
def test_a_value_is_refused_with_a_sentence(data: dict[str, Any], words: str) -> None:
    assert words in refusal(data)


def test_a_password_in_place_of_a_hash_is_not_repeated() -> None:
    assert "hunter2" not in refusal({"basic_auth_users": {"a": "hunter2"}})


def test_no_interval_is_the_one_duration_without_a_unit() -> None:
    assert RateLimitSection.model_validate({"interval": 0}).interval == 0.0


def test_what_may_be_a_secret_is_in_no_representation() -> None:
    assert "hunter2" not in repr(TlsServerSection(key="hunter2"))
