"""The catalogue of odd and hostile SMTP servers, each with the outcome a probe of it must have.

A probe here says EHLO and QUIT with `timeout` seconds for all; a host that is up has `warnings`, exactly these, where
nothing is looked up about its name. Waits are scaled down: what counts is whether they end before the timeout.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from exporter.lab.smtp_script import (
    CLOSE,
    HALF_CLOSE,
    RESET,
    Answer,
    Drip,
    Flood,
    SmtpScript,
    Step,
    Wait,
    ordinary,
    reply,
)
from exporter.model.failure import FailureClass, Stage
from exporter.model.warning import HostWarning

_C, _W = FailureClass, HostWarning
_NAME: Final = "mx.hostile.example"
# Ordinary hosts of the catalogue offer no TLS.
_PLAIN: Final = (_W.STARTTLS_NOT_OFFERED,)
_PATIENT: Final = 10.0  # seconds: never reached, unless something hangs
_SHORT: Final = 0.6  # seconds: for hosts whose outcome is that it passes
_TEN_MEGABYTES: Final = 10_000_000


@dataclass(frozen=True, slots=True)
class HostileHost:
    """A server and what a probe makes of it. `expected` None: up. `warnings` are those that are told."""

    name: str
    script: SmtpScript
    expected: FailureClass | None = None
    stage: Stage | None = None
    warnings: tuple[HostWarning, ...] = ()
    timeout: float = _PATIENT
    code: int | None = None  # that of the reply that is told of the stage
    says: str = ""  # in the sentence


def _up(name: str, *warnings: HostWarning, timeout: float = _PATIENT, **answers: Answer) -> HostileHost:
    """A host that works: whatever else is wrong, it offers no TLS."""
    return HostileHost(name, ordinary(_NAME, **answers), None, None, (*_PLAIN, *warnings), timeout)


def _banner(
    name: str,
    expected: FailureClass,
    *greeting: Step,
    timeout: float = _PATIENT,
    code: int | None = None,
    says: str = "",
    warnings: tuple[HostWarning, ...] = (),
) -> HostileHost:
    """A host that does not come past its greeting."""
    script = ordinary(_NAME, greeting=greeting)
    return HostileHost(name, script, expected, Stage.BANNER, warnings, timeout, code, says)


def _ehlo(
    name: str,
    expected: FailureClass,
    *,
    timeout: float = _PATIENT,
    code: int | None = None,
    says: str = "",
    warnings: tuple[HostWarning, ...] = (),
    **answers: Answer,
) -> HostileHost:
    """A host that does not come past EHLO."""
    return HostileHost(name, ordinary(_NAME, **answers), expected, Stage.EHLO, warnings, timeout, code, says)


_SLOW: Final = (
    _up("greets late", greeting=(Wait(0.3), reply(220, _NAME))),
    _up("greets byte by byte", greeting=Drip(reply(220, _NAME), 0.005)),
    _up("answers byte by byte", greeting=Drip(reply(220, _NAME)), EHLO=Drip(reply(250, _NAME, "SIZE 1", "8BITMIME"))),
    _up("tarpit within the timeout", EHLO=(Wait(0.2), reply(250, _NAME)), QUIT=(Wait(0.2), reply(221, "bye"), CLOSE)),
    _banner("never greets", _C.BANNER_TIMEOUT, timeout=_SHORT),
    _banner("greets after the timeout", _C.BANNER_TIMEOUT, Wait(60), reply(220, _NAME), timeout=_SHORT),
    _banner("drips the greeting beyond the timeout", _C.BANNER_TIMEOUT, Drip(reply(220, _NAME), 1.0), timeout=_SHORT),
    _banner("greets without a line end", _C.BANNER_TIMEOUT, b"220 mx.hostile.example ESMTP", timeout=_SHORT),
    _banner("ends the greeting with CR alone", _C.BANNER_TIMEOUT, b"220 mx.hostile.example\r", timeout=_SHORT),
    _banner("begins a long greeting and stops", _C.BANNER_TIMEOUT, b"220-mx.hostile.example\r\n", timeout=_SHORT),
    _banner("greets for ever, slowly", _C.BANNER_TIMEOUT, Flood(b"220-please wait\r\n", 0.05), timeout=_SHORT),
    _ehlo("never answers EHLO", _C.TIMEOUT, EHLO=None, timeout=_SHORT),
    _ehlo("answers half of EHLO", _C.TIMEOUT, EHLO=b"250-mx.hostile.example\r\n250-SIZE", timeout=_SHORT),
    _ehlo("answers EHLO for ever, slowly", _C.TIMEOUT, EHLO=Flood(b"250-X\r\n", 0.05), timeout=_SHORT),
    _ehlo("tarpit beyond the timeout", _C.TIMEOUT, EHLO=(Wait(60), reply(250, _NAME)), timeout=_SHORT),
    _ehlo("never answers HELO", _C.TIMEOUT, EHLO=reply(502, "what"), HELO=None, timeout=_SHORT),
    _up("never answers QUIT", _W.QUIT_UNCLEAN, QUIT=None, timeout=_SHORT),
)

_ENDLESS: Final = (
    _banner("sends an endless line", _C.PROTOCOL_ERROR, b"220 ", Flood(b"x" * 1024)),
    _banner("sends an endless line that is no reply", _C.PROTOCOL_ERROR, Flood(b"x" * 1024)),
    _banner("greets with endless lines", _C.PROTOCOL_ERROR, Flood(b"220-and more\r\n" * 64)),
    _banner("sends 10 MB in one line at once", _C.PROTOCOL_ERROR, b"220 " + b"x" * _TEN_MEGABYTES + b"\r\n"),
    _banner("sends 10 MB of lines at once", _C.PROTOCOL_ERROR, b"220-x\r\n" * (_TEN_MEGABYTES // 7) + b"220 x\r\n"),
    _ehlo("answers EHLO with an endless line", _C.PROTOCOL_ERROR, EHLO=(b"250-", Flood(b"x" * 1024))),
    _ehlo("answers EHLO with endless lines", _C.PROTOCOL_ERROR, EHLO=Flood(b"250-XKEYWORD\r\n" * 64)),
    _up("greets with a line of 4 KB", greeting=b"220 " + b"x" * 4000 + b"\r\n"),
    _up("has 500 EHLO keywords", EHLO=reply(250, _NAME, *(f"X{number}" for number in range(500)))),
)

_BYTES: Final = (
    _up("ends lines with bare LF", _W.BARE_LF, greeting=b"220 mx.hostile.example\n", EHLO=b"250-mx\n250 SIZE 1\n"),
    _up("has a bare CR in the greeting", greeting=b"220 mx\rESMTP\r\n"),
    _up("greets in Latin-1", greeting=b"220 mx Gr\xfc\xdf Gott\r\n"),
    _up("greets in broken UTF-8", greeting=b"220 mx \xc3\x28 \xf0\x9f\x92\r\n"),
    _up("greets with ANSI escapes", greeting=b"220 mx \x1b[31m\x1b]0;owned\x07\x1b[2J\r\n"),
    _up("greets with a bidirectional override", greeting="220 mx \u202egnihton\u202c\r\n".encode()),
    _up("greets with markup", greeting=b"220 mx <script>alert(1)</script> <img src=x onerror=alert(1)>\r\n"),
    _up("greets with a metric", greeting=b'220 mx"} 1\\n# HELP evil evil\r\n'),
    _banner("has a NUL in the greeting", _C.PROTOCOL_ERROR, b"220 mx \0 ESMTP\r\n"),
    _banner("ends the greeting with CR NUL", _C.PROTOCOL_ERROR, b"220 mx\r\0\r\n"),
    _ehlo("has a NUL in the EHLO answer", _C.PROTOCOL_ERROR, EHLO=b"250-mx\r\n250-SIZE\0 5\r\n250 X\r\n"),
)

_CODES: Final = (
    _up("greets with the code alone", greeting=b"220\r\n"),
    _up("greets with the code and a space", greeting=b"220 \r\n"),
    _up("greets with the code and a TAB", greeting=b"220\tmx\r\n"),
    _up("greets in several lines", greeting=reply(220, _NAME, "no spam", "no UCE")),
    _up("answers EHLO with the code alone", EHLO=b"250\r\n"),
    HostileHost(
        "has lower-case keywords",
        ordinary(_NAME, EHLO=b"250-mx\r\n250-starttls\r\n250-size 1000\r\n250 8bitmime\r\n"),
    ),
    _up("repeats keywords", EHLO=b"250-mx\r\n250-SIZE 1\r\n250-SIZE 2\r\n250-SIZE\r\n250 SIZE 3\r\n"),
    _up("has an empty keyword", EHLO=b"250-mx\r\n250-\r\n250- \r\n250 SIZE\r\n"),
    _up("announces an absurd SIZE", EHLO=b"250-mx\r\n250-SIZE 99999999999999999999999999999999\r\n250 SIZE -1\r\n"),
    _up("greets with 220 and 250 in one reply", _W.CONTRADICTORY_CODES, greeting=b"250-mx\r\n220 mx\r\n"),
    _banner("greets with 999", _C.PROTOCOL_ERROR, b"999 mx\r\n"),
    _banner("greets with 22", _C.PROTOCOL_ERROR, b"22 mx\r\n"),
    _banner("greets with 2200", _C.PROTOCOL_ERROR, b"2200 mx\r\n"),
    _banner("greets with 120", _C.PROTOCOL_ERROR, b"120 ready in 5 minutes\r\n"),
    _banner("greets with 250", _C.PROTOCOL_ERROR, b"250 mx\r\n"),
    _banner("greets with 354", _C.PROTOCOL_ERROR, b"354 go ahead\r\n"),
    _banner("greets with text", _C.PROTOCOL_ERROR, b"Welcome!\r\n"),
    _banner("greets with an empty line", _C.PROTOCOL_ERROR, b"\r\n"),
    _banner("greets twice", _C.PROTOCOL_ERROR, b"220 mx\r\n220 mx\r\n"),
    _banner("answers EHLO before it is said", _C.PROTOCOL_ERROR, b"220 mx\r\n250-mx\r\n250 SIZE 5\r\n"),
    _banner("greets and sends junk", _C.PROTOCOL_ERROR, b"220 mx\r\njunk"),
    _up("answers EHLO with 220 and 250", _W.CONTRADICTORY_CODES, EHLO=b"220-mx\r\n250 SIZE 5\r\n"),
    _ehlo(
        "answers EHLO with an empty line",
        _C.PROTOCOL_ERROR,
        EHLO=b"250-mx\r\n\r\n250 SIZE 5\r\n",
        says="the server answered with a malformed reply: line 2 is empty",
    ),
    _ehlo("answers EHLO with 999", _C.PROTOCOL_ERROR, EHLO=b"999 mx\r\n"),
    _ehlo("answers EHLO with 354", _C.PROTOCOL_ERROR, EHLO=b"354 go ahead\r\n"),
    _ehlo("answers EHLO twice", _C.PROTOCOL_ERROR, EHLO=b"250 mx\r\n250 mx\r\n"),
)

_CLOSES: Final = (
    _banner("closes at once", _C.BANNER_CLOSED, CLOSE),
    _banner("resets at once", _C.BANNER_CLOSED, RESET),
    _banner("half closes at once", _C.BANNER_CLOSED, HALF_CLOSE),
    _banner("closes within the greeting", _C.BANNER_CLOSED, b"220 mx.host", CLOSE),
    _banner("closes within a long greeting", _C.BANNER_CLOSED, b"220-mx\r\n220-no", CLOSE),
    _ehlo("greets and closes", _C.CLOSED, greeting=(reply(220, _NAME), CLOSE)),
    _ehlo("greets and resets", _C.CLOSED, greeting=(reply(220, _NAME), Wait(0.05), RESET)),
    _ehlo("greets and half closes", _C.CLOSED, greeting=(reply(220, _NAME), HALF_CLOSE)),
    _ehlo("closes at EHLO", _C.CLOSED, EHLO=CLOSE),
    _ehlo("resets at EHLO", _C.CLOSED, EHLO=RESET),
    _ehlo("closes within the EHLO answer", _C.CLOSED, EHLO=(b"250-mx\r\n250-SIZ", CLOSE)),
    _ehlo("closes at HELO", _C.CLOSED, EHLO=reply(502, "what"), HELO=CLOSE),
    _ehlo("resets at HELO", _C.CLOSED, EHLO=reply(502, "what"), HELO=RESET),
    _up("closes after the EHLO answer", _W.QUIT_UNCLEAN, EHLO=(reply(250, _NAME), CLOSE)),
    _up("closes at QUIT", _W.QUIT_UNCLEAN, QUIT=CLOSE),
    _up("resets at QUIT", _W.QUIT_UNCLEAN, QUIT=RESET),
    _up("speaks on after 221", _W.QUIT_UNCLEAN, QUIT=(b"221 bye\r\n250 and another thing\r\n", CLOSE)),
    _up("floods after 221", _W.QUIT_UNCLEAN, QUIT=(b"221 bye\r\n" + b"x" * 60_000, Flood(b"x" * 1024))),
    _up("does not know QUIT", _W.QUIT_UNCLEAN, QUIT=(reply(500, "what"), CLOSE)),
    _up("says 221 and leaves the closing to us", QUIT=reply(221, "bye")),
)

_REFUSALS: Final = (
    _banner("421 in the greeting", _C.BANNER_TEMPFAIL, reply(421, f"{_NAME} Service not available"), CLOSE),
    _banner("421 without a text", _C.BANNER_TEMPFAIL, b"421\r\n", CLOSE),
    _banner("450 in the greeting", _C.BANNER_TEMPFAIL, reply(450, "come back later")),
    _banner("554 in the greeting", _C.BANNER_REJECTED, reply(554, "No SMTP service here")),
    _banner("554 in the greeting, then closes", _C.BANNER_REJECTED, reply(554, "No SMTP service here"), CLOSE),
    _banner("554 in two lines", _C.BANNER_REJECTED, reply(554, f"{_NAME} ESMTP", "No SMTP service here")),
    _banner(
        "names a block list in the greeting",
        _C.REPUTATION_BLOCKED,
        reply(554, "5.7.1 Service unavailable; client [192.0.2.1] blocked using zen.spamhaus.org"),
    ),
    _banner("421 for too many connections", _C.RATE_LIMITED, reply(421, "4.7.0 Too many connections from you"), CLOSE),
    _banner("wants reverse DNS", _C.RDNS_REQUIRED, reply(550, "5.7.25 Client host has no reverse DNS (PTR) record")),
    _ehlo("421 to EHLO", _C.EHLO_TEMPFAIL, EHLO=(reply(421, "Service shutting down"), CLOSE)),
    _ehlo("421 to HELO", _C.EHLO_TEMPFAIL, EHLO=reply(502, "what"), HELO=(reply(421, "Service shutting down"), CLOSE)),
    _ehlo("4xx to EHLO and HELO", _C.EHLO_TEMPFAIL, EHLO=reply(451, "local error"), HELO=reply(451, "local error")),
    _ehlo("5xx to EHLO and HELO", _C.EHLO_REJECTED, EHLO=reply(502, "what"), HELO=reply(502, "what")),
    _ehlo(
        "objects to our name",
        _C.HELO_REJECTED,
        EHLO=reply(504, "5.5.2 <x>: Helo command rejected: need fully-qualified hostname"),
        HELO=reply(504, "5.5.2 <x>: Helo command rejected: need fully-qualified hostname"),
    ),
    _up("421 to QUIT", _W.QUIT_UNCLEAN, QUIT=(reply(421, "timeout"), CLOSE)),
    *(
        HostileHost(
            f"{code} to EHLO, 250 to HELO", ordinary(_NAME, EHLO=reply(code, "what")), None, None, (_W.HELO_ONLY,)
        )
        for code in (500, 502, 550)
    ),
)

_LISTED: Final = "5.7.1 Service unavailable; client [192.0.2.1] blocked using zen.spamhaus.org"
_TWO: Final = (_W.CONTRADICTORY_CODES,)
_REASONS: Final = (
    # One reply with two codes: the last line's counts (RFC 5321 4.2.1 wants one).
    _banner(
        "refuses behind its teaser",
        _C.REPUTATION_BLOCKED,
        f"220-{_NAME} ESMTP\r\n521 {_LISTED}\r\n".encode(),
        code=521,
        says=f"the server said: 521 {_LISTED}",
        warnings=_TWO,
    ),
    _banner(
        "refuses behind its teaser, later",
        _C.REPUTATION_BLOCKED,
        f"220-{_NAME} ESMTP\r\n".encode(),
        Wait(0.1),
        f"550-5.7.1 sorry\r\n550 {_LISTED}\r\n".encode(),
        CLOSE,
        code=550,
        warnings=_TWO,
    ),
    _banner(
        "refuses with 421 and 554 in one reply",
        _C.REPUTATION_BLOCKED,
        f"421-{_LISTED}\r\n554 bye\r\n".encode(),
        code=554,
        warnings=_TWO,
    ),
    _banner("refuses behind 354", _C.REPUTATION_BLOCKED, f"354-go\r\n554 {_LISTED}\r\n".encode(), warnings=_TWO),
    _banner(
        "greets with 220 and a bare 554", _C.BANNER_REJECTED, b"220-mx\r\n554 No SMTP service here\r\n", warnings=_TWO
    ),
    _ehlo(
        "refuses within the EHLO answer",
        _C.REPUTATION_BLOCKED,
        EHLO=f"250-{_NAME}\r\n550 {_LISTED}\r\n".encode(),
        HELO=reply(503, "bad sequence"),
        warnings=_TWO,
    ),
    _banner(
        "takes back its refusal in a reply that means nothing",
        _C.REPUTATION_BLOCKED,
        f"554-{_LISTED}\r\n250 ok\r\n".encode(),
        code=554,
        warnings=_TWO,
    ),
    # Cut off: the words that came count.
    *(
        _banner(
            f"refuses and {how} before the line ends",
            _C.REPUTATION_BLOCKED,
            f"554 {_LISTED}".encode(),
            *end,
            code=554,
            says="554 5.7.1 Service unavailable",
            timeout=timeout,
        )
        for how, end, timeout in (
            ("closes", (CLOSE,), _PATIENT),
            ("resets", (Wait(0.1), RESET), _PATIENT),
            ("falls silent", (), _SHORT),
        )
    ),
    _banner("refuses in lines without a last", _C.REPUTATION_BLOCKED, f"554-{_LISTED}\r\n".encode(), CLOSE, code=554),
    _banner(
        "refuses in half of a second line", _C.REPUTATION_BLOCKED, f"554-{_LISTED}\r\n55".encode(), CLOSE, code=554
    ),
    _banner("refuses with a bare code and closes", _C.BANNER_REJECTED, b"554", CLOSE, code=554),
    _banner("says 421 and closes before the line ends", _C.BANNER_TEMPFAIL, b"421 busy", CLOSE, code=421),
    _ehlo(
        "refuses EHLO and closes before the line ends",
        _C.REPUTATION_BLOCKED,
        EHLO=(f"554 {_LISTED}".encode(), CLOSE),
        code=554,
    ),
    _ehlo(
        "refuses EHLO and falls silent",
        _C.REPUTATION_BLOCKED,
        EHLO=f"554-{_LISTED}\r\n".encode(),
        timeout=_SHORT,
        code=554,
    ),
    # EHLO's reason is the reason.
    *(
        _ehlo(
            f"refuses EHLO with the reason and {how}",
            _C.REPUTATION_BLOCKED,
            EHLO=(reply(554, _LISTED), *end),
            HELO=helo,
            timeout=timeout,
        )
        for how, end, helo, timeout in (
            ("closes", (CLOSE,), None, _PATIENT),
            ("resets", (Wait(0.1), RESET), None, _PATIENT),
            ("closes at HELO", (), CLOSE, _PATIENT),
            ("says nothing to HELO", (), None, _SHORT),
            ("answers HELO with 503", (), reply(503, "5.5.1 bad sequence of commands"), _PATIENT),
            ("answers HELO with 502", (), reply(502, "what"), _PATIENT),
            ("answers HELO with 500", (), reply(500, "what"), _PATIENT),
            ("answers HELO with a bare 550", (), reply(550, "no"), _PATIENT),
            ("answers HELO with 421", (), (reply(421, "bye"), CLOSE), _PATIENT),
            ("answers HELO with junk", (), b"junk\r\n", _PATIENT),
        )
    ),
    _ehlo("refuses EHLO with 451 and closes", _C.EHLO_TEMPFAIL, EHLO=(reply(451, "no"), CLOSE), code=451),
    # Unasked, behind what was positive.
    _banner("421 behind the greeting", _C.BANNER_TEMPFAIL, b"220 mx\r\n421 mx shutting down\r\n", CLOSE, code=421),
    _banner("refuses behind the greeting", _C.REPUTATION_BLOCKED, f"220 mx\r\n554 {_LISTED}\r\n".encode(), code=554),
    _banner(
        "refuses behind the greeting and closes within the line",
        _C.REPUTATION_BLOCKED,
        f"220 mx\r\n554 {_LISTED}".encode(),
        CLOSE,
        code=554,
    ),
    _ehlo(
        "421 behind the greeting, later",
        _C.EHLO_TEMPFAIL,
        greeting=(b"220 mx\r\n", Wait(0.1), b"421 mx shutting down\r\n", CLOSE),
        EHLO=None,
        code=421,
    ),
    _ehlo(
        "421 behind the EHLO answer", _C.EHLO_TEMPFAIL, EHLO=(b"250-mx\r\n250 SIZE 5\r\n421 bye\r\n", CLOSE), code=421
    ),
    _ehlo(
        "refuses behind the EHLO answer", _C.REPUTATION_BLOCKED, EHLO=f"250 mx\r\n554 {_LISTED}\r\n".encode(), code=554
    ),
    _ehlo(
        "refuses behind the EHLO answer, later",
        _C.REPUTATION_BLOCKED,
        EHLO=(b"250 mx\r\n", Wait(0.1), f"554 {_LISTED}\r\n".encode(), CLOSE),
        QUIT=None,
    ),
    _banner("421 twice", _C.BANNER_TEMPFAIL, b"421 busy\r\n421 bye\r\n", CLOSE, code=421),
    _banner("421 and then why", _C.REPUTATION_BLOCKED, f"421 bye\r\n554 {_LISTED}\r\n".encode(), CLOSE),
    # Among what is broken.
    _banner("refuses behind text", _C.REPUTATION_BLOCKED, f"Welcome!\r\n554 {_LISTED}\r\n".encode(), code=554),
    _banner(
        "refuses behind text, later", _C.REPUTATION_BLOCKED, b"Welcome!\r\n", Wait(0.1), f"554 {_LISTED}\r\n".encode()
    ),
    _banner("refuses behind an empty line", _C.REPUTATION_BLOCKED, f"\r\n554 {_LISTED}\r\n".encode(), code=554),
    _banner("refuses with a colon behind the code", _C.REPUTATION_BLOCKED, f"554: {_LISTED}\r\n".encode(), code=554),
    _banner("refuses with a NUL", _C.REPUTATION_BLOCKED, f"554 {_LISTED}\0\r\n".encode(), code=554),
    _ehlo(
        "refuses EHLO behind text",
        _C.REPUTATION_BLOCKED,
        EHLO=f"*** hello ***\r\n554-{_LISTED}\r\nand so on\r\n554 bye\r\n".encode(),
        code=554,
    ),
    _banner("refuses for ever", _C.REPUTATION_BLOCKED, Flood(f"554-{_LISTED}\r\n".encode() * 64), code=554),
)

_PROTOCOLS: Final = (
    *(
        _banner(f"speaks {name}", _C.NOT_SMTP, greeting)
        for name, greeting in (
            ("SSH", b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"),
            ("HTTP", b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
            ("HTML", b"<html><body>400 Bad Request</body></html>"),
            ("FTP", b"220 (vsFTPd 3.0.5)\r\n"),
            ("POP3", b"+OK Dovecot (Debian) ready.\r\n"),
            ("IMAP", b"* OK [CAPABILITY IMAP4rev1 STARTTLS] ready.\r\n"),
            ("TLS", b"\x15\x03\x01\x00\x02\x02\x46"),  # an alert
            ("TLS handshake", b"\x16\x03\x03\x00\x2a\x02\x00\x00\x26\x03\x03"),
            ("Redis", b"-ERR unknown command 'EHLO'\r\n"),
            ("NNTP", b"200 news.example InterNetNews NNRP server ready (posting ok)\r\n"),
            ("MySQL", b"\x4a\x00\x00\x00\x0a8.0.36\x00\x0b\x00\x00\x00"),
            ("VNC", b"RFB 003.008\n"),
            ("Telnet", b"\xff\xfd\x18\xff\xfd\x20login: "),
            ("a login prompt", b"\r\nUser Access Verification\r\n\r\nUsername: "),
            ("RTSP", b"RTSP/1.0 400 Bad Request\r\n\r\n"),
            ("PJL", b"@PJL ECHO\r\n"),
            ("XMPP", b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' version='1.0'>"),
            ("IRC", b":irc.example NOTICE AUTH :*** Looking up your hostname...\r\n"),
            ("binary", b"\x00\x01\x02\x03\xfe\xff"),
        )
    ),
    *(
        HostileHost(
            f"greets {how}",
            ordinary(_NAME, greeting=f"220 {greeting}\r\n".encode(), EHLO=refusal, HELO=refusal),
            _C.NOT_SMTP,
            Stage.BANNER,
        )
        for how, greeting, refusal in (
            ("as FTP and wants a login", "FTP Server ready", b"530 Please login with USER and PASS.\r\n"),
            (
                "by the name of an FTP host and wants a login",
                "files.example",
                b"530 Please login with USER and PASS.\r\n",
            ),
            ("by the name of an FTP host and knows neither", "ftp.example.net ready", b"500 Unknown command.\r\n"),
            ("as LMTP", "mx.example LMTP ready", b"500 5.5.1 Unknown command\r\n"),
        )
    ),
    _up("is called ftp and speaks ESMTP", greeting=reply(220, "ftp.hostile.example ready")),
    HostileHost(
        "is called ftp and knows HELO alone",
        ordinary(_NAME, greeting=reply(220, "ftp.hostile.example ready"), EHLO=reply(500, "what")),
        warnings=(_W.HELO_ONLY,),
    ),
    HostileHost(
        "waits for an HTTP request",
        SmtpScript(None, otherwise=b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        _C.BANNER_TIMEOUT,
        Stage.BANNER,
        timeout=_SHORT,
    ),
)

_MASK: Final = "*" * 34 + "0*2******0*************2***"
_MASKED: Final = (
    _up("has its greeting overwritten", _W.MASKED, greeting=reply(220, _MASK)),
    _up("has its keywords overwritten", _W.MASKED, EHLO=reply(250, _NAME, "SIZE 5", "XXXXXXXA", "XXXXXXXXXXXXXXXB")),
    HostileHost(
        "has EHLO overwritten",
        ordinary(_NAME, EHLO=reply(500, '5.5.1 Command unrecognized: "XXXX probe.example"')),
        warnings=(_W.HELO_ONLY, _W.MASKED),
    ),
)

# By what is odd about them.
GROUPS: Final[Mapping[str, tuple[HostileHost, ...]]] = MappingProxyType(
    {
        "slow": _SLOW,
        "endless": _ENDLESS,
        "bytes": _BYTES,
        "codes": _CODES,
        "closes": _CLOSES,
        "refusals": _REFUSALS,
        "reasons": _REASONS,
        "protocols": _PROTOCOLS,
        "masked": _MASKED,
    }
)
HOSTILE: Final[tuple[HostileHost, ...]] = tuple(host for group in GROUPS.values() for host in group)
