"""Writing down what was decided of an endpoint, and telling those who want to hear of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dormouse.announcing import Announcing
from dormouse.domain.endpoint import Observation, Present
from dormouse.domain.ledger import Decision, Ledger, PastDecision
from dormouse.domain.news import DONE_ONCE
from dormouse.domain.notice import Notice
from dormouse.domain.plan import Action, Plan
from dormouse.domain.rule import Rule
from dormouse.errors import AwsError
from dormouse.ports import Clock, History, ReconcilerState

# What these say is of the moment at which it is said, and holds for longer.
_OF_THE_MOMENT = frozenset({Rule.RECENT_ACTIVITY, Rule.FORECAST})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one tick planned for one endpoint, and what kept it from happening, if anything did.

    `is_news` says whether that was written down as a decision of its own. `is_overdue` says that it
    is up for longer than its rules allow.
    """

    endpoint: str
    plan: Plan
    problem: str | None = None
    is_news: bool = False
    is_overdue: bool = False

    def with_problem(self, problem: str) -> "Outcome":
        """Add a problem."""
        problems = [each for each in (self.problem, problem) if each is not None]
        return replace(self, problem="; ".join(problems))


@dataclass(frozen=True, slots=True)
class Decisions:
    """Keeps decisions, and tells notices of them, at least once.

    A notice is kept in the same write as its decision, which one of two ticks that overlap makes;
    what the other has done itself, it keeps all the same. It is told after that and crossed out,
    and what could not be told is told with a later tick. `resend_after` is longer than whoever has
    kept it can take to tell it. `overdue_after` is how long an endpoint may
    take to stop.
    """

    state: ReconcilerState
    history: History
    announcing: Announcing
    clock: Clock
    resend_after: timedelta
    overdue_after: timedelta

    def keep(
        self, ledger: Ledger, seen: Observation, outcome: Outcome, notices: Sequence[Notice]
    ) -> Outcome:
        """Write down what was done, if it is news; that it can't be written does not undo it."""
        plan, now = outcome.plan, self.clock()
        decision = decision_of(plan, outcome.problem)
        is_up = isinstance(seen, Present) and seen.status.is_serving
        try:
            if is_up and ledger.closing is None and ledger.has_unmet_demand:
                self.state.mark_met(outcome.endpoint, ledger.demand_version)
            if is_news(decision, ledger.decision, now) or notices:
                outcome = self._keep_news(ledger, decision, now, outcome, notices)
            else:
                outcome = self._tell(outcome, self._left(ledger, now))
        except AwsError as error:
            outcome = outcome.with_problem(str(error))
        is_overdue = is_up and self._is_overdue(ledger, plan, now)
        return replace(outcome, is_overdue=is_overdue)

    def _keep_news(
        self,
        ledger: Ledger,
        decision: Decision,
        now: datetime,
        outcome: Outcome,
        notices: Sequence[Notice],
    ) -> Outcome:
        endpoint = outcome.endpoint
        if not self.state.record_decision(endpoint, decision, now, ledger, notices):
            # Another tick has seen the same, and tells it; but not what only this one has done.
            done = [notice for notice in notices if notice.kind in DONE_ONCE]
            if done:
                self.state.record_untold(endpoint, done)
            return self._tell(outcome, done)
        self.history.append(endpoint, PastDecision(now, decision))
        return self._tell(replace(outcome, is_news=True), (*self._left(ledger, now), *notices))

    def _tell(self, outcome: Outcome, notices: Sequence[Notice]) -> Outcome:
        """Tell them; what can't be told now is with a later tick."""
        if not notices:
            return outcome
        try:
            problems = self.announcing.tell(notices)
            self.state.clear_untold(outcome.endpoint, notices)
        except AwsError as error:
            problems = (str(error),)
        for problem in problems:
            outcome = outcome.with_problem(problem)
        return outcome

    def _left(self, ledger: Ledger, now: datetime) -> Sequence[Notice]:
        """Say which notices whoever has kept them has not told in time."""
        return [notice for notice in ledger.untold if now >= notice.at + self.resend_after]

    def _is_overdue(self, ledger: Ledger, plan: Plan, now: datetime) -> bool:
        """Whether what serves should have stopped by now, or could not be judged for as long."""
        wants_stop = plan.action in (Action.STOP, Action.CLOSE) or plan.rule is Rule.FAIL_SAFE
        before = ledger.decision
        if not wants_stop or before is None or ledger.decided_at is None:
            return False
        is_same = before.rule == plan.rule or before.action in (Action.STOP, Action.CLOSE)
        return is_same and now >= ledger.decided_at + self.overdue_after


def decision_of(plan: Plan, problem: str | None) -> Decision:
    """Say it as it is kept: with what kept it from happening, unless that is the reason already."""
    reason = plan.reason
    if problem is not None and problem not in reason:
        reason = f"{reason} ({problem})"
    return Decision(plan.action, plan.rule, reason, plan.next_look_at, plan.kept_down)


def is_news(decision: Decision, recorded: Decision | None, now: datetime) -> bool:
    """Whether a decision has to be written. That of an endpoint in use, whose time moves on with
    each request, is written anew only when the time that was written has passed; so is what a
    forecast says, whose figures move on with each minute.
    """
    if recorded is None or (decision.action, decision.rule) != (recorded.action, recorded.rule):
        return True
    # Requests are told until when it is kept down.
    if decision.kept_down != recorded.kept_down:
        return True
    if decision.rule in _OF_THE_MOMENT and recorded.until is not None:
        return now >= recorded.until
    if decision.action == Action.STAY_DOWN and _is_promise_broken(decision, recorded, now):
        return True
    # When the clock could change it follows from the rules, and may come nearer with each tick.
    return decision.reason != recorded.reason


def _is_promise_broken(decision: Decision, recorded: Decision, now: datetime) -> bool:
    """Whether it was said to be started by itself at a moment, and is not; or is now, and was not
    said to be.
    """
    if recorded.until is None or decision.until is None:
        return recorded.until != decision.until
    return recorded.until != decision.until and now >= recorded.until
