"""The ciphers that are offered: none with finite-field Diffie-Hellman, none without encryption."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import cast

import pytest

from exporter.tls.client_offer import MODERN, NO_FINITE_FIELD, OPPORTUNISTIC


def offered(ciphers: str) -> list[Mapping[str, object]]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers(ciphers)
    return [cast(Mapping[str, object], cipher) for cipher in context.get_ciphers() if cipher["protocol"] != "TLSv1.3"]


@pytest.mark.parametrize("ciphers", [MODERN, OPPORTUNISTIC, f"ALL:{NO_FINITE_FIELD}"])
def test_no_cipher_uses_parameters_of_the_server(ciphers: str) -> None:
    assert offered(ciphers)
    assert {str(cipher["kea"]) for cipher in offered(ciphers)} & {"kx-dhe", "kx-dhe-psk"} == set()


def test_without_the_exclusion_there_would_be_some() -> None:
    assert {str(cipher["kea"]) for cipher in offered("ALL")} >= {"kx-dhe"}


@pytest.mark.parametrize("ciphers", [MODERN, OPPORTUNISTIC])
def test_every_cipher_encrypts_and_asks_for_a_certificate(ciphers: str) -> None:
    for cipher in offered(ciphers):
        assert int(str(cipher["strength_bits"])) >= 112, cipher["name"]
        assert cipher["auth"] in ("auth-rsa", "auth-ecdsa", "auth-dss", "auth-any"), cipher["name"]


def test_verified_servers_get_forward_secrecy_alone_and_mail_hosts_what_they_have() -> None:
    assert {cipher["kea"] for cipher in offered(MODERN)} == {"kx-ecdhe"}
    assert {cipher["kea"] for cipher in offered(OPPORTUNISTIC)} >= {"kx-ecdhe", "kx-rsa"}
