"""The name this machine says after EHLO when the configuration gives none."""

from __future__ import annotations

import re
import socket
from typing import Final

_DOMAIN: Final = re.compile(r"(?=.{1,253}$)(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9-]{2,63}")


def local_helo() -> tuple[str, bool]:
    """This machine's fully qualified name, and whether it is one; else the best that is honest.

    RFC 5321 4.1.1.1 asks for the fully qualified name. May ask the system's resolver: call it once, at the start.
    """
    for name in (socket.getfqdn(), socket.gethostname()):
        if _DOMAIN.fullmatch(name) and not name.endswith((".localdomain", ".arpa")):
            return name.lower(), True
    name = re.sub(r"[^A-Za-z0-9-]", "-", socket.gethostname()).strip("-")[:63]
    return name or "localhost", False
