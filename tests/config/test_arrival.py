"""`data.arrival` of a module: what may be written, what is refused with its place, and what is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.app.secret_targets import SecretTargets
from exporter.config.effective import effective_yaml
from exporter.config.load import parse
from exporter.config.problems import ConfigError
from exporter.model.target import CanaryMailbox, Target, TargetKind

STAGES = "stages: [ehlo, mail, rcpt, data], rcpt_to: canary@example.org"


def module(arrival: str, stages: str = STAGES) -> str:
    return f"modules:\n  canary: {{{stages}, data: {{arrival: {{{arrival}}}}}}}\n"


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY_PASSWORD", "hidden words")


GIVEN = "host: imap.example.org, username: canary, password_env: CANARY_PASSWORD"


def test_a_mailbox_has_defaults() -> None:
    config = parse(module(GIVEN))
    assert config.modules["canary"].mailbox == CanaryMailbox(
        "imap.example.org", 993, "canary", "hidden words", password_env="CANARY_PASSWORD"
    )


def test_every_key_counts(tmp_path: Path) -> None:
    more = "within: 1m, interval: 1h, inbox: Mail, junk: [Spam, Bulk], authserv_id: MX.example.org"
    mailbox = parse(module(GIVEN.replace(".org", ".org:1993") + ", " + more)).modules["canary"].mailbox
    assert mailbox is not None
    assert (mailbox.port, mailbox.within, mailbox.interval) == (1993, 60.0, 3600.0)
    assert (mailbox.inbox, mailbox.junk, mailbox.authserv_ids) == (("Mail",), ("Spam", "Bulk"), ("mx.example.org",))


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        (module("host: imap.example.org, username: a"), "arrival", "give either password_file or password_env"),
        (module(GIVEN + ", within: 1s"), "arrival.within", "must be from 10s to 1d"),
        (module(GIVEN + ", interval: 1s"), "arrival.interval", "must be from 1m to 7d"),
        (module(GIVEN + ', junk: ["a\\nb"]'), "arrival.junk[0]", "255 printable characters"),
        (module(GIVEN + ', authserv_id: "a; b"'), "arrival.authserv_id", "is not an authserv-id"),
        (module(GIVEN + ", inbox: []"), "arrival.inbox", "must not be empty"),
        (module(GIVEN + ", folder: a"), "arrival.folder", "unknown key"),
        (module(GIVEN.replace("canary,", '"a\\r\\nb",')), "arrival.username", "control character"),
        (module(GIVEN, "stages: [ehlo]"), "data.arrival", "needs the stage data"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, place: str, reason: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse(text)
    (problem,) = error.value.errors
    assert place in str(problem)
    assert reason in str(problem)


def test_the_password_is_shown_nowhere() -> None:
    config = parse(module(GIVEN))
    assert "hidden" not in repr(config.modules)
    assert "hidden" not in effective_yaml(config)
    assert "CANARY_PASSWORD" in effective_yaml(config)


def test_what_is_shown_is_a_configuration_with_the_same_mailbox() -> None:
    config = parse(module(GIVEN + ", junk: Spam, authserv_id: mx.example.org"))
    assert parse(effective_yaml(config)).modules["canary"] == config.modules["canary"]


@pytest.mark.parametrize(("given", "interval"), [("", 300.0), (", interval: 10s", 300.0), (", interval: 1h", 3600.0)])
def test_canaries_are_no_more_often_than_their_mailbox_says(given: str, interval: float) -> None:
    text = module(GIVEN) + f"domains: [{{domain: a.example, module: canary{given}}}, b.example]\n"
    first, second = parse(text).targets
    assert (first.settings.interval, second.settings.interval) == (interval, 60.0)


def test_no_stranger_has_a_message_sent_to_a_target_of_his_own() -> None:
    config = parse(module(GIVEN) + "domains: [{domain: a.example, module: canary}]\n")
    (target,) = config.targets
    stranger = Target(TargetKind.DOMAIN, "b.example", "b.example", target.settings)
    assert SecretTargets(config).find(target) == target
    assert SecretTargets(config).find(stranger) is None
