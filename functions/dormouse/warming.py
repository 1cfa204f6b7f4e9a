"""Loading the models of the warm set, by asking each of them once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import assert_never

from dormouse.domain.invocation import Forwarded, InvocationRequest, Unanswered
from dormouse.domain.principals import Caller
from dormouse.domain.verdict import Verdict, judge, pauses
from dormouse.domain.warm_up import WarmUp
from dormouse.domain.work import LoadModel
from dormouse.ports import Clock, WarmUpPayloads, WarmUpState
from dormouse.sending import Cold, NoLedger, NotKnown, Sender, Sent

# Dormouse asks for itself.
_NOBODY = Caller(arn="", account="")


class Warmth(StrEnum):
    """What became of an order to load a model."""

    WARMED = "warmed"
    NOT_NEEDED = "not needed"
    """The warm-up is over, has invoked it already, or the endpoint no longer serves."""
    LEFT = "left"
    """The model did not answer in time; `reconcile` orders it again while the warm-up goes on."""


@dataclass(frozen=True, slots=True)
class Warmed:
    """What became of an order, and the faults on the way."""

    warmth: Warmth
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Warming:
    """Invokes models so that they are loaded. That is no demand, and not counted as their use.

    `call_time` is how long one call may take, with all around it.
    """

    sender: Sender
    state: WarmUpState
    payloads: WarmUpPayloads
    clock: Clock
    sleep: Callable[[float], None]
    call_time: timedelta

    def load(self, work: LoadModel, time_left: timedelta) -> Warmed:
        """Invoke a model, unless the warm-up has or is over; wait for it while time is left.

        Raises:
            AwsError: the ledger can't be read or written, or the payload not be read.
        """
        ends_at = self.clock() + time_left
        warm_up = self._warm_up_for(work)
        if warm_up is None:
            return Warmed(Warmth.NOT_NEEDED)
        request = self._request(work)
        for pause in pauses():
            if self.clock() + self.call_time > ends_at:
                break
            sent = self.sender.send(request, is_request=False)
            warmth = _warmth(sent)
            if warmth is not None:
                if warmth is Warmth.WARMED:
                    self.state.record_invoked(work.endpoint, work.target_model, warm_up.began_at)
                return self._outcome(warmth, *_problems(sent))
            self.sleep(pause)
            warm_up = self._warm_up_for(work)
            if warm_up is None:
                return self._outcome(Warmth.NOT_NEEDED)
        return self._outcome(Warmth.LEFT)

    def _warm_up_for(self, work: LoadModel) -> WarmUp | None:
        """Read the warm-up that still has to invoke this model; None where there is none."""
        warm_up = self.state.read(work.endpoint).warm_up
        if warm_up is None or warm_up.end(self.clock()) is not None:
            return None
        return warm_up if work.target_model in warm_up.left else None

    def _request(self, work: LoadModel) -> InvocationRequest:
        body, content_type = self.payloads.payload(work.target_model)
        headers = {
            "content-type": content_type,
            "x-amzn-sagemaker-target-model": work.target_model,
        }
        return InvocationRequest(work.endpoint, headers, body, _NOBODY)

    def _outcome(self, warmth: Warmth, *problems: str) -> Warmed:
        own = tuple(self.sender.problems)
        self.sender.problems.clear()
        return Warmed(warmth, own + problems)


def _warmth(sent: Sent) -> Warmth | None:
    """Say what an attempt has come to; None where the model is to be asked again."""
    match sent:
        case Forwarded(response):
            # Whatever the model said, it was loaded to say it. And what can't be loaded, since
            # SageMaker finds no such model, is not asked for again.
            match judge(response):
                case Verdict.NOT_YET:
                    return None
                case Verdict.FAILURE if response.status != 424:
                    return Warmth.LEFT
                case _:
                    return Warmth.WARMED
        case Unanswered() | NoLedger():
            return Warmth.LEFT
        case Cold() | NotKnown():
            return Warmth.NOT_NEEDED
        case other:
            assert_never(other)


def _problems(sent: Sent) -> tuple[str, ...]:
    match sent:
        case Unanswered(why=why) | NoLedger(why):
            return (why,)
        case Cold(denial=str(denial)):
            return (denial,)
        case _:
            return ()
