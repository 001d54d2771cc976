"""The orders of stages that RFC 5321 allows, as a table.

A dialogue is in one of four states; each stage needs one of some states and leads to another. An order that the table
does not allow is refused with the reason when the configuration is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum
from types import MappingProxyType
from typing import Final

# Stages that a module may list; banner and QUIT are part of every probe, `tls` and the second EHLO of every starttls.
STAGES: Final = ("ehlo", "helo", "starttls", "auth", "mail", "rcpt", "data", "vrfy", "expn", "rset")
# Stages with a reply of their own, so with codes to expect; `ehlo` stands for HELO too.
REPLYING: Final = (
    "banner", "ehlo", "starttls", "ehlo_tls", "auth", "mail", "rcpt", "data", "vrfy", "expn", "rset", "quit",
)  # fmt: skip


class _DialogueState(Enum):
    GREETED = "no command sent yet"
    READY = "no mail transaction open"
    MAIL = "after MAIL"
    RCPT = "after RCPT"


_OPEN: Final = (_DialogueState.MAIL, _DialogueState.RCPT)
_SESSION: Final = (_DialogueState.READY, *_OPEN)

# Stage -> (states it may stand in, the state it leads to or None for the same, the reason if it may not).
_ORDER: Final = MappingProxyType(
    {
        "ehlo": (
            (_DialogueState.GREETED,),
            _DialogueState.READY,
            "ehlo or helo comes first, and once",
        ),  # RFC 5321 4.1.4
        "helo": ((_DialogueState.GREETED,), _DialogueState.READY, "ehlo or helo comes first, and once"),
        # RFC 3207 4.2: after the handshake the server forgets the dialogue before it.
        "starttls": (
            (_DialogueState.READY,),
            _DialogueState.READY,
            "starttls must come before mail: it would undo the transaction",
        ),
        # RFC 4954 4: not within a transaction.
        "auth": ((_DialogueState.READY,), _DialogueState.READY, "auth must come before mail"),
        # RFC 5321 4.1.4: a transaction begins with MAIL and is not nested; RCPT and then DATA follow.
        "mail": ((_DialogueState.READY,), _DialogueState.MAIL, "a mail transaction is already open"),
        "rcpt": (_OPEN, _DialogueState.RCPT, "rcpt needs mail before it"),
        "data": ((_DialogueState.RCPT,), _DialogueState.READY, "data needs rcpt before it"),
        # RFC 5321 4.1.4: these may be given at any time in a session.
        "vrfy": (_SESSION, None, ""),
        "expn": (_SESSION, None, ""),
        "rset": (_SESSION, _DialogueState.READY, ""),
    }
)


def parse_stage(text: str) -> str:
    """A stage that a module may name."""
    if text in STAGES:
        return text
    if text in ("banner", "quit"):
        raise ValueError(f"{text} is part of every probe and is not listed")
    if text in ("tls", "ehlo_tls"):
        raise ValueError(f"{text} follows starttls by itself and is not listed")
    raise ValueError(f"no stage {text!r}: the stages are {', '.join(STAGES)}")


def order_problems(stages: Sequence[str]) -> Iterator[tuple[int, str]]:
    """(index, reason) for each stage that may not stand where it does."""
    state = _DialogueState.GREETED
    for index, stage in enumerate(stages):
        earlier = stages[:index]
        states, following, reason = _ORDER[stage]
        if stage in earlier and not _repeatable(stage, earlier):
            yield index, f"{stage} is listed twice"
        elif state is _DialogueState.GREETED and stage not in ("ehlo", "helo"):
            yield index, "ehlo or helo must come first"
            state = _DialogueState.READY
        elif stage == "starttls" and "helo" in earlier:
            yield index, "starttls needs ehlo: HELO offers no extensions"
        elif state not in states and not _repeatable(stage, earlier):
            yield index, reason
            # Go on as if the missing stage were there: one mistake, one message.
            state = following if following in _OPEN else state
        else:
            state = following or state


def _repeatable(stage: str, earlier: Sequence[str]) -> bool:
    """RFC 3207 4.2: EHLO follows STARTTLS in any case, so it may be written out. RSET may be given at any time."""
    return stage == "rset" or (stage == "ehlo" and bool(earlier) and earlier[-1] == "starttls")
