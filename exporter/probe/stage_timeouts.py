"""The times for which a session waits: for each stage, for a connect, and before witnesses are asked."""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import Final

from exporter.model.failure import Stage

# RFC 5321 4.5.3.2: the least that a client must grant; the probe's own timeout is the other bound. Connect, handshake
# and the questions have no number of their own there. DATA has three, of which that for the reply after the dot is the
# longest. RSET is a stage of few modules and QUIT of none: as courtesies, after which nothing is left to learn, they
# get a moment.
STAGE_SECONDS: Final = MappingProxyType(
    {
        Stage.CONNECT: 300.0,
        Stage.BANNER: 300.0,
        Stage.EHLO: 300.0,
        Stage.STARTTLS: 300.0,
        Stage.TLS: 300.0,
        Stage.EHLO_TLS: 300.0,
        Stage.AUTH: 300.0,
        Stage.MAIL: 300.0,
        Stage.RCPT: 300.0,
        Stage.DATA: 600.0,
        Stage.VRFY: 300.0,
        Stage.EXPN: 300.0,
        Stage.RSET: 5.0,
        Stage.QUIT: 5.0,
    }
)
# Behind a broken line a refusal may follow at once: one lost segment is sent again within this time.
LISTEN_SECONDS: Final = 1.0
# A connect that drew nothing for so long, or for half of a short timeout, is unanswered so far: Linux has sent its SYN
# three times by then (at 0, 1 and 3 s). The witness ports can be asked while the rest of the time runs.
_NO_ANSWER_SECONDS: Final = 3.5
# A connect without an answer for so long, or for this part of a short timeout, lets others of its MX name go first.
# Twice a round trip around the world: a host that is up has answered by then.
_LEND_SECONDS: Final = 0.5
_LEND_SHARE: Final = 0.05


@lru_cache(maxsize=64)
def usual_waits(timeout: float) -> tuple[float, float]:
    """Seconds after which a connect matters to others, and those of `timeout` that are no reason to ask others."""
    no_answer = no_answer_after(timeout)
    return min(lends_name_after(timeout), no_answer), timeout - no_answer


def no_answer_after(timeout: float) -> float:
    """Seconds after which a connect that may take `timeout` counts as unanswered so far."""
    return min(_NO_ANSWER_SECONDS, timeout / 2)


def lends_name_after(timeout: float) -> float:
    """Seconds after which a connect that may take `timeout` lends its place of the MX name to others."""
    return min(_LEND_SECONDS, timeout * _LEND_SHARE)
