from __future__ import annotations

import pytest

from exporter.model.configuration import Config
from exporter.model.target import Module, Settings

SLOW = Module("slow", timeout=90.0)
PLAIN = Module("plain")
CONFIG = Config(defaults=Settings(timeout=20.0, module=SLOW), modules={"slow": SLOW, "plain": PLAIN})


def test_the_settings_of_an_unconfigured_target_are_the_defaults_with_the_module() -> None:
    assert (CONFIG.settings().module, CONFIG.settings().timeout) == (SLOW, 90.0)
    assert (CONFIG.settings("plain").module, CONFIG.settings("plain").timeout) == (PLAIN, 20.0)


def test_an_unknown_module_is_an_error() -> None:
    with pytest.raises(KeyError):
        CONFIG.settings("absent")


def test_the_outcome_of_reading_the_files_is_not_compared() -> None:
    assert Config(failures=("a.txt: gone",)) == Config()
