"""The TXT record at `_mta-sts.<domain>` (RFC 8461 3.1): there is a policy, and by its id whether a new one. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from exporter.policies.txt_record import only_record

# RFC 8461 3.1, the ABNF. The text before the first field is fixed and case-sensitive.
_DELIMITER: Final = rb"[ \t]*;[ \t]*"
_FIELD: Final = rb"(?:id=[A-Za-z0-9]{1,32}|(?!id=)[A-Za-z0-9][A-Za-z0-9_.-]{0,31}=[\x21-\x3a\x3c\x3e-\x7e]+)"
_RECORD: Final = re.compile(rb"v=STSv1(?:%b%b)+(?:%b)?" % (_DELIMITER, _FIELD, _DELIMITER))
_ID: Final = re.compile(rb";[ \t]*id=([A-Za-z0-9]{1,32})")


def policy_id(texts: Sequence[bytes]) -> str | None:
    """The policy's id from the texts of all TXT records of the name; None if none of them is about MTA-STS.

    Raises ValueError with a sentence where the records are wrong, so that senders assume no policy.
    """
    found = only_record(texts, b"STS")
    if found is None:
        return None
    if _RECORD.fullmatch(found) is None:
        raise ValueError(f"the record is malformed: {_shown(found)}")
    # RFC 8461 3.2, for record and policy alike: of a repeated field the first counts.
    first = _ID.search(found)
    if first is None:
        raise ValueError(f"the record has no id: {_shown(found)}")
    return first[1].decode("ascii")


def _shown(text: bytes) -> str:
    return repr(text[:128].decode("latin-1"))
