"""The places at the door: bounded for all and for each endpoint, and free again by themselves."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from dormouse.adapters.hold_slots import HoldSlotsTable
from dormouse.adapters.state import EndpointsTable
from dormouse.errors import AwsError

NOW = datetime(2026, 2, 16, 9, 0, tzinfo=UTC)
UNTIL = NOW + timedelta(minutes=1)


@pytest.fixture
def slots(table: EndpointsTable) -> HoldSlotsTable:
    """Five places, of which one endpoint may have three."""
    return HoldSlotsTable(table.client, "endpoints", 5)


def take(slots: HoldSlotsTable, endpoint: str, holder: str, now: datetime = NOW) -> bool:
    """Take a place for a minute."""
    return slots.take(endpoint, holder, now, now + timedelta(minutes=1))


def holders(slots: HoldSlotsTable, key: str) -> Mapping[str, object]:
    """Read who has a place by an item."""
    return slots._read(key)["holders"]["M"]


def test_one_endpoint_takes_half_of_the_places(slots: HoldSlotsTable) -> None:
    """Rounded up; what it is refused stays free for others."""
    assert [take(slots, "a", f"a{n}") for n in range(4)] == [True, True, True, False]
    assert sorted(holders(slots, "dormouse:holds")) == ["a0", "a1", "a2"]
    assert [take(slots, "b", f"b{n}") for n in range(3)] == [True, True, False]
    assert sorted(holders(slots, "dormouse:holds:b")) == ["b0", "b1"]


def test_a_place_that_is_given_up_is_free(slots: HoldSlotsTable) -> None:
    """For the same endpoint and for others."""
    for number in range(3):
        take(slots, "a", f"a{number}")
    slots.give_up("a", "a1")
    assert sorted(holders(slots, "dormouse:holds")) == ["a0", "a2"]
    assert take(slots, "a", "a3")
    assert not take(slots, "a", "a4")


def test_what_nobody_has_can_be_given_up(slots: HoldSlotsTable) -> None:
    """It has expired, or was never taken; no item is made of it."""
    slots.give_up("a", "a0")
    take(slots, "a", "a0")
    for _ in range(2):
        slots.give_up("a", "a0")
    slots.give_up("a", "a1")
    assert holders(slots, "dormouse:holds") == {}


def test_whoever_has_a_place_keeps_it(slots: HoldSlotsTable) -> None:
    """Even where all are taken; and for longer."""
    for number in range(3):
        take(slots, "a", f"a{number}")
    later = NOW + timedelta(seconds=30)
    assert take(slots, "a", "a1", later)
    assert len(holders(slots, "dormouse:holds")) == 3
    assert not take(slots, "a", "a3", UNTIL)
    assert [take(slots, "a", f"x{n}", UNTIL + timedelta(seconds=1)) for n in range(3)] == [
        True,
        True,
        False,
    ]


def test_the_place_of_who_crashed_expires(slots: HoldSlotsTable) -> None:
    """Not before its time, and then for whoever finds none free."""
    for number in range(3):
        take(slots, "a", f"a{number}")
    for number in range(2):
        take(slots, "b", f"b{number}")
    assert not take(slots, "c", "c0", UNTIL)
    after = UNTIL + timedelta(milliseconds=1)
    assert take(slots, "c", "c0", after)
    assert sorted(holders(slots, "dormouse:holds")) == ["c0"]
    assert take(slots, "a", "a3", after)
    assert sorted(holders(slots, "dormouse:holds:a")) == ["a3"]


def test_more_places_than_an_expression_can_name_expire(table: EndpointsTable) -> None:
    """Some at a time; a number that was lowered since is obeyed."""
    many = HoldSlotsTable(table.client, "endpoints", 120)
    for number in range(60):
        assert take(many, "a", "h" * 60 + str(number))
    few = HoldSlotsTable(table.client, "endpoints", 2)
    assert not take(few, "b", "b0")
    assert take(few, "b", "b0", UNTIL + timedelta(seconds=1))
    assert sorted(holders(few, "dormouse:holds")) == ["b0"]


@pytest.mark.parametrize(("total", "of_one"), [(0, 0), (1, 1), (2, 1), (3, 2)])
def test_few_places(table: EndpointsTable, total: int, of_one: int) -> None:
    """With none of them, nobody waits."""
    slots = HoldSlotsTable(table.client, "endpoints", total)
    assert sum(take(slots, "a", f"a{n}") for n in range(4)) == of_one
    assert sum(take(slots, "b", f"b{n}") for n in range(4)) == total - of_one


def test_a_holder_by_any_name(slots: HoldSlotsTable) -> None:
    """An id may have dots, dashes and what DynamoDB reserves."""
    for holder in ("a.b-c", "size", "#:x"):
        assert take(slots, "a", holder)
    assert sorted(holders(slots, "dormouse:holds:a")) == ["#:x", "a.b-c", "size"]
    slots.give_up("a", "a.b-c")
    assert take(slots, "a", "until")


@pytest.mark.parametrize("rival_comes_at", [1, 2, 3, 4, 5, 6])
def test_the_last_place_is_taken_once(
    slots: HoldSlotsTable, monkeypatch: pytest.MonkeyPatch, rival_comes_at: int
) -> None:
    """Whichever step of the one the other comes between; those that expire are removed once."""
    for number in range(2):
        take(slots, "a", f"a{number}")
    after = UNTIL + timedelta(seconds=1)
    assert take(slots, "a", "a2")
    for endpoint, holder in (("b", "b0"), ("b", "b1")):
        assert take(slots, endpoint, holder, UNTIL)
    # Two of five are left to others, of which `a` may have two.
    assert slots.take("a", "a0", NOW, after + timedelta(minutes=1))
    update = HoldSlotsTable._update
    steps = 0
    rival: list[bool] = []

    def interrupted(self: HoldSlotsTable, *args: object, **kwargs: object) -> object:
        nonlocal steps
        steps += 1
        if steps == rival_comes_at:
            monkeypatch.setattr(HoldSlotsTable, "_update", update)
            rival.extend(take(slots, "a", f"rival{n}", after) for n in range(2))
        return update(self, *args, **kwargs)  # type: ignore[arg-type] # passed on as they come

    monkeypatch.setattr(HoldSlotsTable, "_update", interrupted)
    taken = [take(slots, "a", f"mine{n}", after) for n in range(2)]

    assert [*taken, *rival].count(True) == 2
    held = [holder for holder in holders(slots, "dormouse:holds") if holder[0] in "mr"]
    assert len(held) == 2
    assert set(held) <= set(holders(slots, "dormouse:holds:a"))
    assert len(holders(slots, "dormouse:holds")) <= 5


def test_they_are_no_endpoints(table: EndpointsTable, slots: HoldSlotsTable) -> None:
    """reconcile and the control API look at endpoints alone."""
    take(slots, "a", "a0")
    assert table.read_all() == {}
    assert table.read_all() == {}


def test_a_missing_table_is_an_error(slots: HoldSlotsTable) -> None:
    """Whoever can't learn whether a place is free decides what that means."""
    missing = HoldSlotsTable(slots.client, "nowhere", 5)
    with pytest.raises(AwsError, match="UpdateItem refused: ResourceNotFoundException"):
        take(missing, "a", "a0")
    with pytest.raises(AwsError, match="UpdateItem refused: ResourceNotFoundException"):
        missing.give_up("a", "a0")
