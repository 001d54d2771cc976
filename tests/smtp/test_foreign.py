from __future__ import annotations

import pytest

from exporter.smtp.foreign import recognise


@pytest.mark.parametrize(
    ("greeting", "name"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "SSH"),
        (b"HTTP/1.1 400 Bad Request\r\n", "HTTP"),
        (b"<!DOCTYPE html>", "HTTP"),
        (b"\n<html>", "HTTP"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "TLS"),
        (b"\x16\x03\x01", "TLS"),
        (b"+OK POP3 ready\r\n", "POP3"),
        (b"* OK [CAPABILITY IMAP4rev1] ready\r\n", "IMAP"),
        (b"-ERR unknown command 'EHLO'\r\n", "Redis"),
        (b"-ERR too many connections, sorry\r\n", "POP3"),
        (b"RFB 003.008\n", "VNC"),
        (b"@RSYNCD: 31.0\n", "rsync"),
        (b"J\x00\x00\x00\x0a8.0.36\x00", "MySQL"),
        (b"\xff\xfd\x18", "Telnet"),
        (b"login: ", "Telnet"),
        (b"\r\nrouter-7 login: ", "Telnet"),
        (b"220 ProFTPD Server ready.\r\n", "FTP"),
        (b"220 (vsFTPd 3.0.3)\r\n", "FTP"),
        (b"220 ftp.example.net FTP server ready\r\n", "FTP"),
        (b"220-FileZilla Server 1.8\r\n220 bye\r\n", "FTP"),
        (b"200 news.example InterNetNews ready\r\n", "NNTP"),
        (b"\x00\x01\x02", "binary"),
        (b"\xde\xad\xbe\xef", "binary"),
    ],
)
def test_another_protocol_is_named(greeting: bytes, name: str) -> None:
    assert recognise(greeting) == name


@pytest.mark.parametrize(
    "greeting",
    [
        b"",
        b"2",
        b"220 mx.example ESMTP Postfix\r\n",
        b"220 ftp.example.net ESMTP\r\n",
        b"220 ready\r\n",
        b"220 ****************\r\n",
        b"554 no mail here\r\n",
        b"hello\r\n",
        b"220-mx.example\r\n220 ESMTP, no FTP here\r\n",
    ],
)
def test_what_may_be_smtp_is_not_taken_for_another(greeting: bytes) -> None:
    assert recognise(greeting) is None
