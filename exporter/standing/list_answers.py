"""The questions to a block list, and the meaning of its answers (RFC 5782). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Final

from exporter.model.address import Family
from exporter.model.printable import printable
from exporter.model.standing import ListAnswer, ListingState
from exporter.resolver.answer import DnsAnswer
from exporter.standing.records import failure_in, texts_in

# RFC 5782 5: a list has the first entry and never the second.
TEST_LISTED: Final = {Family.IPV4: "127.0.0.2", Family.IPV6: "::ffff:7f00:2"}
TEST_CLEAR: Final = {Family.IPV4: "127.0.0.1", Family.IPV6: "::ffff:7f00:1"}
# RFC 5782 2.1: an entry is an address of this network.
_ENTRIES: Final = ip_network("127.0.0.0/8")
# Codes that lists have for errors: Spamhaus a whole network; URIBL, SURBL and others refuse with 127.0.0.1, DNSWL and
# others with 127.0.0.255.
_ERRORS: Final = ip_network("127.255.255.0/24")
_MEANINGS: Final = {
    "127.255.255.252": "the name of the list is mistyped",
    "127.255.255.254": "the question came by a public resolver, or one without a name of its own",
    "127.255.255.255": "too many questions came from our resolver",
    "127.0.0.1": "it refuses our resolver",
    "127.0.0.255": "it refuses our resolver, or too many questions came from it",
}
_MAX_TEXT: Final = 160
_MAX_CODES: Final = 8


@dataclass(frozen=True, slots=True)
class ListReplies:
    """The answers of one list: about its two test addresses, and about ours."""

    must_list: DnsAnswer
    must_not: DnsAnswer
    ours: DnsAnswer
    of_ipv4: DnsAnswer | None = None  # about the first test address of IPv4, where that of IPv6 is missing


def query_name(address: str, zone: str) -> str:
    """The name to ask `zone` about (RFC 5782 2.1, 2.4): the octets, or the nibbles, reversed."""
    reverse = ip_address(address).reverse_pointer
    return f"{reverse.removesuffix('.in-addr.arpa').removesuffix('.ip6.arpa')}.{zone}"


def has_entry(answer: DnsAnswer) -> bool:
    """True for an answer that is an entry of a block list."""
    return any(ip_address(code) in _ENTRIES for code in _codes(answer))


def judge_list(zone: str, family: Family, answers: ListReplies, at: float, text: str = "") -> ListAnswer:
    """The answer of a list about our address; `text` is its own explanation of a listing."""
    for answer in (answers.ours, answers.must_list, answers.must_not):
        refused = _refusal(answer)
        # 127.0.0.1 about its own test address is an entry that must not be there, or the same refusal.
        if refused:
            return ListAnswer(zone, ListingState.REFUSED, at, _codes(answer), refused)
    if answers.must_not.records:
        everything = f"it answers for {TEST_CLEAR[family]} too, which no list has: it answers for everything"
        return ListAnswer(zone, ListingState.DEAD, at, _codes(answers.must_not), everything)
    for answer in (answers.must_list, answers.must_not, answers.ours):
        failure = failure_in(answer)
        if failure:
            return ListAnswer(zone, ListingState.FAILED, at, detail=failure)
    if not has_entry(answers.must_list):
        if answers.of_ipv4 is not None and has_entry(answers.of_ipv4):
            return ListAnswer(zone, ListingState.IPV4_ONLY, at, detail=f"it does not have {TEST_LISTED[family]}")
        nothing = f"it does not have {TEST_LISTED[family]}, which every working list has (RFC 5782 5)"
        return ListAnswer(zone, ListingState.DEAD, at, _codes(answers.must_list), nothing)
    if not answers.ours.records:
        return ListAnswer(zone, ListingState.CLEAR, at)
    if not has_entry(answers.ours):
        strange = "its answer is no entry of a block list (RFC 5782 2.1)"
        return ListAnswer(zone, ListingState.FAILED, at, _codes(answers.ours), strange)
    return ListAnswer(zone, ListingState.LISTED, at, _codes(answers.ours), printable(text, _MAX_TEXT))


def _refusal(answer: DnsAnswer) -> str:
    """The error that a list tells by its answer."""
    codes = _codes(answer)
    for code in codes:
        if code in _MEANINGS or ip_address(code) in _ERRORS:
            return _MEANINGS.get(code, "an error code of the list")
    return ""


def _codes(answer: DnsAnswer) -> tuple[str, ...]:
    return texts_in(answer)[:_MAX_CODES]
