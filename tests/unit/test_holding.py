"""A request that is held while its endpoint wakes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dormouse.domain.invocation import Forwarded, InvocationResponse, NotServing, Unanswered
from dormouse.domain.parked_request import Status
from dormouse.domain.principals import Caller
from dormouse.domain.terms import Terms
from dormouse.errors import AwsError
from dormouse.handled import Fate
from tests.fakes.front_door import (
    ANSWER,
    CALLER,
    NOT_FOUND,
    NOT_READY,
    REQUEST,
    FrontDoor,
    message,
)
from tests.fakes.ledger import FakeLedgers
from tests.fakes.requests import FakePayloads, FakeRequestRecords

FIRST = {"amz-sdk-invocation-id": "sdk-1", "amz-sdk-request": "attempt=1; max=3"}
SECOND = {"amz-sdk-invocation-id": "sdk-1", "amz-sdk-request": "ttl=1; attempt=2; max=3"}


def refuse(*_: object, **__: object) -> bool:
    """Stand for a call that AWS refuses."""
    raise AwsError("UpdateItem refused")


@pytest.fixture
def door() -> FrontDoor:
    """A front door before an endpoint that sleeps."""
    door = FrontDoor()
    door.know()
    door.runtime.answer = NotServing(NOT_FOUND)
    return door


def beside(door: FrontDoor) -> FrontDoor:
    """Another container of the same door."""
    return FrontDoor(
        door.state,
        door.clock,
        door.runtime,
        door.nudge,
        door.catalog,
        door.records,
        door.payloads,
        slots=door.slots,
    )


def wakes_after(door: FrontDoor, pauses: int) -> None:
    """Let the endpoint serve after so many pauses of whoever waits."""

    def wake(so_many: int) -> None:
        if so_many == pauses:
            door.runtime.answer = ANSWER
            door.serve()

    door.on_pause = wake


def test_a_held_request_is_forwarded_when_the_endpoint_serves(door: FrontDoor) -> None:
    """The answer says that it was waited for."""
    wakes_after(door, 3)

    handled = door.handle(prefer="wait=60")

    assert handled.fate is Fate.HELD
    assert handled.response.body == ANSWER.response.body
    assert handled.response.headers["preference-applied"] == "wait=60"
    assert handled.held_seconds == pytest.approx(sum(door.pauses))
    assert handled.problems == ()


def test_the_demand_is_recorded_before_the_wait_begins(door: FrontDoor) -> None:
    """A wake follows even if this container dies."""

    def look(_: int) -> None:
        assert door.state.read("reviews").has_unmet_demand
        assert door.nudge.sent == ["reviews"]

    door.on_pause = look
    assert door.handle(prefer="wait=5").fate is Fate.WAITED_IN_VAIN


def test_polling_is_gentle_and_asks_sagemaker_nothing(door: FrontDoor) -> None:
    """A second at first, five in the end; nothing is sent before the ledger says that it serves."""
    door.handle(prefer="wait=60")

    assert door.pauses[0] == 1
    assert all(a <= b <= 5 for a, b in zip(door.pauses[:-2], door.pauses[1:-1], strict=True))
    assert door.pauses[-2] == 5
    assert sum(door.pauses) == 60
    assert len(door.runtime.requests) == 1


def test_at_its_end_a_hold_is_a_503_that_says_why(door: FrontDoor) -> None:
    """And when to come again."""
    handled = door.handle(prefer="wait=10")

    assert (handled.response.status, handled.fate) == (503, Fate.WAITED_IN_VAIN)
    assert handled.response.headers["retry-after"] == "480"
    assert handled.response.headers["preference-applied"] == "wait=10"
    assert "is asleep" in message(handled)
    assert "held for 10 seconds, and not executed" in message(handled)
    assert door.slots.taken == {}
    assert door.nudge.sent == ["reviews"]


def test_longer_waits_are_cut(door: FrontDoor) -> None:
    """A function lives for 15 minutes."""
    handled = door.handle(prefer="wait=9999")

    assert handled.response.headers["preference-applied"] == "wait=800"
    assert sum(door.pauses) == 800


def test_a_tag_makes_requests_wait_that_say_nothing(door: FrontDoor) -> None:
    """It was no preference of theirs; wait=0 and respond-async are."""
    door.know(terms=Terms(cold_wait=timedelta(seconds=7)))

    assert "preference-applied" not in door.handle().response.headers
    assert sum(door.pauses) == 7
    assert door.handle(prefer="wait=0").fate is Fate.COLD
    assert door.handle(prefer="respond-async").fate is Fate.PARKED
    assert sum(door.pauses) == 7


def test_a_crowd_that_is_held_is_one_nudge(door: FrontDoor) -> None:
    """Each raises the demand, the first one is news."""
    for _ in range(5):
        door.restart()
        door.clock.advance(seconds=-1)
        door.handle(prefer="wait=1")

    assert door.nudge.sent == ["reviews"]
    assert door.state.read("reviews").demand_version >= 5


def test_places_are_few_and_given_up(door: FrontDoor) -> None:
    """Half of them at most to one endpoint, so that others find some."""
    door.slots.taken = {("reviews", str(n)): door.clock() + timedelta(seconds=5) for n in range(2)}

    handled = door.handle(prefer="wait=60")

    assert (handled.response.status, handled.fate) == (503, Fate.TURNED_AWAY)
    assert "all places to wait for it are taken" in message(handled)
    assert handled.response.headers["retry-after"] == "480"
    door.clock.advance(seconds=6)
    assert door.handle(prefer="wait=5").fate is Fate.WAITED_IN_VAIN
    assert door.slots.holders(door.clock()) == []


def test_a_place_is_taken_for_as_long_as_the_last_call_may_take(door: FrontDoor) -> None:
    """It expires should its holder not give it up."""
    ends = []
    door.on_pause = lambda _: ends.append(door.slots.taken["reviews", "request-1"])
    began = door.clock()

    door.handle(prefer="wait=5")

    assert set(ends) == {began + timedelta(seconds=75)}


def test_without_a_place_it_is_parked_if_it_may_be(door: FrontDoor) -> None:
    """That is what it prefers to nothing at all."""
    door.slots.total = 0

    handled = door.handle(prefer="wait=60, respond-async")

    assert handled.fate is Fate.PARKED
    assert handled.response.headers["preference-applied"] == "respond-async"
    assert door.pauses == []


def test_a_repetition_without_a_place_is_not_parked_while_the_first_waits(
    door: FrontDoor,
) -> None:
    """Both would be executed."""
    second = beside(door)
    answers = []

    def act(so_many: int) -> None:
        if so_many == 1:
            door.slots.total = 0
            answers.append(second.handle(prefer="wait=60, respond-async", headers=SECOND))
            wakes_after(door, 2)

    door.on_pause = act
    first = door.handle(prefer="wait=60, respond-async", headers=FIRST)

    assert (first.fate, door.parked) == (Fate.HELD, [])
    assert answers[0].fate is Fate.WAITED_IN_VAIN
    assert "was not executed twice" in message(answers[0])


def test_a_hold_ends_parked_if_it_may(door: FrontDoor) -> None:
    """Both preferences were honoured."""
    handled = door.handle(prefer="wait=5, respond-async", headers=FIRST)

    assert (handled.response.status, handled.fate) == (202, Fate.PARKED)
    assert handled.response.headers["preference-applied"] == "respond-async, wait=5"
    assert [one.status for one in door.parked] == [Status.PARKED]
    assert door.held == []


def test_what_seemed_to_serve_and_does_not_is_demanded_again(door: FrontDoor) -> None:
    """At most every 15 seconds, and the wait goes on."""
    door.serve()

    handled = door.handle(prefer="wait=40")

    assert handled.fate is Fate.WAITED_IN_VAIN
    assert "does not serve at this moment" in message(handled)
    assert len(door.runtime.requests) > 5
    assert door.state.read("reviews").demand_version == 3


def test_what_is_being_torn_down_is_waited_for(door: FrontDoor) -> None:
    """Nothing is sent to it meanwhile."""
    door.serve()
    door.close()
    door.delete()

    def go_on(so_many: int) -> None:
        if so_many == 2:
            door.state.record_gone("reviews", door.state.read("reviews"))
        if so_many == 4:
            assert door.runtime.requests == []
            door.runtime.answer = ANSWER
            door.serve()

    door.on_pause = go_on
    assert door.handle(prefer="wait=60").fate is Fate.HELD
    assert len(door.runtime.requests) == 1


def test_a_model_that_is_not_ready_is_waited_for(door: FrontDoor) -> None:
    """The endpoint serves; the model is still being loaded."""
    door.serve()
    door.runtime.answer = NOT_READY
    wakes_after(door, 3)

    assert door.handle(prefer="wait=60").fate is Fate.HELD
    assert len(door.runtime.requests) == 4


def test_a_model_that_does_not_get_ready_is_said_to_be_so(door: FrontDoor) -> None:
    """By SageMaker's own words."""
    door.serve()
    door.runtime.answer = NOT_READY

    handled = door.handle(prefer="wait=9")

    assert (handled.response.status, handled.fate) == (429, Fate.WAITED_IN_VAIN)
    assert handled.response.body == NOT_READY.response.body


def test_a_call_may_outlast_the_wait_and_none_begins_after_it(door: FrontDoor) -> None:
    """A minute for a cold model is SageMaker's, not the caller's."""
    door.serve()
    door.runtime.answer = NOT_READY
    door.runtime.on_request = lambda: door.clock.advance(seconds=60)

    handled = door.handle(prefer="wait=50")

    assert handled.response.status == 429
    assert (len(door.runtime.requests), door.pauses) == (1, [])


@pytest.mark.parametrize(("may_have_run", "requests"), [(True, 1), (False, 2)])
def test_what_may_have_run_is_not_sent_again(
    door: FrontDoor, may_have_run: bool, requests: int
) -> None:
    """What never reached SageMaker is."""

    def wake(so_many: int) -> None:
        door.serve()
        door.runtime.answer = Unanswered("reset", may_have_run)
        if so_many == 2:
            door.runtime.answer = ANSWER

    door.on_pause = wake
    handled = door.handle(prefer="wait=60")

    assert len(door.runtime.requests) == 1 + requests
    assert handled.response.status == (424 if may_have_run else 200)
    assert handled.fate is (Fate.UNANSWERED if may_have_run else Fate.HELD)


def test_an_operators_sleep_is_not_undone_by_who_waits_already(door: FrontDoor) -> None:
    """Only newer demand overrules it."""
    slept = []

    def sleep(so_many: int) -> None:
        if so_many == 2:
            door.state.record_sleep("reviews", door.clock())
        slept.append(door.state.read("reviews").is_put_to_sleep)

    door.on_pause = sleep
    door.handle(prefer="wait=30")

    assert all(slept[1:])


def test_nobody_waits_whose_demand_cannot_be_recorded(
    door: FrontDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing would be on its way."""
    monkeypatch.setattr(FakeLedgers, "raise_demand", refuse)

    handled = door.handle(prefer="wait=60", headers=FIRST)

    assert handled.response.status == 503
    assert "could not record" in message(handled)
    assert (door.pauses, door.held, door.slots.taken) == ([], [], {})


def test_a_ledger_that_cannot_be_read_for_a_while_costs_time(
    door: FrontDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is reported once."""
    door.handle(prefer="wait=0")
    read = FakeLedgers.read

    def fail(so_many: int) -> None:
        monkeypatch.setattr(FakeLedgers, "read", refuse)
        if so_many == 3:
            monkeypatch.setattr(FakeLedgers, "read", read)
            door.runtime.answer = ANSWER
            door.serve()

    door.on_pause = fail
    handled = door.handle(prefer="wait=60")

    assert handled.fate is Fate.HELD
    assert handled.problems == ("UpdateItem refused",)


# ---------------------------------------------------------------------------------- repetitions


def test_a_repetition_joins_the_first_and_is_executed_once(door: FrontDoor) -> None:
    """Both have the one answer."""
    second = beside(door)
    answers = []

    def act(so_many: int) -> None:
        if so_many == 2:
            # The second container runs while the first sleeps.
            second.on_pause = lambda n: None
            door.runtime.answer = ANSWER
            door.serve()
            answers.append(second.handle(prefer="wait=3", headers=SECOND))

    door.on_pause = act
    first = door.handle(prefer="wait=60", headers=FIRST)
    answers.append(second.handle(prefer="wait=60", headers=SECOND))

    assert first.fate is Fate.HELD
    assert [answer.fate for answer in answers] == [Fate.WAITED_IN_VAIN, Fate.JOINED]
    assert "was not executed twice" in message(answers[0])
    assert answers[1].response.body == ANSWER.response.body
    assert len(door.runtime.requests) == 2  # the first met a cold endpoint, and sent it again


def test_another_caller_under_the_same_name_joins_nobody(door: FrontDoor) -> None:
    """Names are the callers' own."""
    wakes_after(door, 1)
    door.handle(prefer="wait=60", headers=FIRST)
    other = Caller(CALLER.arn.replace("jo", "al"), CALLER.account)

    assert door.handle(other, prefer="wait=60", headers=SECOND).fate is Fate.FORWARDED
    assert door.handle(prefer="wait=60", headers=SECOND).fate is Fate.JOINED


def test_another_request_under_the_same_name_is_a_conflict(door: FrontDoor) -> None:
    """It must not have somebody else's answer."""
    wakes_after(door, 1)
    door.handle(prefer="wait=60", headers=FIRST)

    handled = door.handle(prefer="wait=60", body=b"[2]", headers=SECOND)

    assert (handled.response.status, handled.fate) == (409, Fate.REFUSED)
    assert "amz-sdk-invocation-id" in message(handled)


def test_a_repetition_of_what_never_waited_is_sent_under_a_claim(door: FrontDoor) -> None:
    """The first may be under way still, and be held when the model was not ready."""
    door.serve()
    door.runtime.answer = ANSWER

    assert door.handle(prefer="wait=60", headers=SECOND).fate is Fate.FORWARDED
    assert [one.status for one in door.held] == [Status.ANSWERED]
    assert door.handle(prefer="wait=60", headers=SECOND).fate is Fate.JOINED
    assert len(door.runtime.requests) == 1


def test_after_a_crash_it_is_taken_over_when_the_claim_runs_out(door: FrontDoor) -> None:
    """Not before: the first might be under way."""

    class Crash(BaseException):
        """The container dies."""

    def die(_: int) -> None:
        raise Crash

    door.on_pause = die
    with pytest.raises(Crash):
        door.handle(prefer="wait=30", headers=FIRST)
    door.restart()
    door.serve()
    door.runtime.answer = ANSWER
    door.on_pause = lambda _: None

    handled = door.handle(prefer="wait=30", headers=SECOND)
    assert handled.fate is Fate.WAITED_IN_VAIN
    assert len(door.runtime.requests) == 1
    handled = door.handle(prefer="wait=300", headers=SECOND)
    assert handled.fate is Fate.HELD
    assert len(door.runtime.requests) == 2
    assert [one.tries for one in door.held] == [1]


def test_a_repetition_of_what_was_parked_has_its_202(door: FrontDoor) -> None:
    """One request in the end, whichever way it went."""
    first = door.handle(prefer="wait=5, respond-async", headers=FIRST)
    door.serve()
    door.runtime.answer = ANSWER

    second = door.handle(prefer="wait=5, respond-async", headers=SECOND)

    assert second.response.headers["location"] == first.response.headers["location"]
    assert len(door.parked) == 1
    assert len(door.runtime.requests) == 1


def test_what_was_parked_while_a_repetition_waited_is_not_executed_there(
    door: FrontDoor,
) -> None:
    """The first parks it before it gives up its claim."""
    request = replace(REQUEST, headers={**REQUEST.headers, **FIRST})
    claim = door.joining.record_of(request, "sdk-1", door.clock() + timedelta(minutes=5))
    assert door.records.create(claim) is None

    def act(so_many: int) -> None:
        if so_many == 2:
            first = FrontDoor(
                door.state, door.clock, door.runtime, records=door.records, payloads=door.payloads
            )
            first.handle(prefer="respond-async", headers=FIRST)
            door.records.delete(claim)
            door.runtime.answer = ANSWER
            door.serve()

    door.on_pause = act
    handled = door.handle(prefer="wait=60, respond-async", headers=SECOND)

    assert handled.fate is Fate.PARKED
    assert len(door.parked) == 1
    assert door.held == []


def test_an_answer_that_cannot_be_kept_is_given(
    door: FrontDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claim stands, so that no repetition is executed before it runs out."""
    wakes_after(door, 1)
    monkeypatch.setattr(FakePayloads, "put", refuse)

    handled = door.handle(prefer="wait=60", headers=FIRST)

    assert (handled.fate, handled.problems) == (Fate.HELD, ("UpdateItem refused",))
    assert [one.status for one in door.held] == [Status.ANSWERING]


def test_an_answer_that_is_kept_no_longer_is_not_given_anew(door: FrontDoor) -> None:
    """It was executed; that can't be undone."""
    wakes_after(door, 1)
    door.handle(prefer="wait=60", headers=FIRST)
    door.payloads.stored.clear()

    assert door.handle(prefer="wait=60", headers=SECOND).response.status == 424


def test_what_may_have_run_is_not_executed_by_a_repetition(door: FrontDoor) -> None:
    """It has the same 424."""
    door.serve()
    door.runtime.answer = Unanswered("reset", may_have_run=True)
    door.handle(prefer="wait=60", headers=SECOND)
    door.runtime.answer = ANSWER

    assert door.handle(prefer="wait=60", headers=SECOND).response.status == 424
    assert len(door.runtime.requests) == 1


def test_without_records_nothing_that_is_held_is_sent(
    door: FrontDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else might be executing it."""
    door.serve()
    door.runtime.answer = ANSWER
    monkeypatch.setattr(FakeRequestRecords, "read", refuse)

    handled = door.handle(prefer="wait=9", headers=SECOND)

    assert handled.response.status == 503
    assert door.runtime.requests == []
    assert handled.problems == ("UpdateItem refused",)
    assert door.slots.taken == {}


def test_without_a_place_or_a_claim_nothing_is_parked(door: FrontDoor) -> None:
    """It can't be told whether somebody else is about to execute it."""
    door.slots.total = 0

    def fail(operation: str, is_done: bool) -> None:
        if operation == "records.create" and not door.records.stored:
            raise AwsError("PutItem refused: Throttling")

    door.records.disturb = fail
    handled = door.handle(prefer="wait=9, respond-async", headers=FIRST)

    assert handled.response.status == 503
    assert handled.problems == ("PutItem refused: Throttling",)
    assert door.records.stored == {}


def test_a_claim_whose_answer_was_lost_is_ones_own(door: FrontDoor) -> None:
    """The write may have happened."""

    def lose(operation: str, is_done: bool) -> None:
        if operation == "records.create" and is_done:
            door.records.disturb = lambda *_: None
            raise AwsError("PutItem failed: read timeout")

    door.records.disturb = lose
    wakes_after(door, 2)

    handled = door.handle(prefer="wait=60", headers=FIRST)

    assert handled.fate is Fate.HELD
    assert len(door.runtime.requests) == 2
    assert [one.status for one in door.held] == [Status.ANSWERED]


def test_a_refusal_of_the_model_ends_the_wait(door: FrontDoor) -> None:
    """It was executed."""

    def wake(_: int) -> None:
        door.runtime.answer = Forwarded(InvocationResponse(424, {}, b"no"))
        door.serve()

    door.on_pause = wake
    handled = door.handle(prefer="wait=60")

    assert (handled.response.status, handled.response.body) == (424, b"no")
