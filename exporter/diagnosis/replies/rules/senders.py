"""Rules for the envelope sender, its domain, and bounces."""

from __future__ import annotations

from typing import Final

from exporter.diagnosis.replies.rule import TEMPORARY, TRANSACTION, Rule, says
from exporter.diagnosis.replies.rules.vocabulary import NONEXISTENT, REFUSED, SENDER
from exporter.model.failure import FailureClass as C
from exporter.model.failure import Stage

# Their own list of senders, before the lists of addresses.
LISTS: Final = (
    Rule(
        C.SENDER_REJECTED,
        says(
            "sender|sender_address|envelope_sender|mail_address|from_address blacklisted|banned|black-list*",
            "sender in|on my|our|your|recipient black-list*|block-list*",
            "sender in|on my|our|their list|lists of? unwanted|banned|refused|blocked|bad",
            "badmailfrom",  # qmail
            "отправител* ... заблокирован*|запрещ*",
            "batv|bouncedeny",  # signed bounces: Exim recipes
        ),
        stages=TRANSACTION,
    ),
)

SENDERS: Final = (
    # The server could not verify: Exim's callout, and DNS.
    Rule(
        C.TEMPFAIL,
        says(
            "not complete ... verif*|verify|callout", "temporary|temporarily ... lookup|dns|resolution ... fail*|error"
        ),
        codes=TEMPORARY,
        stages=TRANSACTION,
    ),
    Rule(
        C.SENDER_REJECTED,
        says(
            "sender verif*|callout",  # Exim's callout
            "verification failed for",
            "domain ... dns check failed",  # QQ
            "postmaster verification",  # Exim, which asks for it at the sender's
            "sender address|domain|mail",  # Postfix reject_*_sender_*, Sendmail
            "domain of sender",  # Sendmail
            "bad outbound sender",  # Exchange Online
            "senderrejected",
            "envelope sender|from ... list|invalid|not|bad",  # qmail
            f"{SENDER} ... {REFUSED}|{NONEXISTENT}|not_exist|not_found|not_accept*|not_allowed|not_valid|not_verif*",
            "mail_from|from rejected|denied|refused|invalid|blocked|unknown",
            f"{NONEXISTENT}|bad|illegal|unacceptable|unresolvable|missing|forged|fake|blocked {SENDER}|mail_from",
            # the domain has no servers
            "from|sending domain ... not|invalid|unresolv*|no",
            "unresolvable ... from|sender|domain",  # Yahoo
            "domain ... mail_from|from_address|sender",
            "valid mx ... from|sender",
            "no valid? mx ... from|sender",
            "sender ... no mx|aaaa|record|records|dns",
            "invalid|bad|missing dns? mx",  # GMX
            # bounces
            "from nullsender",
            "nullsender not|refused|rejected|denied",
            "null|empty sender|envelope|return_path|reverse_path|from",
            "bounce|bounces|bounced|dsn ... not|refus*|reject*",
            "not accept* ... bounce|bounces|null|empty|dsn",
            # Orange, T-Online, Telefonica, Libero, Mail.ru, QQ
            "expediteur|emetteur invalide|inconnu|refuse|rejete",
            "absender ... unbekannt|ungultig|abgelehnt|unzulassig",
            "remitente|remetente ... rechazad*|invalid*|desconoc*|no|nao",
            "mittente ... sconosciut*|rifiutat*|inesist*|non",
            "nadawca|nadawcy ... nie|nieznan*",
            "адрес|домен отправителя",
            "отправител* ... не|неизвест*|отклон*|запрещ*",
            "发件人|寄件人|发信人|送信者|差出人",
        ),
        stages=TRANSACTION,
    ),
    # At MAIL the only address is the sender's.
    Rule(
        C.SENDER_REJECTED,
        says(
            "domain ... not|must exist|resolve|found|valid",
            "domain ... required|unresolvable",
            "unresolvable",
            "user|address|account|mailbox ... unknown|not_found|not_exist|unverified|not_verif*|not_accept*",
            "unknown|no_such user|sender",
            "unknown|no_such|invalid|bad domain",
            "address rejected|denied|refused",
            "fully-qualified ... address",
            "not allowed|permitted|accepted as? sender",
            "not owned by",  # Postfix reject_sender_login_mismatch
            "not accept mail",
            "nullmx",
        ),
        stages=frozenset({Stage.MAIL}),
    ),
)
