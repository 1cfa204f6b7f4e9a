"""What an operator writes: a hold, a sleep, a suspension, the tombstone of the deployment."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dormouse.adapters.state import EndpointsTable
from dormouse.domain.failures import Failure, FailureKind
from dormouse.domain.ledger import Decision, Ledger

NOW = datetime(2026, 2, 16, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
DECISION = Decision("stay up", "recent activity", "needed")


@pytest.fixture
def known(table: EndpointsTable) -> EndpointsTable:
    """A table in which `reviews` is known, and was asked for once."""
    table.record_decision("reviews", DECISION, NOW, Ledger())
    table.record_demand("reviews", NOW, NOW, known_only=True)
    return table


def demand(table: EndpointsTable) -> None:
    """Let a cold request come."""
    table.record_demand("reviews", LATER, LATER, known_only=True)


def park(table: EndpointsTable) -> None:
    """Let a request be parked."""
    table.raise_demand("reviews", LATER, LATER, has_requests=True)


def hold(table: EndpointsTable) -> None:
    """Let an operator hold it."""
    table.record_hold("reviews", LATER + timedelta(hours=1), LATER)


def test_a_sleep_overrules_the_demand_that_came_before_it(known: EndpointsTable) -> None:
    """In one write: whatever comes after it has a higher version."""
    known.record_hold("reviews", LATER + timedelta(hours=1), NOW)
    known.record_sleep("reviews", LATER)

    ledger = known.read("reviews")
    assert (ledger.slept_version, ledger.slept_at, ledger.hold_until) == (2, LATER, None)
    assert ledger.is_put_to_sleep
    assert not ledger.has_unmet_demand


@pytest.mark.parametrize("something", [demand, park, hold])
def test_demand_that_comes_after_the_sleep_ends_it(
    known: EndpointsTable, something: Callable[[EndpointsTable], None]
) -> None:
    """Though it may come in the same moment, on another machine's clock."""
    known.record_sleep("reviews", LATER + timedelta(seconds=5))
    something(known)

    assert not known.read("reviews").is_put_to_sleep
    assert known.read("reviews").has_unmet_demand


def test_a_warm_request_after_the_sleep_does_not_end_it(known: EndpointsTable) -> None:
    """Only what found it down, or an operator, is demand."""
    known.record_sleep("reviews", NOW)
    known.take_lease("reviews", LATER, LATER, is_request=True)
    assert known.read("reviews").is_put_to_sleep


def test_after_a_sleep_the_next_cold_request_is_news(known: EndpointsTable) -> None:
    """However soon it comes after the last one, and whatever was met."""
    long_ago = NOW - timedelta(hours=1)
    assert not known.record_demand("reviews", LATER, long_ago, known_only=True).is_written
    known.record_sleep("reviews", LATER)
    assert known.record_demand("reviews", LATER, long_ago, known_only=True).is_written
    assert not known.record_demand("reviews", LATER, long_ago, known_only=True).is_written


def test_what_nobody_ever_asked_for_can_be_put_to_sleep(table: EndpointsTable) -> None:
    """Version 0; and the first demand ends it."""
    table.record_sleep("reviews", NOW)
    assert table.read("reviews") == Ledger(slept_version=0, slept_at=NOW)
    assert table.read("reviews").is_put_to_sleep
    assert table.record_demand("reviews", NOW, NOW, known_only=False).is_written
    assert not table.read("reviews").is_put_to_sleep


def test_a_hold_is_a_demand_and_the_longest_counts(table: EndpointsTable) -> None:
    """Of two operators, the second does not cut the first one's short."""
    for number, (hours, held) in enumerate(((2, 2), (1, 2), (2, 2), (3, 3)), start=1):
        table.record_hold("reviews", NOW + timedelta(hours=hours), NOW)
        ledger = table.read("reviews")
        assert ledger.hold_until == NOW + timedelta(hours=held)
        assert ledger.demand_version == number
    assert table.read("reviews").last_request_at is None


@pytest.mark.parametrize("meanwhile", ["sleep", "release"])
def test_a_shorter_hold_is_kept_where_the_longer_one_goes_meanwhile(
    table: EndpointsTable, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    """Its operator was told that it is held."""
    table.record_hold("reviews", NOW + timedelta(hours=2), NOW)
    update = EndpointsTable._update
    calls = []

    def interrupted(self: EndpointsTable, *args: object, **kwargs: object) -> object:
        calls.append(args)
        if len(calls) == 2:
            monkeypatch.setattr(EndpointsTable, "_update", update)
            if meanwhile == "sleep":
                self.record_sleep("reviews", LATER)
            else:
                self.release_hold("reviews")
        return update(self, *args, **kwargs)  # type: ignore[arg-type] # passed on as they come

    monkeypatch.setattr(EndpointsTable, "_update", interrupted)
    table.record_hold("reviews", NOW + timedelta(hours=1), LATER)

    ledger = table.read("reviews")
    assert ledger.hold_until == NOW + timedelta(hours=1)
    assert ledger.demand_version == 2
    assert not ledger.is_put_to_sleep


def test_a_release_drops_the_hold_and_nothing_else(known: EndpointsTable) -> None:
    """Without one it is no error."""
    before = known.read("reviews")
    known.record_hold("reviews", LATER, NOW)
    for _ in range(2):
        known.release_hold("reviews")
    assert known.read("reviews") == replace(before, demand_version=2)


def test_a_sleep_of_an_operator_has_no_other_reason(table: EndpointsTable) -> None:
    """What has put it to sleep before does not show as his."""
    ledger = table.begin_closing(
        "reviews", Ledger(), "max-up", NOW, is_forced=True, warm_set=(), sleeps=True
    )
    assert ledger is not None and ledger.slept_reason == "max-up"
    table.record_sleep("reviews", LATER)
    assert table.read("reviews").slept_reason is None


def test_a_suspension_changes_nothing_else(known: EndpointsTable) -> None:
    """It is no demand; the first one stays, with who said so."""
    hold(known)
    before = known.read("reviews")
    known.suspend("reviews", NOW, "jo")
    known.suspend("reviews", LATER, "kim")
    assert known.read("reviews") == replace(before, suspended_at=NOW, suspended_by="jo")
    known.resume("reviews")
    assert known.read("reviews") == before
    known.suspend("reviews", LATER)
    assert known.read("reviews") == replace(before, suspended_at=LATER)


def test_a_resume_forgets_failures(known: EndpointsTable) -> None:
    """And of nothing that was suspended or has failed, it is no error."""
    failure = Failure(10, NOW, FailureKind.OTHER, "no image")
    before = known.read("reviews")
    assert known.record_failures("reviews", before, {"reviews-config": failure})
    assert known.read("reviews").failures == {"reviews-config": failure}
    for _ in range(2):
        known.resume("reviews")
    assert known.read("reviews") == before


@pytest.mark.parametrize("by", ["jo", None])
def test_who_has_asked_last_is_kept_with_each_demand(table: EndpointsTable, by: str | None) -> None:
    """In the same write; where nobody knows who, the one before is not taken for him."""

    def ask(by: str | None, minutes: int) -> None:
        at = NOW + timedelta(minutes=minutes)
        asked = table.record_demand("reviews", at, at, known_only=False, by=by)
        assert asked.ledger.demand_by == table.read("reviews").demand_by == by

    def park(by: str | None, minutes: int) -> None:
        at = NOW + timedelta(minutes=minutes)
        raised = table.raise_demand("reviews", at, at, has_requests=True, by=by)
        assert raised.ledger.demand_by == table.read("reviews").demand_by == by

    def hold(by: str | None, minutes: int) -> None:
        until = NOW + timedelta(minutes=minutes)
        table.record_hold("reviews", until, NOW, by)
        assert table.read("reviews").demand_by == by

    for number, act in enumerate((ask, park, hold)):
        act("somebody else", 10 * number)
        act(by, 10 * number + 1)
    # One that is shorter than the hold that stands is a demand all the same.
    table.record_hold("reviews", NOW, NOW, "kim")
    assert table.read("reviews").demand_by == "kim"


def test_the_tombstone_is_written_once_and_can_be_taken_away(table: EndpointsTable) -> None:
    """The first time stays; and it is no endpoint."""
    assert table.removal_began_at() is None
    table.begin_removal(NOW)
    table.begin_removal(LATER)
    assert table.removal_began_at() == NOW
    assert table.read_all() == {}
    assert table.read_all() == {}
    table.cancel_removal()
    assert table.removal_began_at() is None
    assert table.read_all() == {}
    table.begin_removal(LATER)
    assert table.removal_began_at() == LATER


def test_to_cancel_what_never_began_is_no_error(table: EndpointsTable) -> None:
    """The stack is created."""
    table.cancel_removal()
    assert table.removal_began_at() is None
    assert table.read_all() == {}
