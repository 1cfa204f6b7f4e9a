"""Sending under a lease: when one is taken, when not, and what the ledger learns from it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dormouse.domain.invocation import (
    Execution,
    Forwarded,
    InvocationRequest,
    InvocationResponse,
    NotServing,
    Unanswered,
    error_message,
    error_type,
)
from dormouse.domain.ledger import Decision, Ledger
from dormouse.domain.principals import Caller
from dormouse.errors import AwsError
from dormouse.responses import runtime_error
from dormouse.sending import Cold, NoLedger, NotKnown, Sender
from tests.fakes.clock import FakeClock
from tests.fakes.deployment import LEASE_TERMS
from tests.fakes.front_door import executed
from tests.fakes.ledger import FakeLedgers
from tests.fakes.world import FakeRuntime

ANSWER = Forwarded(InvocationResponse(200, {}, b"[1]"))
ANSWERED = Forwarded(executed(ANSWER.response, "a.tar.gz"))
CALLER = Caller("arn:aws:iam::123456789012:user/jo", "123456789012")


class Container:
    """A warm container before the endpoint `reviews`, which serves."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.state = FakeLedgers()
        self.state.record_decision(
            "reviews", Decision("stay up", "hold", "held"), self.clock(), Ledger()
        )
        self.runtime = FakeRuntime(ANSWER)
        self.sender = Sender(self.runtime, self.state, self.clock, LEASE_TERMS)

    def send(self, model: str = "a.tar.gz", *, is_request: bool = True) -> object:
        """Send a request for a model."""
        headers = {"x-amzn-sagemaker-target-model": model}
        request = InvocationRequest("reviews", headers, b"{}", CALLER)
        return self.sender.send(request, is_request=is_request)

    def close(self, *, is_forced: bool) -> None:
        """Let another function claim the teardown."""
        seen = self.state.read("reviews")
        assert self.state.begin_closing(
            "reviews", seen, "idle", self.clock(), is_forced=is_forced, warm_set=()
        )


@pytest.fixture
def container() -> Container:
    """Fresh."""
    return Container()


def test_a_lease_is_taken_before_the_first_request(container: Container) -> None:
    """It lasts for the interval, a call and the margin; and it notes that one has come."""
    assert container.send() == ANSWERED
    ledger = container.state.read("reviews")
    assert ledger.lease_until == container.clock() + timedelta(seconds=110)
    assert ledger.last_request_at == container.clock()


def test_it_is_renewed_once_in_an_interval(container: Container) -> None:
    """As soon as it would not cover the whole call any more."""
    container.send()
    first = container.state.read("reviews").lease_until
    container.clock.advance(seconds=30)
    container.send()
    assert container.state.read("reviews").lease_until == first
    container.clock.advance(seconds=1)
    container.send()
    assert container.state.read("reviews").lease_until == container.clock() + timedelta(seconds=110)


def test_nothing_is_sent_without_one(container: Container) -> None:
    """An unforced closing is undone instead, since somebody needs the endpoint; a forced one is
    not.
    """
    container.close(is_forced=False)
    assert container.send() == ANSWERED
    assert container.state.read("reviews").closing is None
    container.clock.advance(minutes=5)
    container.close(is_forced=True)
    assert isinstance(container.send(), Cold)
    assert len(container.runtime.requests) == 1


def test_what_is_deleting_is_not_reopened(container: Container) -> None:
    """DeleteEndpoint may have been called."""
    container.close(is_forced=False)
    seen = container.state.read("reviews")
    assert container.state.begin_deleting("reviews", seen, container.clock())
    cold = container.send()
    assert isinstance(cold, Cold)
    assert cold.ledger is not None
    assert cold.ledger.is_deleting
    assert container.runtime.requests == []


def test_a_warm_up_reopens_nothing_and_counts_as_no_request(container: Container) -> None:
    """It is no demand."""
    assert container.send(is_request=False) == ANSWERED
    assert container.state.read("reviews").last_request_at is None
    container.clock.advance(minutes=5)
    container.close(is_forced=False)
    assert isinstance(container.send(is_request=False), Cold)


def test_a_request_is_not_sent_under_the_lease_of_a_warm_up(container: Container) -> None:
    """That one says nothing of requests."""
    container.send(is_request=False)
    container.send()
    assert container.state.read("reviews").last_request_at == container.clock()


def test_of_an_endpoint_that_nobody_knows_there_is_none(container: Container) -> None:
    """Whether it is managed at all, others can tell."""
    container.state.forget_decision("reviews")
    assert container.send() == NotKnown()
    assert container.runtime.requests == []


def test_without_a_ledger_nothing_is_sent(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But under a lease that was taken before, as long as it covers the call."""
    container.send()

    def throttled(*_args: object, **_kwargs: object) -> None:
        raise AwsError("UpdateItem was throttled")

    monkeypatch.setattr(container.state, "take_lease", throttled)
    container.clock.advance(seconds=30)
    assert container.send() == ANSWERED
    container.clock.advance(seconds=1)
    assert container.send() == NoLedger("UpdateItem was throttled")


def test_what_sagemaker_does_not_execute_is_cold(container: Container) -> None:
    """With its answer, and IAM's refusal if that was it."""
    refusal = InvocationResponse(400)
    container.runtime.answer = NotServing(refusal, "denied")
    assert container.send() == Cold(executed(refusal, "a.tar.gz"), "denied")


def test_no_answer_is_passed_on(container: Container) -> None:
    """With the model that may have run, if one may."""
    container.runtime.answer = Unanswered("cut off", may_have_run=True)
    asked = Execution("a.tar.gz", None, timedelta(0))
    assert container.send() == replace(container.runtime.answer, execution=asked)
    container.runtime.answer = Unanswered("no connection", may_have_run=False)
    assert container.send() == container.runtime.answer


@pytest.mark.parametrize("took", [timedelta(milliseconds=250), timedelta(milliseconds=-250)])
def test_beside_the_answer_stands_which_model_gave_it_and_how_long_it_took(
    container: Container, monkeypatch: pytest.MonkeyPatch, took: timedelta
) -> None:
    """Where the clock was set back meanwhile, no time at all."""

    def forward(_request: InvocationRequest) -> Forwarded:
        container.clock.now += took
        return ANSWER

    monkeypatch.setattr(container.runtime, "forward", forward)
    sent = container.send()
    assert isinstance(sent, Forwarded)
    assert sent.response.execution == Execution("a.tar.gz", None, max(took, timedelta(0)))


# ----------------------------------------------------------------------------------------- aliases

LIVE, ONE, TWO = "sentiment@live", "sentiment-1.tar.gz", "sentiment-2.tar.gz"


def point(container: Container, model: str, alias: str = LIVE) -> None:
    """Let an alias stand for a model."""
    container.state.set_alias("reviews", alias, model, container.clock(), 9)


def asked(container: Container) -> list[str | None]:
    """Name the models that SageMaker was asked for."""
    return [request.target_model for request in container.runtime.requests]


def count_reads(container: Container, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Keep which endpoints' items are read from now on."""
    read, names = container.state.read, list[str]()

    def counted(endpoint: str) -> Ledger:
        names.append(endpoint)
        return read(endpoint)

    monkeypatch.setattr(container.state, "read", counted)
    return names


def test_an_alias_is_sent_as_what_it_stands_for(container: Container) -> None:
    """The rest of the request goes as it came, and beside the answer stands both."""
    point(container, ONE)
    headers = {"x-amzn-sagemaker-target-model": LIVE, "content-type": "text/csv"}
    request = InvocationRequest("reviews", headers, b"1,2", CALLER, "request-1")

    assert container.sender.send(request) == Forwarded(executed(ANSWER.response, ONE, LIVE))

    aimed = {**headers, "x-amzn-sagemaker-target-model": ONE}
    assert container.runtime.requests == [replace(request, headers=aimed)]
    assert request.target_model == LIVE


def test_what_stands_for_nothing_is_a_models_name(container: Container) -> None:
    """Whatever its form."""
    point(container, ONE)
    for name in ("sentiment@next", "team/sentiment@live", "sentiment-1.tar.gz"):
        assert container.send(name) == Forwarded(executed(ANSWER.response, name))
    assert asked(container) == ["sentiment@next", "team/sentiment@live", "sentiment-1.tar.gz"]


def test_aliases_come_with_the_lease_and_are_read_every_five_seconds(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By requests that name one alone."""
    point(container, ONE)
    reads = count_reads(container, monkeypatch)
    container.send(LIVE)
    point(container, TWO)
    reads.clear()
    container.clock.advance(seconds=4.999)
    container.send(LIVE)
    assert reads == []
    container.clock.advance(seconds=0.001)
    container.send(ONE)
    assert reads == []
    container.send(LIVE)
    container.send(LIVE)
    assert reads == ["reviews"]
    assert asked(container) == [ONE, ONE, ONE, TWO, TWO]


def test_a_clock_that_is_set_back_does_not_keep_an_old_target(container: Container) -> None:
    """Else it would be followed for as long as the clock has to catch up."""
    point(container, ONE)
    container.send(LIVE)
    point(container, TWO)
    container.clock.advance(seconds=-1)
    container.send(LIVE)
    assert asked(container) == [ONE, TWO]


def test_aliases_that_cant_be_read_stand_as_they_were(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the lease lasts; that is told. Without a lease nothing is sent."""
    point(container, ONE)
    container.send(LIVE)

    def throttled(*_args: object, **_kwargs: object) -> None:
        raise AwsError("DynamoDB was throttled")

    monkeypatch.setattr(container.state, "read", throttled)
    monkeypatch.setattr(container.state, "take_lease", throttled)
    container.clock.advance(seconds=30)
    container.send(LIVE)
    assert asked(container) == [ONE, ONE]
    assert container.sender.problems == [
        "sentiment@live may stand for another model by now: DynamoDB was throttled"
    ]
    container.clock.advance(seconds=1)
    assert container.send(LIVE) == NoLedger("DynamoDB was throttled")


def test_a_target_that_is_gone_is_refused_by_the_aliases_name(container: Container) -> None:
    """Who has named the model itself gets SageMaker's own words."""
    refusal = runtime_error(400, "ValidationError", "Failed to download model data(bucket: b).")
    container.runtime.answer = Forwarded(refusal)
    point(container, ONE)

    sent = container.send(LIVE)

    assert isinstance(sent, Forwarded)
    assert (sent.response.status, error_type(sent.response)) == (400, "ValidationError")
    assert error_message(sent.response) == (
        "The alias sentiment@live of the endpoint reviews stands for the model sentiment-1.tar.gz, "
        "which SageMaker can't find. SageMaker answered 400 ValidationError: Failed to download "
        "model data(bucket: b)."
    )
    assert sent.response.execution == Execution(ONE, LIVE, timedelta(0))
    assert container.send(ONE) == Forwarded(executed(refusal, ONE))


def test_what_an_aliased_model_answers_itself_is_left_alone(container: Container) -> None:
    """Its errors as well."""
    point(container, ONE)
    answer = runtime_error(424, "ModelError", "model data not found")
    container.runtime.answer = Forwarded(answer)
    assert container.send(LIVE) == Forwarded(executed(answer, ONE, LIVE))
    container.runtime.answer = NotServing(answer)
    assert container.send(LIVE) == Cold(executed(answer, ONE, LIVE))
