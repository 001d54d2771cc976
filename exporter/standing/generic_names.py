"""Names of an address that receivers take for those of a dial-up line or a rented machine. Pure.

The rules are those that receivers publish or are known to have: the address in the name, in any of its spellings; a
word of access networks; the name that a provider gives to each of its addresses. Words of the registrable domain do
not count, for it is a name that somebody chose, nor do any beside a word of mail servers.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from exporter.diagnosis.networks import organisation

# Words of access networks, alone or with digits behind them.
_WORD: Final = re.compile(
    r"(?<![a-z])(dyn|dynamic|dynip|dynamicip|dinamic[ao]?|dialup|dial-up|dialin|dial-in|dial|dip|ppp|pppoe|dhcp|bootp"
    r"|[a-z]?dsl|cable|cablemodem|catv|hfc|docsis|broadband|bband|residential|resnet|fttx|ftth|fttb|fttp|gpon"
    r"|wimax|gprs|umts|hsdpa|cpe|modem|unassigned|unused|no-ptr|noptr|no-reverse|no-rdns|norevdns"
    r"|unknown|undefined|not-set)(?![a-z])"
)
# Words that many a mail server has in its name, too: they count with two numbers, or with a long one.
_WEAK: Final = re.compile(
    r"(?<![a-z])(ip|ipv?4|ipv?6|pool|pools|host|client|clients|cust|customer|customers|user|users|static|sta|nat|node|vps|vm|kvm|srv"
    r"|server|unallocated|rev|reverse|addr|address|in-addr|net|cloud|instance|ded|dedicated|colo"
    r"|mobile|wireless|wifi|wlan|lte|fiber|fibra)(?![a-z])"
)
# A label of a mail server, as receivers take it for one whatever is beside it.
_MAIL: Final = re.compile(
    r"(?<![a-z])(?:e?mail|mailout|mails?rv|mailer|mailhost|mailgw|mta|mx|mxout|smtp|smtpout|smtps|outbound|mout|relay|postfix|exim)"
    r"(?![a-z])"
)
_NUMBER: Final = re.compile(r"[0-9]+")
# Two numbers side by side; hexadecimal of six or more with a digit in it; a number too long for a year.
_NUMBERS: Final = re.compile(
    r"(?<![0-9])[0-9]{1,3}[-._x][0-9]{1,3}(?![0-9])|(?<![0-9a-z])(?=[a-f]*[0-9])[0-9a-f]{6,}(?![0-9a-z])|[0-9]{5,}"
)
# Below these every machine of a provider has a name.
_PROVIDERS: Final = re.compile(
    r"(?:^|\.)(?:compute(?:-1)?\.amazonaws\.com(?:\.cn)?|compute\.internal|bc\.googleusercontent\.com|cloudapp\.(?:net|azure\.com)"
    r"|members\.linode\.com|ip\.linodeusercontent\.com|vultrusercontent\.com|clients\.your-server\.de|vps\.ovh\.(?:net|ca|us)"
    r"|contaboserver\.net|stratoserver\.net|onlinehome-server\.(?:com|info|net)|startdedicated\.(?:com|de|net)|secureserver\.net"
    r"|ip-[0-9]{1,3}-[0-9]{1,3}-[0-9]{1,3}\.(?:eu|net)|hstgr\.cloud|t-ipconnect\.de|poneytelecom\.eu|scw\.cloud|linodeusercontent\.com|oraclevcn\.com|dip0\.t-ipconnect\.de)$"
)
_SEPARATOR: Final = r"[-._x]?0{0,2}"


def generic_reason(name: str, address: str) -> str:
    """The reason why the name of an address looks generic, half a sentence about it; empty: it does not."""
    name = name.lower().rstrip(".")
    ip = ip_address(address)
    if _has_ipv4(name, ip) if isinstance(ip, IPv4Address) else _has_ipv6(name, ip):
        return "has our address in it"
    if _PROVIDERS.search(name):
        return "is one that the provider gives to each of its addresses"
    chosen = organisation(name)
    host = name.removesuffix(chosen).rstrip(".") if name != chosen else ""
    if _MAIL.search(host):
        return ""
    word = _WORD.search(host)
    if word is not None:
        return f"has the word {word[1]} in it, as those of access networks"
    weak = _WEAK.search(host)
    if weak is not None and _NUMBERS.search(host):
        return f"has the word {weak[1]} and numbers in it, as those of address pools"
    return ""


def _has_ipv4(name: str, ip: IPv4Address) -> bool:
    """All four numbers, in their order or reversed, with separators or padded; or hexadecimal, or as one number."""
    octets = list(ip.packed)
    for order in (octets, octets[::-1]):
        numbers = "[-._x]0{0,2}".join(map(str, order))
        padded = "[-._x]?".join([f"{octet:03}" for octet in order])
        hexadecimal = "[-._x]?".join([f"{octet:02x}" for octet in order])
        patterns = (rf"(?<![0-9])0{{0,2}}{numbers}(?![0-9])", rf"(?<![0-9]){padded}(?![0-9])")
        if any(re.search(pattern, name) for pattern in patterns):
            return True
        # A prefix letter may stand before it, as in p54a1b2c3.
        if re.search(rf"(?<![0-9a-f]){hexadecimal}(?![0-9a-f])", name):
            return True
    # Three of the numbers, reversed or not, below a name that says the rest, are rarer and not taken.
    return str(int(ip)) in _NUMBER.findall(name)


def _has_ipv6(name: str, ip: IPv6Address) -> bool:
    """The digits of the whole address, or of its second half, with any separators; or reversed one by one."""
    digits = ip.exploded.replace(":", "")
    labels = re.split(r"[-._x:]", name)
    joined = "".join(labels)
    if digits in joined or digits[::-1] in joined:
        return True
    hextets = [f"{int(part, 16):x}" for part in ip.exploded.split(":")]
    # 2001-db8--1 leaves zeros out, as the address does.
    short = str(ip).replace("::", ":0:").strip(":").split(":")
    spellings = ("-".join(hextets), "-".join(str(ip).split(":")), "-".join(part for part in short if part))
    return any(len(each) > 6 and re.search(rf"(?<![0-9a-f]){re.escape(each)}(?![0-9a-f])", name) for each in spellings)
