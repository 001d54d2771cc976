"""The dialogue as one table: the awaited reply, its meaning, and the next state."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from exporter.smtp.plan import State


class Answer(StrEnum):
    """The meaning of a reply in its state, or of the end of a TLS handshake."""

    ACCEPTED = "accepted"
    TOLERATED = "tolerated"  # a refusal that fails nothing: of a question, or one that was expected
    REFUSED = "refused"  # 4xx, 5xx; a handshake that failed
    UNEXPECTED = "unexpected"  # positive, yet not among the codes that count as success; a certificate likewise
    CLOSING = "closing"  # 421: the server closes the connection (RFC 5321 3.8)

    __hash__ = str.__hash__  # as State's


# NEXT is the following step of the plan and, after the last or once something has gone wrong, END. END is QUIT, with
# RSET before it where a mail transaction is open: nothing may be delivered by accident.
NEXT, END, _FINISHED = "next", "end", State.FINISHED
# fmt: off
_ROWS: Final[Mapping[State, tuple[State | str, State | str, State | str, State | str]]] = MappingProxyType({
    # awaited             ACCEPTED             TOLERATED  REFUSED     UNEXPECTED
    State.IMPLICIT_TLS:  (State.BANNER,        _FINISHED, _FINISHED,  _FINISHED),
    # RFC 5321 3.1: after a 554 greeting wait for the client's QUIT
    State.BANNER:        (NEXT,                NEXT,      END,        END),
    # RFC 5321 3.2: an old server knows only HELO
    State.EHLO:          (NEXT,                NEXT,      State.HELO, END),
    State.HELO:          (NEXT,                NEXT,      END,        END),
    State.STARTTLS:      (State.TLS,           NEXT,      END,        END),
    State.TLS:           (State.EHLO_TLS,      _FINISHED, _FINISHED,  END),
    # RFC 3207 4.2: EHLO again, whatever was known before
    State.EHLO_TLS:      (NEXT,                NEXT,      END,        END),
    State.AUTH:          (NEXT,                END,       END,        END),
    State.AUTH_LOGIN:    (State.AUTH_USERNAME, END,       END,        END),
    State.AUTH_USERNAME: (State.AUTH_PASSWORD, END,       END,        END),
    State.AUTH_PASSWORD: (NEXT,                END,       END,        END),
    State.MAIL:          (NEXT,                END,       END,        END),
    # further recipients are asked about, and nothing else any more
    State.RCPT:          (NEXT,                NEXT,      NEXT,       NEXT),
    State.DATA:          (State.MESSAGE,       END,       END,        END),
    State.MESSAGE:       (NEXT,                NEXT,      END,        END),
    State.VRFY:          (NEXT,                NEXT,      END,        END),
    State.EXPN:          (NEXT,                NEXT,      END,        END),
    State.RSET:          (NEXT,                NEXT,      END,        END),
    State.QUIT:          (_FINISHED,           _FINISHED, _FINISHED,  _FINISHED),
})
# fmt: on
_COLUMNS: Final = (Answer.ACCEPTED, Answer.TOLERATED, Answer.REFUSED, Answer.UNEXPECTED)
TRANSITIONS: Final[Mapping[tuple[State, Answer], State | str]] = MappingProxyType(
    {
        (state, answer): following
        for state, row in _ROWS.items()
        for answer, following in zip(_COLUMNS, row, strict=True)
    }
    | {(state, Answer.CLOSING): State.FINISHED for state in _ROWS}
)
