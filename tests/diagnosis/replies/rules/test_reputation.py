"""Block lists and reputations; names of block lists, and names that only resemble one."""

from __future__ import annotations

import pytest

from exporter.diagnosis.replies.classify import ReplyClass
from exporter.model.failure import Confidence, Stage
from exporter.model.failure import FailureClass as C
from tests.diagnosis.replies.real_replies import class_of
from tests.diagnosis.replies.told import Table, each_of, finding

NAMED: Table = {
    C.REPUTATION_BLOCKED: (
        "B 554 5.7.1 Service refused: client [192.0.2.9] blocked using zen.spamhaus.org",
        "B 554 mx3.provider.example cmsmtp Your address 192.0.2.9 has a bad reputation, see https://csi.cloudmark.com/en/reset/",
        "B 554-gmx.example (mxgmx011) Nemesis ESMTP Service not available No SMTP service IP address is blocklisted. For explanation visit https://postmaster.gmx.net/case?c=r0103",
        "B 554-esa2.hospital.example Your access to this mail system was rejected because of the poor reputation of the MTA.",
        "B 421 mwinf5d09 ME Service refuse. Veuillez essayer plus tard. service refused, please try later. OFR_999",
        "B 554 IP=192.0.2.77 - Dialup/transient IP not allowed. Use a mail gateway or contact the postmaster. (DIAL)",
        "B 550 mx.antispam.example: 192.0.2.9 is in our local blacklist, call the administrator",
        "B 554 5.7.1 You are listed at Barracuda Reputation, see http://www.barracudacentral.org/lookups?ip=192.0.2.9",
        "B 421 4.7.0 Connection refused: this host was found on bl.score.senderscore.com",
        "E 550 5.7.1 Client host [192.0.2.9] rejected by uceprotect level 2",
        "M 554 5.7.1 Sorry, the IP you use has been blacklisted by our RBL",
        "M 550 DY-002 (BAY-12) Mail rejected by Outlook.com for policy reasons: dynamic IP space, use your provider's relay",
        "R 554 5.7.1 Service unavailable; Client host [192.0.2.9] blocked using bl.spamcop.net; Blocked - see https://www.spamcop.net/bl.shtml?192.0.2.9",
        "R 550 Poor Reputation Sender - https://community.mimecast.com/docs/DOC-1369#550",
        "R 550 5.7.1 Your IP has been reported as a source of spam",
        "R 550 rejected because 192.0.2.4 is in a black list at ix.dnsbl.manitu.net",
        "R 550-rejected because 192.0.2.4 is listed in dnsbl-1.uceprotect.net IP seen sending spam",
        "R 554 5.7.0 Blocked, look up https://ipcheck.proofpoint.com/?ip=192.0.2.4",
        "R 550 Adresse IP source sur liste noire. Sender IP blacklisted",
        "R 550 5.7.1 Ihre IP-Adresse steht auf einer schwarzen Liste",
        "R 554 Su dirección IP está en una lista negra",
        "R 550 5.7.1 Ваш IP-адрес находится в черном списке",
        "D 554 5.7.1 Message rejected: the sending host has a low sender score",
        "D 550-5.7.1 [192.0.2.7] Our system found that this message is likely unsolicited because of the very low reputation of the sending IP address. Review https://support.google.com/mail/answer/188131 gsmtp",
        "D 550 5.7.1 Message refused, a link in it is listed at multi.surbl.org",
        "R 550 SC:blocked, sending address is known to belong to a botnet",
        "B 521 5.7.1 Service unavailable; client [192.0.2.1] blocked using psbl.surriel.com",
        "R 554 5.7.1 Service unavailable; Helo command [probe.example] blocked using dbl.spamhaus.org",
        "R 554 5.7.1 Service unavailable; Unverified Client host [probe.example] blocked using rhsbl.example.net",
        "M 550 SC-001 (SNT004) Unfortunately, messages from 192.0.2.3 were not sent: your IP is on our block list",
        "B 554 Transaction failed. For explanation visit https://postmaster.web.de/: your IP address is black listed",
        "B 421 4.7.1 Connection from your IP is blocked: bad reputation",
        "R 550 5.7.1 Blocked by SpamCop",
        "R 550 ip in our private dnsbl",
        "R 550 5.7.1 mail from 192.0.2.1 refused, dynamic address; send through your provider's server",
        "D 554 5.7.1 Spam source: your server has been sending spam to our traps",
        "R 550 Suspected spam IP. http://service.mail.qq.com/cgi-bin/help?id=20022",
        "B 554-esa.example 554 Your access to this mail system has been rejected due to poor reputation of a domain used in message transfer",
        "R 451 4.7.1 Your host is temporarily blocked because of a bad sender score",
        "R 550 Votre adresse IP est sur liste noire",
        "R 550 L'indirizzo IP è in una lista nera",
        "R 550 您的IP在黑名单中",
        "D 554 5.7.1 [BL] The host that sent this is on the Abusix list",
        "B 554 mail.b.example (IP 192.0.2.4) You have been blacklisted for abusive behaviour",
        "B 550 Your network has been blocked by our abuse team",
        "R 550 5.7.1 Email rejected: the sending server 192.0.2.5 is on the SORBS DUHL list",
        "R 554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked by RBL; see http://www.b.example/lookup",
        "R 550-192.0.2.1 is blocked by our mail reputation service",
        "R 550 #5.7.1 SenderBase score of your host is below the threshold",
        "E 554 5.7.1 You are blacklisted",
        "D 550 5.7.1 Your server's address is listed on Spamhaus CSS; https://check.spamhaus.org/",
        "R 550 Ihr Server wurde wegen Spam-Versand gesperrt: IP 192.0.2.1 steht auf einer Blacklist",
        "B 421 4.7.0 Your IP 192.0.2.3 is temporarily banned for suspicious activity",
        "B 554 Your IP [192.0.2.1] is blacklisted using b.barracudacentral.org. Details: .",
        "R 554 5.7.1 <probe.example[192.0.2.1]>: Client host rejected: Your IP is listed in our dnsbl",
        "B 550 Host is listed in dnsbl.example.net: 127.0.0.2",
        "R 550 Mail from 192.0.2.1 rejected by IceWarp, dnsbl",
        "R 550 5.7.1 Message rejected because 192.0.2.1 is blacklisted at zen.example.org see http://www.spamhaus.org/query/bl?ip=192.0.2.1",
        "B 571 192.0.2.1 blocked by SmarterMail: IP on blacklist",
        "R 550 5.7.1 Blocked by Trend Micro Email Reputation Service. Please see http://www.mail-abuse.com/cgi-bin/lookup?ip_address=192.0.2.1",
        "B 421 refused too many times, ip banned",
        "R 554 5.7.1 ACCESS DENIED to <a@b.example> through 192.0.2.1 by DuoCircle RBL",
        "M 450 4.7.1 <probe.example[192.0.2.1]>: Client host rejected: bad reputation, see https://postmaster.b.example",
        "R 550 JunkMail rejected - probe.example [192.0.2.1] is in an RBL, see Client host blocked",
        "B 554 5.7.1 rejected - IP on private blocklist; contact postmaster",
        "R 550 5.7.1 This email was rejected because it violates our security policy - found in RBL",
        "R 550 5.7.1 Mail denied by policy of the Haraka access plugin: your IP is denied",
        "D 550 5.7.1 Uribl: message held for policy, rejected",
        "B 421 Message from (192.0.2.1) temporarily deferred - 4.16.50",
        "R 550 some of your users sent spam, your mail host is blocked",
        "B 554 Look at https://b.example/lookup?ip=192.0.2.1",
    ),
}
# Another rule decides, or another of these.
NEAR_MISSES: Table = {
    C.BANNER_REJECTED: ("B 554 blacklist.b.example no service",),
    C.POLICY_REJECTED: ("D 554 5.7.1 Spam message rejected",),
    C.MAILBOX_UNKNOWN: (
        "R 550 5.1.1 No such user at spamhaus.b.example",
        "R 550 5.1.1 <blacklist@b.example>: User unknown",
        "R 550 We are listed as a charity: no such user",
    ),
    C.MAILBOX_FULL: ("R 550 the spam folder of this user is full",),
}


@pytest.mark.parametrize(("expected", "reply"), each_of(NAMED))
def test_a_reason_that_is_named_is_certain(expected: C, reply: str) -> None:
    assert finding(reply) == ReplyClass(expected, Confidence.CERTAIN)


@pytest.mark.parametrize(("expected", "reply"), each_of(NEAR_MISSES))
def test_the_same_words_elsewhere_mean_something_else(expected: C, reply: str) -> None:
    found = finding(reply)
    assert found is not None
    assert found.failure_class is expected


@pytest.mark.parametrize(
    "text",
    [
        "Access denied, see https://www.spamhaus.org/query/ip/192.0.2.1",
        "rejected by dnsbl.sorbs.net",
        "refused (bl.spamcop.net)",
        "look at csi.cloudmark.com/reset-request/?ip=192.0.2.1",
    ],
)
def test_a_list_is_known_by_its_registered_name(text: str) -> None:
    assert class_of(Stage.RCPT, 554, text) is C.REPUTATION_BLOCKED


@pytest.mark.parametrize(
    "name", ["spamhaus.b.example", "mx.spamcop.net.b.example", "blacklist.b.example", "rbl.b.example"]
)
def test_a_name_that_only_resembles_a_list_is_no_verdict(name: str) -> None:
    assert class_of(Stage.RCPT, 550, f"5.1.1 No such user at {name}") is C.MAILBOX_UNKNOWN
    assert class_of(Stage.BANNER, 554, f"{name} no service") is C.BANNER_REJECTED
