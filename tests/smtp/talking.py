"""Playing the server's side of a conversation, and what was said as a readable log."""

from __future__ import annotations

from exporter.smtp.dialogue import Dialogue
from exporter.smtp.events import Answered, Event, Finished, Listen, Send, StartTls
from exporter.smtp.plan import Plan
from tests.smtp.feeding import Feed, whole

EOF = b""
GREETING, BYE = b"220 mx.example ESMTP\r\n", b"221 bye\r\n"


def converse(
    plan: Plan, *turns: bytes, feed: Feed = whole, trust: bool = True, shake: bool = True, message: bytes = b""
) -> tuple[Dialogue, list[str]]:
    """Play the server's `turns`, one after each thing the client says; EOF closes. The log is what happened.

    Where it listens on after something broken, nothing more comes within the moment. A handshake succeeds at once, with
    a certificate that is trusted or not; without `shake` it does not end.
    """
    dialogue = Dialogue(plan, message)
    log: list[str] = []
    events: list[Event] = []

    def drain() -> None:
        while (event := dialogue.next_event()) is not None:
            events.append(event)
            if not isinstance(event, Listen):
                log.append(shown(event))
            if isinstance(event, StartTls) and shake:
                if trust:
                    dialogue.secured()
                else:
                    dialogue.distrust("the certificate is self-signed")

    drain()
    for turn in turns:
        if turn == EOF:
            dialogue.receive_eof()
            drain()
        for piece in feed(turn):
            dialogue.receive_data(piece)
            drain()
    if events and isinstance(events[-1], Listen):
        dialogue.expire()
        drain()
    return dialogue, log


def shown(event: Event) -> str:
    """One line: `> ` what we said, `< ` the stage and code of an answer, `tls`, `.` at the end."""
    match event:
        case Send(_, data):
            return f"> {data.decode().rstrip()}"
        case Answered(stage, reply):
            return f"< {stage} {reply.code}"
        case StartTls():
            return "tls"
        case Finished() | Listen():
            return "."
