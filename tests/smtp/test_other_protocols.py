from __future__ import annotations

import pytest

from exporter.smtp.other_protocols import by_ehlo_answer, by_greeting, guess, recognise
from exporter.smtp.reply import Reply
from tests.smtp.feeding import bytewise

AT_ONCE = [
    (b"SSH-2.0-OpenSSH_9.2\r\n", "SSH"),
    (b"Exceeded MaxStartups\r\n", "SSH"),
    (b"Not allowed at this time\r\n", "SSH"),
    (b"GET / HTTP/1.1\r\n", "HTTP"),
    (b"lpd: : Malformed from address\n", "LPD (a printer)"),
    (b"HTTP/1.1 400 Bad Request\r\n", "HTTP"),
    (b'HTTP/1.0 401 Unauthorized\r\nWWW-Authenticate: Basic realm="IP Camera"\r\n\r\n', "HTTP"),
    (b"<!DOCTYPE html>\n", "HTTP"),
    (b"\n<html>\n", "HTTP"),
    (b"RTSP/1.0 400 Bad Request\r\n\r\n", "RTSP (a camera)"),
    (b"SIP/2.0 400 Bad Request\r\n", "SIP"),
    (b"ICY 200 OK\r\n", "Icecast"),
    (b"\x15\x03\x01\x00\x02\x02\x46", "TLS"),
    (b"\x16\x03\x01", "TLS"),
    (b"+OK POP3 ready\r\n", "POP3"),
    (b"-ERR too many connections, sorry\r\n", "POP3"),
    (b"* OK [CAPABILITY IMAP4rev1] ready\r\n", "IMAP"),
    (b"* BYE too many connections\r\n", "IMAP"),
    (b'"IMPLEMENTATION" "Dovecot Pigeonhole"\r\n"SIEVE" "fileinto"\r\nOK "ready"\r\n', "ManageSieve"),
    (b'BYE (REFERRAL "sieve://mx.example") "Try there"\r\n', "ManageSieve"),
    (b"<stream:stream xmlns='jabber:client'>\n", "XMPP"),
    (b":irc.example NOTICE AUTH :*** Looking up your hostname\r\n", "IRC"),
    (b":irc.example.net 020 * :Please wait\r\n", "IRC"),
    (b"NOTICE AUTH :*** Checking Ident\r\n", "IRC"),
    (b"ERROR :Closing Link: [192.0.2.1] (Throttled)\r\n", "IRC"),
    (b"220 (vsFTPd 3.0.3)\r\n", "FTP"),
    (b"220---------- Welcome to Pure-FTPd [privsep] [TLS] ----------\r\n", "FTP"),
    (b"220 ProLaser FTP ready, send USER and PASS\r\n", "FTP"),
    (b"login as:\r\nPassword:\r\n", "Telnet"),
    (b"-ERR unknown command 'EHLO'\r\n", "Redis"),
    (b"-NOAUTH Authentication required.\r\n", "Redis"),
    (b"-DENIED Redis is running in protected mode\r\n", "Redis"),
    (b"ERROR\r\n", "Memcached"),
    (b"CLIENT_ERROR bad command line format\r\n", "Memcached"),
    (b"RFB 003.008\n", "VNC"),
    (b"@RSYNCD: 31.0\n", "rsync"),
    (b"J\x00\x00\x00\x0a8.0.36\x00", "MySQL"),
    (b"5\x00\x00\x00\x0a8.0.36\x00", "MySQL"),  # its first byte a digit
    (b"G\x00\x00\x00\xffj\x04Host '192.0.2.1' is not allowed to connect to this MySQL server", "MySQL"),
    (b"E\x00\x00\x00\x8cSFATAL\x00VFATAL\x00C0A000\x00", "PostgreSQL"),
    (b"EFATAL:  unsupported frontend protocol\n\x00", "PostgreSQL"),
    (b"\x04\x01\x00\x2b\x00\x00\x01\x00\x00\x00", "Microsoft SQL Server"),
    (b"\x03\x00\x00\x13\x0e\xd0\x00\x00\x12\x34\x00", "RDP"),
    (b"\x00\x00\x00\x55\xffSMBr\x00", "SMB"),
    (b"0\x84\x00\x00\x00\x10\x02\x01\x00\x78\x84", "LDAP"),
    (b"0\x24\x02\x01\x00\x78\x1f", "LDAP"),
    (b"\x13BitTorrent protocol", "BitTorrent"),
    (b"\xff\x00\x0b\x00S\x00e\x00r", "Minecraft"),
    (b'\x1e\x00\x1c{"text":"Outdated client"}', "Minecraft"),
    (b"@PJL INFO STATUS\r\n", "PJL (a printer)"),
    (b"\x1b%-12345X@PJL\r\n", "PJL (a printer)"),
    (b"\xff\xfd\x18", "Telnet"),
    (b"Asterisk Call Manager/5.0\r\n", "Asterisk"),
    (b'INFO {"server_id":"x"}\r\n', "NATS"),
]
AT_LAST = [
    *AT_ONCE,
    (b"<html>", "HTTP"),
    (b"> ", "Telnet"),
    (b"\r\nBusyBox v1.19.4 (2015) built-in shell (ash)\r\n\r\n# ", "Telnet"),
    (b"\r\nHP JetDirect\r\nPassword is not set\r\n", "Telnet"),
    (b'\r\nPlease type "menu" for the MENU system\r\n', "Telnet"),
    (b"\r\nHello, this is Quagga (version 0.99).\r\n", "Telnet"),
    (b"Escape character is '^]'.\r\n", "Telnet"),
    (b'{ "ret" : 100, "SessionID" : "0x0" }\n\0', "JSON (a camera or the like)"),
    (b"login: ", "Telnet"),
    (b"\r\nrouter-7 login: ", "Telnet"),
    (b"Welcome to Microsoft Telnet Service \r\n\n\rlogin: ", "Telnet"),
    (b"\r\n\r\nUser Access Verification\r\n\r\nUsername: ", "Telnet"),
    (b"User Access Verification\r\n\r\nPassword: ", "Telnet"),
    (b"\r\nAuthorized access only\r\n\r\nUser Name :", "Telnet"),
    (b"BusyBox v1.19\r\nPassword: ", "Telnet"),
    (b'HP JetDirect\r\nPassword is not set\r\nPlease type "menu" for the MENU system\r\n', "Telnet"),
    (b"NPort 5110 console\r\nType ? for help\r\n", "Telnet"),
    (b'HP JetDirect\r\nPassword is not set\r\nPlease type "menu" for the MENU system\r\n', "Telnet"),
    (b"NPort 5110 console\r\nType ? for help\r\n", "Telnet"),
    (b'HP JetDirect\r\nPassword is not set\r\nPlease type "menu" for the MENU system\r\n', "Telnet"),
    (b"NPort 5110 console\r\nType ? for help\r\n", "Telnet"),
    (b'HP JetDirect\r\nPassword is not set\r\nPlease type "menu" for the MENU system\r\n', "Telnet"),
    (b"NPort 5110 console\r\nType ? for help\r\n", "Telnet"),
    (b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' version='1.0'>", "XMPP"),
    (b"<?xml version='1.0'?>\r\n<stream:stream>", "XMPP"),
    (b"<?xml version='1.0'?><x/>", "HTTP"),
    (b"\x00\x01\x02", "a binary protocol"),
    (b"\xde\xad\xbe\xef", "a binary protocol"),
]
TEXT = [
    b"",
    b"2",
    b"hello\r\n",
    b"Welcome!\r\n",
    b"\r\n",
    b"no mail here\r\n",
    b"please log in\r\n",
    b"\xef\xbb\xbf220 mx\r\n",
]


@pytest.mark.parametrize(("said", "name"), AT_ONCE)
def test_another_protocol_is_named_at_once_and_alike_in_whatever_pieces_it_comes(said: bytes, name: str) -> None:
    assert recognise(said) == name
    so_far = b""
    for piece in bytewise(said):
        so_far += piece
        assert recognise(so_far) in (None, name)


@pytest.mark.parametrize(("said", "name"), AT_LAST)
def test_another_protocol_is_named_once_all_has_come(said: bytes, name: str) -> None:
    assert guess(said) == name


@pytest.mark.parametrize("said", TEXT)
def test_text_that_fits_no_protocol_has_no_name(said: bytes) -> None:
    assert recognise(said) is None
    assert guess(said) is None


def greeting(text: str, code: int = 220) -> Reply:
    return Reply(code, tuple(line.encode() for line in text.split("\n")))


@pytest.mark.parametrize(
    ("reply", "name"),
    [
        (greeting("ProFTPD Server ready."), "FTP"),
        (greeting("ProFTPD Server (mail.example.net) [192.0.2.1]"), "FTP"),
        (greeting("(vsFTPd 3.0.3)"), "FTP"),
        (greeting("NAS-4F FTP server ready, please log in with USER and PASS"), "FTP"),
        (greeting("Microsoft FTP Service"), "FTP"),
        (greeting("FileZilla Server 1.8\nbye"), "FTP"),
        (greeting("---------- Welcome to Pure-FTPd [privsep] [TLS] ----------\nYou are user number 1"), "FTP"),
        (greeting("Too many connections (vsFTPd)", 421), "FTP"),
        (greeting("Too many users logged in for this account, FTP server closing", 421), "FTP"),
        (greeting("OOPS: vsftpd: refusing to run with writable root inside chroot()", 500), "FTP"),
        (greeting("fax.example server (HylaFAX (tm) Version 6.0.7) ready."), "HylaFAX"),
        (greeting("news.example InterNetNews ready", 200), "NNTP"),
        (greeting("server ready (no posting)", 201), "NNTP"),
    ],
)
def test_software_in_a_numbered_greeting_is_no_smtp_at_once(reply: Reply, name: str) -> None:
    assert by_greeting(reply)[0] == name


@pytest.mark.parametrize(
    ("reply", "suspect"),
    [
        (greeting("ftp.example.net ready"), "FTP"),
        (greeting("FTP Server ready"), "FTP"),
        (greeting("mail.example.net FTP server ready"), "FTP"),
        (greeting("vsftpd.example.net ready"), "FTP"),
        (greeting("Service ready for new user."), "FTP"),  # RFC 959 5.4
        (greeting("Print Server Ready."), "FTP"),
        (greeting("ftp.example.net is busy", 421), "FTP"),
        (greeting("mail.example.net LMTP Service ready"), "LMTP"),
        (greeting("mail.example.net Dovecot ready."), "LMTP"),
        (greeting("dict.example dictd 1.12.1/rf on Linux <auth.mime> <1@dict.example>"), "DICT"),
        (greeting("mx.example ESMTP Postfix"), None),
        (greeting("ftp.example.net ESMTP"), None),
        (greeting("ready"), None),
        (greeting("****************"), None),
        (greeting("no mail here", 554), None),
        (greeting("mx.example\nESMTP, no FTP here"), None),
    ],
)
def test_what_may_be_smtp_is_at_most_suspect(reply: Reply, suspect: str | None) -> None:
    assert by_greeting(reply) == (None, suspect)


@pytest.mark.parametrize(
    ("suspect", "reply", "to_ehlo", "to_helo"),
    [
        ("FTP", greeting("Please login with USER and PASS.", 530), "FTP", "FTP"),
        (None, greeting("Log in with USER and PASS first.", 530), "FTP", "FTP"),
        (None, greeting("Login with USER first.", 503), "FTP", "FTP"),
        ("FTP", greeting("Not logged in.", 530), "FTP", "FTP"),
        (None, greeting("Not logged in.", 530), "FTP", "FTP"),  # RFC 959 5.4
        (None, greeting("Please login", 530), "FTP", "FTP"),
        (None, greeting("You aren't logged in", 530), "FTP", "FTP"),
        (None, greeting("5.7.0 Please login", 530), None, None),
        (None, greeting("Please log in before sending mail", 530), None, None),
        ("FTP", greeting("Unknown command", 500), None, "FTP"),
        ("FTP", greeting("Command not implemented, superfluous", 202), "FTP", "FTP"),
        ("FTP", greeting("5.7.1 blocked", 550), None, None),
        ("FTP", greeting("try later", 450), None, None),
        ("LMTP", greeting("5.5.2 Unknown command", 500), None, "LMTP"),
        (None, greeting("5.5.1 Use LHLO", 503), "LMTP", "LMTP"),
        (None, greeting("Unknown command", 500), None, None),
        (None, greeting("5.7.0 Must issue a STARTTLS command first", 530), None, None),
    ],
)
def test_what_ehlo_draws_decides(suspect: str | None, reply: Reply, to_ehlo: str | None, to_helo: str | None) -> None:
    assert by_ehlo_answer(suspect, reply, helo=False) == to_ehlo
    assert by_ehlo_answer(suspect, reply, helo=True) == to_helo
