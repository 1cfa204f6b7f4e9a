"""Loading the models of the warm set."""

from datetime import timedelta

import pytest

from dormouse.domain.invocation import Forwarded, NotServing, Unanswered
from dormouse.domain.ledger import Closing
from dormouse.domain.work import LoadModel
from dormouse.errors import AwsError
from dormouse.responses import runtime_error
from dormouse.warming import Warmed, Warmth
from tests.fakes.draining import (
    BROKEN,
    CALL_TIME,
    GONE,
    NOT_READY,
    PREDICTION,
    REFUSED,
    Answer,
    Desk,
)


@pytest.fixture
def desk() -> Desk:
    """Fresh stand-ins; the warm-up of the models `a` and `b` has just begun."""
    return Desk()


def invoked(desk: Desk) -> frozenset[str]:
    """Say which models the warm-up has invoked."""
    assert desk.ledger.warm_up is not None
    return desk.ledger.warm_up.invoked


def test_a_model_is_asked_once_with_what_its_owner_has_left(desk: Desk) -> None:
    """That is noted, and is no request."""
    desk.warm_up_payloads.payloads["a"] = (b"[0]", "text/csv")
    last_request_at = desk.ledger.last_request_at

    assert desk.load() == Warmed(Warmth.WARMED)
    assert desk.load() == Warmed(Warmth.NOT_NEEDED)

    (sent,) = desk.runtime.requests
    assert (sent.endpoint, sent.target_model, sent.body) == ("reviews", "a", b"[0]")
    assert sent.runtime_headers["content-type"] == "text/csv"
    assert invoked(desk) == {"a"}
    assert desk.ledger.last_request_at == last_request_at
    assert not desk.ledger.has_unmet_demand


def test_what_is_left_for_nothing_is_the_usual(desk: Desk) -> None:
    """Most owners leave nothing."""
    desk.load("b")

    (sent,) = desk.runtime.requests
    assert (sent.body, sent.headers["content-type"]) == (b"{}", "application/json")
    assert invoked(desk) == {"b"}


@pytest.mark.parametrize(
    "answer",
    [
        PREDICTION,
        REFUSED,
        Forwarded(runtime_error(424, "ModelError", "the payload was bad")),
    ],
)
def test_any_answer_of_the_model_will_do(desk: Desk, answer: Answer) -> None:
    """It was loaded to give it; and one that can't be found is not asked for again."""
    desk.runtime.answers = [answer]

    assert desk.load() == Warmed(Warmth.WARMED)
    assert invoked(desk) == {"a"}


@pytest.mark.parametrize(
    ("answer", "problems"),
    [(BROKEN, ()), (Unanswered("read timeout", may_have_run=True), ("read timeout",))],
)
def test_what_breaks_is_left_for_later(
    desk: Desk, answer: Answer, problems: tuple[str, ...]
) -> None:
    """The model may not be loaded."""
    desk.runtime.answers = [answer]

    assert desk.load() == Warmed(Warmth.LEFT, problems)
    assert invoked(desk) == frozenset()


def test_a_model_is_waited_for_while_it_is_loaded(desk: Desk) -> None:
    """That is what the warm-up is for."""
    desk.runtime.answers = [NOT_READY, NOT_READY, PREDICTION]

    assert desk.load() == Warmed(Warmth.WARMED)
    assert desk.slept == [1, 2]


def test_it_is_not_waited_for_any_longer_than_there_is_time(desk: Desk) -> None:
    """Lambda would kill it in the middle."""
    desk.runtime.answers = [NOT_READY]
    desk.runtime.meanwhile = lambda: desk.clock.advance(seconds=60)

    assert desk.load() == Warmed(Warmth.LEFT)
    assert len(desk.runtime.requests) == 2


def test_without_time_for_a_whole_call_nothing_is_begun(desk: Desk) -> None:
    """Nor is a lease taken."""
    short = CALL_TIME - timedelta(milliseconds=1)

    assert desk.warming.load(LoadModel("reviews", "a"), short) == Warmed(Warmth.LEFT)
    assert desk.runtime.requests == []


def test_no_model_is_loaded_that_is_not_of_the_warm_set(desk: Desk) -> None:
    """The order is of another warm-up."""
    assert desk.load("c") == Warmed(Warmth.NOT_NEEDED)
    assert desk.runtime.requests == []


def test_a_warm_up_that_is_over_loads_nothing_more(desk: Desk) -> None:
    """The idle clock has begun."""
    desk.clock.advance(minutes=10)

    assert desk.load() == Warmed(Warmth.NOT_NEEDED)
    assert desk.runtime.requests == []


def test_a_warm_up_that_ends_meanwhile_is_waited_for_no_more(desk: Desk) -> None:
    """Somebody may have put the endpoint to sleep."""
    desk.runtime.answers = [NOT_READY]
    desk.runtime.meanwhile = lambda: desk.change_ledger(warm_up=None)

    assert desk.load() == Warmed(Warmth.NOT_NEEDED)
    assert len(desk.runtime.requests) == 1


def test_an_order_after_the_endpoint_has_gone_does_nothing(desk: Desk) -> None:
    """There is no warm-up any more."""
    desk.change_ledger(warm_up=None)

    assert desk.load() == Warmed(Warmth.NOT_NEEDED)
    assert desk.runtime.requests == []


@pytest.mark.parametrize(
    ("answer", "problems"),
    [
        (GONE, ()),
        (NotServing(GONE.response, "InvokeEndpoint refused"), ("InvokeEndpoint refused",)),
    ],
)
def test_a_cold_endpoint_is_not_woken(
    desk: Desk, answer: Answer, problems: tuple[str, ...]
) -> None:
    """A warm-up is no demand."""
    desk.runtime.answers = [answer]

    assert desk.load() == Warmed(Warmth.NOT_NEEDED, problems)
    assert not desk.ledger.has_unmet_demand
    assert desk.nudge.sent == []


def test_a_teardown_is_not_held_up(desk: Desk) -> None:
    """Whatever was still to be loaded; nor is one undone that a request would undo."""
    closing = Closing(desk.clock(), 0, is_forced=False, reason="idle")
    desk.change_ledger(closing=closing)

    assert desk.load() == Warmed(Warmth.NOT_NEEDED)
    assert desk.runtime.requests == []
    assert desk.ledger.closing == closing


def test_without_a_lease_nothing_is_sent(desk: Desk) -> None:
    """It is ordered again."""

    def refuse(operation: str, is_done: bool) -> None:
        if operation == "state.take_lease":
            raise AwsError("UpdateItem refused")

    desk.disturb = refuse

    assert desk.load() == Warmed(Warmth.LEFT, ("UpdateItem refused",))
    assert desk.runtime.requests == []


@pytest.mark.parametrize("operation", ["warm-up payloads.payload", "state.record_invoked"])
def test_whoever_is_cut_off_is_followed_by_another(desk: Desk, operation: str) -> None:
    """The model is asked twice, at the worst."""

    def refuse(happening: str, is_done: bool) -> None:
        if happening == operation:
            raise AwsError(f"{operation} refused")

    desk.disturb = refuse
    with pytest.raises(AwsError, match=operation):
        desk.load()
    desk.disturb = lambda happening, is_done: None

    assert desk.load() == Warmed(Warmth.WARMED)
    assert invoked(desk) == {"a"}
