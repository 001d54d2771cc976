"""The dialogue and the way that flags ask for, without a configuration."""

from __future__ import annotations

import argparse
from dataclasses import replace

import pytest

from exporter.commands.by_hand import BUILT_IN, parse_on_way, with_dialogue, with_way
from exporter.commands.mistakes import ManualError
from exporter.commands.parsers import probe_parser
from exporter.model.address import Family
from exporter.model.failure import Stage
from exporter.model.target import Module, PolicyKind, Settings, TlsMode

PLAIN = Settings()
EHLO, STARTTLS, MAIL, RCPT = Stage.EHLO, Stage.STARTTLS, Stage.MAIL, Stage.RCPT


def flags(*given: str) -> argparse.Namespace:
    return probe_parser().parse(given)


def asked(*given: str, module: Module = PLAIN.module) -> Module:
    return with_dialogue(replace(PLAIN, module=module), flags(*given)).module


@pytest.mark.parametrize(
    ("given", "stages", "name"),
    [
        ("--starttls", [EHLO, STARTTLS], "default+starttls"),
        ("--rcpt=a@b.example", [EHLO, MAIL, RCPT], "default+mail+rcpt"),
        ("--from=a@b.example", [EHLO, MAIL], "default+mail"),
        ("--size=1000", [EHLO, MAIL], "default+mail+size"),
        ("--vrfy=a --expn=staff", [EHLO, Stage.VRFY, Stage.EXPN], "default+vrfy+expn"),
        ("--rcpt=a@b.example --vrfy=a --starttls", [EHLO, STARTTLS, Stage.VRFY, MAIL, RCPT],
         "default+starttls+vrfy+mail+rcpt"),
        ("--policies=mta_sts,tls-rpt", [EHLO], "default+policies"),
        ("--policies=all", [EHLO, STARTTLS], "default+starttls+policies"),
    ],
)  # fmt: skip
def test_stages_stand_where_a_dialogue_has_them(given: str, stages: list[Stage], name: str) -> None:
    module = asked(*given.split())
    assert (list(module.stages), module.name) == (stages, name)


def test_arguments_of_the_stages_are_kept() -> None:
    module = asked("--rcpt=a@b.example", "--rcpt=postmaster@{domain}", "--from=me@straße.example", "--size=5")
    assert module.rcpt_to == ("a@b.example", "postmaster@{domain}")
    assert (module.mail_from, module.size) == ("me@xn--strae-oqa.example", 5)
    assert asked("--from=<>").mail_from == ""
    assert asked("--policies=all").policies == (
        PolicyKind.DANE,
        PolicyKind.MTA_STS,
        PolicyKind.TLS_RPT,
        PolicyKind.VERSIONS,
        PolicyKind.ZONE,
    )


def test_without_flags_the_module_stays_as_it_is() -> None:
    assert with_dialogue(PLAIN, flags()) is PLAIN
    assert with_way(PLAIN, flags()) is PLAIN
    assert asked("--starttls", module=BUILT_IN["tls"]) is BUILT_IN["tls"]


def test_stages_of_a_module_stay_and_its_recipients_are_replaced() -> None:
    module = asked("--rcpt=a@b.example", "--vrfy=x", module=BUILT_IN["mailbox"])
    assert list(module.stages) == [EHLO, STARTTLS, Stage.VRFY, MAIL, RCPT]
    assert module.rcpt_to == ("a@b.example",)


def test_tls_from_the_start_has_a_port_of_its_own_unless_one_is_given() -> None:
    def port(*given: str, base: Settings = PLAIN) -> int:
        return with_dialogue(base, flags("--tls", *given)).port

    assert (port(), port(base=replace(PLAIN, port=2525)), port("--port=25")) == (465, 2525, 25)
    module = asked("--tls", module=BUILT_IN["mailbox"])
    assert module.tls is TlsMode.IMPLICIT
    assert STARTTLS not in module.stages


def test_families_and_source_addresses() -> None:
    assert with_way(PLAIN, flags("-4")).families == (Family.IPV4,)
    assert with_way(PLAIN, flags("-6", "-4")).families == (Family.IPV4, Family.IPV6)
    settings = with_way(PLAIN, flags("--source=192.0.2.1", "--source=2001:DB8::1"))
    assert (settings.source_ipv4, settings.source_ipv6) == ("192.0.2.1", "2001:db8::1")


@pytest.mark.parametrize(
    ("given", "refused"), [((), []), (("-4",), ["2001:db8::1"]), (("-6",), ["192.0.2.1"]), (("-4", "-6"), [])]
)
def test_an_address_of_a_family_that_is_not_asked_for_is_a_mistake(given: tuple[str, ...], refused: list[str]) -> None:
    parse, settings = parse_on_way(flags(*given)), with_way(PLAIN, flags(*given))
    for name, host in (("192.0.2.1:25", "192.0.2.1"), ("2001:db8::1", "2001:db8::1"), ("a.example", "a.example")):
        if host in refused:
            with pytest.raises(ValueError, match=f"{host} is not of the family that {given[0]} asks for"):
                parse(name, settings)
        else:
            assert parse(name, settings).host == host


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--tls", "--starttls"), "--tls: "),
        (("--rcpt=nope",), "--rcpt: 'nope' is not a mail address"),
        (("--from=nope",), "--from: 'nope' is not a mail address"),
        (("--size=-1",), "--size: -1 is not between 0 and "),
        (("--vrfy=",), "--vrfy: it is empty"),
        (("--expn=a\nb",), "--expn: "),
        (
            ("--policies=dnae",),
            "--policies: no policy 'dnae'; there are dane, mta_sts, tls_rpt, versions, zone, and all; did you mean",
        ),
        (("--source=mx.example",), "--source: 'mx.example' is not an IP address"),
        (("--source=192.0.2.1", "-6"), "--source: 192.0.2.1 is not of the family that -6 asks for"),
        (("--source=192.0.2.1", "--source=192.0.2.2"), "--source: there are two ipv4 addresses"),
    ],
)
def test_a_mistake_names_its_flag(given: tuple[str, ...], said: str) -> None:
    with pytest.raises(ManualError) as refused:
        with_way(with_dialogue(PLAIN, flags(*given)), flags(*given))
    assert str(refused.value).startswith(said)


def test_a_module_that_says_helo_has_no_extensions() -> None:
    helo = Module("old", force_helo=True)
    for given in ("--starttls", "--size=1", "--rcpt=jörg@a.example"):
        with pytest.raises(ManualError, match="module old "):
            asked(given, module=helo)
