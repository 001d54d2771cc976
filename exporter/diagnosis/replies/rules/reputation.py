"""Rules for block lists, and for the reputation of our address, network or domain."""

from __future__ import annotations

import re
from typing import Final

from exporter.diagnosis.replies.rule import DIALOGUE, Rule, says
from exporter.diagnosis.replies.rules.vocabulary import OUR_ADDRESS, OUR_HOST, REFUSED
from exporter.model.failure import FailureClass as C

# Before the rates that rest on a standing.
PRIME: Final = (
    Rule(
        C.REPUTATION_BLOCKED,
        says(
            "user complaints",  # Yahoo
            "low reputation",  # Gmail, whatever it does about it
            "ip|ips black-listed|block-listed|deny-listed",  # whatever they advise
            "flood|floods|wave|waves|stream|burst of ... spam|rubbish|junk|trash|garbage|unwanted|virus*|malware",
            "adsl|dsl|dialup|cable or dial|dialup|dynamic|dsl|adsl|cable",
        ),
        stages=DIALOGUE,
    ),
)

# The registered names under which lists are published and explained, by the lists themselves or by their operators.
OPERATORS: Final = "|".join(
    (
        r"spamhaus\.(?:org|net|com)|spamcop\.net|sorbs\.net|abuseat\.org|uceprotect\.net|psbl\.org|surriel\.com",
        r"barracuda(?:central\.org|networks\.com)|senderscore\.(?:org|com)|senderbase\.org|talosintelligence\.com|csi\.cloudmark\.com",
        r"surbl\.org|uribl\.com|ivmsip\.com|ivmuri\.com|invaluement\.com|mailspike\.(?:net|org)|abusix\.(?:org|com|zone)|spamrl\.com",
        r"backscatterer\.org|(?:junkemailfilter|hostkarma)\.com|gbudb\.(?:net|com)|spameatingmonkey\.net|spfbl\.net|wpbl\.info",
        r"blocklist\.de|nixspam\.net|ix\.dnsbl\.manitu\.net|dnsbl\.manitu\.net|mail-abuse\.(?:org|com)|ers\.trendmicro\.com|0spam\.org",
        r"maps\.vix\.com|njabl\.org|ahbl\.org|dsbl\.org|ordb\.org|kisarbl\.or\.kr|cbl\.anti-spam\.org\.cn|spamrats\.com|dnsbl\.im|mipspace\.com",
        r"ipcheck\.proofpoint\.com|prs\.proofpoint\.com|csi\.mimecast\.org|sender(?:support)?\.(?:office|olc\.live|live)\.com",
        r"ipremoval\.sms\.symantec\.com|csi\.cyren\.com|dnsrbl\.(?:org|net)|rbl\.interserver\.net|dnsbl\.cobion\.com|drmx\.org",
    )
)
LIST_OPERATORS: Final = (
    # In a host name or URL: sorbs.net, dnsbl.sorbs.net, www.spamhaus.org/query, but not spamhaus.org.example.com.
    Rule(
        C.REPUTATION_BLOCKED,
        names=re.compile(rf"(?:^|[\s./])(?:{OPERATORS})(?!\.?[\w-])"),
        stages=DIALOGUE,
    ),
    # Their names in prose.
    Rule(
        C.REPUTATION_BLOCKED,
        says(
            "spamhaus|spamcop|uceprotect|mailspike|senderscore|senderbase|abuseat|invaluement|hostkarma|spamrats|abusix"
            "|mipspace|mips_space",
            "sender score|base",
            "sorbs|surbl|uribl|psbl|cbl|xbl|sbl|pbl|shxbl|zrd",
            "barracuda reputation|central|blocklist|brbl",
            "cloudmark sender|csi|intelligence",
            "cisco|ironport|talos ... reputation|score",
            "trend micro",
            "delist*",
            "request|requests|requesting|ask|apply ... removal|unblock*|unlist*",
        ),
        stages=DIALOGUE,
    ),
)

STANDING: Final = (
    # The vocabulary of lists, and "reputation" itself, in the languages of large providers.
    Rule(
        C.REPUTATION_BLOCKED,
        says(
            "rbl|rbls|dnsbl|dnsbls|dbl|drbl|rhsbl|bl|dns_list|dnsrbl|ipbl",
            "black-list*|block-list*|deny-list*|ban-list*|drop-list*|reject-list*|bad-list*|blackholed",
            "realtime|real_time block|black|blackhole",
            "blackhole|blackholes site|list|lists|service|zone",
            "spammer|spammers|spam list|database",
            "reputation|reputacion|reputazione|reputacao|reputacja|репутац*",
            "list|liste noire",
            "lista negra|nera",
            "schwarze|schwarzen|zwarte liste|lijst",
            "черн* спис*|списо*",
            "czarn* list*|liscie",
            "黑名单|黑名單|ブラックリスト|信誉",
            "listed in|on|at|by",
            "listed ... list|lists|database",
            "blocked using|by_list|by_service",  # Postfix, Exchange
            "ip|host|server|network|subnet|range|client|address ... listed|blacklisted|block_list*",
        ),
        stages=DIALOGUE,
    ),
    # Our address or network under suspicion, in sentences.
    Rule(
        C.REPUTATION_BLOCKED,
        says(
            f"{OUR_HOST}|{OUR_ADDRESS}|sender|domain|you"
            " ... identified|known|flagged|marked|detected|used|reported|suspected ... spam*",
            f"spam*|abus*|malicious source|origin|activity|sender|traffic|{OUR_HOST}|ip",
            "known|suspected|possible|probable spammer*|spam_source|spam_ip|spam_host|botnet|bot|zombie|compromised",
            "sending|sends|sent|originat*|emit* ... spam|unsolicited|unwanted|junk",
            "spam|unsolicited|unwanted|junk|abuse ... from your|ip|host|network|server",
            "banned|blocked|suspicious|bad|blacklisted|rejected|poor|refused ip|ips|sending|sender_ip|address_ip",
            f"ip|ips|subnet|netblock|network ... {REFUSED}|blacklisted|blackholed|suspicious|bad|poor|not_trusted",
            f"your|sending|connecting {OUR_HOST}|address|asn|isp ... banned|blocked|block|rejected|bad|poor",
            "dialup|dial-up|dynamic|residential|transient|dynamically|generic|consumer|dsl|broadband"
            f" ... {OUR_HOST}|{OUR_ADDRESS}|hosts|pool|assigned|space|connection*|range|clients|rdns",
            "user|spam complaint*",  # Yahoo, Comcast
            "complaint*|complain* ... from|about",
            "spam trap*|traps",
            "open proxy|proxies",
            "message|messages|mail|mails from ... temporarily|permanently deferred",  # Yahoo
            "messages|mail from not sent",  # Outlook.com: "messages from 192.0.2.1 weren't sent"
            "part of your|their|its? network",
            "ip problem_occurred|none_bad",  # T-Online's greeting: "IP=192.0.2.1 - A problem occurred."
            "problem occurred ask your postmaster",
            "service refuse|refused|refusee",  # Orange
            "ip|adresse|direccion|indirizzo|endereco ... bloqu*|bloccat*|gesperrt|geblockt|blockiert|gelistet",
            "bloque|bloquee|bloquead*|bloccato|gesperrt|geblockt|blockiert ... ip|adresse|direccion|indirizzo",
            "ip|адрес ... заблокирован*|запрещен*",
            "заблокирован* ... ip|адрес",
        ),
        stages=DIALOGUE,
    ),
)

# The purpose of a link in the reply, where its words are vague.
HINTS: Final = (
    Rule(
        C.REPUTATION_BLOCKED,
        names=re.compile(
            r"[?&/](?:ip|ipaddr|ip_address|addr)[=/]\d"  # a page about our address
            r"|//[\w.-]{0,60}(?:dns|r)bl[\w-]*\.|/(?:dns|r)bl\b|/(?:dnsbl-lookup|delist|unblock|removal|reputation|blacklist|blocklist)"
        ),
        stages=DIALOGUE,
    ),
)
