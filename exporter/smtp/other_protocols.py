"""Other protocols that are met on port 25, recognised by their first bytes.

Most are recognised by their greeting, which a server says before we spoke. A server that waits for the client (HTTP,
Redis) is seen here when something made it complain first. Where a greeting is numbered like ours (RFC 959 4.2), only a
name of software decides at once: any other that looks like FTP is asked with EHLO, and recognised by its refusal.
"""

from __future__ import annotations

import re
from typing import Final

from exporter.smtp.reply import Reply


def _bytes(pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(pattern, re.DOTALL)


def _text(pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(pattern, re.IGNORECASE)


# Names of software, not those of hosts that are named after it.
_FTP_NAMES: Final = (
    rb"(?<![\w.-])(?:vsFTPd|ProFTPD|Pure-FTPd|FileZilla|Microsoft FTP Service|Serv-U|pyftpdlib|wu-ftpd|NcFTPd|bftpd"
    rb"|glftpd|WS_FTP|CrushFTP|Xlight FTP|Titan FTP|Gene6 FTP|WAR-FTPD?)(?![\w-]*\.[a-z])"
)
# First bytes -> name. The bytes behind them change nothing, so it does not matter in which pieces they come.
_FIRST_BYTES: Final = (
    (_bytes(rb"[\x14-\x17]\x03[\x00-\x04]"), "TLS"),  # RFC 8446 5.1: a record header
    (_bytes(rb"\xff[\xfb-\xfe]"), "Telnet"),  # RFC 854: IAC WILL, WONT, DO, DONT
    (_bytes(rb"...\x00\x0a[0-9]+\.[0-9]+\.[0-9]"), "MySQL"),  # a packet's header, protocol 10, the version
    (_bytes(rb"...[\x00\x01]\xff..(?:#|Host|Too many)"), "MySQL"),  # its error: a host that may not connect
    (_bytes(rb"E\x00\x00..S(?:FATAL|ERROR|PANIC)|EFATAL:"), "PostgreSQL"),
    (_bytes(rb"[\x04\x12]\x01\x00.\x00[\x00-\xff]\x01\x00"), "Microsoft SQL Server"),  # MS-TDS 2.2.3.1
    (_bytes(rb"\x03\x00..[\x02-\xfe][\xd0\xe0\xf0]"), "RDP"),  # RFC 1006: TPKT, and X.224 in it
    (_bytes(rb"\x00...[\xfe\xff]SMB"), "SMB"),
    (_bytes(rb"0(?:\x84....|[\x05-\x7f])\x02\x01.[\x61-\x79]"), "LDAP"),  # RFC 4511 4.1.1
    (_bytes(rb"\x13BitTorrent protocol"), "BitTorrent"),
    (_bytes(rb"\xff\x00.\x00"), "Minecraft"),  # its old "kick", in UTF-16
    (_bytes(rb'.{1,3}\x00.{1,2}\{"'), "Minecraft"),
    (_bytes(rb"\x1b%-12345X|@PJL"), "PJL (a printer)"),
    (_bytes(rb"ZBXD\x01"), "Zabbix"),
    (_bytes(rb"AMQP\x00"), "AMQP"),
    (_bytes(rb"\x20\x02\x00[\x00-\x05]"), "MQTT"),  # CONNACK
)
# First line, once it is whole -> name.
_FIRST_LINE: Final = (
    (_text(rb"SSH-[0-9]|(?:Exceeded MaxStartups|Not allowed at this time)\r?$"), "SSH"),  # OpenSSH, when busy or penal
    (_text(rb"HTTP/[0-9]"), "HTTP"),
    (_text(rb"(?:GET|HEAD|POST|OPTIONS|CONNECT) \S+ HTTP/[0-9]"), "HTTP"),
    (_text(rb"RTSP/[0-9]"), "RTSP (a camera)"),
    (_text(rb"(?:[\w./-]*/)?lpd: "), "LPD (a printer)"),  # RFC 1179, with the complaint of the daemon
    (_text(rb"SIP/[0-9]"), "SIP"),
    (_text(rb"ICY [0-9]{3}"), "Icecast"),
    (_text(rb"<(?:!doctype|html|head|body|title|h1)"), "HTTP"),
    (_text(rb"<(?:\?xml[^>]*>\s*<)?stream:"), "XMPP"),
    (_text(rb"\+OK\b"), "POP3"),
    (_text(rb"\* (?:OK|PREAUTH|BYE|BAD|NO)\b"), "IMAP"),
    (_text(rb"-(?:ERR (?:unknown|wrong|max|protocol)|NOAUTH|DENIED|MISCONF|LOADING|WRONGPASS)"), "Redis"),
    (_text(rb"-ERR\b"), "POP3"),
    (_text(rb'"(?:IMPLEMENTATION|SIEVE|SASL|VERSION|STARTTLS)"'), "ManageSieve"),
    (_text(rb"(?:NO|BYE) (?:\([^)]*\) )?\""), "ManageSieve"),
    (_text(rb"(?::[\w.:-]+ )?NOTICE (?:AUTH|\*|\$) :|:[\w.-]+ (?:[0-9]{3}|NOTICE) |ERROR :(?:Closing|Trying)"), "IRC"),
    (_text(rb"RFB [0-9]{3}\."), "VNC"),
    (_text(rb"@RSYNCD:"), "rsync"),
    (_text(rb"AMQP"), "AMQP"),
    (_text(rb"(?:CLIENT_ERROR|SERVER_ERROR) |ERROR\r?$"), "Memcached"),
    (_text(rb"INFO \{\"server_id\""), "NATS"),
    (_text(rb"\( success \( [0-9]"), "Subversion"),
    (_text(rb"Asterisk Call Manager/"), "Asterisk"),
    (_text(rb"OK MPD [0-9]"), "MPD"),
    (_text(rb"TS3\b"), "TeamSpeak"),
    (_text(rb"\{\"class\":"), "gpsd"),
    (_text(rb"(?:login|login as|user ?name|password) ?:\s*$"), "Telnet"),
    (_text(rb"(?:220|421|530)[ -](?!.*\bE?SMTP\b).*" + _FTP_NAMES), "FTP"),
    (_text(rb"(?:220|421|530)[ -](?!.*\bE?SMTP\b)(?=.*FTP).*\b(?:USER and PASS|send USER|with USER)\b"), "FTP"),
    (_text(rb"UNKNOWN(?:_| )COMMAND\b"), "another protocol"),
)
# Patterns for all that came, once nothing more will.
_AT_LAST: Final = (
    (_text(rb"\s*<\?xml[\s\S]*<stream:"), "XMPP"),
    (_text(rb"\s*<\?xml"), "HTTP"),
    # A prompt has no line end: of Telnet without its options, as terminal servers, routers and cameras speak it.
    (
        _text(rb"[\s\S]*(?<![\w.-])(?:login|user ?(?:name)?|account|password|passcode) ?: ?[\x1b\x00\w\[]{0,8}$"),
        "Telnet",
    ),
    # The configuration port of print servers, serial converters and cameras.
    (_text(rb"[\s\S]*\bJetDirect\b|[\s\S]*\btype [\"'`]?(?:\?|help|menu)[\"'`]? (?:for|to)\b"), "Telnet"),
    (
        _text(
            rb"[\s\S]*(?:User Access Verification|(?:Press|type) \S{0,3}(?:any key|RETURN|ENTER|menu)|HP JetDirect"
            rb"|Escape character is|BusyBox v[0-9]|this is (?:Quagga|FRRouting|zebra)\b)"
        ),
        "Telnet",
    ),
    # A shell waits for its first command.
    (_text(rb"(?:[\s\S]*\n)?[^\n<]{0,60}[>#$] ?\Z"), "Telnet"),
    (_text(rb"\s*\{[\s\S]*\}[\s\x00]*\Z"), "JSON (a camera or the like)"),
)
# Bytes no text protocol begins with; UTF-8 may begin with its mark.
_BINARY: Final = re.compile(rb"(?!\xef\xbb\xbf)[\x00-\x08\x0b\x0c\x0e-\x1f\x80-\xff]")

# Numbered greetings without any of these words are not looked at any closer.
_NUMBERED: Final = _text(
    rb"FTP|LMTP|NNTP|news|posting|Leafnode|HylaFAX|dictd|FileZilla|Serv-U|Dovecot|glftpd|for new user|Print Server"
)
_SMTP: Final = _text(rb"\bE?SMTP\b")
# Not those of hosts that are named after software.
_FTP_SOFTWARE: Final = _text(_FTP_NAMES)
# RFC 959 5.4 has the words for a user; HP's printers greet without a name of the protocol.
_FTP: Final = _text(rb"FTP|\bready for new user\b|^Print Server Ready")
# In a refusal, where a host name is no excuse.
_FTP_SERVER: Final = _text(rb"(?<![\w.-])FTP (?:server|service|daemon)\b")
_NNTP: Final = _text(rb"\bNNTP|\bInterNetNews|\bnews\b|\bposting\b|\bLeafnode\b")
_FTP_GREETINGS: Final = frozenset({220, 421, 500, 530})
_REFUSALS: Final = frozenset({421, 530})
_NNTP_GREETINGS: Final = frozenset({200, 201, 400})  # RFC 3977 5.1.1
# Greetings after which a refused EHLO is the answer of another protocol.
_SUSPECTS: Final = (
    (_text(rb"\bLMTP\b"), "LMTP"),  # RFC 2033 4.1: it knows LHLO alone
    (_text(rb"\bdictd\b"), "DICT"),  # RFC 2229
    (_FTP, "FTP"),
    (_text(rb"\bDovecot\b[\s\S]*\bready\b"), "LMTP"),  # whose submission service knows EHLO
)
# Words with which nothing else refuses a command.
_FTP_WORDS: Final = _text(
    rb"\bUSER and PASS\b|\bwith USER\b|\bUSER (?:command )?(?:first|required)\b|\bsend USER\b|^You aren't logged in"
)
# RFC 959 5.4 in its own words. RFC 4954 6: SMTP asks for a login with 530 too, but not at EHLO.
_NOT_LOGGED_IN: Final = _text(rb"^(?:User )?Not logged in\b|^Please log ?in\b(?! .*\bmail)")
_LHLO: Final = _text(rb"\bLHLO\b")
# Codes with which FTP refuses a command that it does not know, or not yet (RFC 959 4.2.2).
_UNKNOWN_TO_FTP: Final = frozenset({202, 500, 501, 502, 503, 504, 530})
_NOT_YET: Final = frozenset({202, 530})


def recognise(said: bytes) -> str | None:
    """The protocol that begins so, whatever follows; None where it may be SMTP, or is not clear yet."""
    for pattern, name in _FIRST_BYTES:
        if pattern.match(said):
            return name
    line, end, _ = said.lstrip().partition(b"\n")
    if not end:
        return None
    return next((name for pattern, name in _FIRST_LINE if pattern.match(line)), None)


def guess(said: bytes) -> str | None:
    """The protocol of a server that has said no more than this; "binary" for one that cannot be named."""
    found = recognise(said + b"\n") or next((name for pattern, name in _AT_LAST if pattern.match(said)), None)
    return found or ("a binary protocol" if _BINARY.match(said) else None)


def names_smtp(said: bytes) -> bool:
    """Words of a greeting that no other protocol says, whatever stands beside them."""
    return _SMTP.search(said) is not None


def names_other(said: bytes) -> bool:
    """Words of a greeting that another protocol may say."""
    return _NUMBERED.search(said) is not None


def by_greeting(greeting: Reply) -> tuple[str | None, str | None]:
    """The protocol of a greeting that only looks like SMTP's, and one that it may be of as well as of SMTP."""
    said = greeting.lines[0] if len(greeting.lines) == 1 else b" ".join(greeting.lines)
    if b" ESMTP" in said or not _NUMBERED.search(said) or _SMTP.search(said):  # nearly all are ESMTP, and found so
        return None, None
    return _software(greeting.code, said), next((name for pattern, name in _SUSPECTS if pattern.search(said)), None)


def _software(code: int, said: bytes) -> str | None:
    if code in _FTP_GREETINGS and _FTP_SOFTWARE.search(said):
        return "FTP"
    if code in _FTP_GREETINGS and _FTP.search(said) and _FTP_WORDS.search(said):
        return "FTP"
    if code in _REFUSALS and _FTP_SERVER.search(said):
        return "FTP"
    if code == 220 and b"HylaFAX" in said:
        return "HylaFAX"
    return "NNTP" if code in _NNTP_GREETINGS and _NNTP.search(said) else None


def by_ehlo_answer(suspect: str | None, answer: Reply, *, helo: bool) -> str | None:
    """The protocol of a server that answers EHLO, or HELO after it, so; an old mail server may not know EHLO either."""
    said = b" ".join(answer.lines)
    if _LHLO.search(said):
        return "LMTP"
    if answer.code >= 400 and _FTP_WORDS.search(said):
        return "FTP"
    if answer.code == 530 and _NOT_LOGGED_IN.search(said):
        return "FTP"
    if suspect is None or answer.code not in _UNKNOWN_TO_FTP:
        return None
    return suspect if helo or (suspect == "FTP" and answer.code in _NOT_YET) else None
