"""Ways to name servers: open where others answer at the same time, and not where nearly all are mute."""

from __future__ import annotations

from exporter.model.address import Family
from exporter.model.zone import DirectAnswer, DirectOutcome
from exporter.policies.zone.reach import KnownServer, Reach, Way, way_of

ANSWERED, SILENT, OURS = map(DirectAnswer, (DirectOutcome.ANSWERED, DirectOutcome.SILENT, DirectOutcome.OURS))
WAY = Way(Family.IPV4, is_special=False, over_tcp=False)


def of(*answers: tuple[str, DirectAnswer], at: float = 1000.0, name: str = "") -> Reach:
    """Each is asked about the `name`, or about one of its own."""
    reach = Reach()
    for address, answer in answers:
        reach.take(KnownServer(address, name or f"{address}.example"), answer, at)
    return reach


def test_a_way_is_that_of_a_family_a_kind_of_address_and_a_transport() -> None:
    assert way_of("44.0.0.1", SILENT) == WAY
    assert way_of("2a00::1", SILENT._replace(over_tcp=True)) == Way(Family.IPV6, is_special=False, over_tcp=True)
    assert way_of("10.0.0.1", SILENT).is_special


def test_an_answer_of_before_opens_no_way() -> None:
    reach = of(("44.0.0.1", ANSWERED))
    assert reach.is_open(WAY, 1000.0)
    assert not reach.is_open(WAY, 1000.5)
    assert not reach.is_open(WAY._replace(over_tcp=True), 0.5)


def test_our_own_servers_say_nothing_of_the_internet() -> None:
    assert not of(("10.0.0.1", ANSWERED)).is_open(WAY, 1000.0)


def test_a_way_on_which_nearly_all_are_mute_is_not_open() -> None:
    mute = [(f"44.{number}.0.1", SILENT) for number in range(3)]
    assert of(("45.0.0.1", ANSWERED), *mute[:2]).is_open(WAY, 1000.0)
    assert not of(("45.0.0.1", ANSWERED), *mute).is_open(WAY, 1000.0)
    assert of(*mute, *((f"45.{number}.0.1", ANSWERED) for number in range(3))).is_open(WAY, 1000.0)
    assert of(*((f"44.0.0.{number}", SILENT) for number in range(9)), ("45.0.0.1", ANSWERED)).is_open(WAY, 1000.0)
    assert of(("45.0.0.1", ANSWERED), *mute, name="a.example").is_open(WAY, 1000.0), "one zone says nothing"
    reach = of(*mute)
    reach.take(KnownServer("45.0.0.1", "a.example"), ANSWERED, 5000.0)
    assert reach.is_open(WAY, 5000.0)


def test_a_shortage_of_ours_says_nothing() -> None:
    assert of(("45.0.0.1", ANSWERED), *((f"44.{n}.0.1", OURS) for n in range(9))).is_open(WAY, 1000.0)


def test_the_last_servers_that_answered_are_the_witnesses_one_of_each_network() -> None:
    reach = of(*((f"44.{n}.0.1", ANSWERED) for n in range(20)), ("44.19.0.2", ANSWERED), ("45.0.0.1", SILENT))
    assert [each.address for each in reach.witnesses(WAY)] == ["44.19.0.2", *(f"44.{n}.0.1" for n in range(18, 11, -1))]
    assert reach.witnesses(WAY._replace(family=Family.IPV6)) == []
