"""The text of a reply in a normal form, in which the phrases of the rules are written. Pure.

Servers write one statement in a hundred spellings: "<a@b.example>... User is unknown!", "user unknown (#5.1.1)",
"E-Mail can't be delivered". The normal form keeps the statement: lower case, no accents, no numbers, no punctuation but
sentence ends, no articles and auxiliaries, "not" for every n't. Mailboxes, host names, addresses and URLs are removed,
for their words are names and no verdict (spam@, blacklist.example.net); host names and URLs are kept apart, because
some of them are the names of block lists.

Strangers write the text: it is cut first, and the time is linear in the rest.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

# Characters that are examined. Servers give the reason first; block-list texts with all URLs stay under 1 KiB.
MAX_EXAMINED_CHARS: Final = 2048
# Words are found by a prefix of this length, so that a phrase may leave the ending open.
KEY_CHARS: Final = 4

# "Try again.Please": a sentence end without its space is no host name.
_GLUED_SENTENCES: Final = re.compile(r"(?<=[a-z])\.(?=[A-Z][a-z])")
_NOT: Final = re.compile(r"(?:\bca|\bwo)?n['\u2019]t\b")
# RFC 5321 4.5.3.1: 64 octets of local part, 255 of domain. Bounded, so that a row of letters is not scanned for each.
_MAILBOX: Final = re.compile(r"(?<![^\s<>()\[\]'\":;,=])[^\s<>@:;,=]{1,64}@[^\s<>@,;:()\]'\"]{1,255}")
# A number of Charter's catalogue; a URL; or anything dotted, with the path that follows: host names (RFC 1035 2.3.4: 63
# octets a label), IPv4 addresses, enhanced codes, versions. Exchange's dotted tokens (RESOLVER.ADR.NotFound) are words.
_DOTTED: Final = re.compile(
    r"(?<![a-z0-9_-])(?!(?:resolver|routing|smtpsend|storedrv)\.)"
    r"(?:aup#[a-z]{1,3}-[0-9]{4}|https?://[^\s<>\"\])]{1,300}"
    r"|[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63}){1,16}(?:/[^\s<>\"\])]{0,300})?)"
)
_LETTER: Final = re.compile(r"[a-z]")
_IPV4: Final = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}")
# "Mail from 192.0.2.1 refused": about our address, not about a sender.
_FROM_IPV4: Final = re.compile(r"(?<=\bfrom )\[?(?:\d{1,3}\.){3}\d{1,3}\]?(?![\w.-])")
_IPV6: Final = re.compile(r"(?<![\w:.])(?=[0-9a-f:]{0,39}::|(?:[0-9a-f]{1,4}:){5})[0-9a-f:]{3,39}")
# The number of a catalogue's entry that a URL leads to: "...-codes.php#BL000001".
_TAG: Final = re.compile(r"#([a-z]{1,4}-?[0-9]{4,8})$")
# From here on (CJK radicals, U+2E80) scripts are written without spaces, right behind Latin words too.
UNSPACED_FROM: Final = "\u2e80"
_TOKEN: Final = re.compile(rf"[^\W_{UNSPACED_FROM}-\U0010ffff]+|(?:(?=\w)[{UNSPACED_FROM}-\U0010ffff])+|[.!?\u3002]")
_SENTENCE_ENDS: Final = frozenset("!?\u3002")
# "200 letters", "your 101st letter".
_COUNT: Final = re.compile(r"\d{1,7}(?:st|nd|rd|th)?")
_COUNTED: Final = frozenset(
    (
        *(
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "twenty",
            "thirty",
        ),
        *("forty", "fifty", "sixty", "seventy", "eighty", "ninety", "hundred", "hundreds", "thousand", "thousands"),
        *("dozen", "dozens", "score", "million", "zwei", "drei", "zehn", "hundert", "tausend", "cent", "mille", "cien"),
        *("mil", "cento", "sto", "tysiac", "honderd", "duizend", "сто", "тысяч"),
    )
)

# Words without a statement, which are dropped.
FILLERS: Final = frozenset(
    (
        *("a", "an", "the", "this", "that", "these", "those", "to", "s", "e"),  # sender's, e-mail
        *("is", "are", "was", "were", "be", "been", "being", "am", "has", "have", "had", "having", "do", "does", "did"),
        *("can", "could", "will", "would", "may", "might", "shall"),
        *("currently", "please", "sorry", "kindly", "also", "just", "apparently"),
    )
)
# "this host" is the server.
DEMONSTRATIVES: Final = frozenset(("this", "that", "these", "those"))
_SPELLINGS: Final = {
    **dict.fromkeys(FILLERS, ""),
    **dict.fromkeys(
        ("cannot", "cant", "dont", "doesnt", "didnt", "isnt", "wasnt", "arent", "couldnt", "wont", "hasnt", "havent"),
        "not",
    ),
    "email": "mail",
    "emails": "mails",
    "adress": "address",
    "existant": "existent",
    "nonexistant": "nonexistent",
    "recepient": "recipient",
    "unauthorised": "unauthorized",
    "authorised": "authorized",
}


@dataclass(frozen=True, slots=True)
class Words:
    """`said`: words between single spaces, "." where a sentence ends; `keys`: their prefixes; `names`: hosts, URLs.

    `spoken` is `said` with the demonstratives left in it; `ip_address`, `number`, `mailbox`: one stands in the text.
    """

    said: str
    keys: frozenset[str]
    names: str
    spoken: str
    ip_address: bool
    number: bool
    mailbox: bool


def words_of(text: str) -> Words:
    """The words of a reply's text, as far as the text is examined."""
    text = without_accents(_GLUED_SENTENCES.sub(". ", text[:MAX_EXAMINED_CHARS]).lower())[:MAX_EXAMINED_CHARS]
    text, mailboxes = _MAILBOX.subn(" ", _NOT.sub(" not", text.replace("<>", " nullsender ")))
    text, ipv6_addresses = _IPV6.subn(" ", text)
    text, origins = _FROM_IPV4.subn("ip", text)
    text, names, ipv4_addresses = _without_names(text)
    kept: list[str] = []
    spoken: list[str] = []
    keys: set[str] = set()
    number = False
    for token in _TOKEN.findall(text):
        word = "." if token in _SENTENCE_ENDS else _SPELLINGS.get(token, token)
        number = number or _COUNT.fullmatch(token) is not None or token in _COUNTED
        if token in DEMONSTRATIVES:
            spoken.append(token)
        if word and not word.isdigit():
            kept.append(word)
            spoken.append(word)
            keys.add(word[:KEY_CHARS])
            if not word.isascii():
                keys.update(word)  # a phrase may begin anywhere in an unspaced script
    return Words(
        f" {' '.join(kept)} ",
        frozenset(keys),
        " ".join(names),
        " ".join(spoken),
        ipv4_addresses + ipv6_addresses + origins > 0,
        number,
        mailboxes > 0,
    )


def _without_names(text: str) -> tuple[str, list[str], int]:
    """The text without dotted names, except the tags of URLs; the names; and the number of IPv4 addresses."""
    names: list[str] = []
    addresses = 0

    def take(found: re.Match[str]) -> str:
        nonlocal addresses
        if _LETTER.search(found[0]):
            names.append(found[0])
            tag = _TAG.search(found[0])
            return f" {tag[1]} " if tag is not None else " "
        if _IPV4.match(found[0]):
            addresses += 1
        return " "

    return _DOTTED.sub(take, text), names, addresses


# Letters with a stroke, which no normal form decomposes.
_STROKES: Final = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "\u0131": "i"})


def without_accents(text: str) -> str:
    """The text without accents, "boîte" as "boite"; scripts that are not Latin keep their letters."""
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFD", text.translate(_STROKES))
    return unicodedata.normalize("NFC", "".join(char for char in decomposed if not "\u0300" <= char <= "\u036f"))
