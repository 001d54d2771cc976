from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.model.failure import Stage
from exporter.model.target import Auth, Module, Settings, Target, TargetKind, with_module


@pytest.mark.parametrize(
    ("module", "entrusted"),
    [
        (Module(), ""),
        (Module(stages=(Stage.EHLO, Stage.DATA)), "data"),
        (Module(auth=Auth("u", "secret")), "auth"),
        (Module(auth=Auth("u", "secret"), stages=(Stage.EHLO, Stage.DATA)), "auth"),
    ],
)
def test_a_module_with_a_password_or_a_message_is_for_configured_targets(module: Module, entrusted: str) -> None:
    assert module.entrusted == entrusted


def test_a_password_is_not_in_any_representation() -> None:
    assert "secret" not in repr(Module(auth=Auth("u", "secret")))


def test_a_domain_and_a_host_of_one_name_are_two_targets() -> None:
    domain = Target(TargetKind.DOMAIN, "a.example", "a.example", Settings())
    host = Target(TargetKind.HOST, "a.example", "a.example", Settings())
    assert domain.key != host.key
    assert domain.key == replace(domain, labels=(("team", "mail"),)).key


def test_the_timeout_of_a_module_counts_where_there_is_one() -> None:
    settings = Settings(timeout=20.0)
    assert with_module(settings, Module("a", timeout=5.0)).timeout == 5.0
    assert with_module(settings, Module("a")).timeout == 20.0
