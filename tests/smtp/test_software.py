"""The software that greetings name."""

from __future__ import annotations

import pytest

from exporter.smtp.software import software_of


@pytest.mark.parametrize(
    ("greeting", "software"),
    [
        (b"mx.example ESMTP Postfix (Debian/GNU)", "Postfix"),
        (b"mx.example ESMTP Exim 4.92.2 #89 Thu, 29 Apr 2021 07:43:39 +0200 ", "Exim"),
        (b"mx.example Microsoft ESMTP MAIL Service ready at Wed, 21 Jul 2010 19:04:24 -0700", "Microsoft"),
        (b"mx.google.com ESMTP af79cd13be357-7c548b7c7desi241161485a.388 - gsmtp", "Google"),
        (b" mx.example ESMTP Service (IBM Domino Release 9.0.1) ready", "Domino"),
        (b"mx.example ESMTP Hi, I'm a Mail-in-a-Box (Ubuntu/Postfix; see https://mailinabox.email/)", "Postfix"),
        (b"mx.example ESMTP Haraka/2.8.28 ready (ABC)", "Haraka"),
        (b"mx.example ESMTP CommuniGate Pro 6.2c3", "CommuniGate Pro"),
        (b"mx.example ESMTP", ""),
        (b"mx.example ESMTP (0a8d40ef45300cc1bd0f16ced5c9e6f1)", ""),
        (b"Postfix ESMTP", ""),  # the name of the host
        (b"mx.example ESMTP via relay.Postfix.example or Exim-2.example", ""),
        (b"", ""),
        (b"mx.example " + b"x" * 5000 + b" Postfix", ""),
    ],
)
def test_a_product_is_named_by_a_word_of_its_own_behind_the_name_of_the_host(greeting: bytes, software: str) -> None:
    assert software_of((greeting,)) == software


def test_a_later_line_may_name_it() -> None:
    assert software_of((b"laposte", b"lpn-prd-vrin019 ESMTP Postfix (Ubuntu)")) == "Postfix"
