"""The software that a greeting names, from a closed list. Pure.

The name alone: a version differs between the machines of a pool, and a host may say it in digits that vary.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

from exporter.smtp.reply import MAX_LINE_BYTES

# Word in the greeting -> name.
_NAMES: Final = MappingProxyType(
    {
        b"AXIGEN": "Axigen",
        b"Axigen": "Axigen",
        b"Citadel": "Citadel",
        b"CommuniGate": "CommuniGate Pro",
        b"Coremail": "Coremail",
        b"Domino": "Domino",
        b"Exim": "Exim",
        b"FortiMail": "FortiMail",
        b"GroupWise": "GroupWise",
        b"Haraka": "Haraka",
        b"IceWarp": "IceWarp",
        b"JAMES": "Apache James",
        b"Kerio": "Kerio Connect",
        b"MDaemon": "MDaemon",
        b"MailEnable": "MailEnable",
        b"Microsoft": "Microsoft",
        b"Nemesis": "Nemesis",
        b"OpenSMTPD": "OpenSMTPD",
        b"Postfix": "Postfix",
        b"PowerMTA": "PowerMTA",
        b"Sendmail": "Sendmail",
        b"SmarterMail": "SmarterMail",
        b"SonicWall": "SonicWall",
        b"Stalwart": "Stalwart",
        b"Symantec": "Symantec Messaging Gateway",
        b"VPOP3": "VPOP3",
        b"XMail": "XMail",
        b"Zimbra": "Zimbra",
        b"ecelerity": "Momentum",
        b"gsmtp": "Google",
        b"hMailServer": "hMailServer",
        b"maddy": "maddy",
        b"qmail": "qmail",
    }
)
# The name of a product by itself; not a host that is named after it.
NAMED: Final = rb"(?<![\w.@-])(?:" + b"|".join(_NAMES) + rb")(?![\w-]|\.[A-Za-z])"
_NAMED: Final = re.compile(NAMED)
# No less than a reply may have in which something varies (exporter.probe.varying_words): none of those is cut.
_MAX_BYTES: Final = MAX_LINE_BYTES


def software_of(greeting: Sequence[bytes]) -> str:
    """The software named in the lines of a greeting (without codes), behind the name of the host; "" where none is."""
    _, _, text = b" ".join(greeting)[:_MAX_BYTES].lstrip().partition(b" ")
    found = _NAMED.search(text)
    return "" if found is None else _NAMES[found[0]]
