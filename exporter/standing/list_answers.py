"""The questions to a block list, and the meaning of its answers (RFC 5782). Pure."""

from __future__ import annotations

from collections.abc import Callable
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
    "127.255.255.254": "the question came through a public resolver, or one whose reverse DNS is generic",
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
    state, about, detail = _state_of(family, answers)
    codes = () if about is None else _codes(about)
    return ListAnswer(zone, state, at, codes, printable(text, _MAX_TEXT) if state is ListingState.LISTED else detail)


def _state_of(family: Family, answers: ListReplies) -> tuple[ListingState, DnsAnswer | None, str]:
    """The state, the answer that shows it, and the reason."""
    ours, must_list, must_not = answers.ours, answers.must_list, answers.must_not
    filtered = _first(_filter_in, must_not, must_list, ours, answers.of_ipv4)
    if filtered:
        return ListingState.FAILED, None, filtered
    for answer in (ours, must_list, must_not):
        refused = _refusal(answer)
        # 127.0.0.1 about its own test address is an entry that must not be there, or the same refusal.
        if refused:
            return ListingState.REFUSED, answer, refused
    if must_not.records:
        if any(map(has_entry, filter(None, (must_list, answers.of_ipv4)))) and not has_entry(must_not):
            invented = f"what it has of {TEST_CLEAR[family]} is no entry of a block list: our resolver may have made it"
            return ListingState.FAILED, must_not, invented
        everything = f"it answers for {TEST_CLEAR[family]} too, which no list has: it answers for everything"
        return ListingState.DEAD, must_not, everything
    failure = _first(failure_in, must_list, must_not, ours, answers.of_ipv4)
    if failure:
        return ListingState.FAILED, None, failure
    return _listing(answers) if has_entry(must_list) else _without_test_entry(family, answers)


def _listing(answers: ListReplies) -> tuple[ListingState, DnsAnswer | None, str]:
    """The state by a list that works."""
    if not answers.ours.records:
        return ListingState.CLEAR, None, ""
    if has_entry(answers.ours):
        return ListingState.LISTED, answers.ours, ""
    return ListingState.FAILED, answers.ours, "its answer is no entry of a block list (RFC 5782 2.1)"


def _without_test_entry(family: Family, answers: ListReplies) -> tuple[ListingState, DnsAnswer | None, str]:
    """The state by a list that has its first test address not."""
    if answers.of_ipv4 is not None and has_entry(answers.of_ipv4):
        return ListingState.IPV4_ONLY, None, f"it does not have {TEST_LISTED[family]}"
    nothing = f"it does not have {TEST_LISTED[family]}, which every working list has (RFC 5782 5): ended, or misspelt"
    return ListingState.DEAD, answers.must_list, nothing


def _first(reason: Callable[[DnsAnswer], str], *answers: DnsAnswer | None) -> str:
    return next(filter(None, [reason(answer) for answer in answers if answer is not None]), "")


def _refusal(answer: DnsAnswer) -> str:
    """The error that a list tells by its answer."""
    codes = _codes(answer)
    for code in codes:
        if code in _MEANINGS or ip_address(code) in _ERRORS:
            return _MEANINGS.get(code, "an error code of the list")
    return ""


def _filter_in(answer: DnsAnswer) -> str:
    """The filter of our resolver that shows: it says so (RFC 8914), or answers with the address of none."""
    if answer.filtered is not None:
        return failure_in(answer)
    return "our resolver filters it: it answers with 0.0.0.0" if "0.0.0.0" in answer.records else ""  # noqa: S104


def _codes(answer: DnsAnswer) -> tuple[str, ...]:
    return texts_in(answer)[:_MAX_CODES]
