"""Requests for an endpoint that a rule keeps down whoever asks for it."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from dormouse.domain.failures import Failure, FailureKind
from dormouse.domain.invocation import NotServing
from dormouse.domain.ledger import Decision, KeptDown
from dormouse.domain.parked_request import Status
from dormouse.errors import AwsError
from dormouse.handled import Fate
from tests.fakes.front_door import ANSWER, NOT_FOUND, FrontDoor, members, message

FORCING = ["budget spent", "blackout window", "circuit open"]
REPEATED = {"amz-sdk-invocation-id": "sdk-1", "amz-sdk-request": "ttl=1; attempt=2; max=3"}


@pytest.fixture
def door() -> FrontDoor:
    """A front door before an endpoint that sleeps."""
    door = FrontDoor()
    door.know()
    door.runtime.answer = NotServing(NOT_FOUND)
    return door


def keep_down(door: FrontDoor, rule: str = "budget spent", **lasts: float) -> None:
    """Let a rule keep it down for `timedelta(**lasts)`; without one, nobody knows how long."""
    ends_at = door.clock() + timedelta(**lasts) if lasts else None
    failure = Failure(10, door.clock(), FailureKind.OTHER, "no image")
    ledger = door.state.read("reviews")
    assert door.state.record_failures("reviews", ledger, {"reviews-config": failure})
    words = f"it is down: {rule}"
    decision = Decision("stay down", rule, words, ends_at, KeptDown(rule, words, ends_at))
    door.decide(decision)


def suspend(door: FrontDoor) -> None:
    """Let an operator suspend it; no tick has seen that yet."""
    door.state.suspend("reviews", door.clock(), "arn:aws:iam::123456789012:user/jo")


def is_unasked(door: FrontDoor) -> bool:
    """Whether nobody has been told that somebody needs it, and nothing is kept."""
    ledger = door.state.read("reviews")
    return (ledger.demand_version, door.nudge.sent, door.records.stored) == (0, [], {})


@pytest.mark.parametrize("prefer", ["", "wait=10", "respond-async", "respond-async, wait=10"])
def test_a_suspended_endpoint_takes_no_request(door: FrontDoor, prefer: str) -> None:
    """At once, in whatever way it comes: nobody knows when it is resumed."""
    suspend(door)
    handled = door.handle(prefer=prefer)

    assert (handled.fate, handled.is_cold) in ((Fate.COLD, True), (Fate.UNDECIDED, True))
    assert handled.response.status == 503
    assert handled.response.headers["x-amzn-errortype"] == "ServiceUnavailable"
    assert handled.response.headers["retry-after"] == "3600"
    assert message(handled) == (
        "Endpoint reviews is not started: suspended at 2026-02-16 09:00:00 UTC, until somebody "
        "resumes it. The request was neither executed nor kept. Try again when that has ended."
    )
    assert door.pauses == []
    assert is_unasked(door)


@pytest.mark.parametrize("rule", FORCING)
def test_a_request_is_refused_until_the_rule_ends(door: FrontDoor, rule: str) -> None:
    """With the rule's own words. Once its time is over, the next request starts the endpoint."""
    keep_down(door, rule, hours=9)
    handled = door.handle()

    assert (handled.fate, handled.is_cold) == (Fate.COLD, True)
    assert handled.response.headers["retry-after"] == "32400"
    assert f"is not started: it is down: {rule}. " in message(handled)
    assert "Try again at 2026-02-16T18:00:00.000Z, in 32400 seconds." in message(handled)
    assert is_unasked(door)

    door.clock.advance(hours=9)
    assert "is asleep" in message(door.handle())
    assert door.nudge.sent == ["reviews"]
    assert door.state.read("reviews").demand_by == "arn:aws:iam::123456789012:user/jo"


def test_a_request_is_parked_if_it_lives_longer_than_the_rule(door: FrontDoor) -> None:
    """Six hours are its time to live. Its demand counts as any other's."""
    keep_down(door, hours=6)
    handled = door.handle(prefer="respond-async")
    assert (handled.response.status, handled.fate) == (202, Fate.PARKED)
    assert members(handled)["expected_at"] == "2026-02-16T15:08:00.000Z"
    assert handled.response.headers["retry-after"] == str(6 * 3600 + 480)
    assert door.state.read("reviews").has_requests
    assert door.nudge.sent == ["reviews"]


@pytest.mark.parametrize("milliseconds", [1, None])
def test_a_request_is_not_parked_to_expire(door: FrontDoor, milliseconds: int | None) -> None:
    """Nothing is promised that can't be kept; nor is anything stored."""
    if milliseconds is None:
        keep_down(door)
    else:
        keep_down(door, hours=6, milliseconds=milliseconds)
    handled = door.handle(prefer="respond-async")

    assert handled.response.status == 503
    assert "is not started" in message(handled)
    assert door.payloads.stored == {}
    assert is_unasked(door)


def test_what_was_parked_before_is_found_again(door: FrontDoor) -> None:
    """Its caller repeats it, and it waits as before; nobody knows how long."""
    headers = {"x-amzn-sagemaker-inference-id": "order-17"}
    first = door.handle(prefer="respond-async", headers=headers)
    suspend(door)
    again = door.handle(prefer="respond-async", headers=headers)

    assert (again.response.status, again.request_id) == (202, first.request_id)
    assert members(again)["expected_at"] is None
    assert again.response.headers["retry-after"] == "3600"


def test_a_request_is_held_if_the_rule_ends_meanwhile(door: FrontDoor) -> None:
    """It is started when the rule has ended: the demand is there."""
    keep_down(door, seconds=20)
    ends_at = door.clock() + timedelta(seconds=25)

    def serve(pauses: int) -> None:
        if door.clock() >= ends_at:
            door.runtime.answer = ANSWER
            door.serve()

    door.on_pause = serve
    handled = door.handle(prefer="wait=30")

    assert (handled.response.status, handled.fate) == (200, Fate.HELD)
    assert door.nudge.sent == ["reviews"]


def test_a_request_is_not_held_in_vain(door: FrontDoor) -> None:
    """Its caller learns at once what he would learn in the end."""
    keep_down(door, seconds=31)
    handled = door.handle(prefer="wait=30")

    assert (handled.response.status, handled.fate) == (503, Fate.COLD)
    assert handled.response.headers["retry-after"] == "31"
    assert "preference-applied" not in handled.response.headers
    assert door.pauses == []
    assert is_unasked(door)


def test_what_can_t_be_held_is_parked_if_that_is_asked_for(door: FrontDoor) -> None:
    """Without a wait."""
    keep_down(door, hours=1)
    handled = door.handle(prefer="respond-async, wait=30")

    assert (handled.response.status, handled.fate) == (202, Fate.PARKED)
    assert handled.response.headers["preference-applied"] == "respond-async"
    assert door.pauses == []


def test_a_suspension_ends_the_wait_of_those_who_are_held(door: FrontDoor) -> None:
    """With the next look at the ledger."""
    door.on_pause = lambda pauses: suspend(door) if pauses == 2 else None
    handled = door.handle(prefer="wait=30")

    assert (handled.response.status, handled.fate) == (503, Fate.COLD)
    assert "suspended" in message(handled)
    assert len(door.pauses) == 2


def test_a_repetition_is_refused_as_its_request_was(door: FrontDoor) -> None:
    """It has the claim to itself, and leaves nothing behind that would keep others from it."""
    suspend(door)
    for _ in range(2):
        handled = door.handle(prefer="wait=10", headers=REPEATED)
        assert (handled.response.status, handled.fate) == (503, Fate.COLD)
        assert "suspended" in message(handled)
    assert door.pauses == []
    assert all(one.status is not Status.PARKED for one in door.records.stored.values())


@pytest.mark.parametrize("prefer", ["", "wait=1"])
def test_where_that_can_t_be_read_a_request_is_as_any_other(
    door: FrontDoor, monkeypatch: pytest.MonkeyPatch, prefer: str
) -> None:
    """The demand that it records shows what is remembered."""
    door.handle()
    keep_down(door, hours=1)
    read = door.state.read
    calls: list[str] = []

    def unreadable(endpoint: str) -> object:
        calls.append(endpoint)
        if len(calls) == 1:
            raise AwsError("GetItem refused")
        return read(endpoint)

    monkeypatch.setattr(door.state, "read", unreadable)
    handled = door.handle(prefer=prefer)

    assert handled.response.status == 503
    assert "is not started: it is down" in message(handled)
    assert handled.problems == ("GetItem refused",)


@pytest.mark.parametrize(
    "ends",
    [
        lambda door: door.state.record_hold(
            "reviews", door.clock() + timedelta(hours=1), door.clock()
        ),
        lambda door: door.state.resume("reviews"),
    ],
    ids=["a hold", "a resume"],
)
def test_what_ends_a_rule_counts_before_a_tick_has_seen_it(
    door: FrontDoor, ends: Callable[[FrontDoor], None]
) -> None:
    """A hold beats a blackout window, a resume closes the circuit; neither beats a budget."""
    ended = {"blackout window": False, "circuit open": False}
    for rule in ended:
        keep_down(door, rule, hours=1)
        ends(door)
        ended[rule] = "is not started" not in message(door.handle())
        door.state.release_hold("reviews")
    assert sorted(ended.values()) == [False, True]

    keep_down(door, "budget spent", hours=1)
    ends(door)
    assert "is not started" in message(door.handle())
