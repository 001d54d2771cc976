"""Passwords from files and environment variables; the configuration itself never contains one."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from exporter.config.file_errors import may_come

# A password; a larger file is the wrong one.
MAX_SECRET_BYTES: Final = 1024
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class AbsentSecretError(ValueError):
    """A file with a password is not there, and may come."""


def parse_variable(text: str) -> str:
    """The name of an environment variable."""
    if _VARIABLE.fullmatch(text) is None:
        # Not repeated in the message: the text may be a password in the wrong place.
        raise ValueError("must be the name of an environment variable: letters, digits and _")
    return text


def from_file(path: Path) -> str:
    """The contents of a file without the line end. Raises ValueError with a sentence that does not repeat them."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_SECRET_BYTES + 1)
    except OSError as error:
        kind = AbsentSecretError if may_come(error) else ValueError
        raise kind(f"cannot be read: {error.strerror or type(error).__name__}") from None
    if len(raw) > MAX_SECRET_BYTES:
        raise ValueError(f"the file has more than {MAX_SECRET_BYTES} bytes: it is no password")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise ValueError("the file is not UTF-8") from None
    return _checked(text.removesuffix("\n").removesuffix("\r"), "the file")


def from_variable(name: str) -> str:
    """The value of an environment variable. Raises ValueError with a sentence that does not repeat it."""
    value = os.environ.get(name)
    if value is None:
        raise ValueError("the environment variable is not set")
    return _checked(value, "the environment variable")


def _checked(secret: str, where: str) -> str:
    if not secret:
        raise ValueError(f"{where} is empty")
    if len(secret.encode("utf-8", "surrogateescape")) > MAX_SECRET_BYTES:
        raise ValueError(f"{where} has more than {MAX_SECRET_BYTES} bytes: it is no password")
    if any(ord(char) < 32 or 0xD800 <= ord(char) <= 0xDFFF for char in secret):
        raise ValueError(f"{where} contains a control character or bytes that are not UTF-8")
    return secret
