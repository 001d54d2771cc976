"""Rules for the identity of the client: TLS, SPF and its kind, a password, a HELO name, reverse DNS."""

from __future__ import annotations

import re
from typing import Final

from exporter.diagnosis.replies.rule import DIALOGUE, EHLO, Rule, says
from exporter.diagnosis.replies.rules.vocabulary import MESSAGE, NOT_ALLOWED, OUR_HOST, REFUSED
from exporter.model.failure import FailureClass as C

_DEMANDED: Final = "required|needed|necessary|mandatory|enforced|expected"
_TLS: Final = "starttls|tls|ssl|encryption|encrypted"
_LOG_IN: Final = (
    "authenticate|authenticated|authentication|auth|login|log_in|logged_in|log_on|logon|sign_in|credentials"
)
_FAKE: Final = "invalid|bad|bogus|fake|faked|forged|wrong|illegal|malformed|incorrect|mismatch*|suspicious"

ENCRYPTION: Final = (
    # Postfix, Gmail, Exchange, Exim: the recipient or the server wants an encrypted session.
    Rule(
        C.TLS_REQUIRED,
        says(
            "must|need|needs|should|first|only ... starttls|tls|ssl",
            f"{_TLS}|secure|secured ... {_DEMANDED}|obligatoire",
            "starttls|tls|encryption first|only",
            f"require|requires|required|requiring|requirement ... {_TLS}|secure_connection",
            "use|issue|start|enable|activate starttls|tls|encryption",
            "unencrypted|plaintext|plain_text|cleartext|insecure|non-tls ... not|refus*|reject*|denied|disallowed",
            "without starttls|tls|encryption",
            "no tls|encryption session|connection|used",
            "not encrypted",
            "not secure|secured|protected enough",
            "secured|secure|protected|encrypted line|channel|link|connection|transport|path only",
            "lack|lacks|lacking|insufficient|not_enough of? security|encryption|tls|starttls|protection",
            "encryption|cipher|tls too_weak|insufficient",  # Sendmail
            "no suitable|common|shared|acceptable cipher|ciphers",
            "not sent over tls",
            "verschlusselung|verschlusselt* ... erforderlich|notwendig|notig",
            "cifrado|cifrada|crittografia|chiffrement|tls ... obligatorio|requerid*|obbligatori*|requis*",
        ),
        stages=DIALOGUE,
    ),
)

SENDER_AUTHENTICATION: Final = (
    # Before AUTH: Gmail calls a message "unauthenticated".
    Rule(
        C.SENDER_AUTH_FAILED,
        says(
            "spf|spf1|dkim|dmarc|domainkeys|openspf|sender-id|adsp|senderid|sidf",
            "sender policy framework",
            "arc chain|seal|validation|valid",
            f"domain|sender|{MESSAGE}|multiple|required|from authentication ... fail*|not|check*|requirement*|verif*",
            "authentication level|information",
            f"unauthenticated|not_authenticated {MESSAGE}",  # Gmail
            "mail|message|sender|it not authenticated|unauthenticated pose*|which|because",
            "not designate|permit|authorize|allow ... sender|send|mail",  # pyspf, Mail::SPF
            "not authorized|permitted|allowed|designated ... behalf|for_domain|from_domain|in_name|on_domain",
            f"not authorized|permitted|allowed|designated send {MESSAGE}? from|for|as",
            "spoof*",  # Barracuda, Mimecast
            "mail_from|sender|sender_domain mismatch*|not_match* ... client|your|sending|connecting ip|host|address",
            "sender|sender_domain|domain|mail_from not allowed|permitted|authorized|accepted from|via|through your",
            "sender but not from|via|through",
            "not allowed|permitted|authorized use ... domain ... mail_from|sender|from",
            "sender ... not from ... approved|authorized|own|official relay|relays|server|servers|host|hosts|mx",
            "forged sender|mail|message|address|from",
        ),
        stages=DIALOGUE,
    ),
    Rule(
        C.SENDER_AUTH_FAILED,
        names=re.compile(r"(?:^|[./])(?:openspf|open-spf|dmarc)\.(?:org|net)\b"),
        stages=DIALOGUE,
    ),
)

CREDENTIALS: Final = (
    # A relay that knows its customers by address or password and says both at once.
    Rule(
        C.RELAY_DENIED,
        says(
            f"relay|relaying|relayed ... {REFUSED}|not ... {_LOG_IN}",
            f"relay|relaying {REFUSED}|{NOT_ALLOWED} . proper? authentica*|auth",  # Sendmail, in two sentences
            "authentication|auth ... relay|relaying",
            "authentication ... non-local",  # MailEnable
            "insecure mail relay",
        ),
    ),
    # Exchange, hMailServer, Kerio, Courier, submission servers on port 25, POP before SMTP.
    Rule(
        C.AUTH_REQUIRED,
        says(
            f"authentication|authorization|auth|login|credentials {_DEMANDED}|first|failed|failure|unsuccessful",
            f"must|need|should|first|only ... {_LOG_IN}",
            "authenticate first|before",
            f"require|requires|required|requiring ... {_LOG_IN}",
            "not authenticated|logged_in",
            "unauthenticated|un_authenticated|non-authenticated client*|sender*|connection*|user|users|session*|smtp",
            "authrequired|notauthenticated|sendernotauthenticated*",  # Exchange
            f"without smtp? authenticating|{_LOG_IN}",
            "anonymous client*|user|users|access|sender*|mail|connection*",
            "smtp auth|authentication",
            "pop|pop3|imap before smtp|sending",
            "check ... mail first|before",
            "invalid|bad|incorrect|wrong login|credentials|username|password",
            "authentifi*|authentifizier*|autenticac*|autenticaz*|autenticat*|autentifica*|anmeldung",
            "авторизац*|аутентификац*|авторизоват*|авторизу*",
            "认证|登录|身份验证|認証|驗證",
        ),
        stages=DIALOGUE,
    ),
)

NAMES: Final = (
    # Postfix "Helo command rejected", Exim's checks, QQ: our name.
    Rule(
        C.HELO_REJECTED,
        says(
            f"helo|ehlo ... {REFUSED}|{_FAKE}|not|must|should|needs|no|syntax|impersonat*|looks|contains|claims|spam*",
            f"{_FAKE}|{REFUSED}|missing|rejecting|unqualified|unresolvable|not|your|in ... helo|ehlo",
            "helo|ehlo argument|parameter|string|name|hostname|host|domain|greeting|command|identification",
            "impersonat*",
            f"name|hostname ... greeting|greeted|introduced|hello ... not|unknown|{_FAKE}",
            f"greeting|greeted|introduced ... name|hostname ... not|unknown|{_FAKE}",
            "you|server|host not me|us",  # Exim: they called themselves by our name
            "my|our own name|hostname|domain|ip|address",
        ),
        stages=DIALOGUE,
    ),
)

REVERSE_DNS: Final = (
    # Every family asks for it: Postfix, Sendmail, Exim, Gmail, Yahoo, IronPort, Comcast.
    Rule(
        C.RDNS_REQUIRED,
        says(
            "ptr|rdns|fcrdns|rptr",
            "reverse dns|lookup|lookups|hostname|host_name|name|record|entry|mapping|resolution",
            "reverse address|ip|domain|client",
            "reverse-dns|reverselookup",
            "inverse|revers dns|lookup|resolution",
            "dns reverse|inverse|inverso|reverso",
            "resolution|resolucion|enregistrement|dns inverse|inversa",
            "in addr arpa",
            "ptr-record|ptr-eintrag",
            "hostname|host_name not found|resolv*",
            "dns check failure",  # Cox
            "обратн* ... зона|зоны|зону|запис*|dns",
            "反向解析|反向域名|逆引き",
        ),
        stages=DIALOGUE,
    ),
)

# The same as a sentence, which resembles sentences about HELO or about a sender's domain.
REVERSE_DNS_TOLD: Final = (
    Rule(
        C.RDNS_REQUIRED,
        says(
            "not|unable|failed find|resolve|lookup|look_up|determine|verify"
            f" ... your|client|remote|sending|connecting {OUR_HOST}|host_name|name|ip|address|dns",
            f"your|client|remote|sending|connecting {OUR_HOST}|ip|address"
            " ... not|without|no ... dns|hostname|host_name|domain_name|resolve*|valid_name|valid_hostname",
            "ip|host|client address? name? lookup failed|not_complete",
            "possibly|probably forged",  # Sendmail
            "mismatch|mismatches ... client|your|sending ip",
            "dns|hostname|forward ... mismatch*|not_match*",
            "unverifiable|unverifyable|unresolvable sending? ip|ips|client|host|address|hostname",
            "servers|server without valid sender|domain|dns|hostname|host",
            "forward ... not match|point|resolve",
            "ip|host|client not resolve*",
            "ip|host|client|address must resolve",
            "unresolvable relay|client host|hostname|name",
        ),
        stages=DIALOGUE,
    ),
)

EHLO_ARGUMENT: Final = (
    # RFC 5321 4.1.1.1: the argument of EHLO is all there is to be wrong about.
    Rule(
        C.HELO_REJECTED,
        says(
            f"{_FAKE}|unknown|unresolv*|not|no ... domain|hostname|host|address|name|argument*|syntax|fqdn|identity",
            "syntax|syntactically ... argument*|parameter*|domain|invalid|address",
            "need|needs|require|requires|must fully-qualified|fqdn|qualified",
            "fqdn|fully_qualified|domain_name_required",
            "my name|hostname|address|ip|domain",
            "our name|hostname|domain",
            "localhost|localdomain",
            "address|ip|domain literal|literals",
        ),
        stages=EHLO,
        codes={450, 501, 504, 550, 553, 554},
    ),
)
