"""Changes in words."""

from __future__ import annotations

import pytest

from exporter.model.change import DomainChange, HostChange
from exporter.report.change_text import WORDS, host_name, latest, step_after
from exporter.store.journal import JournalEntry
from tests.results import up_host

HOST = up_host().identity


def test_there_are_words_for_each_change() -> None:
    assert set(WORDS) == {*HostChange, *DomainChange}


def test_a_host_has_its_name_and_its_address() -> None:
    identity = up_host().identity
    assert host_name(identity) == "mx1.healthy.example [192.0.2.1]"
    assert host_name(identity._replace(mx="192.0.2.1")) == "192.0.2.1"
    assert host_name(identity._replace(mx="mx\x1b")) == "mx\\x1b [192.0.2.1]"
    assert host_name(None) == ""


@pytest.mark.parametrize(
    ("what", "before", "now", "whom"),
    [
        (HostChange.STARTTLS_LOST, "offered", "not offered", "postmaster"),
        (HostChange.STARTTLS_BACK, "not offered", "offered", ""),
        (HostChange.CERTIFICATE, "a", "b", ""),
        (HostChange.ISSUER, "Let's Encrypt", "DigiCert", ""),
        (HostChange.ISSUER_PRIVATE, "Let's Encrypt", "Gateway", "postmaster"),
        (HostChange.TLS_VERSION, "TLSv1.3", "TLSv1.2", "postmaster"),
        (HostChange.TLS_VERSION, "TLSv1.1", "TLSv1", "postmaster"),
        (HostChange.TLS_VERSION, "TLSv1.2", "TLSv1.3", ""),
        (HostChange.TLS_VERSION, "TLSv1.3", "TLSv2", ""),
        (HostChange.TLSA_OUTDATED, "verified", "mismatch", "DNS administrator"),
        (HostChange.TLSA_MISMATCH, "verified", "mismatch", "DNS administrator"),
        (HostChange.TLSA_GONE, "verified", "absent", "DNS administrator"),
        (HostChange.DANE, "verified", "insecure", "resolver"),
        (HostChange.DANE, "absent", "verified", ""),
        (HostChange.SOFTWARE, "Postfix", "Exim", ""),
        (HostChange.SIZE_LIMIT, "2 bytes", "1 bytes", ""),
        (DomainChange.MX, "a", "b", ""),
        (DomainChange.NETWORKS, "a", "b", ""),
        (DomainChange.MTA_STS_WEAKENED, "enforce", "testing", "owner of the domain"),
        (DomainChange.MTA_STS, "testing", "enforce", ""),
    ],
)
def test_a_change_that_takes_protection_away_says_whom_to_ask(
    what: HostChange | DomainChange, before: str, now: str, whom: str
) -> None:
    step = step_after(JournalEntry(1.0, what, before, now))
    assert whom in step
    assert bool(step) is bool(whom)


def test_a_host_that_goes_to_and_fro_leaves_room_for_what_the_others_have() -> None:
    noise = [(JournalEntry(100.0 + at, HostChange.STARTTLS_LOST, "", f"{at}"), HOST) for at in range(50)]
    moved = (JournalEntry(1.0, DomainChange.MX, "a", "b"), None)
    other = (JournalEntry(2.0, HostChange.SOFTWARE, "a", "b"), HOST._replace(mx="mx9.example"))
    chosen = latest([moved, other, *noise], 5)
    assert [entry.now for entry, _ in chosen] == ["49", "48", "47", "b", "b"]
    assert chosen[-2:] == [other, moved]
    assert list(latest([moved, other], 5)) == [other, moved]
