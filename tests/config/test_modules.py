"""Modules, and values in them that contradict each other."""

from __future__ import annotations

import pytest

from exporter.config.modules import Location, contradictions, module_of
from exporter.config.schema import ModuleSection
from exporter.model.failure import Stage


def _places(**values: object) -> list[Location]:
    return [place for place, _ in contradictions(ModuleSection.model_validate(values))]


@pytest.mark.parametrize(
    ("values", "places"),
    [
        ({"stages": ["ehlo", "starttls", "mail", "rcpt"], "rcpt_to": ["a@b.example"]}, []),
        ({"stages": ["ehlo", "starttls"], "tls": "implicit"}, [("tls",)]),
        ({"starttls": {"required": True}}, [("starttls", "required")]),
        ({"starttls": {"verify": "require", "server_name": "mx.example"}},
         [("starttls", "verify"), ("starttls", "server_name")]),
        ({"policies": ["mta_sts", "dane"]}, [("policies", 1)]),
        ({"stages": ["helo", "mail"], "size": 5, "mail_from": "ä@b.example"}, [("size",), ("mail_from",)]),
        ({"stages": ["ehlo", "auth"], "auth": {"username": "u", "password_env": "P"}}, [("stages", 1)]),
        ({"stages": ["ehlo", "starttls", "auth"], "auth": {"username": "u", "password_env": "P"}},
         [("starttls", "verify")]),
        ({"stages": ["ehlo", "mail", "rcpt", "data"]}, [("stages", 2)]),
        ({"stages": ["ehlo", "vrfy", "expn", "auth", "mail", "rcpt"]},
         [("stages", 5), ("stages", 1), ("stages", 2), ("stages", 3)]),
        ({"stages": ["ehlo", "vrfy", "expn"], "vrfy": "postmaster", "expn": "staff"}, []),
        ({"stages": ["ehlo", "mail", "rcpt", "data"], "rcpt_to": ["postmaster@{domain}"]}, [("rcpt_to", 0)]),
    ],
)  # fmt: skip
def test_values_that_contradict_each_other_are_found_at_their_places(
    values: dict[str, object], places: list[Location]
) -> None:
    assert _places(**values) == places


def test_nothing_is_said_about_keys_that_are_refused_themselves() -> None:
    section = ModuleSection.model_validate({"stages": ["ehlo", "mail", "rcpt", "auth"]})
    assert [place for place, _ in contradictions(section, {"rcpt_to"})] == [("stages", 3), ("stages", 3)]
    assert list(contradictions(section, {"stages"})) == []
    required = ModuleSection.model_validate({"starttls": {"required": True}})
    assert list(contradictions(required, {"tls"})) == []


def test_helo_is_a_stage_without_extensions_and_ehlo_after_starttls_is_understood() -> None:
    module = module_of("m", ModuleSection.model_validate({"stages": ["helo", "mail"]}))
    assert (module.stages, module.force_helo) == ((Stage.EHLO, Stage.MAIL), True)
    module = module_of("m", ModuleSection.model_validate({"stages": ["ehlo", "starttls", "ehlo", "mail"]}))
    assert module.stages == (Stage.EHLO, Stage.STARTTLS, Stage.MAIL)
