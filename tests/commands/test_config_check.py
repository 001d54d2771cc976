"""`--config.check`: warnings on the standard error, a summary on the standard output."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.commands.config_check import check_configuration
from exporter.config.load import ConfigError

HEAD = "resolver: {nameservers: ['127.0.0.1:1'], timeout: 100ms}\n"


async def test_skipped_lines_are_warnings_and_the_configuration_is_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"{HEAD}defaults: {{helo: localhost}}\ndomain_files: [a.txt]\n")
    (tmp_path / "a.txt").write_text("a.example\nb_d.example\n")
    await check_configuration(path, None)
    shown = capsys.readouterr()
    assert shown.out == f"{path}: 1 domain, 0 hosts, 1 module in 2 files, 1 line skipped\n"
    _, first, second = shown.err.splitlines()
    assert first.startswith(f"warning: {tmp_path}/a.txt:2:1: ")
    assert second.startswith("mx-exporter: warning: EHLO says localhost, ")


async def test_a_column_that_is_ignored_and_a_file_of_two_groups_are_warnings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(
        f"{HEAD}defaults: {{helo: mail.example.net}}\ngroups: [{{domain_files: ['a.*']}}, {{domain_files: [a.csv]}}]\n"
    )
    (tmp_path / "a.csv").write_text("domain,job\na.example,x\n")
    await check_configuration(path, None)
    shown = capsys.readouterr()
    assert shown.out == f"{path}: 1 domain, 0 hosts, 1 module in 2 files\n"
    _, first, second, *_ = shown.err.splitlines()
    assert first.startswith(f"warning: {tmp_path}/a.csv:1:1: the column 2 is ignored: 'job' is refused")
    assert second.startswith(
        f"warning: {path}:3:51: groups[1].domain_files[0]: {tmp_path}/a.csv belongs to another group"
    )


async def test_what_is_hardly_meant_is_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"{HEAD}defaults: {{interval: 5s}}\n")
    await check_configuration(path, None)
    shown = capsys.readouterr()
    assert shown.out == f"{path}: 0 domains, 0 hosts, 1 module in 1 file\n"
    assert [line.split(": ")[:2] for line in shown.err.splitlines()] == [
        ["warning", f"{path}:1:1"],
        ["warning", f"{path}:1:1"],
        ["warning", f"{path}:2:22"],
    ]


async def test_the_mistakes_of_both_files_are_told_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, web = tmp_path / "config.yaml", tmp_path / "web.yaml"
    path.write_text(f"{HEAD}domains: [a_b.example]\nother: 1\n")
    web.write_text("nothing: known\ntls_server_config: {cert_file: none, key_file: none}\n")
    with pytest.raises(ConfigError) as found:
        await check_configuration(path, web)
    assert [line.split(": ")[0] for line in str(found.value).splitlines()] == [
        f"{path}:2:11",
        f"{path}:3:1",
        f"{web}:1:1",
        f"{web}:2:32",
        f"{web}:2:48",
    ]
    assert capsys.readouterr().out == ""
