"""POST /endpoints/{EndpointName}/invocations: forward it, hold it, park it, or refuse it and say
when to come again.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import assert_never
from uuid import uuid4

from dormouse import responses
from dormouse.admission import admit, answering
from dormouse.demanding import Demand
from dormouse.domain.call import Invoke, completion_topic_of
from dormouse.domain.coldness import forced_down, seconds_until_serving, why_cold, why_never
from dormouse.domain.invocation import (
    Forwarded,
    InvocationRequest,
    InvocationResponse,
    NotServing,
    Unanswered,
)
from dormouse.domain.ledger import Ledger
from dormouse.domain.parked_request import Kind
from dormouse.domain.principals import name_of
from dormouse.domain.request_identity import (
    fingerprint_of,
    token_of_inference,
    token_of_invocation,
)
from dormouse.domain.verdict import Verdict, judge
from dormouse.errors import AwsError
from dormouse.exchanges import arrival_of, exchange_of
from dormouse.handled import Fate, Handled
from dormouse.holding import Held, Holding, Settled, Unsettled, Why
from dormouse.parking import Parked, Parking, Wanted
from dormouse.permissions import Permissions, Permitted
from dormouse.ports import Clock, ProxyState, Runtime
from dormouse.sending import Cold, NoLedger, NotKnown, Sender

# After these a request is parked, if that is asked for: nobody else will send it.
_PARKED_AFTER = frozenset({Why.IN_VAIN, Why.NO_PLACE, Why.IS_PARKED, Why.KEPT_DOWN})


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to become of a request if it can't be answered at once.

    `wait` is how long it is held, zero for not at all; `is_asked_for` says that the request itself
    has asked for that. `as_parked` is how it is parked, None where it is not.
    """

    deadline: datetime
    wait: timedelta
    is_asked_for: bool
    as_parked: Wanted | None

    @property
    def is_hold(self) -> bool:
        """Whether it is held."""
        return self.wait > timedelta(0)

    def applied(self, *, is_held: bool, is_parked: bool = False) -> dict[str, str]:
        """Write the header that says which preferences were honoured."""
        seconds = int(self.wait.total_seconds())
        honoured = ["respond-async"] if is_parked else []
        if is_held and self.is_asked_for:
            honoured.append(f"wait={seconds}")
        return {"preference-applied": ", ".join(honoured)} if honoured else {}


@dataclass(frozen=True, slots=True)
class Proxy:
    """Stands before SageMaker's runtime.

    `longest_hold` is what longer waits are cut to. `draw_token` draws 32 hexadecimal digits.
    """

    sender: Sender
    runtime: Runtime
    state: ProxyState
    demand: Demand
    permissions: Permissions
    holding: Holding
    parking: Parking
    clock: Clock
    draw_token: Callable[[], str]
    longest_hold: timedelta
    expected_wake: timedelta
    new_event_id: Callable[[], str] = lambda: str(uuid4())

    def handle(self, invoke: Invoke) -> Handled:
        """Answer one invocation; never raises for what AWS does."""
        handled = answering(lambda problems: self._answer(invoke, problems))
        problems = (*handled.problems, *self.sender.problems)
        self.sender.problems.clear()
        return replace(handled, problems=problems)

    def _answer(self, invoke: Invoke, problems: list[str]) -> Handled:
        arrived_at, request = self.clock(), invoke.invocation
        permitted = admit(request, self.permissions, problems)
        wish = self._wish(invoke, permitted)
        # Who was let in has an exchange, also where the answer is a refusal.
        handled = answering(lambda _: self._send(invoke, wish, problems))
        ended_at = max(self.clock(), arrived_at)
        exchange = exchange_of(request, handled, arrived_at, ended_at, self.new_event_id())
        handled = replace(handled, exchange=exchange, capture=permitted.capture)
        return replace(handled, arrival=arrival_of(request.endpoint, handled, arrived_at))

    def _wish(self, invoke: Invoke, permitted: Permitted) -> Wish:
        """Read the request's preferences; its endpoint's tag speaks where it has none."""
        wait, parks = invoke.preferences.wait, invoke.preferences.respond_async
        is_asked_for = wait is not None
        if wait is None and not parks:
            wait = permitted.cold_wait
        wait = min(wait or timedelta(0), self.longest_hold)
        as_parked = self._as_parked(invoke, permitted) if parks else None
        return Wish(self.clock() + wait, wait, is_asked_for, as_parked)

    def _as_parked(self, invoke: Invoke, permitted: Permitted) -> Wanted:
        """Say how it is parked. The SDK's name for it makes it one request as well, if its caller
        has no name for it: a 202 may get lost on its way.
        """
        request, names = invoke.invocation, "InferenceId"
        principal = name_of(request.caller)
        if invoke.inference_id is not None:
            token = token_of_inference(principal, request.endpoint, invoke.inference_id)
        elif invoke.sdk_name is not None:
            token = token_of_invocation(principal, request.endpoint, invoke.sdk_name)
            names = "amz-sdk-invocation-id"
        else:
            token = self.draw_token()
        return Wanted(
            endpoint=request.endpoint,
            kind=Kind.RESPOND_ASYNC,
            token=token,
            principal=principal,
            headers=request.runtime_headers,
            fingerprint=fingerprint_of(Kind.RESPOND_ASYNC, request.runtime_headers, request.body),
            inference_id=invoke.inference_id,
            topic=completion_topic_of(request.headers),
            default_topic=permitted.completion_topic,
            names=names,
        )

    def _send(self, invoke: Invoke, wish: Wish, problems: list[str]) -> Handled:
        request = invoke.invocation
        if wish.as_parked is not None and (invoke.inference_id or invoke.is_perhaps_repeated):
            there = self.parking.find(wish.as_parked)
            if there is not None:
                parked = self.parking.again(there, request.request_id, problems)
                return _kept(parked, invoke, wish, is_held=False)
        if wish.is_hold and invoke.sdk_name is not None and invoke.is_perhaps_repeated:
            # The first may be waiting still. Nor may this one be sent without a claim: the first
            # may be under way at SageMaker, and be held after it.
            handled = self._hold(invoke, wish, None, problems)
            return replace(handled, is_cold=handled.held_seconds is not None)
        sent = self.sender.send(request)
        match sent:
            case Forwarded(response):
                if judge(response) is Verdict.NOT_YET:
                    return self._not_ready(invoke, wish, sent, problems)
                return Handled(response, Fate.FORWARDED)
            case Unanswered():
                return _unanswered(sent)
            case NoLedger(why):
                problems.append(why)
                response = responses.demand_not_recorded(request.endpoint, responses.SOON_SECONDS)
                return Handled(response, Fate.COLD)
            case Cold(_, denial, _):
                problems += [] if denial is None else [denial]
                return self._meet_cold(invoke, wish, sent, problems)
            case NotKnown():
                if self.permissions.is_claimed(request.endpoint):
                    return self._meet_cold(invoke, wish, sent, problems)
                return replace(self._pass_through(request), is_managed=False)
            case other:
                assert_never(other)

    def _pass_through(self, request: InvocationRequest) -> Handled:
        """Send what nobody manages. It needs no lease, since it is never torn down here."""
        match self.runtime.forward(request):
            case Forwarded(response):
                return Handled(response, Fate.FORWARDED)
            case NotServing(response, denial):
                problems = () if denial is None else (denial,)
                return Handled(response, Fate.UNKNOWN_ENDPOINT, problems)
            case Unanswered() as unanswered:
                return _unanswered(unanswered)
            case other:
                assert_never(other)

    def _not_ready(
        self, invoke: Invoke, wish: Wish, sent: Forwarded, problems: list[str]
    ) -> Handled:
        """The endpoint serves, and the model is still being loaded: it was not executed."""
        if wish.is_hold:
            return self._hold(invoke, wish, sent, problems)
        if wish.as_parked is not None:
            ledger = self.state.read(invoke.invocation.endpoint)
            return self._park(invoke, wish, wish.as_parked, ledger, problems, is_held=False)
        return Handled(sent.response, Fate.FORWARDED)

    def _meet_cold(
        self, invoke: Invoke, wish: Wish, cold: Cold | NotKnown, problems: list[str]
    ) -> Handled:
        handled = answering(lambda _: self._settle_cold(invoke, wish, cold, problems))
        return replace(handled, is_cold=True)

    def _settle_cold(
        self, invoke: Invoke, wish: Wish, cold: Cold | NotKnown, problems: list[str]
    ) -> Handled:
        ledger = cold.ledger if isinstance(cold, Cold) else None
        if wish.is_hold:
            return self._hold(invoke, wish, cold, problems, ledger)
        if wish.as_parked is not None:
            ledger = ledger or self.state.read(invoke.invocation.endpoint)
            return self._park(invoke, wish, wish.as_parked, ledger, problems, is_held=False)
        refusal = cold.refusal if isinstance(cold, Cold) else None
        return self._refuse(invoke, refusal, problems, ledger)

    # ----------------------------------------------------------------------------------------- hold

    def _hold(
        self,
        invoke: Invoke,
        wish: Wish,
        sent: Forwarded | Cold | NotKnown | None,
        problems: list[str],
        ledger: Ledger | None = None,
    ) -> Handled:
        began = self.clock()
        held = Held(
            request=invoke.invocation,
            deadline=wish.deadline,
            holder=invoke.invocation.request_id or self.draw_token(),
            sdk_name=invoke.sdk_name,
            parked_as=None if wish.as_parked is None else wish.as_parked.id,
        )
        outcome = self.holding.hold(held, sent, problems, ledger)
        seconds = (self.clock() - began).total_seconds()
        if isinstance(outcome, Settled):
            return _settled(outcome, wish, seconds)
        try:
            handled = self._after_hold(invoke, wish, outcome, problems)
        finally:
            self.holding.give_up(outcome.claim, problems)
        return replace(handled, held_seconds=seconds)

    def _after_hold(
        self, invoke: Invoke, wish: Wish, outcome: Unsettled, problems: list[str]
    ) -> Handled:
        """Say what becomes of a request that was not executed while it was held."""
        endpoint, wanted = invoke.invocation.endpoint, wish.as_parked
        if wanted is not None and outcome.why in _PARKED_AFTER:
            ledger = self.state.read(endpoint)
            is_held = outcome.why is Why.IN_VAIN
            return self._park(invoke, wish, wanted, ledger, problems, is_held=is_held)
        match outcome.why:
            case Why.IN_VAIN if outcome.not_ready is not None:
                response = responses.with_headers(outcome.not_ready, wish.applied(is_held=True))
                return Handled(response, Fate.WAITED_IN_VAIN)
            case Why.IN_VAIN | Why.IS_PARKED:
                return self._waited_in_vain(invoke, wish, outcome, problems)
            case Why.IN_VAIN_ELSEWHERE:
                response = responses.still_being_answered(endpoint, responses.SOON_SECONDS)
                return Handled(response, Fate.WAITED_IN_VAIN)
            case Why.NO_PLACE:
                response = responses.no_place(endpoint, self._retry_after(endpoint))
                return Handled(response, Fate.TURNED_AWAY)
            case Why.NEVER | Why.KEPT_DOWN:
                return self._refuse(invoke, None, problems)
            case Why.NOT_NOTED:
                response = responses.demand_not_recorded(endpoint, responses.SOON_SECONDS)
                return Handled(response, Fate.COLD)
            case other:
                assert_never(other)

    def _waited_in_vain(
        self, invoke: Invoke, wish: Wish, outcome: Unsettled, problems: list[str]
    ) -> Handled:
        endpoint = invoke.invocation.endpoint
        # What was recorded before the wait is not recorded anew: it may have been overruled.
        ledger = (
            self.state.read(endpoint) if outcome.is_noted else self._record_demand(invoke, problems)
        )
        if isinstance(ledger, Handled):
            return ledger
        response = responses.waited_in_vain(
            endpoint,
            why_cold(ledger, self.clock()),
            int(wish.wait.total_seconds()),
            seconds_until_serving(ledger, self.expected_wake, self.clock()),
        )
        applied = wish.applied(is_held=True)
        return Handled(responses.with_headers(response, applied), Fate.WAITED_IN_VAIN)

    # ----------------------------------------------------------------------------------------- park

    def _park(
        self,
        invoke: Invoke,
        wish: Wish,
        wanted: Wanted,
        ledger: Ledger,
        problems: list[str],
        *,
        is_held: bool,
    ) -> Handled:
        request = invoke.invocation
        parked = self.parking.park(
            wanted, ledger, lambda: request.body, request.request_id, problems
        )
        return _kept(parked, invoke, wish, is_held=is_held)

    # --------------------------------------------------------------------------------------- refuse

    def _refuse(
        self,
        invoke: Invoke,
        refusal: InvocationResponse | None,
        problems: list[str],
        ledger: Ledger | None = None,
    ) -> Handled:
        """Record the demand for what does not serve, and say when to come again. `refusal` is what
        SageMaker says of it, if it was asked; `ledger` what was remembered after that, if it was
        read.

        While a rule keeps it down, nothing is recorded: nobody waits, so that nobody is there for
        whom it would be started when the rule ends. And whoever asks again and again through a
        month without budget would have `reconcile` look at it four times a minute.
        """
        endpoint = invoke.invocation.endpoint
        ledger = ledger or self._look(endpoint, problems)
        forced = forced_down(ledger, self.clock())
        if forced is not None:
            return Handled(responses.kept_down(endpoint, forced, self.clock()), Fate.COLD)
        recorded = self._record_demand(invoke, problems, refusal)
        if isinstance(recorded, Handled):
            return recorded
        seconds = seconds_until_serving(recorded, self.expected_wake, self.clock())
        never = why_never(recorded)
        if never is not None:
            return Handled(responses.refused(endpoint, never, seconds), Fate.COLD)
        cause = why_cold(recorded, self.clock())
        return Handled(responses.cold(endpoint, cause, seconds), Fate.COLD)

    def _record_demand(
        self,
        invoke: Invoke,
        problems: list[str],
        refusal: InvocationResponse | None = None,
    ) -> Ledger | Handled:
        """Note that somebody has asked for it. Returns the ledger after that; or what to answer, if
        nobody manages the endpoint (any more), or it could not be noted.
        """
        request = invoke.invocation
        endpoint, lambda_id = request.endpoint, request.request_id
        note = partial(self.demand.note, endpoint, lambda_id, problems, by=name_of(request.caller))
        try:
            recorded = note(known_only=True)
            if not recorded.ledger.is_known:
                if not self.permissions.is_claimed(endpoint):
                    account_id = self.permissions.account_id
                    response = refusal or responses.unknown_endpoint(endpoint, account_id)
                    return Handled(response, Fate.UNKNOWN_ENDPOINT)
                recorded = note(known_only=False)
        except AwsError as error:
            problems.append(str(error))
            response = responses.demand_not_recorded(endpoint, responses.SOON_SECONDS)
            return Handled(response, Fate.COLD)
        return recorded.ledger

    def _retry_after(self, endpoint: str) -> int:
        """Say when to come again, by the ledger if that can be read."""
        return seconds_until_serving(self._look(endpoint, []), self.expected_wake, self.clock())

    def _look(self, endpoint: str, problems: list[str]) -> Ledger:
        """Read the ledger; where it can't be read, nothing is remembered."""
        try:
            return self.state.read(endpoint)
        except AwsError as error:
            problems.append(str(error))
            return Ledger()


def _settled(settled: Settled, wish: Wish, seconds: float) -> Handled:
    applied = wish.applied(is_held=settled.has_waited)
    response = responses.with_headers(settled.response, applied) if applied else settled.response
    if settled.is_unanswered:
        fate = Fate.UNANSWERED
    elif settled.is_joined:
        fate = Fate.JOINED
    else:
        fate = Fate.HELD if settled.has_waited else Fate.FORWARDED
    return Handled(response, fate, held_seconds=seconds if settled.has_waited else None)


def _kept(parked: Parked, invoke: Invoke, wish: Wish, *, is_held: bool) -> Handled:
    applied = wish.applied(is_held=is_held, is_parked=True)
    response = responses.with_headers(parked.response(invoke.base_url), applied)
    return Handled(
        response,
        Fate.PARKED,
        request_id=parked.request.id,
        is_repetition=parked.is_repetition,
    )


def _unanswered(sent: Unanswered) -> Handled:
    response = (
        responses.unanswered(sent.why, sent.execution)
        if sent.may_have_run
        else responses.unreachable(sent.why)
    )
    return Handled(response, Fate.UNANSWERED, (sent.why,))
