"""Other protocols that are met on port 25, told by the first bytes they say.

Only greetings count: what a server says before we spoke. A server that waits for the client (HTTP, Redis) is seen
here when something made it complain first.
"""

from __future__ import annotations

import re
from typing import Final

# First bytes -> name.
_GREETINGS: Final = (
    (re.compile(rb"SSH-"), "SSH"),
    (re.compile(rb"HTTP/[0-9]", re.IGNORECASE), "HTTP"),
    (re.compile(rb"\s*<(?:!doctype|html|\?xml|head|body)", re.IGNORECASE), "HTTP"),
    (re.compile(rb"[\x14-\x17]\x03[\x00-\x04]"), "TLS"),  # RFC 8446 5.1: a record header
    (re.compile(rb"\+OK\b"), "POP3"),
    (re.compile(rb"\* (?:OK|PREAUTH|BYE)\b", re.IGNORECASE), "IMAP"),
    (re.compile(rb"-(?:ERR (?:unknown|wrong|max)|NOAUTH|DENIED|MISCONF|LOADING)", re.IGNORECASE), "Redis"),
    (re.compile(rb"-ERR\b"), "POP3"),
    (re.compile(rb"RFB [0-9]{3}\."), "VNC"),
    (re.compile(rb"@RSYNCD:"), "rsync"),
    (re.compile(rb"AMQP"), "AMQP"),
    (re.compile(rb"[\s\S]{4}\x0a[0-9]+\.[0-9]+\.[0-9]"), "MySQL"),
    (re.compile(rb"\xff[\xfb-\xfe]"), "Telnet"),  # RFC 854: IAC WILL, WONT, DO, DONT
    (re.compile(rb"\s*(?:[\w.-]{1,64} )?login:", re.IGNORECASE), "Telnet"),  # without options, as terminal servers do
)
# The same for protocols whose replies are numbered like ours (RFC 959 4.2, RFC 3977 3.2).
_NUMBERED: Final = (
    (re.compile(rb"(?:220|421|530)[ -][^\r\n]*(?:\bFTPd?\b|FileZilla|vsFTPd|ProFTPD|Pure-FTPd)", re.IGNORECASE), "FTP"),
    (re.compile(rb"20[01] [^\r\n]*(?:\bNNTP|\bInterNetNews|\bnews\b)", re.IGNORECASE), "NNTP"),
)
# A greeting that speaks of SMTP is SMTP, even on a host called ftp.example.net.
_SMTP: Final = re.compile(rb"\bE?SMTP\b|\bmail\b", re.IGNORECASE)
# Bytes no text protocol begins with.
_BINARY: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x80-\xff]")


def recognise(greeting: bytes) -> str | None:
    """The protocol that begins so, "binary" for one we cannot name, or None where nothing speaks against SMTP."""
    if greeting[:1].isdigit():
        line = greeting.split(b"\n", 1)[0]
        if _SMTP.search(line):
            return None
        return next((name for pattern, name in _NUMBERED if pattern.match(line)), None)
    named = next((name for pattern, name in _GREETINGS if pattern.match(greeting)), None)
    return named or ("binary" if _BINARY.match(greeting) else None)
