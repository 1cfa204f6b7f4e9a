"""Holding a request while its endpoint wakes.

The demand is recorded before the wait begins, so that a wake follows even if this container dies.
Whoever waits looks at the endpoint's item in the ledger, never at SageMaker: a thousand who wait
are a thousand reads of one item, a second apart at first and five in the end. A request is sent
only under a lease, and while its claim still covers the call (see joining.py).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto

from dormouse import responses
from dormouse.demanding import DEMAND_RENEWAL, Demand
from dormouse.domain.coldness import forced_down, lets_through, why_never
from dormouse.domain.invocation import (
    Forwarded,
    InvocationRequest,
    InvocationResponse,
    Unanswered,
)
from dormouse.domain.ledger import Ledger
from dormouse.domain.parked_request import ParkedRequest
from dormouse.domain.principals import name_of
from dormouse.domain.verdict import Verdict, judge
from dormouse.errors import AwsError
from dormouse.joining import Answered, Joining, Mine, Theirs
from dormouse.ports import Clock, HoldSlots, ProxyState
from dormouse.sending import Cold, Sender, Sent

_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 5.0
_PAUSE_GROWTH = 1.5


@dataclass(frozen=True, slots=True)
class Held:
    """A request to hold until `deadline`, in a place under the name of `holder`. `sdk_name` is what
    its repetitions are recognised by. `parked_as` is the id that it gets, or has got, if it is
    parked; None where that is not wanted.
    """

    request: InvocationRequest
    deadline: datetime
    holder: str
    sdk_name: str | None = None
    parked_as: str | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """It is answered: by SageMaker, after a wait or without one, or as the request that it repeats
    was. `is_unanswered` says that no answer came, which is what the response says.
    """

    response: InvocationResponse
    has_waited: bool
    is_joined: bool = False
    is_unanswered: bool = False


class Why(Enum):
    """Why a request is not executed."""

    IN_VAIN = auto()
    """Its time is over."""
    IN_VAIN_ELSEWHERE = auto()
    """Its time is over, and that of the request which it repeats is not."""
    NO_PLACE = auto()
    """All places to wait are taken."""
    NEVER = auto()
    """Nothing can start the endpoint."""
    KEPT_DOWN = auto()
    """A rule keeps the endpoint down for longer than its time; nothing is noted."""
    IS_PARKED = auto()
    """The request that it repeats is parked."""
    NOT_NOTED = auto()
    """It could not be recorded that somebody waits."""


@dataclass(frozen=True, slots=True)
class Unsettled:
    """It is not executed. Its `claim` stands until `Holding.give_up`, so that nobody who repeats it
    takes it over before it is said what becomes of it. `not_ready` is what SageMaker answered, if
    the endpoint serves and the model is not loaded yet. `is_noted`: its demand is recorded.
    """

    why: Why
    claim: ParkedRequest | None = None
    not_ready: InvocationResponse | None = None
    is_noted: bool = False


@dataclass(frozen=True, slots=True)
class Holding:
    """Waits with a request, and sends it as soon as the endpoint serves.

    `sleep` waits for so many seconds. `jitter` draws a number from 0 to 1.
    """

    sender: Sender
    state: ProxyState
    slots: HoldSlots
    joining: Joining
    demand: Demand
    clock: Clock
    sleep: Callable[[float], None]
    jitter: Callable[[], float]

    def hold(
        self,
        held: Held,
        sent: Sent | None,
        problems: list[str],
        ledger: Ledger | None = None,
    ) -> Settled | Unsettled:
        """Hold a request. `sent` is what became of it when it was sent, None where it was not.
        `ledger` is what was remembered of its endpoint after that, if it was read.

        Raises:
            Refused: another request has its name.
        """
        wait = _Wait(self, held, sent, problems, ledger=ledger)
        try:
            return wait.run()
        finally:
            wait.leave()

    def give_up(self, claim: ParkedRequest | None, problems: list[str]) -> None:
        """Let others take the request over."""
        if claim is not None:
            self.joining.withdraw(claim, problems)


@dataclass(slots=True)
class _Wait:
    """The wait of one request. `mine` is its claim, once it has one; where nothing tells that it is
    repeated, it needs none.
    """

    by: Holding
    held: Held
    sent: Sent | None
    problems: list[str]
    mine: ParkedRequest | None = None
    may_send: bool = False
    is_elsewhere: bool = False
    has_place: bool = False
    noted_at: datetime | None = None
    is_lost: bool = False
    ledger: Ledger | None = None
    pause_seconds: float = _FIRST_PAUSE_SECONDS
    ours: ParkedRequest | None = field(init=False)

    def __post_init__(self) -> None:
        terms = self.by.sender.terms
        until = self.held.deadline + terms.read_timeout + terms.margin
        self.ours = None
        if self.held.sdk_name is not None:
            self.ours = self.by.joining.record_of(self.held.request, self.held.sdk_name, until)

    def run(self) -> Settled | Unsettled:
        """Wait until it is settled, or the deadline."""
        while True:
            outcome = (
                self._take_turn()
                or self._end()
                or self._in_vain()
                or self._note()
                or self._take_place()
            )
            if outcome is not None:
                return outcome
            self._pause()

    def leave(self) -> None:
        """Leave the place to others."""
        if self.has_place:
            try:
                self.by.slots.give_up(self.held.request.endpoint, self.held.holder)
            except AwsError as error:
                self._tell(error)

    def _take_turn(self) -> Settled | Unsettled | None:
        """Send it, if that is up to this one and the endpoint serves; None to go on waiting."""
        try:
            outcome = self._claim()
        except AwsError as error:
            self._tell(error)
            return None
        if outcome is not None or not self.may_send:
            return outcome
        if self.sent is None or (self.ledger is not None and lets_through(self.ledger)):
            self.sent = self.by.sender.send(self.held.request)
            match self.sent:
                case Forwarded(response) if judge(response) is not Verdict.NOT_YET:
                    return self._settle(response)
                case Unanswered(why, may_have_run=True, execution=execution):
                    self.problems.append(why)
                    response = responses.unanswered(why, execution)
                    return self._settle(response, is_unanswered=True)
                case Cold(InvocationResponse()):
                    self.is_lost = True
        return None

    def _claim(self) -> Settled | Unsettled | None:
        """Make sure that nobody else sends it; then it `may_send`.

        Raises:
            AwsError: it can't be told whose turn it is.
        """
        if self.ours is None or self.may_send:
            self.may_send = True
            return None
        if self.mine is None:
            match self.by.joining.turn(self.ours):
                case Answered(response):
                    return Settled(response, self.has_place, is_joined=True)
                case Theirs():
                    self.is_elsewhere = True
                    return None
                case Mine(record):
                    self.mine = record
        # Whoever parks it does so before he gives up his claim.
        if self._is_parked():
            return Unsettled(Why.IS_PARKED, self.mine)
        self.may_send = True
        return None

    def _end(self) -> Unsettled | None:
        """End the wait, if its time is over."""
        if self.by.clock() < self.held.deadline:
            return None
        if self.may_send:
            is_noted = self.noted_at is not None
            return Unsettled(Why.IN_VAIN, self.mine, self._not_ready, is_noted)
        return self._without_claim()

    def _without_claim(self) -> Unsettled:
        """Say that somebody else has the claim; or that it can't be told who has."""
        return Unsettled(Why.IN_VAIN_ELSEWHERE if self.is_elsewhere else Why.NOT_NOTED, self.mine)

    def _settle(self, response: InvocationResponse, *, is_unanswered: bool = False) -> Settled:
        if self.mine is not None:
            self.by.joining.finish(self.mine, response, self.problems)
        return Settled(response, self.has_place, is_unanswered=is_unanswered)

    def _is_parked(self) -> bool:
        parked_as = self.held.parked_as
        return parked_as is not None and self.by.joining.exists(
            self.held.request.endpoint, parked_as
        )

    @property
    def _not_ready(self) -> InvocationResponse | None:
        return self.sent.response if isinstance(self.sent, Forwarded) else None

    def _in_vain(self) -> Unsettled | None:
        """End the wait where a rule keeps the endpoint down for longer. What somebody else has the
        claim of may be answered yet.
        """
        if self.ledger is None:
            self._look()
        if self.ledger is None or not self.may_send:
            return None
        forced = forced_down(self.ledger, self.by.clock())
        if forced is None or forced.ends_by(self.held.deadline):
            return None
        is_noted = self.noted_at is not None
        return Unsettled(Why.KEPT_DOWN, self.mine, self._not_ready, is_noted)

    def _note(self) -> Unsettled | None:
        """Record the demand: once, and again if the endpoint that seemed to serve does not."""
        now = self.by.clock()
        is_due = self.noted_at is None or now >= self.noted_at + DEMAND_RENEWAL
        if self.noted_at is not None and not (self.is_lost and is_due):
            return None
        endpoint = self.held.request.endpoint
        try:
            by = name_of(self.held.request.caller)
            recorded = self.by.demand.raise_for(endpoint, has_requests=False, by=by)
        except AwsError as error:
            self._tell(error)
            return Unsettled(Why.NOT_NOTED, self.mine) if self.noted_at is None else None
        self.noted_at, self.is_lost = now, False
        if why_never(recorded.ledger) is not None:
            return Unsettled(Why.NEVER, self.mine)
        self.by.demand.tell(recorded, endpoint, self.held.request.request_id, self.problems)
        return None

    def _take_place(self) -> Unsettled | None:
        if self.has_place:
            return None
        until = self.held.deadline + self.by.sender.terms.read_timeout
        endpoint = self.held.request.endpoint
        try:
            # It may be taken though the answer was lost: then it is to be given up as well.
            self.has_place = True
            if self.by.slots.take(endpoint, self.held.holder, self.by.clock(), until):
                return None
            self.has_place = False
        except AwsError as error:
            self._tell(error)
        if not self.may_send:
            # Whoever has the claim may send it yet, so it must not be parked here.
            return self._without_claim()
        return Unsettled(Why.NO_PLACE, self.mine, self._not_ready)

    def _pause(self) -> None:
        left = (self.held.deadline - self.by.clock()).total_seconds()
        spread = 0.75 + self.by.jitter() / 2
        self.by.sleep(max(0.0, min(self.pause_seconds * spread, left)))
        self.pause_seconds = min(self.pause_seconds * _PAUSE_GROWTH, _LONGEST_PAUSE_SECONDS)
        self._look()

    def _look(self) -> None:
        try:
            self.ledger = self.by.state.read(self.held.request.endpoint)
        except AwsError as error:
            self.ledger = None
            self._tell(error)

    def _tell(self, error: AwsError) -> None:
        """Report a fault, once: a wait may meet it many times."""
        if str(error) not in self.problems:
            self.problems.append(str(error))
