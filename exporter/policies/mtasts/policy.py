"""The policy file (RFC 8461 3.2): parsed as strictly as its grammar is, and matched against MX names (4.1). Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

# The largest size of a policy; RFC 8461 3.3 leaves the bound to the sender.
MAX_POLICY_BYTES: Final = 64 * 1024
# Names of MX hosts; real policies have under 50. They are kept, and each MX host of the domain is matched with each.
MAX_NAMES: Final = 256
# Each line is parsed by itself; few of them are not about MX hosts.
MAX_LINES: Final = 1024
MAX_AGE_SECONDS: Final = 31_557_600  # RFC 8461 3.2: about one year

# RFC 8461 3.2, the ABNF.
_KEY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
_LINE_END: Final = re.compile(r"\r?\n")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_AGE: Final = re.compile(r"[0-9]{1,10}")
# RFC 5321 4.1.2 Domain, with the wildcard of RFC 8461; international names as A-labels.
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_PATTERN: Final = re.compile(rf"(?=.{{1,255}}$)(?:\*\.)?(?:{_LABEL}\.)*{_LABEL}")

PolicyMode = Literal["enforce", "testing", "none"]
_MODES: Final[tuple[PolicyMode, ...]] = ("enforce", "testing", "none")


@dataclass(frozen=True, slots=True)
class MtaStsPolicy:
    """The policy of a domain for senders of its mail."""

    mode: PolicyMode
    max_age: int  # seconds
    mx: tuple[str, ...] = ()  # lower case, in the file's order; a leading "*." stands for one label

    def matches(self, name: str) -> bool:
        """True where the policy names the MX host `name` (lower-case A-labels without the final dot)."""
        # RFC 8461 4.1: a wildcard is one whole label, the leftmost.
        return name in self.mx or f"*.{name.partition('.')[2]}" in self.mx


def parse_policy(data: bytes) -> MtaStsPolicy:
    """The policy in `data`. Raises ValueError with a sentence where RFC 8461 3.2 does not allow it."""
    if len(data) > MAX_POLICY_BYTES:
        raise ValueError(f"the policy is longer than {MAX_POLICY_BYTES} bytes")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("the policy is not UTF-8") from None
    lines = _LINE_END.split(text)
    if lines[-1] == "" and len(lines) > 1:
        lines.pop()  # the last line end is optional
    if len(lines) > MAX_LINES:
        raise ValueError(f"the policy has more than {MAX_LINES} lines")
    first: dict[str, str] = {}
    patterns: dict[str, None] = {}
    for number, line in enumerate(lines, 1):
        key, value = _field(number, line)
        if key == "mx":
            if _PATTERN.fullmatch(value) is None:
                raise ValueError(f"line {number}: mx is not a host name, perhaps after *.: {value[:128]!r}")
            patterns[value.lower()] = None
            if len(patterns) > MAX_NAMES:
                raise ValueError(f"the policy names more than {MAX_NAMES} hosts")
        else:
            # RFC 8461 3.2: of a repeated field, mx apart, the first counts; unknown ones are passed over.
            first.setdefault(key, value)
    return _checked(first, tuple(patterns))


def _field(number: int, line: str) -> tuple[str, str]:
    key, colon, value = line.partition(":")
    if not colon or _KEY.fullmatch(key) is None:
        raise ValueError(f"line {number} is not of the form name: value: {line[:128]!r}")
    value = value.strip(" \t")
    if not value:
        raise ValueError(f"line {number}: {key} has no value")
    if _CONTROL.search(value):
        raise ValueError(f"line {number}: {key} has a control character in its value")
    return key, value


def _checked(fields: dict[str, str], mx: tuple[str, ...]) -> MtaStsPolicy:
    for key in ("version", "mode", "max_age"):
        if key not in fields:
            raise ValueError(f"the policy has no {key}")
    if fields["version"] != "STSv1":
        raise ValueError(f"the version is not STSv1: {fields['version'][:128]!r}")
    mode = next((mode for mode in _MODES if mode == fields["mode"]), None)
    if mode is None:
        raise ValueError(f"the mode is not enforce, testing or none: {fields['mode'][:128]!r}")
    age = fields["max_age"]
    if _AGE.fullmatch(age) is None or int(age) > MAX_AGE_SECONDS:
        raise ValueError(f"max_age is not a number of seconds up to {MAX_AGE_SECONDS}: {age[:128]!r}")
    if not mx and mode != "none":
        raise ValueError(f"the mode is {mode}, and no mx is named")
    return MtaStsPolicy(mode, int(age), mx)
