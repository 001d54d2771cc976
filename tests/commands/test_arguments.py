"""The flags of `probe` -> the settings of its targets."""

from __future__ import annotations

import argparse

import pytest

from exporter.commands.arguments import (
    allowed_addresses,
    as_configured,
    modules_of,
    resolver_settings,
    settings_of,
)
from exporter.commands.mistakes import ManualError
from exporter.commands.names import arguments_of
from exporter.commands.parsers import probe_parser
from exporter.config.load import parse
from exporter.model.failure import Stage

CONFIG = parse("modules: {default: {}, full: {stages: [ehlo]}}\ndomains: [{domain: a.example, port: 2525}]")


def flags(*given: str) -> argparse.Namespace:
    return probe_parser().parse(given)


def test_flags_outrank_the_configuration() -> None:
    settings = settings_of(
        CONFIG, flags("--port=26", "--helo=me.example", "--timeout=5s", "--allow-address=10.0.0.0/8")
    )
    assert (settings.port, settings.helo, settings.timeout) == (26, "me.example", 5.0)
    assert [str(network) for network in settings.allow_addresses] == ["10.0.0.0/8"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("--module=absent", "--module: no module 'absent'; there are default, full, mailbox, tls"),
        ("--module=mailbocks", "--module: no module 'mailbocks'; there are default, full, mailbox, tls; did you mean"),
        ("--port=0", "--port: 0 is not between 1 and 65535"),
        ("--timeout=0s", "--timeout: it must be greater than 0"),
        ("--helo=a b", "--helo: "),
        ("--resolver=nowhere", "--resolver: "),
        ("--allow-address=10.0.0.1/8", "--allow-address: "),
    ],
)
def test_a_mistake_names_its_flag(given: str, said: str) -> None:
    read = resolver_settings if given.startswith("--resolver") else settings_of
    with pytest.raises(ManualError) as refused:
        read(CONFIG, flags(given))
    assert str(refused.value).startswith(said)


def test_a_configured_target_keeps_its_settings_but_for_the_flags() -> None:
    plain = flags("a.example", "b.example")
    targets = as_configured(arguments_of(plain.names, settings_of(CONFIG, plain)).targets, CONFIG, plain)
    assert [target.settings.port for target in targets] == [2525, 25]
    given = flags("a.example", "b.example", "--port=26", "--starttls")
    targets = as_configured(arguments_of(given.names, settings_of(CONFIG, given)).targets, CONFIG, given)
    assert [target.settings.port for target in targets] == [26, 26]
    assert [target.settings.module.stages for target in targets] == [(Stage.EHLO, Stage.STARTTLS)] * 2
    assert set(modules_of(targets, CONFIG)) == {"default", "full", "default+starttls"}


def test_the_module_of_a_configuration_goes_before_the_built_in_one_of_its_name() -> None:
    own = parse("modules: {tls: {stages: [ehlo, vrfy], vrfy: postmaster}}")
    assert settings_of(own, flags("--module=tls")).module.vrfy == "postmaster"
    assert settings_of(CONFIG, flags("--module=tls")).module.stages == (Stage.EHLO, Stage.STARTTLS)
    assert settings_of(CONFIG, flags("--module=mailbox")).module.rcpt_to == ("postmaster@{domain}",)


def test_addresses_are_allowed_beside_those_of_the_configuration() -> None:
    own = parse("defaults: {allow_addresses: [127.0.0.0/8]}")
    given = flags("--allow-address=10.0.0.0/8", "--allow-address=::1")
    assert [str(network) for network in settings_of(own, given).allow_addresses] == [
        "127.0.0.0/8", "10.0.0.0/8", "::1/128",
    ]  # fmt: skip
    assert len(allowed_addresses(given)) == 2
