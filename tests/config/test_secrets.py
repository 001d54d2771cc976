"""Passwords come from a file or the environment; no message, representation or page repeats one."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.config.effective import effective_yaml
from exporter.config.load import ConfigError, load
from exporter.config.secrets import MAX_SECRET_BYTES
from tests.config.loading import config, file_problems, problems, write

MODULE = "stages: [ehlo, auth], tls: implicit, starttls: {verify: require}"
FILE = f"modules: {{m: {{{MODULE}, auth: {{username: me, password_file: secret.txt}}}}}}\n"
VARIABLE = f"modules: {{m: {{{MODULE}, auth: {{username: me, password_env: MX_TEST_SECRET}}}}}}\n"


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_file_holds_the_password_perhaps_with_a_line_end(tmp_path: Path, ending: str) -> None:
    path = write(tmp_path, {"config.yaml": FILE, "secret.txt": f" päss wörd {ending}".encode()})
    auth = load(path).modules["m"].auth
    assert auth is not None
    assert (auth.username, auth.password) == ("me", " päss wörd ")


def test_a_variable_holds_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MX_TEST_SECRET", "hunter2")
    loaded = config(VARIABLE)
    auth = loaded.modules["m"].auth
    assert auth is not None
    assert auth.password == "hunter2"
    assert "hunter2" not in repr(loaded)
    assert "hunter2" not in effective_yaml(loaded)
    assert "password_env: MX_TEST_SECRET" in effective_yaml(loaded)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"\n", "the file is empty"),
        (b"hunter2\nmore\n", "the file contains a control character or bytes that are not UTF-8"),
        (b"hunter2\0", "the file contains a control character or bytes that are not UTF-8"),
        (b"hunter2\xff", "the file is not UTF-8"),
        (b"x" * (MAX_SECRET_BYTES + 1), f"the file has more than {MAX_SECRET_BYTES} bytes: it is no password"),
    ],
)
def test_a_file_that_holds_no_password(tmp_path: Path, content: bytes, message: str) -> None:
    (problem,) = file_problems(tmp_path, {"config.yaml": FILE, "secret.txt": content})
    assert problem == f"config.yaml:1:117: modules.m.auth.password_file: {message}"


def test_a_file_that_is_not_there_and_may_come(tmp_path: Path) -> None:
    (problem,) = file_problems(tmp_path, {"config.yaml": FILE})
    assert problem.endswith("modules.m.auth.password_file: cannot be read: No such file or directory")
    for number, name in enumerate(("config.yaml", "empty.yaml")):
        (tmp_path / name).write_text(FILE)
        (tmp_path / "secret.txt").write_text("") if number else None
        with pytest.raises(ConfigError) as error:
            load(tmp_path / name)
        assert error.value.heals is (number == 0)


def test_a_variable_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MX_TEST_SECRET", raising=False)
    (problem,) = problems(VARIABLE)
    assert problem.endswith("modules.m.auth.password_env: the environment variable is not set")


@pytest.mark.parametrize(
    ("auth", "message"),
    [
        ("{username: me}", "modules.m.auth: give either password_file or password_env"),
        ("{username: me, password_file: a, password_env: B}", "auth: give either password_file or password_env"),
        ("{password_env: B}", "modules.m.auth: username is missing"),
        ("{username: '', password_env: B}", "modules.m.auth.username: must not be empty"),
        ("{username: me, password: hunter2}", "modules.m.auth.password: unknown key; did you mean password_env?"),
        (
            "{username: me, password_env: 'hunter2!'}",
            "modules.m.auth.password_env: must be the name of an environment variable: letters, digits and _",
        ),
    ],
)
def test_a_mistake_is_told_without_a_word_of_what_may_be_secret(auth: str, message: str) -> None:
    found = problems(f"modules: {{m: {{{MODULE}, auth: {auth}}}}}\n")
    assert found[0].endswith(message)
    assert "hunter2" not in "".join(found)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (
            "stages: [ehlo, auth], starttls: {verify: report}",
            "stages[1]: auth sends a password, so over TLS only: list starttls before it, or set tls: implicit",
        ),
        (
            "stages: [ehlo, auth, starttls], starttls: {verify: require}",
            "stages[1]: auth sends a password, so over TLS only: list starttls before it, or set tls: implicit",
        ),
        (
            "stages: [ehlo, starttls, auth]",
            "modules.m: auth sends a password, so to a verified server only: set verify: require",
        ),
        (
            "stages: [ehlo, auth], tls: implicit, starttls: {verify: report}",
            "modules.m.starttls.verify: auth sends a password, so to a verified server only: set verify: require",
        ),
        ("stages: [ehlo, starttls, mail, auth], starttls: {verify: require}", "auth must come before mail"),
    ],
)
def test_a_password_that_would_be_in_danger_is_refused(
    monkeypatch: pytest.MonkeyPatch, module: str, message: str
) -> None:
    monkeypatch.setenv("MX_TEST_SECRET", "hunter2")
    (problem,) = problems(f"modules: {{m: {{{module}, auth: {{username: me, password_env: MX_TEST_SECRET}}}}}}\n")
    assert problem.endswith(message)
