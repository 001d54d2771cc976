"""The flags `--web.…`, and the options that they name."""

from __future__ import annotations

import argparse

import pytest

from exporter.app.web_flags import DEFAULT_LISTEN_ADDRESS, add_web_flags, web_options_of
from exporter.app.web_options import WebOptions


def parsed(*flags: str) -> WebOptions:
    parser = argparse.ArgumentParser()
    add_web_flags(parser)
    return web_options_of(parser.parse_args(flags))


def test_without_flags_all_is_as_documented() -> None:
    assert parsed() == WebOptions([DEFAULT_LISTEN_ADDRESS], allowed_hosts=[])


def test_flags_may_be_repeated_and_switched_off() -> None:
    options = parsed("--web.listen-address=:1", "--web.listen-address=:2", "--no-web.enable-probe")
    assert (options.listen_addresses, options.probes, options.lifecycle) == ([":1", ":2"], False, True)


def test_the_prefix_is_that_of_the_url_unless_it_is_named() -> None:
    assert parsed("--web.external-url=https://mx.example/a").prefix == "/a"
    assert parsed("--web.external-url=https://mx.example/a", "--web.route-prefix=/").prefix == "/"
    assert parsed("--web.external-url=https://straße.example:8/").external_url == "https://xn--strae-oqa.example:8/"


@pytest.mark.parametrize(
    "flag", ["--web.external-url=mx.example", "--web.external-url=http://a:b", "--web.allowed-host=a b"]
)
def test_a_mistake_is_refused(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed(flag)
    assert flag.partition("=")[0] in capsys.readouterr().err
