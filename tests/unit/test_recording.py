"""Telling the capture and the ledger: whatever happens there, it is counted, and nothing raised."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from dormouse.domain.capture import is_sampled
from dormouse.domain.capture_policy import CapturePolicy
from dormouse.domain.exchange import Exchange, Way
from dormouse.domain.invocation import InvocationResponse
from dormouse.domain.usage import Arrival
from dormouse.ports import Kept
from dormouse.recording import Capture, Recorded, Recording
from tests.fakes.captures import UNREACHABLE, FakeCaptures
from tests.fakes.clock import FakeClock

NOW = FakeClock().now
EXCHANGE = Exchange(
    event_id="event-1",
    endpoint="reviews",
    way=Way.DIRECT,
    arrived_at=NOW,
    ended_at=NOW + timedelta(seconds=1),
    principal="arn:aws:iam::123456789012:user/jo",
    asked_model=None,
    inference_id=None,
    custom_attributes=None,
    content_type="application/json",
    body=b"{}",
    response=InvocationResponse(200, {"content-type": "application/json"}, b"[1]"),
    is_cold=False,
)
HALF = CapturePolicy(percent=Decimal(50))


class Noted(list[Exchange]):
    """What the ledger was told."""

    def __call__(self, exchange: Exchange) -> tuple[str, ...]:
        """Take it."""
        self.append(exchange)
        return ("BatchWriteItem refused",)


def recording(
    captures: FakeCaptures,
    note: Callable[[Exchange], tuple[str, ...]] = lambda _: (),
    note_arrival: Callable[[Arrival], tuple[str, ...]] = lambda _: (),
) -> Recording:
    """Build it."""
    return Recording(captures, note, note_arrival, by_model=False)


def test_both_are_told() -> None:
    """And the faults of both are reported."""
    captures, noted = FakeCaptures(kept=Kept(is_spilled=True, problems=("timeout",))), Noted()

    recorded = recording(captures, noted).record(EXCHANGE, CapturePolicy())

    assert recorded == Recorded(Capture.SPILLED, ("timeout", "BatchWriteItem refused"))
    assert [one["eventId"] for one in captures.metadata] == ["event-1"]
    assert noted == [EXCHANGE]


@pytest.mark.parametrize("fault", [UNREACHABLE, KeyError("a fault of our own"), MemoryError()])
def test_a_capture_that_fails_is_lost_and_the_ledger_told(fault: Exception) -> None:
    """The capture is named."""
    noted = Noted()

    recorded = recording(FakeCaptures(fault), noted).record(EXCHANGE, CapturePolicy())

    assert recorded.capture is Capture.LOST
    assert recorded.problems[0].startswith("the capture of event-1 is lost: ")
    assert str(fault) in recorded.problems[0]
    assert noted == [EXCHANGE]


def test_a_ledger_that_fails_costs_no_capture() -> None:
    """It is a problem, and no more."""

    def fail(_: Exchange) -> tuple[str, ...]:
        raise ZeroDivisionError

    recorded = recording(FakeCaptures(), fail).record(EXCHANGE, CapturePolicy())

    problem = "the ledger was not told of event-1: ZeroDivisionError"
    assert recorded == Recorded(Capture.CAPTURED, (problem,))


def test_an_arrival_is_told_and_whatever_fails_there_is_said() -> None:
    """Its caller gets his answer."""
    arrived, noted = Arrival("reviews", NOW), list[Arrival]()

    def fail(_: Arrival) -> tuple[str, ...]:
        raise ZeroDivisionError

    def note(arrival: Arrival) -> tuple[str, ...]:
        noted.append(arrival)
        return ("BatchWriteItem refused",)

    told = recording(FakeCaptures(), note_arrival=note).record_arrival(arrived)
    failed = recording(FakeCaptures(), note_arrival=fail).record_arrival(arrived)

    assert (noted, told) == ([arrived], ("BatchWriteItem refused",))
    assert failed == ("the ledger was not told of a request to reviews: ZeroDivisionError",)


def test_what_may_not_be_known_is_not_captured() -> None:
    """Without a policy nothing is kept; that is a loss."""
    captures = FakeCaptures()

    recorded = recording(captures).record(EXCHANGE, None)

    assert (recorded.capture, captures.records) == (Capture.LOST, [])


def test_the_inference_id_decides_what_is_sampled_and_else_the_event_s() -> None:
    """So that whatever joins by it is sampled alike; the ledger hears of all."""
    noted = Noted()
    for number in range(200):
        captures = FakeCaptures()
        name = f"order-{number}"
        named = replace(EXCHANGE, event_id="event", inference_id=name)
        for exchange in (named, replace(EXCHANGE, event_id=name)):
            recorded = recording(captures, noted).record(exchange, HALF)
            assert (recorded.capture is Capture.CAPTURED) is is_sampled(HALF, name)
        assert len(captures.records) in (0, 2)
    assert len(noted) == 400
