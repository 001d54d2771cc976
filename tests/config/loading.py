"""Configurations written in place."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from exporter.config.load import ConfigError, load, parse
from exporter.model.configuration import Config


def problems(text: str) -> list[str]:
    """Every line that --config.check prints for `text`."""
    with pytest.raises(ConfigError) as error:
        parse(dedent(text), "c.yaml")
    return str(error.value).splitlines()


def config(text: str) -> Config:
    """A configuration without mistakes."""
    return parse(dedent(text), "c.yaml")


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    """Write files; returns the path of config.yaml."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else dedent(content).encode())
    return folder / "config.yaml"


def file_problems(folder: Path, files: dict[str, str | bytes]) -> list[str]:
    """The same as `problems` for files, named relative to `folder`."""
    with pytest.raises(ConfigError) as error:
        load(write(folder, files))
    return [line.replace(f"{folder}/", "") for line in str(error.value).splitlines()]
