"""The dialogue as one table: the awaited reply, its meaning, and what follows.

Theory of operation. A dialogue is always in one State (exporter.smtp.plan): the reply that it awaits; in TLS and
IMPLICIT_TLS the end of the handshake. It begins in BANNER or IMPLICIT_TLS and ends in FINISHED. To enter a state is to
send its command. A reply has one meaning in its state, the Answer (exporter.smtp.meaning); so has the end of a
handshake. A row of the table names, for one state, what follows each Answer: a state, NEXT or END. CLOSING has no
column, for FINISHED follows it everywhere.

exporter.smtp.steps resolves NEXT. It skips a step that the server does not offer and nothing depends on, goes to END
where the plan cannot do without the step, and takes AUTH_LOGIN for AUTH where the server offers nothing else. Once
something has failed, NEXT is END, except from one recipient to the next.

Beside the table, exporter.smtp.dialogue goes
- to FINISHED, where no reply can come or be read any more: the connection is closed, the time is over, the handshake
  failed, the server broke the protocol or greeted in another one;
- to END, where a refusal has more behind it or stands in data that is no reply, and where the answer to EHLO is of
  another protocol; to FINISHED if the server closes the connection with that.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, StrEnum
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


class Onward(Enum):
    """The part of a row that depends on the plan and on what came before, in place of a state."""

    NEXT = "next"  # the following step of the plan; after the last, or once something has gone wrong, END
    END = "end"  # QUIT, with RSET before it where a mail transaction is open: nothing may be delivered by accident


NEXT: Final = Onward.NEXT
END: Final = Onward.END
_FINISHED: Final = State.FINISHED
Following = State | Onward

# fmt: off
_ROWS: Final[Mapping[State, tuple[Following, Following, Following, Following]]] = MappingProxyType({
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
TRANSITIONS: Final[Mapping[tuple[State, Answer], Following]] = MappingProxyType(
    {
        (state, answer): following
        for state, row in _ROWS.items()
        for answer, following in zip(_COLUMNS, row, strict=True)
    }
    | {(state, Answer.CLOSING): _FINISHED for state in _ROWS}
)
