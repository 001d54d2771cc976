"""Rules for greylists, rate limits and sizes: come later, slower, or with less."""

from __future__ import annotations

import re
from typing import Final

from exporter.diagnosis.replies.rule import ABOUT_RECIPIENT, DIALOGUE, PERMANENT, TEMPORARY, TRANSACTION, Rule, says
from exporter.diagnosis.replies.rules.vocabulary import CONTENT, LIMIT, OVER, PERIOD, TRAFFIC
from exporter.model.failure import FailureClass as C
from exporter.model.failure import Stage

GREYLISTS: Final = (
    Rule(
        C.GREYLISTED,
        says(
            "grey-list*|gray-list*|postgrey|greylog",  # postgrey, milter-greylist, rspamd, MDaemon, Kerio, Exim recipes
            "intentional policy rejection",  # Haraka and others
            "triplet|triad",  # sqlgrey, qmail
            "verification ... in progress",  # Postfix, Proofpoint: they ask the mailbox while we wait
            "first|initial time? attempt|connection|contact|delivery ... later|again|retry|defer*",
            "unknown|unfamiliar|new|unrecognized|unseen sender|ip|host|correspondent|server ... later|again|retry",
            "internal resource|resources temporarily unavailable",  # Mimecast's word for it
            "lista gris|grigia|cinza",
            "liste grise|grises",
            "listes grises",
            "graue|grauen liste",
            "серы* списо*|списк*",
            "灰名单|灰色名单|灰名單",
            "グレイリスト|グレーリスト",
        ),
        codes=TEMPORARY,
    ),
    # A policy that ends with an invitation.
    Rule(
        C.GREYLISTED,
        says("policy rejection|rejected|restriction|restrictions ... try|retry|resend ... later|again|minutes"),
        codes=TEMPORARY,
        stages=frozenset({Stage.RCPT, Stage.DATA}),
    ),
    # A number of minutes in other languages than English, for which see VAGUE.
    Rule(
        C.GREYLISTED,
        says(
            "versuch*|wiederhol*|probier*|warten ... minut*|sekund*",
            "minut*|sekund* ... erneut|nochmal*|wieder",
            "reess*|attend*|patient* ... minut*|secondes",
            "intent*|vuelva|espere ... minut*|segundos",
            "tente|aguarde ... minut*|segundos",
            "riprov*|attend* ... minut*|secondi",
            "sprobuj|ponow* ... minut*|sekund*",
            "probeer|wacht ... minuten|seconden",
            "попроб*|повтор* ... минут*|секунд*",
            "分钟后|分鐘後|秒后|秒後|分後",
        ),
        codes={450, 451},
        stages=frozenset({Stage.RCPT, Stage.DATA}),
    ),
    # Some say it with a permanent code.
    Rule(C.GREYLISTED, says("grey-listed|grey-listing|gray-listed|gray-listing"), codes=PERMANENT),
)

SIZES_AND_RATES: Final = (
    # A dictionary attack was counted against our address: no matter of pace.
    Rule(
        C.POLICY_REJECTED,
        says(
            "too many invalid|unknown|bad|nonexistent|failed|wrong recipient*|user*|address*|mailbox*|rcpt*",
            "too many invalid|bad|failed|wrong|unsuccessful login*|logon*|password*|authentica*|auth",
            "too many|frequent login*|logon*|password*|authentica*|auth failures|errors",
            "banned|locked_out|blocked ... failed|failures|bad|wrong|repeated ... login*|logon*|authentica*|password*",
            "ip|host|address|you ... banned|locked_out ... too_many",
        ),
        codes=PERMANENT,
    ),
    Rule(
        C.REPUTATION_BLOCKED,
        says("too many|much ... spam|unwanted|complaint*|junk|unsolicited"),
        stages=DIALOGUE,
    ),
    # Quotas of traffic; the quota of a mailbox is none.
    Rule(
        C.RATE_LIMITED,
        says(
            "queue|relay|sending|hourly|daily|outbound|submission|connection|message_rate quota*",  # Exchange, cPanel
            "rate-limit*|throttl*",
            "daily|hourly|per ... quota*",
            "quota* of connection*|session*|message*|mails",
            "quota* ... sending|messages|hour|hourly|day|daily|minute|per",
        ),
    ),
    # Space is used up. Before sizes, for "message exceeds the mailbox's quota" is about the mailbox.
    Rule(
        C.MAILBOX_FULL,
        says(
            "mailbox|mail_box|mailfolder|maildrop|inbox|account|user|recipient|maildir ... full|over-quota|no_space",
            "quota over",
            "too much mail data",  # DoCoMo
            "full mailbox|mail_box|inbox",
            "disk|diskspace|userdisk|domaindisk quota",
            "user|mailbox|account too_many messages",
            "space used up",
            "than space|storage available",
            "receive any|more more? mail|messages",
            "too many messages in mailbox|account|folder",
            "over-quota|overquota|over_disk|out_of_quota|over_storage",  # Comcast, qmail, Dovecot
            "quota ... exceed*|violat*|full|reached|exhausted|used_up",  # Postfix virtual, Cyrus, Gmail, Exchange
            "exceed*|over|beyond ... quota|storage|disk_space|mailbox_size|mailbox_limit|allocat*",
            "mailbox|mail_box|inbox size|limit|too_large|exceed*|space",
            "storage limit|full|space|allocation|exceed*",
            "insufficient ... mailbox|storage_space|disk_quota",
            "boite|boites|messagerie ... pleine|quota",
            "postfach|empfangerpostfach|mailbox|konto|speicher* ... voll|uberfullt|erschopft",
            "buzon|casilla|cuenta ... lleno|llena|cuota",
            "casella|caixa|conta ... piena|cheia|cota",
            "cuota|cota|quota ... excedid*|superad*|depass*|uberschritten",
            "ящик|скринька ... переполнен*|заполнен*|переповнен*",
            "skrzynka ... pelna|przepelniona",
            "邮箱已满|邮箱空间|容量不足|容量已满|空间不足|信箱已满|信箱已滿",
            "容量オーバー|メールボックスがいっぱい",
        ),
        stages=ABOUT_RECIPIENT,
    ),
    # Temporary, it is the server's own disk (RFC 5321 4.2.3, 452).
    Rule(
        C.MAILBOX_FULL,
        says("insufficient|not_enough|not_sufficient|no|out_of space|disk_space|storage|storage_space|disk"),
        codes=PERMANENT,
        stages=ABOUT_RECIPIENT,
    ),
    Rule(
        C.MESSAGE_TOO_LARGE,
        says(
            f"{CONTENT} ... too_large|too_big",
            f"{CONTENT}|line|attachments too_long",
            f"{CONTENT} ... longer|bigger|heavier than",
            f"size|length of? {CONTENT} ... exceed*|limit*|maximum|max|threshold|too|over|above|reach*",
            f"{CONTENT} ... size|length ... exceed*|limit*|larger|greater|too|max|maximum",
            "exceed*|over|above|beyond|larger|bigger ... size|max_message|maximum_message|fixed_limit",
            "size ... exceed*|too_large|too_big|larger",
            "too large|big message|mail|for",
            "maximum|max|maximal|allowed message|mail? size",
            "recipsizelimit|sendersizelimit",  # Exchange
            "taille ... message",
            "size limit",
            "message trop|demasiado|troppo|muito gros|volumineux|long|grande|grosso",
            "zu groß|gross",
            "mensaje|correo ... grande",
            "слишком больш* ... письм*|сообщен*|размер*",
            "размер ... превышает",
            "邮件过大|邮件太大|超过大小|大小超过|超过限制大小",
        ),
        codes=range(452, 600),
    ),
    Rule(
        C.RATE_LIMITED,
        says(
            "traffic shap*",
            "rate|rates|frequency|speed|velocity ... exceed*|limit*|prevents|too|high|allow*|control",
            "exceed*|unusual|excessive|unexpected|high|abnormal|suspicious|maximum ... rate|frequency|volume|traffic",
            "at rate",  # Gmail: "receiving mail at a rate that"
            "too quickly|fast|frequent*|often|rapidly|much_mail|much_traffic|much_volume",
            "frequency limited|limit",  # QQ
            "slow|slowing down",
            "slower",
            "faster than",
            "back off",
            "flood*|mailbomb*",
            "excessive|unusual|large|abnormal|huge number|amount|traffic|connections",
            f"max|maximum|maximal|limit ... {TRAFFIC}|{PERIOD}",
            f"{OVER} ... {LIMIT} ... {TRAFFIC}|{PERIOD}|rate|sending",
            f"exceed*|reached|hit hourly|daily|sending|your|connection|recipient ... {LIMIT}",
            f"{TRAFFIC}|sending|sender|hourly|daily|outbound|concurrency {LIMIT} ... exceed*|reached|hit|too",
            f"number|count|amount of {TRAFFIC} ... exceed*|limit*|too",
            "simultaneous|concurrent|parallel connections|sessions ... exceed*|limit*|allow*|permit*|max|maximum|not",
            "exceed* ... command|commands|connection|session limit",  # Sendmail, IronPort
            "trop de connex*|message*|mail*|destinat*|requet*|session*",  # Orange, La Poste, Free
            "zu viele|viel",
            "demasiad* conexion*|mensaje*|correo*|destinatari*",
            "troppe|troppi|muitas|muitos|excesso conness*|messagg*|destinatari*|conexoes|mensagens|de",
            "zbyt wiele|duzo",
            "слишком много|часто|быстро|большое",  # Mail.ru, Yandex
            "превыш* ... лимит*|скорост*|количеств*|числ*|ограничен*",
            "频率|频繁|连接数|并发|过快|超过限制|次数|頻率|連線數",  # QQ, NetEase, Aliyun
            "接続数|頻度|多すぎ|回数制限",
        ),
    ),
    # "Too many" of anything is a count, mail loops apart.
    Rule(
        C.RATE_LIMITED,
        says(
            f"too many ... {TRAFFIC}",
            "too many concurrent|simultaneous|open|parallel|mail|helo*|ehlo*|rset*|recent|process*|client*|smtp",
            "too many bad|invalid|unknown|unrecognized|nonmail|non_mail|junk|syntax|protocol|failed|user*|address*",
        ),
    ),
)

# Waiting in general words, after all finer ones.
VAGUE: Final = (
    # libmilter's default text, Yandex: an outage that carries greylisting's code.
    Rule(
        C.TEMPFAIL,
        says(
            "service temporarily? not|unavailable",
            "resources|system|disk|queue|lookup|database|internal|server"
            " ... error|problem|failure|failed|unavailable|busy|load|full",
        ),
        codes=TEMPORARY,
        status=re.compile(r"4\.7\.1"),
        stages=TRANSACTION,
    ),
    Rule(C.RATE_LIMITED, says("limit* exceed*|reached|hit", "exceed* limit|max|maximum")),
    # Greylisting without the word: Postfix policy servers, Barracuda. Google's 4.7.0 says the same of a reputation: it
    # takes 4.7.1 or 4.2.0, or a waiting time.
    Rule(
        C.GREYLISTED,
        says(
            "try|retry|come|resend|attempt|deliver* ... later|again|soon|shortly|minutes|seconds",
            "defer*|temporar*",
        ),
        codes=TEMPORARY,
        status=re.compile(r"4\.(?:7\.1|2\.0)"),
        stages=frozenset({Stage.RCPT, Stage.DATA}),
    ),
    Rule(
        C.GREYLISTED,
        says(
            "try|retry|come|resend|again|wait ... in|after|for ... seconds|second|sec|secs|minutes|minute|min|mins",
        ),
        codes={450, 451},
        stages=frozenset({Stage.RCPT, Stage.DATA}),
    ),
)
