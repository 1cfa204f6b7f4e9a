"""What becomes of a released request, by what the model and the endpoint answer."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dormouse.domain.invocation import Forwarded, InvocationResponse, Unanswered
from dormouse.domain.ledger import Closing
from dormouse.domain.parked_request import (
    ParkedRequest,
    Queue,
    Status,
    cancelled,
    claimed,
)
from dormouse.domain.work import AnswerNext
from dormouse.drain import Fate
from dormouse.errors import AwsError
from dormouse.responses import runtime_error
from tests.fakes.draining import (
    BROKEN,
    CALL_TIME,
    CLAIM_TIME,
    GONE,
    NOT_READY,
    OUTPUT,
    PREDICTION,
    REFUSED,
    RETRY_PAUSE,
    TOPIC,
    Answer,
    Desk,
)


@pytest.fixture
def desk() -> Desk:
    """A fresh drain among stand-ins."""
    return Desk()


def refuse(desk: Desk, operation: str, times: int = 1) -> None:
    """Let AWS refuse an operation so often."""
    left = [times]

    def disturb(happening: str, is_done: bool) -> None:
        if happening == operation and not is_done and left[0]:
            left[0] -= 1
            raise AwsError(f"{operation} refused")

    desk.disturb = disturb


def test_a_prediction_is_recorded(desk: Desk) -> None:
    """The response as it came, its body among the payloads, under the claim's own key."""
    request = desk.release()

    outcome = desk.answer()

    assert outcome.fate is Fate.ANSWERED
    assert outcome.problems == ()
    after = desk.now(request)
    assert outcome.request == after
    assert after.status is Status.ANSWERED
    assert after.finished_at == desk.clock()
    assert after.tries == 1
    assert after.result is not None
    assert (after.result.status, after.result.headers) == (200, PREDICTION.response.headers)
    assert after.result.body_key.startswith(f"requests/reviews/{request.id}/result-")
    assert desk.payloads.get(after.result.body_key) == b"[1]"


def test_the_model_is_sent_what_came_in(desk: Desk) -> None:
    """Headers and body, in the name of whoever sent them."""
    request = desk.release()
    desk.answer()

    (sent,) = desk.runtime.requests
    assert (sent.endpoint, sent.headers, sent.body) == ("reviews", request.headers, b"body 1")
    assert sent.caller.arn == request.principal


def test_the_oldest_of_the_model_comes_first(desk: Desk) -> None:
    """Whichever order arrives; other models have orders of their own."""
    for number in (3, 1, 2):
        desk.release(number)
    desk.release(0, model="b")

    for _ in range(3):
        desk.answer()

    assert desk.runtime.bodies == [b"body 1", b"body 2", b"body 3"]


def test_an_order_too_many_finds_nothing(desk: Desk) -> None:
    """Orders may come twice."""
    desk.release()
    desk.answer()

    assert desk.answer().fate is Fate.NOTHING_DUE
    assert len(desk.runtime.requests) == 1


def test_requests_that_are_not_released_are_left_alone(desk: Desk) -> None:
    """The endpoint may not serve."""
    desk.release(status=Status.PARKED, released_at=None)

    assert desk.answer().fate is Fate.NOTHING_DUE


def test_a_backlog_behind_many_that_others_are_busy_with_is_found(desk: Desk) -> None:
    """However many drains there are."""
    until = desk.clock() + CLAIM_TIME
    for number in range(1, 200):
        desk.release(number, status=Status.ANSWERING, claim="other", claimed_until=until)
    desk.release(200)

    assert desk.answer().fate is Fate.ANSWERED
    assert desk.runtime.bodies == [b"body 200"]


def test_without_time_for_a_whole_call_nothing_is_begun(desk: Desk) -> None:
    """Lambda would kill it in the middle."""
    request = desk.release()

    outcome = desk.drain.answer_next(
        AnswerNext("reviews", "a"), CALL_TIME - timedelta(milliseconds=1)
    )

    assert outcome.fate is Fate.LEFT
    assert desk.now(request) == request


def test_an_expired_one_is_ended_and_told_of(desk: Desk) -> None:
    """Before the model has any work with it."""
    request = desk.release(completion_topic=TOPIC)
    desk.clock.now = request.expires_at

    assert desk.answer().fate is Fate.EXPIRED

    after = desk.now(request)
    assert after.status is Status.EXPIRED
    assert after.is_published
    assert desk.runtime.requests == []
    assert len(desk.notifications.published) == 1
    assert desk.dead_letters.letters == []


# ------------------------------------------------------------------------ a model that is not ready


def test_a_model_that_is_not_ready_is_waited_for(desk: Desk) -> None:
    """By the same try, under a claim that is prolonged."""
    request = desk.release()
    desk.runtime.answers = [NOT_READY, NOT_READY, PREDICTION]

    assert desk.answer().fate is Fate.ANSWERED

    assert desk.slept == [1, 2]
    assert desk.now(request).tries == 1
    untils = [
        step.claimed_until for step in desk.records.history if step.status is Status.ANSWERING
    ]
    assert untils == [
        request.accepted_at - timedelta(seconds=1) + CLAIM_TIME + timedelta(seconds=seconds)
        for seconds in (0, 1, 3)
    ]


def test_a_model_that_is_not_ready_in_time_costs_no_try(desk: Desk) -> None:
    """The request has its turn again."""
    request = desk.release()
    desk.runtime.answers = [NOT_READY]
    desk.runtime.meanwhile = lambda: desk.clock.advance(seconds=60)

    outcome = desk.answer()

    assert outcome.fate is Fate.GIVEN_BACK
    assert outcome.problems == ()
    assert len(desk.runtime.requests) == 2
    after = desk.now(request)
    assert (after.status, after.tries, after.claim) == (Status.RELEASED, 0, None)


@pytest.mark.parametrize("error_type", ["ThrottlingException", "TooManyRequestsException"])
def test_throttling_is_no_failure(desk: Desk, error_type: str) -> None:
    """It was not executed."""
    desk.release()
    desk.runtime.answers = [Forwarded(runtime_error(429, error_type, "slow down")), PREDICTION]

    assert desk.answer().fate is Fate.ANSWERED


def test_a_claim_that_ran_out_while_waiting_is_given_up(desk: Desk) -> None:
    """Whoever has it now answers it."""
    request = desk.release()
    desk.runtime.answers = [NOT_READY]

    def take_it() -> None:
        before = desk.now(request)
        later = desk.clock() + CLAIM_TIME
        desk.records.stored["reviews", request.id] = claimed(before, "other", later)

    desk.runtime.meanwhile = take_it

    assert desk.answer().fate is Fate.LOST
    assert desk.now(request).claim == "other"
    assert len(desk.runtime.requests) == 1


# ------------------------------------------------------------------------- an endpoint that is gone


def test_an_endpoint_that_is_gone_again_costs_no_try(desk: Desk) -> None:
    """The request waits again, and the endpoint is asked for."""
    request = desk.release()
    desk.runtime.answers = [GONE]

    assert desk.answer().fate is Fate.PARKED_AGAIN

    after = desk.now(request)
    assert (after.status, after.tries, after.claim) == (Status.PARKED, 0, None)
    assert desk.ledger.has_unmet_demand
    assert desk.nudge.sent == ["reviews"]


def test_a_crowd_that_finds_it_gone_sends_one_nudge(desk: Desk) -> None:
    """One wake is enough for all."""
    for number in range(1, 4):
        desk.release(number)
    desk.runtime.answers = [GONE]

    fates = [desk.answer().fate for _ in range(3)]

    assert fates == [Fate.PARKED_AGAIN] * 3
    assert desk.nudge.sent == ["reviews"]


def test_the_demand_is_raised_before_the_request_is_parked_again(desk: Desk) -> None:
    """A reconciler that finds nothing in between must not note that nothing waits."""
    desk.release()
    desk.change_ledger(has_requests=False)
    desk.runtime.answers = [GONE]
    happened: list[str] = []

    def note(operation: str, is_done: bool) -> None:
        if is_done:
            happened.append(operation)

    desk.disturb = note
    desk.answer()

    assert happened[-2:] == ["state.raise_demand", "records.change"]
    assert desk.ledger.has_requests


def test_nothing_is_sent_to_one_that_is_being_torn_down(desk: Desk) -> None:
    """The request waits for the next."""
    desk.release()
    now = desk.clock()
    desk.change_ledger(closing=Closing(now, 0, is_forced=True, reason="r", deleting_at=now))

    assert desk.answer().fate is Fate.PARKED_AGAIN
    assert desk.runtime.requests == []
    assert desk.ledger.has_unmet_demand


def test_a_closing_that_may_be_undone_is(desk: Desk) -> None:
    """Better than to let it go and start it again."""
    desk.release()
    desk.change_ledger(closing=Closing(desk.clock(), 0, is_forced=False, reason="idle"))

    assert desk.answer().fate is Fate.ANSWERED
    assert desk.ledger.closing is None


def test_what_was_accepted_before_a_sleep_does_not_wake_it(desk: Desk) -> None:
    """A sleep lasts until newer demand."""
    request = desk.release()
    desk.state.record_sleep("reviews", desk.clock())
    before = desk.ledger
    desk.runtime.answers = [GONE]

    assert desk.answer().fate is Fate.PARKED_AGAIN

    assert desk.now(request).status is Status.PARKED
    assert desk.ledger.is_put_to_sleep
    assert desk.ledger.demand_version == before.demand_version
    assert desk.nudge.sent == []


def test_an_endpoint_that_nothing_is_known_of_is_waited_for(desk: Desk) -> None:
    """Its EndpointConfig may be tagged again, within the request's time to live."""
    request = desk.release()
    desk.change_ledger(decision=None)

    assert desk.answer().fate is Fate.PARKED_AGAIN
    assert desk.now(request).status is Status.PARKED


def test_a_denial_is_told_as_a_problem(desk: Desk) -> None:
    """It may hide an endpoint that serves, which no waiting would mend."""
    desk.release()
    desk.runtime.answers = [replace(GONE, denial="InvokeEndpoint refused: AccessDenied: no")]

    outcome = desk.answer()

    assert outcome.fate is Fate.PARKED_AGAIN
    assert outcome.problems == ("InvokeEndpoint refused: AccessDenied: no",)


def test_a_denial_is_not_taken_to_a_tick_at_once(desk: Desk) -> None:
    """One that sees the endpoint serve would release the request, to be denied again, for hours."""
    desk.release()
    desk.runtime.answers = [replace(GONE, denial="InvokeEndpoint refused: AccessDenied: no")]

    desk.answer()

    assert desk.ledger.has_unmet_demand
    assert desk.nudge.sent == []


def test_a_lost_nudge_costs_nothing(desk: Desk) -> None:
    """The demand stands; the scheduled tick finds it."""
    desk.release()
    desk.runtime.answers = [GONE]
    desk.nudge.fails_with = "Invoke refused: TooManyRequestsException"

    outcome = desk.answer()

    assert outcome.fate is Fate.PARKED_AGAIN
    assert outcome.problems == ("Invoke refused: TooManyRequestsException",)


def test_a_demand_that_cannot_be_raised_leaves_it_released(desk: Desk) -> None:
    """There it counts as waiting work all the same, and is ordered again."""
    request = desk.release()
    desk.runtime.answers = [GONE]
    refuse(desk, "state.raise_demand")

    outcome = desk.answer()

    assert outcome.fate is Fate.GIVEN_BACK
    assert outcome.problems == ("state.raise_demand refused",)
    assert (desk.now(request).status, desk.now(request).tries) == (Status.RELEASED, 0)


# --------------------------------------------------------------------- what is nobody's own failure


def test_without_a_lease_nothing_is_sent(desk: Desk) -> None:
    """And it costs no try."""
    request = desk.release()
    refuse(desk, "state.take_lease")

    outcome = desk.answer()

    assert outcome.fate is Fate.GIVEN_BACK
    assert outcome.problems == ("state.take_lease refused",)
    assert desk.runtime.requests == []
    assert desk.now(request).tries == 0


def test_what_never_reached_sagemaker_costs_no_try(desk: Desk) -> None:
    """The model has not seen it."""
    request = desk.release()
    desk.runtime.answers = [Unanswered("no route", may_have_run=False)]

    outcome = desk.answer()

    assert outcome.fate is Fate.GIVEN_BACK
    assert outcome.problems == ("SageMaker could not be reached: no route",)
    assert desk.now(request).tries == 0


def test_a_body_that_cannot_be_read_now_costs_no_try(desk: Desk) -> None:
    """S3 may answer the next time."""
    request = desk.release()
    refuse(desk, "payloads.get")

    outcome = desk.answer()

    assert outcome.fate is Fate.GIVEN_BACK
    assert outcome.problems == ("payloads.get refused",)
    assert (desk.now(request).status, desk.now(request).tries) == (Status.RELEASED, 0)


# --------------------------------------------------------------------------------- failures proper


def test_a_refusal_that_will_not_change_ends_it_at_once(desk: Desk) -> None:
    """With SageMaker's own response, and a dead letter that says why."""
    request = desk.release()
    desk.runtime.answers = [REFUSED]

    assert desk.answer().fate is Fate.FAILED

    after = desk.now(request)
    assert (after.status, after.tries, after.is_published) == (Status.FAILED, 1, True)
    assert after.reason == "SageMaker answered 400 ValidationError: Failed to download model data"
    assert after.result is not None
    assert after.result.status == 400
    assert desk.payloads.get(after.result.body_key) == REFUSED.response.body
    assert [letter.request_id for letter in desk.dead_letters.letters] == [request.id]
    assert desk.dead_letters.reasons == [after.reason]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (BROKEN, "SageMaker answered 500 InternalFailure: try again"),
        (Unanswered("read timeout", may_have_run=True), "SageMaker did not answer: read timeout"),
        (
            Forwarded(
                InvocationResponse(
                    424, {}, b'{"OriginalStatusCode": 503, "OriginalMessage": "busy"}'
                )
            ),
            "the model answered 503: busy",
        ),
    ],
)
def test_a_failure_is_tried_again_up_to_the_limit(desk: Desk, answer: Answer, reason: str) -> None:
    """With a pause in between; then it says why, and how often it was tried."""
    request = desk.release()
    desk.runtime.answers = [answer]

    fates = []
    for _ in range(4):
        fates.append(desk.answer().fate)
        assert desk.answer().fate is Fate.NOTHING_DUE
        desk.clock.now += RETRY_PAUSE

    assert fates == [Fate.TRIED, Fate.TRIED, Fate.FAILED, Fate.NOTHING_DUE]
    assert desk.now(request).reason == f"{reason} (it was tried 3 times)"
    assert len(desk.runtime.requests) == 3


def test_a_failure_that_mends_is_answered(desk: Desk) -> None:
    """The reason of the former try is gone."""
    request = desk.release()
    desk.runtime.answers = [BROKEN, PREDICTION]

    assert desk.answer().fate is Fate.TRIED
    assert desk.now(request).reason == "SageMaker answered 500 InternalFailure: try again"
    desk.clock.now += RETRY_PAUSE
    assert desk.answer().fate is Fate.ANSWERED
    assert desk.now(request).reason is None


def test_one_that_fails_does_not_hold_up_the_younger_ones(desk: Desk) -> None:
    """It would use up their orders, and its own tries at once."""
    failing = desk.release(1)
    desk.release(2)
    desk.runtime.answers = [BROKEN, PREDICTION]

    assert [desk.answer().fate, desk.answer().fate] == [Fate.TRIED, Fate.ANSWERED]
    assert desk.runtime.bodies == [b"body 1", b"body 2"]
    assert desk.now(failing).tries == 1


def test_a_body_that_is_gone_ends_it(desk: Desk) -> None:
    """No try would find it."""
    request = desk.release()
    desk.payloads.stored.clear()

    assert desk.answer().fate is Fate.FAILED
    assert (desk.now(request).reason or "").startswith("its body is lost")
    assert desk.runtime.requests == []


def test_an_answer_that_cannot_be_kept_counts_as_a_try(desk: Desk) -> None:
    """The model has run, and a store that is broken for good must not have it run for ever."""
    request = desk.release()
    refuse(desk, "payloads.put")

    assert desk.answer().fate is Fate.TRIED
    assert desk.now(request).reason == "its answer could not be kept: payloads.put refused"


def test_a_failure_is_recorded_even_if_its_response_cannot_be_kept(desk: Desk) -> None:
    """Its reason says the same in short."""
    request = desk.release()
    desk.runtime.answers = [REFUSED]
    refuse(desk, "payloads.put")

    outcome = desk.answer()

    assert outcome.fate is Fate.FAILED
    assert outcome.problems == ("payloads.put refused",)
    assert desk.now(request).result is None


def test_what_kills_whoever_answers_it_is_begun_so_often_only(desk: Desk) -> None:
    """Each claim counts as a try."""
    request = desk.release()

    def die() -> None:
        raise MemoryError

    desk.runtime.meanwhile = die
    for _ in range(3):
        with pytest.raises(MemoryError):
            desk.answer()
        desk.clock.now += CLAIM_TIME

    assert desk.answer().fate is Fate.FAILED
    after = desk.now(request)
    assert after.reason == "it was begun 3 times, and the last never ended"
    assert len(desk.runtime.requests) == 3
    assert [letter.request_id for letter in desk.dead_letters.letters] == [request.id]


def test_the_reason_of_an_earlier_try_is_kept(desk: Desk) -> None:
    """It may be the one that explains."""
    request = desk.release(tries=3, status=Status.ANSWERING, claim="c", reason="it said no")
    claimed_until = desk.clock()
    desk.records.stored["reviews", request.id] = replace(request, claimed_until=claimed_until)

    desk.answer()

    reason = "it was begun 3 times, and the last never ended; before that, it said no"
    assert desk.now(request).reason == reason


# ----------------------------------------------------------------------------------- several drains


def test_two_that_take_the_same_order_answer_two_requests(desk: Desk) -> None:
    """Neither waits for the other."""
    desk.release(1)
    desk.release(2)
    other = desk.new_drain()
    outcomes = []

    def order_again() -> None:
        desk.runtime.meanwhile = lambda: None
        outcomes.append(desk.answer(drain=other))

    desk.runtime.meanwhile = order_again
    outcomes.append(desk.answer())

    assert [outcome.fate for outcome in outcomes] == [Fate.ANSWERED] * 2
    assert desk.runtime.bodies == [b"body 1", b"body 2"]


def test_who_loses_a_claim_takes_the_next(desk: Desk) -> None:
    """Another drain read the same list."""
    desk.release(1)
    desk.release(2)
    other = desk.new_drain()

    def claim_first(operation: str, is_done: bool) -> None:
        if operation == "records.change" and not is_done:
            desk.disturb = lambda operation, is_done: None
            desk.answer(drain=other)

    desk.disturb = claim_first

    assert desk.answer().fate is Fate.ANSWERED
    assert desk.runtime.bodies == [b"body 1", b"body 2"]


def test_a_cancellation_that_comes_first_wins(desk: Desk) -> None:
    """Nothing is sent for it."""
    request = desk.release()

    def cancel(operation: str, is_done: bool) -> None:
        if operation == "records.change" and not is_done:
            desk.disturb = lambda operation, is_done: None
            before = desk.now(request)
            desk.records.change(before, cancelled(before, desk.clock()))

    desk.disturb = cancel

    assert desk.answer().fate is Fate.NOTHING_DUE
    assert desk.runtime.requests == []


def test_a_claim_that_has_run_out_is_taken_over_and_one_result_is_recorded(desk: Desk) -> None:
    """The model has run twice; whoever comes too late leaves nothing behind."""
    request = desk.release()
    other = desk.new_drain()
    desk.runtime.answers = [Forwarded(InvocationResponse(200, {}, b"taken over")), PREDICTION]
    fates = []

    def stall() -> None:
        desk.runtime.meanwhile = lambda: None
        desk.clock.now += CLAIM_TIME
        fates.append(desk.answer(drain=other).fate)

    desk.runtime.meanwhile = stall
    fates.append(desk.answer().fate)

    assert fates == [Fate.ANSWERED, Fate.LOST]
    after = desk.now(request)
    assert after.result is not None
    assert desk.payloads.get(after.result.body_key) == b"taken over"
    results = [key for key in desk.payloads.stored if "result-" in key]
    assert results == [after.result.body_key]
    assert _ends(desk, request) == [Status.ANSWERED]


def test_a_claim_that_lasts_is_respected(desk: Desk) -> None:
    """Even at its last moment."""
    until = desk.clock() + CLAIM_TIME
    desk.release(status=Status.ANSWERING, claim="other", claimed_until=until, tries=1)
    desk.clock.now = until - timedelta(milliseconds=1)
    assert desk.answer().fate is Fate.NOTHING_DUE
    desk.clock.now = until
    assert desk.answer().fate is Fate.ANSWERED


def test_one_who_comes_too_late_to_remove_what_he_kept_says_so(desk: Desk) -> None:
    """The object lies there until the bucket's own rule removes it."""
    request = desk.release()

    def lose(operation: str, is_done: bool) -> None:
        if operation == "payloads.put" and is_done:
            before = desk.now(request)
            later = desk.clock() + CLAIM_TIME
            desk.records.stored["reviews", request.id] = claimed(before, "other", later)
            refuse(desk, "payloads.delete")

    desk.disturb = lose

    outcome = desk.answer()

    assert (outcome.fate, outcome.problems) == (Fate.LOST, ("payloads.delete refused",))


@pytest.mark.parametrize("answer", [GONE, BROKEN, Unanswered("no route", may_have_run=False)])
def test_who_has_lost_his_claim_changes_nothing(desk: Desk, answer: Answer) -> None:
    """Whatever he was answered."""
    request = desk.release()
    desk.runtime.answers = [answer]

    def take_it() -> None:
        later = desk.clock() + CLAIM_TIME
        desk.records.stored["reviews", request.id] = claimed(desk.now(request), "other", later)

    desk.runtime.meanwhile = take_it

    assert desk.answer().fate is Fate.LOST
    assert desk.now(request).claim == "other"


# ------------------------------------------------------------------------------------------ telling


def test_whoever_wants_to_know_is_told_in_the_same_run(desk: Desk) -> None:
    """Nobody has to wait for the next tick."""
    request = desk.release(output_location=OUTPUT, completion_topic=TOPIC)

    outcome = desk.answer()

    assert outcome.fate is Fate.ANSWERED
    assert desk.locations.objects[OUTPUT] == (b"[1]", "application/json")
    assert [topic for topic, _ in desk.notifications.published] == [TOPIC]
    assert desk.now(request).is_published


@pytest.mark.parametrize("operation", ["locations.write", "notifications.publish"])
def test_what_cannot_be_told_now_is_told_later(desk: Desk, operation: str) -> None:
    """The answer stands."""
    request = desk.release(output_location=OUTPUT, completion_topic=TOPIC)
    refuse(desk, operation)

    outcome = desk.answer()

    assert outcome.fate is Fate.ANSWERED
    (problem,) = outcome.problems
    assert problem == f"it can't be told how {request.id} has ended: {operation} refused"
    assert desk.records.queued("reviews", Queue.PUBLISHING, 10) == [desk.now(request)]
    desk.catch_up()
    assert desk.now(request).is_published


def test_that_it_was_told_may_not_be_noted(desk: Desk) -> None:
    """It is told again."""
    request = desk.release(output_location=OUTPUT, completion_topic=TOPIC)

    def refuse_last(operation: str, is_done: bool) -> None:
        if operation == "notifications.publish" and is_done:
            refuse(desk, "records.change")

    desk.disturb = refuse_last

    outcome = desk.answer()
    assert (outcome.fate, outcome.problems) == (Fate.ANSWERED, ("records.change refused",))
    desk.catch_up()
    assert desk.now(request).is_published
    first, second = desk.notifications.published
    assert first == second


def _ends(desk: Desk, request: ParkedRequest) -> list[Status]:
    """List the ends that were recorded of a request."""
    return [
        step.status
        for step in desk.records.history
        if step.id == request.id and step.status.is_final and not step.is_published
    ]
