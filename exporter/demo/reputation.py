"""The standing of the demo's exporter in its world: its public address, and what its DNS says about that.

The address is one for documentation (RFC 5737); the hosts tell it in their answers to EHLO, in the forms of several
makes. At the start it has no PTR record and stands on a block list; two domains refuse it for that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

OUR_ADDRESS: Final = "203.0.113.25"
# The name by which the demo's exporter introduces itself; the demo's DNS knows it.
HELO: Final = "probe.example"
SENDER: Final = "probe.example"
_LIST: Final = "zen.spamhaus.org"  # as the demo has it: the real one is not asked
_EVERYTHING: Final = "abandoned-list.example"
_REFUSING: Final = "refusing-list.example"
LISTS: Final = (_LIST, _EVERYTHING, _REFUSING)
# The domains that refuse us for the one reason and for the other.
LISTED_AT: Final = "mx.blocklisted.example"
NAMELESS_AT: Final = "mx.nameless.example"
_POINTER: Final = "25.113.0.203.in-addr.arpa"
_ENTRY: Final = "25.113.0.203"
_FORMS: Final = (
    f"at your service, [{OUR_ADDRESS}]",
    f"Hello {HELO} [{OUR_ADDRESS}]",
    f"Hello {HELO} [{OUR_ADDRESS}], pleased to meet you",
    "",
)
_PRIVATE: Final = f"Hello {HELO} [10.0.0.25]"


def hello(number: int) -> str:
    """The words behind the name of a host in its answer to EHLO; of one host a private address, of some nothing."""
    return _PRIVATE if number == 1 else _FORMS[number % len(_FORMS)]


def records(*, listed: bool, named: bool) -> Mapping[tuple[str, str], Sequence[str]]:
    """The records about our address: whether it stands on the list, and whether it has a name."""
    found: dict[tuple[str, str], Sequence[str]] = {
        (HELO, "A"): [OUR_ADDRESS],
        (HELO, "TXT"): [f'"v=spf1 ip4:{OUR_ADDRESS} -all"'],
        (f"2.0.0.127.{_LIST}", "A"): ["127.0.0.2"],
    }
    for name in ("2.0.0.127", "1.0.0.127", _ENTRY):
        found[f"{name}.{_EVERYTHING}", "A"] = ["127.0.0.2"]
        found[f"{name}.{_REFUSING}", "A"] = ["127.255.255.254"]
    if listed:
        found[f"{_ENTRY}.{_LIST}", "A"] = ["127.0.0.3"]
        found[f"{_ENTRY}.{_LIST}", "TXT"] = ['"Listed by the demo: a lever takes it off"']
    if named:
        found[_POINTER, "PTR"] = [f"{HELO}."]
    return found
