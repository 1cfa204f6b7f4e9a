"""Which requests wait, and what becomes of those that have failed and are tried once more."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse.domain.ledger import RecordedDemand
from dormouse.domain.parked_request import Kind, ParkedRequest, Queue, Status
from dormouse.errors import AwsError
from dormouse.waiting_requests import (
    LISTED_AT_MOST,
    Backlog,
    ReplayError,
    WaitingRequests,
    read_replay,
)
from tests.fakes.clock import FakeClock
from tests.fakes.ledger import FakeLedgers
from tests.fakes.requests import FakeDeadLetters, FakeRequestRecords

TIME_TO_LIVE = timedelta(hours=6)


def name(number: int, endpoint: str = "reviews") -> str:
    """Name a request."""
    return f"{endpoint}.{number:032x}"


class Desk:
    """The requests of `reviews`, and what is asked of them."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.records = FakeRequestRecords()
        self.letters = FakeDeadLetters()
        self.ledgers = FakeLedgers()
        self.requests = WaitingRequests(
            self.records, self.letters, self.ledgers, self.clock, TIME_TO_LIVE
        )

    def put(
        self,
        number: int,
        status: Status,
        model: str = "a",
        kind: Kind = Kind.RESPOND_ASYNC,
        endpoint: str = "reviews",
    ) -> ParkedRequest:
        """Have accepted a request that stands so now, `number` seconds after the first."""
        accepted_at = FakeClock().now + timedelta(seconds=number)
        request = ParkedRequest(
            endpoint=endpoint,
            id=name(number, endpoint),
            kind=kind,
            status=status,
            principal="arn:aws:iam::123456789012:user/jo",
            headers={"x-amzn-sagemaker-target-model": model},
            body_key=f"requests/{endpoint}/{name(number, endpoint)}/body",
            accepted_at=accepted_at,
            expires_at=accepted_at + timedelta(hours=1),
            fingerprint="f",
            tries=3 if status is Status.FAILED else 0,
            reason="the model failed" if status is Status.FAILED else None,
        )
        self.records.create(request)
        return request

    def fail(self, *numbers: int, endpoint: str = "reviews") -> None:
        """Have requests that failed, with their dead letters."""
        for number in numbers:
            self.letters.send(self.put(number, Status.FAILED, endpoint=endpoint))

    def status(self, number: int) -> Status:
        """Say how one stands."""
        request = self.records.read("reviews", name(number))
        assert request is not None
        return request.status

    @property
    def demand_version(self) -> int:
        """How often demand was raised."""
        return self.ledgers.read("reviews").demand_version


@pytest.fixture
def desk() -> Desk:
    """Nothing was accepted yet."""
    return Desk()


# --------------------------------------------------------------------------------- which ones wait


def test_the_oldest_comes_first_whatever_its_model(desk: Desk) -> None:
    """Parked, released and those that are being answered; not those of others, nor final ones."""
    desk.put(5, Status.PARKED)
    desk.put(4, Status.RELEASED, "a")
    desk.put(3, Status.ANSWERING, "b")
    desk.put(2, Status.PARKED)
    desk.put(1, Status.ANSWERED)
    desk.put(6, Status.PARKED, kind=Kind.HELD)
    desk.put(0, Status.PARKED, endpoint="others")

    assert [one.id for one in desk.requests.waiting("reviews")] == [name(n) for n in (2, 3, 4, 5)]


def test_a_hundred_are_listed(desk: Desk) -> None:
    """The oldest of all, though the released ones come by model."""
    for number in range(150):
        desk.put(number, Status.RELEASED, model=f"model-{number % 7}")

    listed = desk.requests.waiting("reviews")

    assert [one.id for one in listed] == [name(number) for number in range(LISTED_AT_MOST)]


def test_the_backlog_counts_them(desk: Desk) -> None:
    """And says since when the oldest waits, be it parked or released."""
    desk.put(7, Status.PARKED)
    desk.put(8, Status.PARKED)
    assert desk.requests.backlog("reviews") == Backlog(2, 0, desk.clock() + timedelta(seconds=7))

    desk.put(3, Status.ANSWERING, "z")
    desk.put(4, Status.RELEASED, "a")
    assert desk.requests.backlog("reviews") == Backlog(2, 2, desk.clock() + timedelta(seconds=3))


def test_where_nothing_waits_there_is_no_backlog(desk: Desk) -> None:
    """Though some have been answered, and others fail."""
    desk.put(1, Status.ANSWERED)
    desk.fail(2)

    assert desk.requests.backlog("reviews") is None
    assert desk.requests.waiting("reviews") == []


# ------------------------------------------------------------------------------------------ replay


def test_all_that_failed_wait_once_more(desk: Desk) -> None:
    """As if they had just come: with a new time to live, no tries, and demand for the endpoint."""
    desk.fail(*range(25))
    desk.clock.advance(days=1)

    replay = desk.requests.replay("reviews", None)

    assert (len(replay.replayed), replay.left, replay.skipped) == (25, 0, {})
    assert replay.is_complete
    assert desk.letters.letters == []
    again = desk.records.queued("reviews", Queue.PARKED, 100)
    assert len(again) == 25
    assert {(one.accepted_at, one.expires_at, one.tries, one.reason) for one in again} == {
        (desk.clock(), desk.clock() + TIME_TO_LIVE, 0, None)
    }
    ledger = desk.ledgers.read("reviews")
    assert ledger.has_unmet_demand
    assert ledger.has_requests


def test_only_the_failures_of_the_endpoint_are_replayed(desk: Desk) -> None:
    """Those of others are there for others, at once."""
    desk.fail(1)
    desk.fail(2, 3, endpoint="others")

    assert desk.requests.replay("reviews", None).replayed == (name(1),)
    assert [letter.endpoint for letter in desk.letters.receive()] == ["others", "others"]
    assert desk.ledgers.read("others").demand_version == 0


def test_some_by_their_ids(desk: Desk) -> None:
    """An expired one has no dead letter, and needs none; the other failure is left."""
    desk.fail(1, 2)
    desk.put(3, Status.EXPIRED)

    replay = desk.requests.replay("reviews", {name(2), name(3)})

    assert (replay.replayed, replay.left, replay.skipped) == ((name(2), name(3)), 1, {})
    assert [letter.request_id for letter in desk.letters.receive()] == [name(1)]
    assert [desk.status(number) for number in (1, 2, 3)] == ["failed", "parked", "parked"]


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (Status.ANSWERED, "it has neither failed nor expired: answered"),
        (Status.CANCELLED, "it has neither failed nor expired: cancelled"),
        (Status.PARKED, "it has neither failed nor expired: parked"),
        (Status.ANSWERING, "it has neither failed nor expired: answering"),
    ],
)
def test_what_neither_failed_nor_expired_is_left(desk: Desk, status: Status, why: str) -> None:
    """It says so."""
    desk.put(1, status)

    replay = desk.requests.replay("reviews", {name(1)})

    assert (replay.replayed, replay.skipped) == ((), {name(1): why})
    assert desk.status(1) is status


def test_what_there_is_not_is_said(desk: Desk) -> None:
    """Nor what is another endpoint's, nor what somebody held who is gone."""
    desk.fail(2, endpoint="others")
    desk.put(3, Status.FAILED, kind=Kind.HELD)

    replay = desk.requests.replay("reviews", {name(1), name(2, "others"), name(3)})

    assert replay.replayed == ()
    assert replay.skipped == {
        name(1): "there is no such request of reviews",
        name(2, "others"): "there is no such request of reviews",
        name(3): "its caller was waiting for it, and is gone",
    }
    assert desk.demand_version == 0


@pytest.mark.parametrize("status", [None, Status.ANSWERED, Status.EXPIRED, Status.CANCELLED])
def test_a_dead_letter_that_is_out_of_date_is_removed(desk: Desk, status: Status | None) -> None:
    """Its request is gone, or has not failed any more."""
    desk.fail(1)
    if status is None:
        desk.records.stored.clear()
    else:
        desk.records.stored["reviews", name(1)] = replace(
            desk.records.stored["reviews", name(1)], status=status
        )

    replay = desk.requests.replay("reviews", None)

    assert (replay.replayed, replay.left) == ((), 0)
    assert desk.letters.letters == []
    assert desk.demand_version == 0


def test_a_failure_that_comes_twice_is_replayed_once(desk: Desk) -> None:
    """SQS delivers at least once."""
    desk.fail(1)
    desk.letters.send(desk.records.stored["reviews", name(1)])

    assert desk.requests.replay("reviews", None).replayed == (name(1),)
    assert desk.letters.letters == []


def test_too_many_for_one_call_are_left_for_the_next(desk: Desk) -> None:
    """It says that it has not seen them all."""
    desk.fail(*range(205))

    first = desk.requests.replay("reviews", None)
    second = desk.requests.replay("reviews", None)

    assert (len(first.replayed), first.is_complete) == (200, False)
    assert (len(second.replayed), second.is_complete) == (5, True)


class CutOff:
    """Lets the process die at its so-manieth call to AWS: before it is done, or right after."""

    def __init__(self, desk: Desk, call: int) -> None:
        self.calls_left = call
        desk.records.disturb = desk.letters.disturb = self
        raise_demand = desk.ledgers.raise_demand

        def disturbed(*args: Any, **more: Any) -> RecordedDemand:
            self("raise_demand", False)
            recorded = raise_demand(*args, **more)
            self("raise_demand", True)
            return recorded

        desk.ledgers.raise_demand = disturbed  # type: ignore[method-assign]  # it dies around it

    def __call__(self, operation: str, is_done: bool) -> None:
        self.calls_left -= 1
        if self.calls_left == 0:
            raise AwsError(f"cut off at {operation}, {is_done}")


@pytest.mark.parametrize("ids", [None, {name(1), name(2)}])
@pytest.mark.parametrize("call", range(1, 30))
def test_whoever_is_cut_off_does_the_rest_the_next_time(
    desk: Desk, ids: set[str] | None, call: int
) -> None:
    """At whichever call: none is lost, and none waits where it would not be looked for."""
    desk.fail(1, 2)
    cut_off = CutOff(desk, call)
    with suppress(AwsError):
        desk.requests.replay("reviews", ids)
    was_cut_off = cut_off.calls_left <= 0
    # From now on nothing happens any more.
    cut_off.calls_left = -1
    # What was taken and not deleted is there again after a minute.
    for letter in desk.letters.letters:
        desk.letters.put_back(letter)

    if ids is None and Status.PARKED in (desk.status(1), desk.status(2)):
        assert desk.letters.letters or desk.ledgers.read("reviews").has_requests
    if was_cut_off:
        desk.requests.replay("reviews", ids)
    assert (desk.status(1), desk.status(2)) == (Status.PARKED, Status.PARKED)
    assert desk.letters.letters == []
    assert desk.ledgers.read("reviews").has_requests


def test_one_that_others_change_just_now_is_left(desk: Desk) -> None:
    """Its dead letter stays."""
    desk.fail(1)

    def late(before: ParkedRequest, after: ParkedRequest) -> bool:
        return False

    desk.records.change = late  # type: ignore[method-assign]  # another step always comes before

    replay = desk.requests.replay("reviews", None)
    assert (replay.replayed, replay.left) == ((), 1)
    assert len(desk.letters.receive()) == 1
    by_id = desk.requests.replay("reviews", {name(1)})
    assert by_id.skipped == {name(1): "others change it just now"}


# ---------------------------------------------------------------------------------- what was asked


def test_an_empty_body_asks_for_all() -> None:
    """As no body does."""
    assert read_replay({}) is None


def test_ids_ask_for_these() -> None:
    """Each once."""
    asked = {"requests": [name(1), name(2), name(1)]}
    assert read_replay(asked) == frozenset({name(1), name(2)})


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([], "must be a JSON object, not list"),
        (None, "not NoneType"),
        ({"request": [name(1)]}, "'request' is not known here: requests is"),
        ({"requests": name(1)}, "must be a list of 1 to 100 ids"),
        ({"requests": []}, "must be a list of 1 to 100 ids"),
        ({"requests": [name(n) for n in range(101)]}, "must be a list of 1 to 100 ids"),
        ({"requests": [1]}, "and 1 is none"),
        ({"requests": ["reviews"]}, "and 'reviews' is none"),
        ({"requests": [f"{name(1)}\n"]}, "is none"),
    ],
)
def test_a_bad_body_is_refused_by_its_part(body: object, words: str) -> None:
    """Rather than taken for "all"."""
    with pytest.raises(ReplayError) as error:
        read_replay(body)
    assert words in str(error.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["requests", "other"]) | st.text(), inner, max_size=2)
    ),
    max_leaves=5,
)


@given(JSON)
def test_any_json_asks_for_something_or_is_refused(body: object) -> None:
    """There is no third way."""
    try:
        ids = read_replay(body)
    except ReplayError as error:
        assert "\n" not in str(error)
        return
    assert (body == {}) == (ids is None)
