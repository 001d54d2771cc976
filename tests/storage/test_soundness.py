"""Texts of a file that become labels or links have a form of their own; a file with others is not sound."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from exporter.model.arrival import Arrival, AuthenticationMethod, AuthenticationResult, Folder
from exporter.model.failure import Stage
from exporter.model.result import HostTimings
from exporter.model.tls_version import OldVersion, VersionState
from exporter.model.warning import HostWarning
from exporter.storage.rows import UnsoundError
from exporter.storage.soundness import CHECKS
from tests.results import CERTIFICATE, ZONE, changed, result, tls_host, up_host, with_policies

HOST = tls_host()
DOMAIN = with_policies(result(HOST, up_host(), name="secure.example"))


def check(value: Any) -> None:
    CHECKS[type(value)](value)


def test_what_the_exporter_makes_is_sound() -> None:
    for host in (HOST, up_host()):
        for value in (host.identity, host.outcome, host.facts, host.timings):
            check(value)
    check(HOST.facts.tls)
    check(DOMAIN)
    check(DOMAIN.lookup)
    check(DOMAIN.signature)
    check(CERTIFICATE)
    for server in ZONE.servers:
        check(server)


@pytest.mark.parametrize(
    ("part", "values"),
    [
        ("identity", {"mx": ""}),
        ("identity", {"mx": 'a"} 1\nb'}),
        ("identity", {"mx": "a b"}),
        ("identity", {"address": "nowhere"}),
        ("identity", {"port": 0}),
        ("identity", {"port": 65536}),
        ("identity", {"module": "a\n"}),
        ("identity", {"domain": "é"}),
        ("outcome", {"last_hop": "<b>"}),
        ("outcome", {"warnings": (HostWarning.HELO_ONLY, HostWarning.HELO_ONLY)}),
        ("facts", {"reply_codes": ((Stage.BANNER, 1000),)}),
        ("facts", {"reply_codes": ((Stage.BANNER, 220), (Stage.BANNER, 250))}),
        ("facts", {"enhanced": ((Stage.BANNER, "5.7.x"),)}),
        ("facts", {"enhanced": ((Stage.BANNER, "5.7.1"), (Stage.BANNER, "5.7.1"))}),
        ("facts", {"extensions": ("EVIL",)}),
        ("facts", {"extensions": ("SIZE", "SIZE")}),
        ("facts", {"auth_tls": ("PLAIN\n",)}),
        ("facts", {"old_versions": (OldVersion("TLSv9", VersionState.ACCEPTED),)}),
        ("timings", {"at": -1.0}),
        ("timings", {"stages": (Stage.CONNECT,), "seconds": ()}),
        ("timings", {"stages": (Stage.CONNECT, Stage.CONNECT), "seconds": (1.0, 1.0)}),
        ("timings", {"stages": (Stage.CONNECT,), "seconds": (-1.0,)}),
        ("timings", {"took": -0.1}),
    ],
)
def test_what_no_session_shows_is_refused(part: str, values: dict[str, Any]) -> None:
    with pytest.raises(UnsoundError):
        check(getattr(changed(HOST, **values), part))


@pytest.mark.parametrize(
    "arrival",
    [
        Arrival(authentication=((AuthenticationMethod.SPF, AuthenticationResult.PASS),) * 2),
        Arrival(Folder.INBOX, seconds=-1.0),
        Arrival(Folder.INBOX, at=-1.0),
        Arrival(awaited_since=-1.0),
        Arrival(Folder.INBOX, missing="and not there"),
    ],
)
def test_what_no_mailbox_shows_is_refused(arrival: Arrival) -> None:
    with pytest.raises(UnsoundError):
        check(arrival)


@pytest.mark.parametrize(
    "values",
    [
        {"at": 0.0},
        {"duration": -1.0},
        {"found": ((DOMAIN.found[0][0], -1),)},
        {"found": DOMAIN.found * 2},
        {"providers": ("a b",)},
        {"providers": ("a.example", "a.example")},
        {"warnings": DOMAIN.warnings + DOMAIN.warnings if DOMAIN.warnings else ("x", "x")},
    ],
)
def test_what_no_turn_shows_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(UnsoundError):
        check(DOMAIN._replace(**values))


def test_a_session_without_a_phase_is_one() -> None:
    check(HostTimings(at=1.0))


def test_what_no_certificate_signature_or_name_server_has_is_refused() -> None:
    assert DOMAIN.signature is not None
    wrong = (
        replace(CERTIFICATE, digest="<b>"),
        replace(CERTIFICATE, key_digest="0A" * 32),
        DOMAIN.signature._replace(ends=2.0**32),
        DOMAIN.signature._replace(begins=-1.0),
        replace(ZONE.servers[0], address="nowhere"),
    )
    for value in wrong:
        with pytest.raises(UnsoundError):
            check(value)
