"""The one TXT record of a name that belongs to a mail standard (RFC 8461 3.1, RFC 8460 3). Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

# Real ones have under 100 bytes (MTA-STS) and under 1,000 (TLS-RPT); the DNS lets one have 64 KiB.
MAX_RECORD_BYTES: Final = 4096


def only_record(texts: Sequence[bytes], kind: bytes) -> bytes | None:
    """The text that begins with the version of `kind`, such as `v=STSv1;` for b"STS"; None if no text is meant as one.

    Where none begins so, the result is a text that was meant to, and the caller reports its fault. Raises ValueError
    with a sentence where there are several: senders then act as if there were none.
    """
    # Both sections: others are discarded, and exactly one must remain.
    found = [text for text in texts if text.startswith(b"v=%bv1;" % kind)]
    if not found:
        # Meant as a record, be it well formed or not; a wildcard's SPF record is none.
        meant = re.compile(rb"[ \t]*v[ \t]*=[ \t]*%b" % kind, re.IGNORECASE)
        found = [text for text in texts if meant.match(text)]
    if len(found) > 1:
        raise ValueError(f"there are {len(found)} records, and one is allowed")
    if found and len(found[0]) > MAX_RECORD_BYTES:
        raise ValueError(f"the record is longer than {MAX_RECORD_BYTES} bytes")
    return found[0] if found else None
