"""The rules for refusing replies, in order: the first that matches decides. Text before code, fine before coarse.

The order is the knowledge. Greylisting is often announced through a block list's mechanics, a rate limit often names the
reputation it rests on, a reputation text often calls itself a relay or mailbox refusal: the more specific statement
stands higher. An enhanced code decides alone only after all words failed, for 5.7.1 and 4.7.1 mean everything
(RFC 3463 3.8; the IANA registry of enhanced status codes). Patterns are lower case; gaps in them are bounded.
"""

from __future__ import annotations

import re
from typing import Final

from exporter.diagnosis.reply_table import (
    ABOUT_RECIPIENT,
    CONVERSATION,
    PERMANENT,
    TEMPORARY,
    TRANSACTION,
    Rule,
    any_of,
)
from exporter.result import FailureClass, Stage

_C = FailureClass
_OUR_HOST: Final = (
    r"(?:your |the |this |sending |connecting |client |remote |source |sender |host |server |smtp |mta |mail )+"
)
_NOT_ALLOWED: Final = r"(?:not|n.t|never) (?:be )?(?:allowed|permitted|authori[sz]ed|accepted)"

# What is wrong with the conversation itself.
_CONVERSATION_RULES: Final = (
    # VRFY that finds several gives an answer, not a refusal (RFC 5321 3.5.1).
    Rule(None, any_of(r"\bambiguous"), codes={553}, stages=frozenset({Stage.VRFY, Stage.EXPN})),
    # Postfix postscreen and smtpd, Exim, Sendmail: we talked before our turn, or they lost count of recipients they took.
    Rule(
        _C.PROTOCOL_ERROR,
        any_of(
            r"synchroni[sz]ation",
            r"protocol (?:error|violation)",
            r"\bpipelining (?:error|not|improper|violation)",
            r"improper (?:use of )?(?:smtp )?(?:command )?pipelining",
            r"no valid recipients",
            r"any commands? (?:except|but|other than) quit",
            r"(?:pre-?greet|talk(?:ed|ing|s)? (?:too soon|early|before)|early ?talker)",
            r"non-?smtp command",
            r"bare (?:lf|cr|newline|line ?feed)|smtplf",  # qmail names a page about bare line feeds
        ),
    ),
    # AOL and Zimbra complain about the order where they miss TLS; MailEnable and Kerio where they miss AUTH: further below.
    # Otherwise 503 contradicts the order we keep by a table (RFC 5321 4.2.2): the server lost count of it.
    Rule(
        _C.PROTOCOL_ERROR,
        any_of(
            r"(?:bad|wrong|invalid|incorrect|improper|out of) (?:command )?(?:sequence|order)",
            r"sequence (?:of commands|error)",
            r"\bneed (?:an? )?(?:rcpt|mail|helo|ehlo)\b",
            r"\b(?:helo|ehlo|rcpt|mail|mail from|rcpt to|data)\b[^.]{0,20} first",
            r"\bfirst (?:send|issue|say) (?:helo|ehlo|mail|rcpt)",
            r"must (?:have |issue )?(?:a |be )?(?:precede|(?:helo|ehlo|mail|rcpt)\b)",
            r"\b(?:nested|duplicate) (?:mail|helo|ehlo)\b",
            r"sender already (?:specified|given)",
            r"(?:polite people|say hello)",
        ),
        codes={500, 501, 502, 503, 554},
        status=re.compile(r"(?:5\.[05]\.[01])?"),
    ),
)

# Temporary measures that look like a block.
_PATIENCE_RULES: Final = (
    # postgrey, sqlgrey, milter-greylist, policyd, rspamd, spamd, Barracuda, Kerio, MDaemon, in the words of any language.
    Rule(
        _C.GREYLISTED,
        any_of(
            r"gr[ae]y[- ]?list",
            r"grey\.(?:rbl|dnsbl)|graylisted|greylog",
            r"lista gris|listes? grises?|graue liste",
            # postfix and Proofpoint verify a recipient while we wait: they ask for a second try, like a greylist
            r"verification (?:is )?in progress",
            r"(?:first|initial) (?:time )?(?:attempt|connection|contact|delivery)[^.]{0,60}(?:later|again|retry|defer)",
            r"(?:unknown|unfamiliar|new|unrecogni[sz]ed) (?:sender|ip|host|triplet|correspond)[^.]{0,60}(?:later|again|retry)",
            r"triplet|\[gl01\]",
            r"internal resources? (?:is |are )?temporarily unavailable",  # Mimecast's word for its greylist
            r"(?:retry|try again|come back) in (?:\d+ ?|a few |several )(?:s\b|sec|min)",
            r"please (?:retry|try again|resend|come back) (?:after|in) \d",
        ),
        codes=TEMPORARY,
    ),
    # Some say it with a permanent code.
    Rule(_C.GREYLISTED, any_of(r"\bgr[ae]y[- ]?list(?:ed|ing)\b"), codes=PERMANENT),
    # A dictionary attack was counted against our address: no matter of pace.
    Rule(
        _C.POLICY_REJECTED,
        any_of(r"too many (?:invalid|unknown|bad|non-?existent|failed|wrong) (?:recipient|rcpt|user|address|mailbox)"),
        codes=PERMANENT,
    ),
    # Message sizes are limits too; they must not look like a rate.
    Rule(
        _C.MESSAGE_TOO_LARGE,
        any_of(
            r"(?:message|mail|e-?mail|msg|body|content|data)(?: \S{1,20})? (?:size|length)[^.]{0,40}(?:exceed|too|limit|large|max)",
            r"(?:exceed|over|larger than|above|beyond)[^.]{0,40}(?:message|mail|e-?mail|msg|fixed|maximum|max)[^.]{0,12} size",
            r"size (?:of )?(?:the |this |your )?(?:message|mail|e-?mail)?[^.]{0,20}(?:exceed|too (?:large|big))",
            r"(?:message|mail|e-?mail|msg|letter|content|data)(?: is| was| file| size| you sent)*[: ]{1,2}too (?:large|big|long)",
            r"too (?:large|big) (?:a )?(?:message|mail|e-?mail|for )",
            r"size limit exceeded|recipsizelimit|exceeds? (?:the )?(?:administrative|size) limit|max(?:imum)? size exceeded",
            r"message (?:trop|zu|demasiado|troppo)|nachricht (?:ist )?zu gro|mensaje demasiado|邮件过大|超过.{0,6}大小",
        ),
        codes=range(452, 600),
    ),
    # "Organization queue quota" and "relay quota" are about traffic, "mailbox quota" is not.
    Rule(
        _C.RATE_LIMITED,
        any_of(
            r"rate[- _]?limit|ratelimit|\bthrottl|traffic shap",
            r"(?:unusual|excessive|unexpected|high|abnormal|suspicious|exceeded|sending|message|connection)[^.]{0,16} (?:rate|frequency)\b",
            r"(?:rate|frequency|speed)[^.]{0,30}(?:exceed|limit|prevent|too (?:high|fast))",
            r"frequency limited|connection frequency|receiving mail (?:at a rate|too)",
            r"exceeded[^.]{0,20} command limit",
            r"too (?:quickly|fast|frequent|often|much (?:mail|traffic|volume))",
            r"too many[^.]{0,30} (?:concurrent|simultaneous|parallel|open|connect|connexion|session|message|mail|e-?mail|recipient"
            r"|rcpt|command|request|error|transaction|deliver|attempt|helo|ehlo|rset|failure|session|smtp|process|client)",
            r"too many (?:concurrent|simultaneous|parallel|open|connect|connexion|session|message|mail|e-?mail|recipient|rcpt"
            r"|command|request|error|transaction|deliver|attempt|bad|invalid|unknown|non-?mail|junk|unrecogni|syntax|protocol"
            r"|recent|failure|smtp|process|client)",
            r"(?:max(?:imum|imal)?|limit)[^.]{0,40}(?:connections?|sessions?|recipients?|messages?|e-?mails)[^.]{0,80}"
            r"(?:exceed|reach|hit|hour|minute|day|limit)",
            r"(?:exceed|reach|hit|over)[^.]{0,50}(?:limit|max|allow|number|quota)[^.]{0,50}"
            r"(?:connection|session|recipient|messages|e-?mails|rate|hour|minute|day\b|daily|per )",
            r"(?:connection|session|recipient|message|sending|sender|hourly|daily|queue|relay|per-hour|outbound|smtp)s? "
            r"(?:count |rate |number |relay )?(?:quota|limit|threshold)[^.]{0,20}(?:exceed|reach|hit)",
            r"(?:reach|exceed)\S* (?:your|the|its|their) (?:daily|hourly|relay|sending|message|connection)",
            r"(?:connections?|sessions?) (?:count|number|limit)[^.]{0,20}(?:exceed|reach|too|limit)",
            r"(?:excessive|unusual|high|large|abnormal) (?:volume|number|amount|traffic)",
            r"(?:slow(?:ing)? down|back off|\bflood)",
            r"trop de (?:connex|message|destinataire)|zu viele|demasiad[ao]s (?:conex|mensaj|destin)|troppe conness",
            r"频率|连接数|并发|слишком (?:много|часто)",
            # NetEase's own catalogue: HL:ICC concurrent, HL:IFC and RP:… frequency, MI:CEL daily number
            r"\bhl:(?:icc|ifc|mep|itc)\b|\brp:(?:drc|ccl|qrc|srt|trc|cel)\b|\bmi:(?:cel|dmc|ccl)\b",
            r"\b(?:rl00000\d|cxcnct|cxmxrt)\b",  # Comcast, Cox
        ),
    ),
)

# What we did not bring along.
_CREDENTIAL_RULES: Final = (
    # Postfix, Gmail, Exchange, Exim: the recipient or the server wants an encrypted session.
    Rule(
        _C.TLS_REQUIRED,
        any_of(
            r"(?:must|need|have to|should|please) (?:first )?(?:issue|use|send|start|enable|be using)[^.]{0,16} ?(?:start)?(?:tls|ssl)\b",
            r"\b(?:start)?(?:tls|ssl)\b(?: [a-z]{1,12}){0,3} (?:is |are )?(?:require|needed|mandatory|necessary|first|enforced)",
            r"\b(?:encryption|encrypted|secured? (?:connection|channel|session))(?: [a-z]{1,12}){0,2} (?:is |are )?"
            r"(?:require|needed|mandatory|necessary)",
            r"requir(?:es?|ed|ing) (?:the use of |an? |to use )?(?:start)?(?:tls|ssl|encrypt|secure)",
            r"(?:un-?encrypted|plain-?text|insecure|clear-?text|non-?tls)[^.]{0,40}(?:not|refus|reject|den|disallow)",
            r"without (?:start)?tls|no tls (?:session|connection|used)|not sent over (?:a )?tls",
        ),
        stages=CONVERSATION,
    ),
    # SPF, DKIM, DMARC and the like, before AUTH: Gmail calls a message "unauthenticated".
    Rule(
        _C.SENDER_AUTH_FAILED,
        any_of(
            r"\b(?:spf|dkim|dmarc|adsp|domainkeys|arc (?:seal|chain|valid)|openspf|spfquery|sender[- ]?id)\b",
            r"sender policy framework|spf[_-]|_spf|\bdkim-|domain authentication",
            r"(?:mail|message|e-?mail|sender|it) (?:is|was|are) (?:not authenticated|unauthenticated)[^.]{0,20}(?:,|which|pose|$)",
            r"(?:multiple|required|domain|sender|message|mail|e-?mail)[^.]{0,12} authentication (?:checks? )?(?:fail|not pass|requirement)",
            r"unauthenticated (?:e-?mail|mail|message)",
            r"does(?:n.t| not) (?:designate|permit|allow|authori[sz]e)[^.]{0,40}(?:sender|send)",
            r"(?:not|n.t)[^.]{0,12} (?:allowed|authori[sz]ed|permitted|designated)(?: sender| as| to)?[^.]{0,10} (?:to )?send"
            r"[^.]{0,20} (?:from|for|on behalf|as) (?:the )?(?:domain|<|\[?[a-z0-9-]{1,63}\.[a-z])",
            r"\b(?:mail|e-?mail|message)[^.]{0,30} (?:spoof|forged)|spoof(?:ed|ing) (?:sender|mail|message|address|domain)",
        ),
        stages=CONVERSATION,
    ),
    # A relay that knows its customers by address or password and says so together.
    Rule(
        _C.RELAY_DENIED,
        any_of(
            r"relay(?:ing)?\b[^.]{0,40}(?:denied|not permitted|not allowed|prohibited|refused|disallowed)[^.]{0,12}"
            r"(?:\(|;|,|-|\.)? ?(?:auth|please auth|you must auth|ip name)",
            r"auth\S{0,12} (?:is )?(?:required|needed) (?:for|to|before) relay",
            r"requires? authentication[^.]{0,40}non-local",
            r"insecure mail relay",
        ),
    ),
    # Exchange, hMailServer, Kerio, submission servers on port 25, Courier, POP-before-SMTP.
    Rule(
        _C.AUTH_REQUIRED,
        any_of(
            r"\bauth(?:entication|entification|orization|entisierung)?\b[^.]{0,20} (?:is |are )?"
            r"(?:require|needed|necessary|mandatory|first|failed|failure|erforderlich|unsuccessful|fehlgeschlagen|rejected)",
            r"(?:must|need to|have to|please|should|first)[^.]{0,20} (?:smtp[- ]?)?(?:auth\b|authenticate|log ?in|log on|sign in)",
            r"requir(?:es?|ed|ing)[^.]{0,12} (?:smtp[- ]?)?(?:auth\b|authentication|log ?in|valid credential)",
            r"(?:client|sender|user|session|connection|you)[^.]{0,12} (?:is|was|are|were) (?:not|n.t) (?:yet )?(?:authenticated|logged in)",
            r"\bnot authenticated|sender ?not ?authenticated|un-?authenticated (?:sender|client|connection|user|relay|session|smtp)",
            r"without (?:smtp )?auth|anonymous (?:client|user|access|sender|mail)s?",
            r"smtp[- ]auth\b|(?:pop|imap)[- ]?before[- ]?smtp|check (?:for )?(?:new |your )?mail (?:first|before)",
            r"(?:invalid|bad|incorrect|wrong) (?:login|credentials|user ?name|username or password)",
            r"authentifi|authentifizier|autenticaci|autenticazion|autentica",
        ),
        stages=CONVERSATION,
    ),
)

# Who we are in DNS and how we introduce ourselves.
_IDENTITY_RULES: Final = (
    # Postfix "Helo command rejected", Exim's syntax check, Sendmail's domain check, QQ and others: our name.
    Rule(
        _C.HELO_REJECTED,
        any_of(
            r"\b(?:helo|ehlo)\b[^.]{0,30} ?(?:command )?(?:rejected|refused|denied|invalid|mismatch|forged|fake|bogus|malformed|"
            r"wrong|not (?:match|valid|resolv|found|accept|allow|a )|does ?n.t|does not|did not|can ?not|must|should|needs|syntax)",
            r"(?:invalid|bad|bogus|fake|forged|wrong|illegal|malformed|incorrect|impersonat\S{0,4}|missing|reject\S{0,4}|unqualified"
            r"|unresolvable|access denied)[^.]{0,40}\b(?:helo|ehlo)\b",
            r"\b(?:helo|ehlo) (?:argument|parameter|string|name|hostname|host|domain)",
            r"(?:need|require\S?) (?:a )?(?:fully[- ]?qualified|fqdn)[^.]{0,20}(?:host|domain|name)?",
            r"\bimpersonat|(?:you|your \S{1,12}) (?:are|is) not (?:me|us)\b|(?:my|our) own (?:name|hostname|domain)",
        ),
        stages=CONVERSATION,
    ),
    # RFC 5321 4.1.1.1: the argument of EHLO is all there is to be wrong about.
    Rule(
        _C.HELO_REJECTED,
        any_of(
            r"(?:invalid|bad|illegal|malformed|unknown|unresolv)[^.]{0,30}(?:domain|host|address|name|argument|syntax)",
            r"\bfqdn\b",
        ),
        stages=frozenset({Stage.EHLO, Stage.EHLO_TLS}),
        codes={450, 501, 504, 550, 553, 554},
    ),
    # Every family asks for it: "reverse DNS", "PTR", "cannot find your hostname" (Postfix), "Fix reverse DNS" (Sendmail).
    Rule(
        _C.RDNS_REQUIRED,
        any_of(
            r"\breverse[- ]?(?:dns|lookup|host ?name|name|record|entry|mapping|map|resolution|address|ip|domain|path lookup)",
            r"\breverse[- ]client|\br-?dns\b|\bfcrdns\b|\bfcr-dns|dns reverse|\bin-addr\b",
            r"\bptr\b",
            r"(?:cannot|can.t|could not|unable to|failed to|did not) (?:find|resolve|lookup|look up|determine|verify)"
            r"[^.]{0,12} (?:your|client|the client.s|sending|remote)[^.]{0,16} (?:host ?name|host|name|ip|address|dns)",
            r"(?:your|the|client|remote) (?:ip|host|address|server)\S{0,3}(?: address)?(?: \S{3,50})? (?:has|have|had|does not have|without)"
            r" (?:no |a |any )?(?:valid )?(?:dns|host ?name|domain name|a record)",
            r"(?:ip|host) (?:address )?(?:name )?(?:lookup failed|possibly forged)",
            r"mismatch\S{0,3} (?:client|your|sending|the) ip|(?:dns|host ?name)[^.]{0,20} (?:mismatch|does not match|not match)[^.]{0,20}",
            r"unverif[iy]+able (?:sending )?ip|unresolvable (?:client|host|ip|address|sending)",
            r"servers? without a valid (?:sender )?(?:domain|dns|host)",
        ),
        stages=CONVERSATION,
    ),
)

_LISTS: Final = (
    r"spamhaus|spamcop|barracuda(?:central|networks)|abuseat|\bsorbs\b|cloudmark|senderscore|sender ?score|senderbase|uceprotect|"
    r"invaluement|spamrl|mailspike|dnswl|surbl|uribl|psbl|surriel|backscatterer|hostkarma|junkemailfilter|truncate\.gbudb|"
    r"njabl|\bahbl\b|nixspam|ix\.dnsbl|manitu|0spam|spameatingmonkey|spfbl|wpbl|interserver|blocklist\.de|gbudb|ivmsip|anonmails|"
    r"talosintelligence|trustedsource|ipcheck\.proofpoint|prs\.proofpoint|dnsbl-lookup|abusix|ers\.trendmicro|mail-abuse\.|"
    r"csi\.mimecast|cyren|vadesecure|sendersupport|sender\.office\.com|delist"
)

# Refusals that name a list by host name, URL or brand.
_LIST_RULES: Final = (Rule(_C.REPUTATION_BLOCKED, any_of(_LISTS), stages=CONVERSATION),)

# Our address's, network's or domain's standing.
_REPUTATION_RULES: Final = (
    # The vocabulary of lists, and "reputation" itself.
    Rule(
        _C.REPUTATION_BLOCKED,
        any_of(
            r"(?<![a-z])(?:dns|r|s|x|p|z|att|cx)?[rb]bls?(?![a-z])|dnsbl|\bd?rbl\b|[a-z]rbl\b|\b[sxpz]bl\b",
            r"\b(?:black|block|deny|ban|bad|drop|reject|spammer)[- ]?list",
            r"blacklist|blocklist|block[- ]?listed|black listed|list[ea] no?ire|lista negra|schwarze liste|zwarte lijst|黑名单|чёрн|черн\S{1,3} спис",
            r"reputation|réputation|reputación|reputazione",
            rf"(?:ip|address|host|domain|{_OUR_HOST})[^.]{{0,60}} (?:is |was |are |been |currently )(?:listed|found) (?:in|on|at|by)\b",
            r"\blisted (?:in|on|at|by)\b|blocked (?:using|by \S{1,60}\.\S{2,})",
            r"(?:ip|address|host|network|subnet|server)[^.]{0,30}(?:identified|known|flagged|marked|detected|used)[^.]{0,20}spam",
            r"(?:spam|spammer|spamming|abus\S{1,4})[^.]{0,12} (?:ip|source|host|network|server|origin)\b|known spammer|spam source",
            r"suspected (?:spam )?(?:ip|spammer|bounce)",
            r"(?:banned|blocked) (?:sending |sender|ip)|sending ip|ip (?:is |was |has been )?(?:temporarily |permanently )?(?:banned|blocked)",
            r"your (?:ip|host|server|network|mail server|address)[^.]{0,50}(?:is|are|was|been|temporarily|permanently) (?:banned|block|reject|refus)",
            r"\b(?:dialup|dial-up|dynamic|residential|transient|dynamically)[^.]{0,20}(?:ip|address|host|pool|assigned|space|connection|range)",
            r"\bip=\S{1,60} - ",  # T-Online's greeting
            r"\bservice refus\w{1,2}\b",  # Orange
            r"weren.t sent[^.]{0,8}\.|part of (?:their|your) network|unfortunately, messages from",  # Outlook.com
            r"(?:temporarily|permanently) deferred|user complaints",  # Yahoo
            r"\[(?:tss?|ipts|bl)\d{2}\]|\b(?:rtr|dyn|rly|con|hvu|snd):[a-z0-9]{2}\b|\b(?:bl0000\d\d|aup#\S{0,4}(?:bl|rbl))",  # Yahoo, AOL, Comcast, Cox
            r"\b(?:dt:(?:rbl|spm)|hl:(?:ihu|ipb|rep)|mi:spb|wm:bl\w)\b",  # NetEase
            r"too many (?:spam|complaint)|unsolicited mail originating|spam (?:complaint|trap)",
        ),
        stages=CONVERSATION,
    ),
)

# Whom we write to, and who from.
_ADDRESS_RULES: Final = (
    # A policy may be told in a sentence about an address; the sentence is about the policy.
    Rule(
        _C.POLICY_REJECTED,
        any_of(
            r"policy rejection|for policy reasons|\bspam detected|rejected by (?:this|the) user\b|not a registered (?:gateway )?user"
        ),
        stages=CONVERSATION,
    ),
    # A mailbox that exists and is out of use, where the same sentence says "address rejected" too.
    Rule(
        _C.MAILBOX_DISABLED,
        any_of(r"(?:user|account|mail ?box)[^.]{0,60}[. ]\S{0,60} ?temporar\w{1,4} (?:locked|disabled|suspended)"),
        stages=ABOUT_RECIPIENT,
    ),
    # Exim's callout, qmail's badmailfrom, Postfix's reject_*_sender_*, Orange, Exchange's sender filter.
    Rule(
        _C.SENDER_REJECTED,
        any_of(
            r"sender (?:verif|callout|verify)|verification failed for|sender address (?:verification|rejected|refused|denied|blocked|invalid)",
            r"badmailfrom|(?:envelope|return)[- ](?:path|sender|from)[^.]{0,40}(?:list|reject|refus|den|block|invalid|not)",
            r"(?:sender|from|mail ?from|from address|return address|originator|expediteur|expéditeur|emetteur|émetteur|absender|remitente|mittente)"
            r"[^.]{0,30} ?(?:is |was |were |are |has been |est )?(?:rejected|denied|refused|invalid|blocked|blacklisted|not (?:exist|found|accept|allow|valid)"
            r"|does not exist|unknown|prohibited|disallowed|invalide|refus|rejet|unzul|abgelehnt|rechazad|banned)",
            r"(?:bad|invalid|illegal|unacceptable|unknown|rejected|blocked|unresolvable|missing|forged) (?:sender|from|return[- ]path|originator|mail from)",
            r"unrout\S{0,2}able sender|domain of (?:the )?sender|sender(?:.s)? domain|sending domain[^.]{0,40}(?:not|invalid|resolv)|domain in (?:mail )?from",
            r"valid mx[^.]{0,20}(?:from|sender)|no (?:valid )?(?:mx|a) (?:or \S{1,5} )?(?:record)?[^.]{0,20}(?:for|from)[^.]{0,12} (?:from|sender|domain)",
            r"null[- ](?:sender|return|reverse|envelope|mx)|empty (?:sender|envelope|from|return)|bounces? (?:messages? )?(?:are |is )?not accepted",
            r"<> (?:is )?(?:not|sender)|(?:don.t|not) accept[^.]{0,20}(?:bounce|null|empty|<>)|domain (?:name )?(?:of|for) sender",
        ),
        stages=TRANSACTION,
    ),
    # At MAIL the only address is the sender's.
    Rule(
        _C.SENDER_REJECTED,
        any_of(
            r"domain[^.]{0,60} (?:does not|doesn.t|must) (?:exist|resolve)|domain (?:name )?(?:not found|required)|unresolvable",
            r"(?:user|address|account|mailbox)[^.]{0,40} (?:unknown|not found|does not exist|unverified|not verified)|(?:unknown|no such) (?:user|sender)",
        ),
        stages=frozenset({Stage.MAIL}),
    ),
    # The space for the recipient is used up, in the words of every family and language.
    Rule(
        _C.MAILBOX_FULL,
        any_of(
            r"(?:mail ?box|mailfolder|mail ?drop|inbox|account|user|recipient|maildir|postfach|boite|boîte|buz[oó]n|casella|caixa|скринька|ящик)"
            r"[^.]{0,60}(?:\bfull\b|over ?quota|quota|pleine|\bvoll\b|\bllen[oa]|\bpiena|cheia|переполнен|no space|out of space|too large)",
            r"over[- ]?quota|overquota|over[- ]?disk|quota[^.]{0,40}(?:exceed|violat|full|reach|dépass|überschr|exhaust)|out of quota",
            r"(?:exceed|over|beyond)\S{0,3}[^.]{0,40}(?:quota|storage|mail ?box|allocat|disk space)",
            r"mailbox (?:is )?(?:too )?(?:full|large)|mail(?:box)? limit|storage (?:limit|allocation|full|space)|insufficient (?:mailbox|disk quota)",
            r"邮箱已满|邮箱.{0,6}满|容量.{0,6}(?:已满|不足|超)",
        ),
        stages=ABOUT_RECIPIENT,
        codes=frozenset(range(400, 600)) - {431},
    ),
    # Postfix, Exim, Sendmail, qmail, Exchange, Symantec: the domain is none of theirs.
    Rule(
        _C.RELAY_DENIED,
        any_of(
            r"\brelay(?:ing|ed|s)?\b(?! server| host)[^.]{0,50}(?:den|not|prohibit|refus|disallow|reject|forbid|disabled|restrict|block|unauthor|verboten)",
            r"(?:no|not|unable to|can ?not|can.t|don.t|won.t|never|refus\S{1,3} to|denied|unauthori[sz]ed|open|will not|attempt to|illegal|as a|prohibited)"
            r"[^.]{0,20} ?relay",
            r"(?:rcpt ?hosts|not (?:a )?(?:local|hosted|handled)[^.]{0,12}(?:domain|here)|not a local (?:recipient|address|user))",
            r"(?:domain|host)[^.]{0,60} (?:is |are )?(?:not|n.t|isn.t) (?:\S{1,12} )?(?:\w{1,12} )?(?:local|hosted|served|handled|configured|accepted|list|here|known|valid|recogni)",
            r"(?:do not|don.t|does not|not) (?:accept|handle|host|serve|deliver|receive) (?:any )?(?:e?-?mails?|messages|\S{1,12})? ?(?:for|to) (?:this|that|the|your|non|domain)?[^.]{0,12}(?:domain|local)",
            r"(?:unknown|unaccepted|unrouteable|unroutable|no[- ]such|non-accepted|invalid|unhandled) (?:recipient |destination |mail )?(?:domain|host)|no-domain|not (?:one of )?(?:my|our) domain|(?:remote|foreign) domain",
            r"recipient domain[^.]{0,40}(?:not|unknown|reject)|relay access|tenantattribution",
            r"ne relaie pas|relais? (?:refus|interdit)",
        ),
        stages=TRANSACTION,
    ),
    # No such mailbox. First of the three, for "invalid mailbox ... account is disabled" is Mail.ru's word for a deleted one.
    Rule(
        _C.MAILBOX_UNKNOWN,
        any_of(
            r"(?:unknown|invalid|illegal|no such|no-such|nonexist\S{0,4}|non-existent|unrouteable|unroutable|undeliverable|bad|unrecogni[sz]ed|incorrect|wrong|no valid)"
            r"(?: or illegal| local| destination| virtual| e-?mail| mail| recipient| user| to| or \S{1,12})*"
            r" (?:user|recipient|mail ?box|address|alias|account|local[- ]?part|rcpt|name|person|e-?mail|list|destination|recepient|receiver|customer|mailing list)",
            r"(?:user|recipient|mail ?box|address|alias|account|local[- ]?part|rcpt|id|e-?mail|list|destination|recipients|name|customer|receiver|addressee|@>?)\b"
            r"(?:\(?e?s\)?)?[^.]{0,60}?(?:unknown|not (?:be )?(?:found|exist|known|valid|available|listed|recogni|registered|locate|a valid|a known|present|deliverable|hosted here|here)"
            r"|n.t (?:exist|be found|have|found)|unavailable|inexist|does not exist|doesn.t exist|no longer (?:exist|valid|available|here|on|active|in)|undeliverable|invalid|is not deliverable|do not exist|doesnt exist)",
            r"@>?[^.]{0,16}(?:unknown|not found|undeliverable|(?:is )?not deliverable|unrouteable)",
            r"(?:no|not any)(?: \w{1,10})?(?: \w{1,10})? (?:mail ?box|user|account|recipient|person|address|alias|one)[^.]{0,20}(?:here|by (?:that|this)|with (?:that|this)|found|named|called|at this)",
            r"no mailbox|no such|no account|not in (?:\S{1,12} )?(?:recipient|directory|user|address|our|valid|the) ?\S{0,12}|recip(?:ient)?notfound|unable to find",
            r"(?:not|n.t|never)(?: \w{1,8})? (?:a |have a )?(?:\S{1,20} )?(?:account|valid recipient|valid user|registered user|known (?:user|recipient)|valid (?:mailbox|address|e-?mail))",
            r"recipient address rejected: access denied|all recipient addresses rejected ?: access denied",  # Exchange Online's directory edge block
            r"recipient (?:address )?(?:rejected|refused|unknown|not)\b[^.]{0,4}(?:$|\.|@|\[|\()|address rejected|address unknown|rcp-p1|unrouteable",
            r"> (?:is )?not deliverable|mailbox (?:name )?(?:not allowed|unavailable|invalid)|user not local|has moved|has (?:left|been (?:deleted|removed))|deleted (?:account|mailbox)|utilisateur inconnu",
            r"destinataire (?:\S{1,12} )?(?:inconnu|invalide)|adresse d.?au moins|(?:adresse|compte|boite)[^.]{0,30}(?:inconnu|invalide|n.existe|inexistant)",
            r"empf.{1,2}nger[^.]{0,30}(?:unbekannt|existiert|nicht)|(?:benutzer|postfach|adresse)[^.]{0,30}(?:unbekannt|existiert nicht|nicht (?:gefunden|bekannt))|unbekannter",
            r"(?:usuario|cuenta|direcci.n|buz.n|destinatario|usu.rio|conta|caixa|utente|casella|indirizzo)[^.]{0,40}(?:desconoc|no existe|inexist|não existe|desconhec|sconosciut|inesist|non esiste|no encontrad|no v.lid|inv.lid)",
            r"нет так|не существует|не найден|неизвестн|不存在|无此|宛先|存在しません|nie istnieje|nieznany|onbekend|bestaat niet|neexistuje",
        ),
        stages=ABOUT_RECIPIENT,
        codes=frozenset(range(450, 600)) - {451, 452, 454},
    ),
    # 5.2.1 in words: Gmail, Yahoo, Mail.ru, QQ, Zoho.
    Rule(
        _C.MAILBOX_DISABLED,
        any_of(
            r"(?:mail ?box|account|user|recipient|address|box|customer|domain|e-?mail)[^.]{0,60}(?:disabled|suspend|inactive|deactivat|locked|frozen|expired|closed|blocked by admin|not active|"
            r"temporarily blocked|terminat|discontinued|has been blocked|archived|not activated|desactiv|deaktiviert|gesperrt)",
            r"(?:disabled|suspended|inactive|deactivated|expired|frozen|locked|closed|blocked|dormant) (?:due \w{1,10} )?(?:mail ?box|account|user|recipient|address|e-?mail)",
            r"(?:temporar\w{1,4}) (?:locked|disabled|suspended)|mailbox disabled|заблокирован|账号.{0,6}(?:禁用|冻结)",
        ),
        stages=ABOUT_RECIPIENT,
    ),
)

# A refusal of us or of what we sent, in general words; and waiting, in general words.
_GENERAL_RULES: Final = (
    # libmilter's default text, Yandex: an outage that carries greylisting's code.
    Rule(
        _C.TEMPFAIL,
        any_of(
            r"service (?:is )?(?:currently |temporarily )?(?:un|not )available|(?:resources|system|disk|queue|lookup|database|internal|server) "
        ),
        codes=TEMPORARY,
        stages=TRANSACTION,
        status=re.compile(r"4\.7\.1"),
    ),
    # Policy in words, of any family; 4xx too, as a block that may be lifted.
    Rule(
        _C.POLICY_REJECTED,
        any_of(
            r"\bpolic(?:y|ies)\b|administrative(?:ly)? prohib|local rule|site rule",
            r"whitelist|white[- ]list|allow[- ]?list|\bacl\b|access (?:control|list|rule)",
            r"\bbanned|\bblocked|\bblock\b|blacklist|go away|unwelcome|not welcome|prohibit|forbidden|we hate|abuse",
            r"access (?:is |was |has been |to \S{1,40} \S{0,40} ?)?(?:denied|refused|rejected|not allowed|forbidden)|permission denied|no access",
            rf"(?:you|your|client|host|connection|ip|server|sender|from|domain)[^.]{{0,60}} {_NOT_ALLOWED}",
            r"(?:you|your \S{1,12}) (?:can ?not|may not|must not|aren.t|are not) (?:\S{1,12} )?(?:send|connect|use|access|allowed|permitted)",
            r"(?:connection|connect|client|access|session|host)s?[^.]{0,30} (?:from|has been|was|is|were)?[^.]{0,30} ?(?:refused|rejected|denied|dropped by)",
            r"invalid ip|bad ip|country|geo-?ip|geoblock|geographic",
            r"\bspam|unsolicited|\bbulk mail|junk ?mail|virus|malware|malicious|phish|viagra|content (?:reject|den|filter|block|policy)|suspicious",
            r"(?:message|mail|content|e-?mail)[^.]{0,20} (?:content )?(?:rejected|denied|refused) (?:due|for|by|as|because)|mail rejete|mail content|security (?:issue|reason|risk)",
            r"not accepting (?:messages|mail|connections) from|垃圾|拒绝|отклонен|спам|rechazad|abgelehnt|refusé par",
        ),
        stages=CONVERSATION,
    ),
    # Sendmail greets so whom its access table rejects; it says nothing finer.
    Rule(_C.POLICY_REJECTED, any_of(r"esmtp not accepting (?:messages|connections)"), stages=frozenset({Stage.BANNER})),
    # Postfix's and Barracuda's greylisting without the word. Google's 4.7.0 says the same of a reputation: only 4.7.1 counts.
    Rule(
        _C.GREYLISTED,
        any_of(
            r"(?:try|retry|come back|resend|attempt|deliver)\S{0,4}[^.]{0,24}(?:later|again|soon|shortly|minutes|seconds)|^$|defer|temporar"
        ),
        codes=TEMPORARY,
        status=re.compile(r"4\.(?:7\.1|2\.0)"),
        stages=frozenset({Stage.RCPT, Stage.DATA}),
    ),
    # "Too many" of anything is a count; mail loops ("too many hops") are not ours to slow down.
    Rule(
        _C.RATE_LIMITED,
        any_of(
            r"too many (?!hops|received|redirect|levels)|limit (?:was |is |has been )?(?:exceeded|reached)|exceeded (?:the )?(?:limit|max)"
        ),
    ),
)

# The RFC 3463 code alone (IANA registry; Microsoft's three-digit details).
_STATUS_RULES: Final = (
    Rule(_C.SENDER_AUTH_FAILED, status=re.compile(r"5\.7\.(?:2[0-4]|26|29|509)")),
    Rule(_C.RDNS_REQUIRED, status=re.compile(r"[45]\.7\.25")),
    Rule(_C.SENDER_REJECTED, status=re.compile(r"[45]\.1\.[78]|5\.7\.27")),
    Rule(_C.RATE_LIMITED, status=re.compile(r"[45]\.7\.28|[45]\.5\.3|4\.7\.(?:500|65\d)|5\.7\.705|5\.2\.12[12]")),
    Rule(_C.REPUTATION_BLOCKED, status=re.compile(r"[45]\.7\.(?:511|6[0-4]\d|708|750)")),
    Rule(_C.TLS_REQUIRED, status=re.compile(r"5\.7\.(?:10|11|30)")),
    Rule(_C.AUTH_REQUIRED, status=re.compile(r"5\.7\.(?:8|57)")),
    Rule(_C.MAILBOX_DISABLED, status=re.compile(r"5\.7\.13|[45]\.2\.1"), stages=ABOUT_RECIPIENT),
    Rule(_C.MAILBOX_FULL, status=re.compile(r"[45]\.2\.2"), stages=ABOUT_RECIPIENT),
    Rule(_C.MESSAGE_TOO_LARGE, status=re.compile(r"5\.(?:3\.4|2\.3)")),
    Rule(_C.RELAY_DENIED, status=re.compile(r"5\.1\.2|5\.7\.(?:54|64)"), stages=TRANSACTION),
    Rule(_C.MAILBOX_UNKNOWN, status=re.compile(r"5\.1\.(?:[01346]|10)"), stages=ABOUT_RECIPIENT),
    Rule(_C.SENDER_REJECTED, status=re.compile(r"5\.1\.[01]"), stages=frozenset({Stage.MAIL})),
    Rule(_C.POLICY_REJECTED, status=re.compile(r"5\.7\.\d{1,3}"), stages=CONVERSATION),
)

# The RFC 5321 code alone, where it has one meaning in the wild.
_EHLO: Final = frozenset({Stage.EHLO, Stage.EHLO_TLS})
_CODE_RULES: Final = (
    Rule(_C.AUTH_REQUIRED, codes={530, 534, 535}, stages=CONVERSATION),  # RFC 4954 6
    Rule(_C.TLS_REQUIRED, codes={523, 538}, stages=CONVERSATION),  # RFC 4954 6, RFC 5248: encryption needed
    Rule(_C.PROTOCOL_ERROR, codes={503}, stages=TRANSACTION | _EHLO),  # RFC 5321 4.2.2: bad sequence
    Rule(_C.HELO_REJECTED, codes={501}, stages=_EHLO),  # its argument, for the command is known
    # RFC 5321 4.3.2: 550 to EHLO, "command rejected for policy reasons"; an unknown command is 500 or 502.
    Rule(_C.POLICY_REJECTED, codes={550, 553, 554, 571}, stages=_EHLO),
    # RFC 7504: this host never takes mail, that domain takes none. A fact, hence `rejected` wherever the peer says it after
    # the greeting; in the greeting it is like a 554.
    Rule(_C.REJECTED, codes={521, 556}, stages=_EHLO),
    Rule(_C.MAILBOX_FULL, codes={552}, stages=frozenset({Stage.RCPT})),  # RFC 5321 4.2.2: exceeded storage allocation
    Rule(_C.MESSAGE_TOO_LARGE, codes={552}, stages=frozenset({Stage.MAIL, Stage.DATA})),  # RFC 1870 6.1
    Rule(_C.MAILBOX_UNKNOWN, codes={551}, stages=frozenset({Stage.RCPT})),  # RFC 5321 3.4: not local
    Rule(_C.POLICY_REJECTED, codes={571}, stages=CONVERSATION),  # Exchange, Cisco: 5.7.1 squeezed into a reply code
)

RULES: Final = (
    *_CREDENTIAL_RULES[:1],
    *_CONVERSATION_RULES,
    *_PATIENCE_RULES,
    *_CREDENTIAL_RULES[1:],
    *_LIST_RULES,
    *_IDENTITY_RULES,
    *_REPUTATION_RULES,
    *_ADDRESS_RULES,
    *_GENERAL_RULES,
    *_STATUS_RULES,
    *_CODE_RULES,
)
