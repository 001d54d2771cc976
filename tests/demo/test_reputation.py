"""The standing of the demo's exporter: its records and the words of its hosts."""

from __future__ import annotations

from exporter.demo.reputation import HELO, LISTS, OUR_ADDRESS, hello, records
from exporter.smtp.told_address import told_address
from exporter.standing.list_answers import query_name


def test_most_hosts_tell_the_address_and_one_a_private_one() -> None:
    told = [told_address(f"mx.example {hello(number)}", HELO, "127.48.0.1") for number in range(12)]
    assert told.count(OUR_ADDRESS) >= 6
    assert told.count("10.0.0.25") == 1
    assert None in told


def test_the_records_follow_the_two_positions() -> None:
    pointer, entry = ("25.113.0.203.in-addr.arpa", "PTR"), (query_name(OUR_ADDRESS, LISTS[0]), "A")
    for listed in (False, True):
        for named in (False, True):
            found = records(listed=listed, named=named)
            assert (entry in found, pointer in found) == (listed, named)
            assert found[HELO, "A"] == [OUR_ADDRESS]
