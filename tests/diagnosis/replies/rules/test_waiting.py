"""Greylists, rate limits and sizes: come later, slower, or with less."""

from __future__ import annotations

import pytest

from exporter.diagnosis.replies.classify import ReplyClass
from exporter.model.failure import Confidence
from exporter.model.failure import FailureClass as C
from tests.diagnosis.replies.told import Table, each_of, finding

NAMED: Table = {
    C.REPUTATION_BLOCKED: (
        "R 550 Too much unwanted stuff",
        "R 550 5.7.1 Mail from your network is refused, too many spam complaints about it",
        "M 421 4.7.1 Too many spam complaints were received about 192.0.2.1",
    ),
    C.POLICY_REJECTED: ("R 550 Too many invalid recipients",),
    C.RATE_LIMITED: (
        "B 421 4.7.0 mx.example Error: too many connections from 192.0.2.1",
        "B 421 Too many concurrent SMTP connections from this address; please try again later.",
        "B 421 4.3.2 Connection rate limit exceeded.",
        "B 421 mwinf5c31 ME Trop de connexions, veuillez patienter. Too many connections, slow down. OFR004_104",
        "B 450 4.7.1 Error: too much mail from 192.0.2.1",
        "B 554 Your host has reached the maximum number of sessions per hour",
        "E 421 4.7.0 Too many errors",
        "M 450 4.7.1 <a@b.example>: Sender rate limit exceeded, throttled",
        "M 421 4.7.28 Our system detected an unusual rate of mail from your IP",
        "M 421 Max message per connection reached, closing transmission channel",
        "M 452 4.5.3 You sent too many messages in this session",
        "R 452 4.5.3 Too many recipients",
        "R 450 4.2.1 The user is receiving mail too quickly, try again later",
        "R 450-4.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages from being delivered.",
        "R 421 4.7.1 Messages deferred due to excessive volume. Try again later - https://support.apple.com/HT204137",
        "R 450 4.7.3 Organization queue quota exceeded.",
        "R 451 Mail frequency limited, 163 mx12",
        "R 550 Connection frequency limited. http://service.mail.qq.com/cgi-bin/help?id=20022",
        "R 451 4.7.1 Your server exceeded the number of messages allowed per minute",
        "R 421 Zu viele Verbindungen von Ihrer Adresse",
        "R 451 4.7.1 Слишком много писем от вас, попробуйте позже",
        "R 451 Demasiadas conexiones desde su servidor",
        "R 550 5.7.1 Daily sending quota reached, wait until tomorrow",
        "R 451 4.3.0 Throttling: slow down",
        'D 450 4.7.0 Ratelimit "bounces_to" exceeded',
        "D 550 5.4.5 Daily user sending limit exceeded",
        "D 554 Sending too fast, back off",
        "R 421 4.4.5 Too many SMTP sessions for this host",
        "B 421 4.3.2 Too many open connections.",
        "B 450 Connection rate exceeded, try again in a minute",
        "B 421-mx.example 421 You have too many connections open",
        "R 450 4.7.1 Error: too many AUTH commands from 192.0.2.1",
        "M 421 4.7.0 Error: too many new TLS sessions from 192.0.2.1",
        "M 421 4.7.1 Error: Message delivery request rate limit exceeded",
        "M 421 4.4.2 Message submission rate for this client has exceeded the configured limit",
        "M 452 too many messages in this connection",
        "R 450 4.2.1 The recipient has exceeded message rate limit. Try again later.",
        "R 452 4.5.3 Recipient limit reached",
        "R 421 Trop de destinataires",
        "R 450 发送频率过快",
        "M 451 Sorry, you are sending too often",
        "R 451 4.7.1 You have reached your hourly limit of messages",
        "B 421 Connection refused: maximum connections from your IP reached",
        "B 421 4.7.0 Too many parallel sessions; slow down",
        "R 451 4.7.1 Sending quota of your IP was exceeded for this hour",
        "M 450 4.7.1 rate limit for 192.0.2.1 exceeded, come back in 60 seconds",
        "D 421 4.7.0 You're sending faster than we permit",
        "R 451 You have exceeded the allowed number of mails",
        "E 421 too many HELO commands",
        "B 421 Too many connections from your host",
        "R 452 4.5.3 Too many recipients this hour",
        "B 421 4.7.0 too many concurrent connections",
        "R 450 4.7.1 Sender rate limit exceeded",
        "M 421 4.7.0 Rate limit exceeded; try again in an hour",
        "R 421 4.7.0 Ratelimit of IP reached",
        "B 421 Concurrent connections limit reached for 192.0.2.1",
    ),
    C.GREYLISTED: (
        "R 450 4.2.0 <a@b.example>: Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch/help/b.example.html",
        "R 451 4.7.1 Greylisting in action, please come back in 00:05:00",
        "R 451 4.7.1 Graylisted, retry in 300 seconds",
        "R 451 Greylisted. Please try again later",
        "R 450 This is the first time we see this triplet, retry later",
        "R 451 This is your first attempt to deliver here; please try again later",
        "R 451 Internal resources are temporarily unavailable - https://community.mimecast.com/docs/DOC-1369#451",
        "R 450 4.1.1 <a@b.example>: Recipient address rejected: unverified address: Address verification in progress",
        "D 451 4.7.1 Try again later (greylisted by rspamd)",
        "R 451 Liste grise active, veuillez réessayer",
        "R 451 En lista gris, intente de nuevo más tarde",
        "R 450 4.7.1 Письмо временно отложено: серый список",
        "R 451 DS:您的邮件进入灰名单,请稍后重试",
        "R 550 5.7.1 You have been greylisted, try later",
        "R 451-b.example uses grey listing. Unknown sender, retry within some hours",
        "R 451 4.7.1 temporarily deferred, greylist in effect",
        "R 450 4.2.0 Greylisting is enabled, try again in 5 min",
        "D 451 4.7.1 Greylisting: this is normal, your server will retry",
        "R 421 4.7.1 greylisted for 299 seconds",
        "R 450 Sorry, gray-listed. Retry after 4 minutes",
        "R 451 4.7.1 Graulistung (Greylisting) aktiv, bitte später erneut versuchen",
        "R 451 4.7.1 grey listed - wait 300s",
        "R 450 First contact with your server: please deliver again later",
        "D 451 This message was greylisted, sent to limbo for 5 min",
        "R 451 4.7.1 Greylisted, please retry later - maddy",
        "R 452 4.2.2 Greylisted, please try again in 300 seconds",
        "R 451 Greylisting enabled, try again later.",
        "R 450 4.7.1 Policy restrictions: please retry in a few minutes",
        "R 451 Bitte versuchen Sie es in 5 Minuten nochmals",
    ),
    C.MAILBOX_FULL: (
        "R 550 Insufficient disk space",
        "R 452 4.2.2 <a@b.example>: mailbox is full",
        "R 552 5.2.2 Over quota",
        "R 552-5.2.2 The recipient's inbox is out of storage space. Please direct them to https://support.google.com/mail/?p=OverQuotaPerm gsmtp",
        "R 552 5.2.2 The email account that you tried to reach is over quota",
        "R 552 1 Requested mail action aborted: exceeded storage allocation",
        "R 452 4.1.1 <a@comcast.example> user over quota",
        "R 554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException",
        "R 550 5.7.1 Recipient mailbox quota exceeded",
        "D 552 5.2.2 This message is larger than the current system limit or the recipient's mailbox is full",
        "D 552 5.2.2 <a@b.example> Quota exceeded (mailbox for user is full)",
        "R 552 5.1.1 Boîte du destinataire pleine. Recipient overquota",
        "R 552 Das Postfach des Empfängers ist voll",
        "R 552 La casella è piena",
        "R 552 El buzón está lleno",
        "R 550 Почтовый ящик переполнен",
        "R 552 收件人邮箱已满",
        "R 422 4.2.2 The recipient's mailbox is over its storage limit",
        "D 552 Message would exceed the mailbox size of the recipient",
        "R 550 user has exceeded their disk space limit",
        "R 452 4.2.2 The email account that you tried to reach is over quota",
        "R 552 Quota violation for a@b.example",
        "R 550 5.2.2 user quota exceeded (UserSearch)",
        "R 552 5.2.2 Mailbox size limit exceeded",
        "R 550 Empfängerpostfach voll",
        "D 552 5.2.2 mailbox would be over quota with this message",
        "R 452 4.2.2 Mailbox of the user is over its quota limit",
        "R 552 5.2.2 a@b.example storage is full",
        "R 550 the recipient has no space left",
        "R 552 Mailbox exceeds allowed size",
        "R 552 Boîte aux lettres pleine",
        "R 550 Mailbox has exceeded its size limit",
        "R 552 5.2.2 Mailbox is full",
        "R 552 Account is over its disk quota",
        "R 452 4.2.2 Overquota",
        "R 550 The quota is over for that user",
        "R 552 The user has no space for that",
    ),
    C.MESSAGE_TOO_LARGE: (
        "M 552 5.3.4 Message size exceeds fixed limit",
        "M 552 5.3.4 Message too big for system",
        "D 552-5.3.4 Your message exceeded our message size limits. gsmtp",
        "D 552 Message size exceeds maximum permitted",
        "M 552 5.2.3 Message exceeds maximum fixed size of 10485760",
        "D 554 5.6.0 Message is too large",
        "D 552 Nachricht zu groß",
        "D 552 Message trop volumineux",
        "M 523 the message's size (70 MB) exceeds the size limits",
        "M 552 Размер письма превышает допустимый",
        "M 552 sorry, that message size exceeds my databytes limit (#5.3.4)",
        "D 552 5.3.4 Error: message file too big",
        "D 550 5.3.4 Message size exceeds the limit for this recipient",
        "R 552 Die Nachricht ist zu groß",
        "D 554 The attachment is too large",
        "D 552 Your mail is too big",
        "D 552 5.3.4 message exceeds the maximum size of 20 MB",
        "M 552 5.3.4 Message too large",
        "M 552 Message size exceeds fixed maximum message size",
    ),
}
VAGUE: Table = {
    C.GREYLISTED: (
        "R 450 4.7.1 Try again later",
        "R 451 4.7.1 Please try again later",
    ),
}
# Another rule decides, or another of these.
NEAR_MISSES: Table = {
    C.MAILBOX_UNKNOWN: (
        "R 550 5.1.1 <quota@b.example>: User unknown",
        "R 550 5.1.1 No such user at greylist.b.example",
        "R 550 No such user, try again later",
    ),
    C.MESSAGE_TOO_LARGE: ("R 552 disk-full.b.example: message size exceeds fixed limit",),
    C.TEMPFAIL: ("M 451 4.3.0 Internal error, try again in 300 seconds",),
    C.REJECTED: ("D 554 5.4.6 Too many hops",),
}


@pytest.mark.parametrize(("expected", "reply"), each_of(NAMED))
def test_a_reason_that_is_named_is_certain(expected: C, reply: str) -> None:
    assert finding(reply) == ReplyClass(expected, Confidence.CERTAIN)


@pytest.mark.parametrize(("expected", "reply"), each_of(VAGUE))
def test_vague_words_are_likely(expected: C, reply: str) -> None:
    assert finding(reply) == ReplyClass(expected, Confidence.LIKELY)


@pytest.mark.parametrize(("expected", "reply"), each_of(NEAR_MISSES))
def test_the_same_words_elsewhere_mean_something_else(expected: C, reply: str) -> None:
    found = finding(reply)
    assert found is not None
    assert found.failure_class is expected
