"""Rules for recipients: domains of other servers, mailboxes that do not exist, mailboxes that are closed."""

from __future__ import annotations

import re
from typing import Final

from exporter.diagnosis.replies.rule import ABOUT_RECIPIENT, PERMANENT, TEMPORARY, TRANSACTION, Rule, says
from exporter.diagnosis.replies.rules.vocabulary import MAILBOX, MESSAGE, NONEXISTENT, NOT_THERE, OUT_OF_USE, REFUSED
from exporter.model.failure import FailureClass as C

# 451, 452 and 454 are faults of the server: it could not look the recipient up.
_UNKNOWN_CODES: Final = frozenset(range(450, 600)) - {451, 452, 454}

# In the words of lists and of names, which they are not.
DIRECTORIES: Final = (
    Rule(
        C.MAILBOX_UNKNOWN,
        says(
            "not listed in|on? ... directory|alias|table",
            "not in|on ... allowed|valid|local recipients|users|mailboxes",
            "nosuchuser",  # vger
            "invalid domain mailbox user",
            f"{MESSAGE}|everything for? address|mailbox|user|recipient|account|alias bounces|bounced|returned",
        ),
        codes=PERMANENT,
        stages=ABOUT_RECIPIENT,
    ),
)

# Of the recipient, in the words that are said of senders and clients elsewhere.
_OWNER: Final = "recipient|user|account|owner|mailbox|he|she"
RECIPIENTS: Final = (
    Rule(
        C.MAILBOX_DISABLED,
        says(
            f"{_OWNER} ... log_in|login|sign_in|log_on ... enable|activate|reactivate|unlock|resume|receive|receiving",
            "recipient|rcpt|mailbox|user address? black-listed|block-listed|deny-listed|banned",
            "account|mailbox|inbox|address|user not allowed|permitted|able|entitled|authorized|eligible receive|get",
            # A mailbox that has not been read for long.
            "not|no|never|nobody ... used|opened|read|accessed|activity|logged_in|looked_in ... since|years|months",
            "unused|idle for|since",
            "не используется|активен|активирован",
            "seit jahren|monaten|langem|langerem",
            "depuis ans|mois|longtemps",
            "desde hace|anos|meses",
            "长期未|长时间未|年未|月未",
            f"{MESSAGE}|nothing not accepted|received|taken at|for address|mailbox|recipient|user|account",
        ),
        codes=PERMANENT,
        stages=ABOUT_RECIPIENT,
    ),
    Rule(
        C.RELAY_DENIED,
        says(f"relay|relaying|relayed|forwarding from|through|via|for ... {REFUSED}|not_allowed|not_permitted"),
        stages=TRANSACTION,
    ),
    # A part of their system that is called after its task.
    Rule(
        C.TEMPFAIL,
        says(
            "plugin|plugins|module|modules|hook|hooks ... decided|answer*|respon*|fail*|crash*|error|timeout|timed_out",
            "relay|mail|delivery|smtp server|host|service|system|gateway not ready|available|running|responding",
        ),
        codes=TEMPORARY,
        stages=TRANSACTION,
    ),
)

DOMAINS: Final = (
    Rule(
        C.REJECTED,  # RFC 7505 4.2, in Postfix's words: a fact about the recipient's domain
        says("nullmx|null_mx", "domain not accept mail"),
        codes=PERMANENT,
        stages=ABOUT_RECIPIENT,
    ),
    # Postfix, Exim, Sendmail, qmail, Exchange, Symantec: the domain is none of theirs.
    Rule(
        C.RELAY_DENIED,
        says(
            f"relay|relaying|relayed|relays ... {REFUSED}|not|prohibit*|refus*|disabled|restrict*|unauthorized",
            "no|not|unable|never|refus*|denied|denies|unauthorized|attempt*|illegal ... relay|relaying|relayed",
            "rcpthosts",  # qmail
            "tenantattribution|relay_access",  # Exchange Online
            "recipient domain ... not|unknown|reject*|invalid",
            "not local domain|host|recipient|address|user|account|mailbox",
            "domain|domains no_longer|not_longer|not_any_longer|moved|retired|departed|discontinued",
            "domain|domains|host ... not local|hosted|served|handled|configured|accepted|here|known|valid|found|ours",
            "domain|domains ... not ... local|hosted|served|handled|here|list|accept*|server",
            "not ... accept|handle|host|serve|receive mail? ... for|domain|domains",
            "not ... deliver mail? ... domain|domains|host",
            f"{NONEXISTENT}|unaccepted|unhandled|non_accepted|remote|foreign recipient? domain|domains",
            "unrouteable|unroutable ... domain|mail_domain",
            "no domain",
            "domain not used",
            "bad|illegal|invalid|unknown destination host|system|domain",
            "illegal host|domain",
            "not one? of? my|our|ours domain|domains",
            "not gateway|mx",
            "local user|users|recipient|recipients only",
            "not mail_server|mail_host for",
            "not handled|hosted|served by|here",
            "relais|relaie|relayage ... refuse|interdit|pas|non",
            "weiterleitung|relaying|relay ... verboten|erlaubt|abgelehnt|gestattet|nicht",
            "relay|reenvio|reenviar ... no_permit*|denegad*|negad*|non_consentit*|nao_permitid*|prohibid*",
            "пересылка|ретрансляц*|релей ... запрещ*|не",
            "不允许转发|拒绝转发|中继",
        ),
        stages=TRANSACTION,
    ),
    Rule(
        C.RELAY_DENIED,
        says("host unknown|unreachable", "unknown host", "domain must exist"),
        codes=PERMANENT,
        stages=TRANSACTION,
    ),  # Sendmail
)

MAILBOXES: Final = (
    # The mailbox is in use by another process, or is being moved to another store.
    Rule(
        C.TEMPFAIL,
        says(
            "mailbox|mail_box|maildir|inbox|account ... locked_by|busy|moved|migrat*|rebuilt|in_use",
            "zurzeit|derzeit|momentan|vorubergehend ... nicht|gestort",
            "nicht erreichbar|verfugbar",
            "temporairement|temporalmente|temporaneamente|temporariamente|tymczasowo|tijdelijk|временно",
        ),
        codes=TEMPORARY,
        stages=ABOUT_RECIPIENT,
    ),
    # 5.1.1 beats "inactive", which says little of whether the mailbox will come back: Apple, Rambler.
    Rule(C.MAILBOX_UNKNOWN, says("inactive"), status=re.compile(r"5\.(?:1\.1|7\.1)"), stages=ABOUT_RECIPIENT),
    # Before the closed ones, for "invalid mailbox ... account is disabled" is Mail.ru's word for a deleted one.
    Rule(
        C.MAILBOX_UNKNOWN,
        says(
            f"{MAILBOX} ... {NOT_THERE}",  # "user unknown"
            f"id|list|mail {NOT_THERE}",
            f"{NONEXISTENT}|illegal|bad|incorrect|wrong|no_known {MAILBOX}|name|person|mail|local|virtual|or|login",
            "no user|users|mailbox|account|recipient|person|alias|one|address ... here|there|name|found|called|exists",
            "no such|mailbox|mail_box|account|user",
            "not|never find|found|locate|exist*|know|recognize ... user|recipient|mailbox|account|address|list|alias",
            "not account|user|mailbox|recipient|registered|valid|known ... here|account|user|address|there|server",
            "not valid|known account|user|recipient|mailbox|address|mail",
            "not accept|active user|recipient|rcpt|address|account",
            "not exist*|found",
            "not deliverable|in_directory|in_recipient|in_user|in_valid|in_our",
            "not our customer|user",  # Comcast
            "user|recipient not account|mailbox",  # Yahoo
            "unable find|locate",
            "recipient|recipients not ok|here|unique|accepted|allowed",
            "recipient ... denied",
            "rejected|refused recipient|recipients",
            "user|account|mailbox ... moved|left",
            "no longer valid|available|here|active|exists|works|employed|in_use|with",
            "notfound|recipnotfound|recipientnotfound|usernotfound|unknownuser",  # Exchange
            "recipient|recipients address|addresses rejected access_denied",  # Exchange Online's directory edge block
            "undeliverable|unrouteable|unroutable address?",  # Exim, Postfix
            "badrcptto|badrecipientto",  # qmail
            "missing home|maildir|directory",
            "recipient|callout verify|verification ... fail*",
        ),
        stages=ABOUT_RECIPIENT,
        codes=_UNKNOWN_CODES,
    ),
    # The same in other languages.
    Rule(
        C.MAILBOX_UNKNOWN,
        says(
            "utilisateur|destinataire|adresse|compte|boite ... inconnu*|invalide|inexistant*|n_existe",
            "empfanger|benutzer|postfach|adresse|konto|teilnehmer ... unbekannt|existiert|nicht|ungultig",
            "unbekannter|unbekannte|ungultige|ungultiger empfanger|benutzer|adresse|nutzer|empfangeradresse",
            "no existe ... usuario|cuenta|direccion|buzon|persona|destinatario",
            "usuario|cuenta|direccion|buzon|destinatario ... desconocid*|no_existe|inexistent*|no_encontrad*|no_valid*",
            "usuario|conta|caixa|destinatario|endereco ... desconhecid*|nao_existe|inexistente|nao_encontrad*|invalid*",
            "utente|casella|indirizzo|destinatario ... sconosciut*|inesistent*|non_esiste|non_trovat*|non_valid*",
            "nessun utente|destinatario|casella",
            "sconosciuto|sconosciuta",
            "gebruiker|adres|mailbox|ontvanger ... onbekend|bestaat|ongeldig",
            "onbekende gebruiker|ontvanger",
            "uzytkownik|skrzynka|adres|konto|odbiorca ... nie_istnieje|nieznan*",
            "nie istnieje",
            "neexistuje|nezname|okand|ukendt|ukjent|tuntematon|bilinmeyen",
            "нет такого|таких|такой|пользовател*",
            "не существует|найден*|зарегистрирован*",
            "неизвестн* пользовател*|получател*|адрес*",
            "пользователь|ящик|адрес|получатель ... не|неизвест*|удален*",
            "不存在|无此|查无|用户未找到|没有此|無此|找不到|無効",
            "存在しません|見つかりません|宛先不明|ユーザー不明|該当するユーザ",
            "없는|존재하지",
        ),
        stages=ABOUT_RECIPIENT,
        codes=_UNKNOWN_CODES,
    ),
    # 5.2.1 in words: Gmail, Yahoo, Mail.ru, QQ, Zoho, Exchange.
    Rule(
        C.MAILBOX_DISABLED,
        says(
            "mailbox|mail_box|account|user|recipient|address|mail_address|mailaddress|customer|box|alias"
            f" ... {OUT_OF_USE}|temporarily_locked|temporary_locked",
            "disabled|suspended|inactive|deactivated|locked|frozen|expired|closed|archived"
            " mailbox|account|user|recipient|address|mail_address|customer",
            "suspended|deactivated|frozen|temporarily_disabled|temporarily_locked|temporary_locked",
            "disabled due|for|because|by",
            "receiving disabled",
            "inactivity",
            f"mailbox|user|account|address|recipient ... not accept*|receive|receiving {MESSAGE}|any",
            "no longer accept* mail|mails|messages",
            "compte|boite|messagerie ... bloque|desactiv*|suspendu*|inactif|inactive|ferme|archive|archivee",
            "konto|postfach|benutzer|empfanger ... deaktiviert|gesperrt|inaktiv|stillgelegt|geschlossen",
            "cuenta|buzon|usuario ... desactiv*|suspendid*|inactiv*|bloquead*|deshabilitad*",
            "conta|caixa|usuario ... desativ*|suspens*|inativ*|bloquead*",
            "account|casella ... disabilitat*|disattivat*|sospes*",
            "ящик|аккаунт|пользователь|пользователя|адрес ... заблокирован*|отключен*|неактив*",
            "账号|帐号|邮箱|用户|信箱 ... 停用|禁用|冻结|锁定|停止",
            "已被停用|已停用|被禁用|被冻结|被锁定|已冻结|已禁用|停用|凍結",
        ),
        stages=ABOUT_RECIPIENT,
    ),
    # RFC 5321 4.2.3, 550: "mailbox unavailable", the standard's own words; with 450 it is busy and no more than that.
    Rule(
        C.MAILBOX_UNKNOWN,
        says(
            "mailbox|user|recipient|address|account unavailable|unavaiable|not_available",
            "mailbox|user|recipient|address|account name_not_allowed|not_allowed|invalid",
        ),
        codes=PERMANENT,
        stages=ABOUT_RECIPIENT,
    ),
    # Their look at the recipient failed for now (Postfix reject_unverified_recipient).
    Rule(
        C.TEMPFAIL,
        says(
            "unverified address",
            "recipient|address verification ... fail*|error|timed|unavailable",
            "mailbox|recipient|user temporarily? unavailable|busy",
        ),
        codes=TEMPORARY,
        stages=ABOUT_RECIPIENT,
    ),
)

# The bare statement: any reason behind Postfix's "Recipient address rejected" was a finer rule's.
BARE: Final = (
    Rule(
        C.MAILBOX_UNKNOWN,
        says("address|recipient|rcpt rejected|unknown|refused|failed"),
        stages=ABOUT_RECIPIENT,
        codes=PERMANENT,  # for now, it may be anything
    ),
)
