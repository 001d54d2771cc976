"""What a rule about refusing replies is made of: a class, and the conditions that must all hold."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass
from typing import Final

from exporter.result import FailureClass, Stage

REFUSED: Final = range(400, 600)
TEMPORARY: Final = range(400, 500)
PERMANENT: Final = range(500, 600)

# VRFY and EXPN are questions: a server that will not answer them refuses nobody. STARTTLS has its own refusal.
QUESTIONS: Final = frozenset({Stage.VRFY, Stage.EXPN})
CONVERSATION: Final = frozenset(Stage) - QUESTIONS - {Stage.STARTTLS}
# Where a server speaks about a recipient: after MAIL FROM a mailbox is the sender's.
ABOUT_RECIPIENT: Final = frozenset({Stage.RCPT, Stage.DATA}) | QUESTIONS
TRANSACTION: Final = frozenset({Stage.MAIL, Stage.RCPT, Stage.DATA})


@dataclass(frozen=True, slots=True)
class Rule:
    """`failure_class` None: no failure. `said` is searched in lower-cased text, `status` is the whole RFC 3463 code."""

    failure_class: FailureClass | None
    said: re.Pattern[str] | None = None
    codes: Container[int] = REFUSED
    status: re.Pattern[str] | None = None
    stages: frozenset[Stage] | None = None

    def matches(self, stage: Stage, code: int, status: str, said: str) -> bool:
        """Every condition that is set holds."""
        return (
            code in self.codes
            and (self.stages is None or stage in self.stages)
            and (self.status is None or self.status.fullmatch(status) is not None)
            and (self.said is None or self.said.search(said) is not None)
        )


def any_of(*patterns: str) -> re.Pattern[str]:
    """One pattern that finds any of `patterns`."""
    return re.compile("|".join(patterns))
