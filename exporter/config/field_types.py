"""Types of configuration values: checked text, durations, ports, labels, mailboxes.

Each check raises ValueError with a plain sentence about the value.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, Final, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator

from exporter.config.label_names import parse_label_name
from exporter.config.mailbox import parse_argument, parse_mailbox
from exporter.config.stage_order import REPLYING
from exporter.config.suggestions import nearest
from exporter.config.values import MAX_PORT, format_duration, parse_duration, parse_expected_mx, parse_host_name
from exporter.model.metric_names import TARGET_METRICS
from exporter.model.printable import quoted

# A second: anything shorter is a slip (60ms for 60s) and would be a flood to the hosts probed.
MIN_INTERVAL: Final = 1.0
# RFC 5321 4.5.3.1.8: recipients a server must take in one transaction.
MAX_RECIPIENTS: Final = 100
MAX_EXPECTED_MX: Final = 64  # MX hosts that are looked up of one domain
MAX_BODY: Final = 4096  # octets of a canary: one segment or three, not a load
MAX_AUTHSERV_IDS: Final = 8
MAX_FOLDERS: Final = 4
MAX_FOLDER_NAME: Final = 255
MAX_LABEL_VALUE: Final = 1024  # characters; each is repeated in every series of its target
MAX_GROUP_NAME: Final = 100
_MODULE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")

_T = TypeVar("_T")


def text(parse: Callable[[str], _T], expected: str) -> Callable[[Any], _T]:
    """`parse` for a value that must be a string; `expected` is an example of one."""

    def validate(value: Any) -> _T:
        if not isinstance(value, str):
            raise ValueError(f"must be a string such as {expected}, not {kind(value)}")  # noqa: TRY004 - pydantic's way
        return parse(value)

    return validate


def kind(value: Any) -> str:
    """The type of a YAML value, for a message."""
    if value is None:
        return "empty"
    names = {bool: "true or false", int: "a number", str: "a string", list: "a list", dict: "a mapping"}
    return names.get(type(value), "this")


def _duration(value: Any) -> float:
    if isinstance(value, int) and not isinstance(value, bool):
        raise ValueError(f"{value} needs a unit, such as {value}s")  # noqa: TRY004 - pydantic's way
    return text(parse_duration, "30s")(value)


def _at_least(least: float) -> Callable[[float], float]:
    def validate(seconds: float) -> float:
        if seconds < least:
            raise ValueError(f"must be at least {format_duration(least)}")
        return seconds

    return validate


def between(least: float, most: float) -> Callable[[float], float]:
    """A check of a duration."""

    def validate(seconds: float) -> float:
        if not least <= seconds <= most:
            raise ValueError(f"must be from {format_duration(least)} to {format_duration(most)}")
        return seconds

    return validate


def _positive(seconds: float) -> float:
    if seconds <= 0:
        raise ValueError("must be longer than 0s")
    return seconds


def _label_value(value: Any) -> str:
    if not isinstance(value, str):
        hint = ": quote it" if isinstance(value, bool | int) else ""
        raise ValueError(f"a label value must be a string, not {kind(value)}{hint}")  # noqa: TRY004 - pydantic's way
    return parse_label_value(value)


def parse_label_value(value: str) -> str:
    """The value of a configured label."""
    wrong = _CONTROL.search(value)
    if wrong is not None:
        raise ValueError(f"a label value must not contain the control character U+{ord(wrong[0]):04X}")
    if len(value) > MAX_LABEL_VALUE:
        raise ValueError(f"a label value has at most {MAX_LABEL_VALUE} characters")
    return value


def metric_name(name: str) -> str:
    """A metric of targets; a counter with the suffix `_total` or, as OpenMetrics names it, without."""
    found = next((known for known in (name, f"{name}_total") if known in TARGET_METRICS), None)
    if found is None:
        raise ValueError(f"{quoted(name)} is not a metric of targets{nearest(name, TARGET_METRICS)}")
    return found


def group_name(name: str) -> str:
    """The name of a group, for people."""
    if not name.strip() or _CONTROL.search(name) or len(name) > MAX_GROUP_NAME:
        raise ValueError(f"{quoted(name)} is not a name: a line of up to {MAX_GROUP_NAME} characters")
    return name


def parse_module_name(name: str) -> str:
    """A name that stands in URLs (`module=`) without escapes."""
    if _MODULE_NAME.fullmatch(name) is None:
        raise ValueError(f"{quoted(name)} is not a module name: up to 64 letters, digits and _ . -")
    return name


def replying_stage(name: str) -> str:
    """A stage with a reply of its own."""
    if name in REPLYING:
        return name
    hint = "; ehlo stands for HELO too" if name == "helo" else ""
    raise ValueError(f"{quoted(name)} is not a stage with a reply: {', '.join(REPLYING)}{hint}")


def optional_host_name(name: str) -> str:
    """A host name for the handshake and the certificate (RFC 6066 3), or nothing."""
    return parse_host_name(name) if name else name


def user_name(name: str) -> str:
    """A user name of AUTH."""
    if not name:
        raise ValueError("must not be empty")
    return parse_argument(name)


def file_name(name: str) -> str:
    """The name of a file."""
    if not name or "\0" in name:
        raise ValueError("must be the name of a file")
    return name


def canary_body(body: str) -> str:
    """The text of a canary message."""
    if len(body.encode("utf-8", "surrogatepass")) > MAX_BODY:
        raise ValueError(f"the text of a canary has at most {MAX_BODY} octets")
    if any(char not in "\t\n\r" and _CONTROL.match(char) for char in body):
        raise ValueError("the text of a canary must not contain control characters")
    return body


def folder_name(name: str) -> str:
    """The name of an IMAP folder, as people see it, or in modified UTF-7 as the server lists it (RFC 3501 5.1.3)."""
    if not name or not name.isprintable() or len(name) > MAX_FOLDER_NAME:
        raise ValueError(f"{quoted(name)} is not the name of a folder: at most {MAX_FOLDER_NAME} printable characters")
    return name


def authserv_name(name: str) -> str:
    """The name of a server in Authentication-Results (RFC 8601 2.5), compared without regard to case."""
    if not name or not name.isascii() or not name.isprintable() or any(char in ' ;"()' for char in name):
        raise ValueError(f"{quoted(name)} is not an authserv-id: the first word of Authentication-Results")
    return name.lower()


def each_once(values: list[_T]) -> list[_T]:
    """A list without duplicates."""
    seen: set[_T] = set()
    for value in values:
        if value in seen:
            raise ValueError(f"{getattr(value, 'text', value)} is listed twice")
        seen.add(value)
    return values


def _as_tuple(value: Any) -> Any:
    """A tuple, which settings can be known by, in place of a list or a single text."""
    return tuple(value) if isinstance(value := as_list(value), list) else value


def _none_twice(values: tuple[_T, ...]) -> tuple[_T, ...]:
    return tuple(each_once(list(values)))


def unless_given(value: Any) -> Any:
    """A section all of whose keys are without a value is not given, as if it were commented out."""
    return (
        None if isinstance(value, dict) and value and not any(given is not None for given in value.values()) else value
    )


def as_list(value: Any) -> Any:
    """A list, where a single text stands in place of one."""
    return [value] if isinstance(value, str) else value


Duration = Annotated[float, PlainValidator(_duration)]
PositiveDuration = Annotated[Duration, AfterValidator(_positive)]
Interval = Annotated[Duration, AfterValidator(_at_least(MIN_INTERVAL))]
Port = Annotated[int, Field(ge=1, le=MAX_PORT)]
Code = Annotated[int, Field(ge=220, le=599)]
ModuleName = Annotated[str, PlainValidator(text(parse_module_name, "default"))]
Mailbox = Annotated[str, PlainValidator(text(parse_mailbox, "probe@example.net"))]
Mailboxes = Annotated[
    list[Mailbox],
    BeforeValidator(as_list),
    Field(max_length=MAX_RECIPIENTS),
    AfterValidator(each_once),
]
FolderNames = Annotated[
    list[Annotated[str, PlainValidator(text(folder_name, "INBOX"))]],
    BeforeValidator(as_list),
    Field(max_length=MAX_FOLDERS),
    AfterValidator(each_once),
]
ExpectedMx = Annotated[
    tuple[Annotated[str, PlainValidator(text(parse_expected_mx, "mx.example.net or .example.net"))], ...],
    BeforeValidator(_as_tuple),
    Field(max_length=MAX_EXPECTED_MX),
    AfterValidator(_none_twice),
]
Labels = dict[Annotated[str, PlainValidator(parse_label_name)], Annotated[str, PlainValidator(_label_value)]]
