"""Rules for the policy of a server against the client or its message, where no finer reason is named."""

from __future__ import annotations

from typing import Final

from exporter.diagnosis.replies.rule import DIALOGUE, PERMANENT, Rule, says
from exporter.diagnosis.replies.rules.vocabulary import CONTENT, MESSAGE, OUR_ADDRESS, OUR_HOST, REFUSED, UNWANTED
from exporter.model.failure import FailureClass as C
from exporter.model.failure import Stage

# The sentence may begin with an address; it is about the policy.
PLAIN: Final = (
    Rule(
        C.POLICY_REJECTED,
        says(
            "policy|mailpolicy rejection|rejected|violation|restriction*|reason*|block|blocked|filter",
            "for|due|by|of|violates|violating|against ... policy|policies",
            "administrative prohibition",  # Exim's default, Mimecast
            "administratively prohibited|denied",
            "local policy|rule",
            "rejected|blocked|refused by user",
            "user|recipient|recipients blocked|blocks|refuses|rejects you|your",
            "not registered gateway? user",
            "ip address? invalid|not_valid|not_allowed",
            "invalid|bad|wrong ip",
            "ip hangup|rejected",  # Coremail
            f"{UNWANTED} detected|found|content|filter|score|suspected|{MESSAGE}|{REFUSED}",
            f"identified|classified|considered|detected|looks|flagged|marked|recognized|score* ... {UNWANTED}",
            f"{MESSAGE}|content ... {UNWANTED}|suspicious",
            f"not accept*|take|allow {MESSAGE} with|containing ... content|attachment*|header*|link*|file*|macro*",
            "content|attachment|attachments ... not wanted|welcome|liked|allowed|accepted",
            f"content|attachment|header|subject {REFUSED}|reject|rejection|policy|filter*|not_accepted|not_allowed",
        ),
        stages=DIALOGUE,
    ),
)

# Nothing finer follows, whatever is said later.
FIRST: Final = (
    # After the greeting these words are about the client; in the greeting all clients get them, too.
    Rule(
        C.POLICY_REJECTED,
        says("esmtp not accepting messages|connections|mail"),
        codes=PERMANENT,
        stages=DIALOGUE - {Stage.BANNER},
    ),
    Rule(
        C.POLICY_REJECTED,
        says(
            "closed user? system|network|group|groups|community",
            "receive|accept* mail|mails|message|messages? from outside|external|internet|others|strangers|non-members",
            "sie|ihr|ihre durfen|duerfen|darf ... nicht|keine|nichts",
            "etes pas autoris*",
            # a relay, of our address
            "unauthenticated mail|mails|message|messages from ip? restricted|blocked|prohibited",
            "limited number of approved|authorized|trusted|known|registered",
        ),
        stages=DIALOGUE,
    ),
    Rule(C.POLICY_REJECTED, says("your|from country|countries"), stages=DIALOGUE),
    Rule(C.POLICY_REJECTED, says("spam engine"), codes=PERMANENT, stages=DIALOGUE),
    # The contents of the message, in words that are also used for passwords.
    Rule(
        C.POLICY_REJECTED,
        says(
            "password|passwords|passphrase protect*|encrypted",
            "passworded",
            "encrypted|locked zip|archive*|attachment*|file|files|pdf|document*|container*",
            "credential|credentials|password|passwords leak*|theft|phish*|harvest*|stealing|detected|found",
            "give|giving|reveal|disclose|asks|asking|share ... password|passwords|credentials",
        ),
        stages=frozenset({Stage.DATA}),
    ),
    Rule(C.POLICY_REJECTED, says("spam pattern|patterns|content|contents"), stages=DIALOGUE),
)

VAGUE: Final = (
    Rule(
        C.POLICY_REJECTED,
        says(
            "policy|policies|security_policy",
            "site|access|security|firewall rule|rules|control|list",
            "white-list*|allow-list*|whitelisted|acl",
            "banned|ban|blocked|block|blacklist*|unwelcome|disliked|prohibit*|forbidden|abuse|abusive",
            "refused|rejected|denied see|visit",
            "not member|members|subscribed|subscriber",  # lists and groups
            "members|member only",
            "closed|moderated mailing_list|list|group",
            "attachment|attachments ... not|illegal|prohibited|forbidden",
            "illegal attachment*",
            "organization|organizational settings|rules",
            "mass mailer",
            "go away",
            "not welcome|wanted|trusted",
            f"access|connection|connections|session|client|host|permission|entry|transaction ... {REFUSED}",
            f"access|connection*|delivery|you|{OUR_HOST}|{OUR_ADDRESS} not allowed|permitted|authorized|accepted",
            "not allowed|permitted|authorized ... connect|connections|access|here|you|submit|send|messages",
            "no access",
            "mail|mails|messages from not allowed|permitted|accepted",
            "you|your not send|connect|use|submit",
            "not accept* connection*|mail|messages from|here",
            "hate ... spam*",
            "country|countries|geoip|geo_ip|geo|geographic*|geoblock*|region",
            f"{UNWANTED}|spam*|suspicious|harmful|junkmail|filtered",
            f"{CONTENT} not allowed|permitted|accepted|authorized",
            f"{CONTENT}|transaction {REFUSED}",
            "rejected|denied|refused due|for|by|because|as",
            "security issue|reason|reasons|risk|concern*",
            "use ... smtp_server|mail_server|smarthost|relay ... isp|provider",  # "use the smtp server of your ISP"
            "bloque|bloquee|bloques|bloquees|blockiert|bloccato|bloccata|bloqueado|bloqueada",
            "use|through|via ... smarthost|smart_host",
            "recipient|user refuse*|reject*",
            "notauthorized|not_authorized",
            "mail|message|courrier|correo|messaggio rejete|refuse|rechazad*|rifiutat*|rejeitad*",
            "abgelehnt|zuruckgewiesen|geweigerd|odrzucon*",
            "rechazad*|rifiutat*|recusad*|rejeitad*",
            "отклонен*|отказано|запрещен*",
            "доступ|соединение ... запрещен*|отказано|закрыт*",
            "спам*",
            "垃圾|拒绝|拒絕|拒収|拒否|スパム|违规|退信|被拒|病毒|屏蔽",
        ),
        stages=DIALOGUE,
    ),
)
