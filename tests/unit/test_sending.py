"""Sending under a lease: when one is taken, when not, and what the ledger learns from it."""

from datetime import timedelta

import pytest

from dormouse.domain.invocation import (
    Execution,
    Forwarded,
    InvocationRequest,
    InvocationResponse,
    NotServing,
    Unanswered,
)
from dormouse.domain.ledger import Decision
from dormouse.domain.principals import Caller
from dormouse.errors import AwsError
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
        self.state.record_decision("reviews", Decision("stay up", "hold", "held"), self.clock())
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
    """The model may have run."""
    container.runtime.answer = Unanswered("cut off", may_have_run=True)
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
