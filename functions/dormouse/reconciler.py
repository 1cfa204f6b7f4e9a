"""Observe, plan, apply, record: one tick over the managed endpoints.

This is the one writer of endpoints. A tick is level-triggered: it acts on what it sees now, so one
that is missed, late, doubled or cut short is mended by the next.

A whole tick sees the fleet by a few calls: the ledgers by one scan, the specs by the tagging API,
the endpoints by ListEndpoints, what would stop by one reading of CloudWatch for many. Only where
something is to be done (see settling.py) an endpoint has calls of its own; several at once, so that
one which is slow to answer for delays no other.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from dormouse.decisions import Outcome
from dormouse.domain.activity import Activity
from dormouse.domain.claims import Claim, Deployment, TaggedConfig, settle_claims
from dormouse.domain.endpoint import Absent, Observation
from dormouse.domain.ledger import Ledger
from dormouse.domain.named_schedules import NO_NAMES, NamedSchedules
from dormouse.domain.plan import Action, Plan
from dormouse.domain.rule import Rule
from dormouse.domain.spec import BLACKOUT_TAG, SCHEDULE_TAG
from dormouse.errors import AwsError
from dormouse.in_parallel import in_parallel, meanwhile
from dormouse.ports import Catalog, Clock, EndpointsList, Metrics, ReconcilerState, Schedules
from dormouse.removing import Candidate, Removing
from dormouse.settling import Look, Settling
from dormouse.superseding import Superseding

# For so many endpoints at a time it is found out what CloudWatch must be asked, and then what to
# do. In a new container each forecast has to be made, which may take longer than a tick has: so it
# comes to an end with some of a large fleet, and the next tick with more.
_AT_ONCE = 1000

_NOTHING_MORE = Plan(Action.WAIT, Rule.FAIL_SAFE, "nothing else is changed")


@dataclass(frozen=True, slots=True)
class Skipped:
    """An endpoint for which there was no time in this tick; the next begins with another one."""

    endpoint: str


def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Brings each managed endpoint to the state that its spec and its demand ask for, several at
    once with more than one of `workers`.
    """

    catalog: Catalog
    schedules: Schedules
    endpoints: EndpointsList
    metrics: Metrics
    state: ReconcilerState
    clock: Clock
    deployment: Deployment
    settling: Settling
    removing: Removing
    superseding: Superseding
    workers: int = 1

    def tick(
        self, only: str | None = None, has_time: Callable[[], bool] = _always
    ) -> Iterator[Outcome | Skipped]:
        """Look at every managed endpoint, or at one; yield each as it is done, or as it is skipped
        since `has_time` says that none is left.

        Once the deployment is being deleted, look at every endpoint that it may have created
        instead, or at one of them. A fault at one endpoint becomes its own outcome's problem and
        stops no other.

        Raises:
            AwsError: the tags or the ledger can't be read, so nothing is known to be managed.
        """
        if only is not None:
            yield from self._tick_one(only)
            return
        # The tags take the longest, page after page, and need nothing of the ledgers.
        with meanwhile(self.catalog.tagged_configs, self.workers) as tagged_configs:
            survey = self.state.survey()
            if survey.removal_began_at is not None:
                yield from self._remove(self.removing.candidates(survey.ledgers), has_time)
                return
            configs = tagged_configs()
        claims = settle_claims(configs, self.deployment, self._named(configs))
        # After the ledgers: demand that they show came before what is seen here, so a serving
        # status meets it.
        seen = self._observe_all()
        yield from self._settle_all(claims, survey.ledgers, seen, has_time)
        if has_time() and not isinstance(seen, AwsError):
            own = survey.ledgers.get(self.deployment.endpoint, Ledger())
            problem = self.superseding.carry_out(configs, claims, own, seen)
            if problem is not None:
                yield Outcome(self.deployment.endpoint, _NOTHING_MORE, problem)

    def _tick_one(self, endpoint: str) -> Iterator[Outcome]:
        if self.state.removal_began_at() is not None:
            # An event may name any endpoint of the region.
            candidates = self.removing.candidates(self.state.survey().ledgers)
            for candidate in candidates:
                if candidate.endpoint.lower() == endpoint.lower():
                    look = partial(self.removing.remove, candidate)
                    yield _fail_safe(candidate.endpoint, look)
            return
        configs = self.catalog.tagged_configs(endpoint)
        claims = settle_claims(configs, self.deployment, self._named(configs))
        if not claims:
            self.state.forget_decision(endpoint)
        for claim in claims:
            yield _fail_safe(claim.endpoint, partial(self._settle_one, claim))

    def _settle_one(self, claim: Claim) -> Outcome:
        ledger = self.state.read(claim.endpoint)

        def look() -> Look:
            return Look(self.endpoints.observe(claim.endpoint), is_close=True)

        return self.settling.settle(claim, ledger, look)

    def _settle_all(
        self,
        claims: Sequence[Claim],
        ledgers: Mapping[str, Ledger],
        seen: Mapping[str, Observation] | AwsError,
        has_time: Callable[[], bool],
    ) -> Iterator[Outcome | Skipped]:
        # Names that differ by case are one to SageMaker.
        by_name = (
            {}
            if isinstance(seen, AwsError)
            else {name.lower(): each for name, each in seen.items()}
        )

        def look(claim: Claim) -> Look:
            if isinstance(seen, AwsError):
                raise seen
            return Look(by_name.get(claim.endpoint.lower(), Absent()), is_close=False)

        def settle(activities: Mapping[str, Activity], claim: Claim) -> Outcome | Skipped:
            if not has_time():
                return Skipped(claim.endpoint)
            ledger = ledgers.get(claim.endpoint, Ledger())
            activity = activities.get(claim.endpoint)
            settle = partial(self.settling.settle, claim, ledger, partial(look, claim), activity)
            return _fail_safe(claim.endpoint, settle)

        in_turn = _in_turn(claims, ledgers, self.clock())
        for first in range(0, len(in_turn), _AT_ONCE):
            some = in_turn[first : first + _AT_ONCE]
            activities: Mapping[str, Activity] = {}
            if has_time() and not isinstance(seen, AwsError):
                activities = self._measure(some, ledgers, look)
            yield from in_parallel(partial(settle, activities), some, self.workers)

    def _observe_all(self) -> Mapping[str, Observation] | AwsError:
        """List the endpoints. Where that fails, nothing is started or stopped; all else is done."""
        try:
            return self.endpoints.observe_all()
        except AwsError as error:
            return error

    def _measure(
        self,
        claims: Sequence[Claim],
        ledgers: Mapping[str, Ledger],
        look: Callable[[Claim], Look],
    ) -> Mapping[str, Activity]:
        """Ask CloudWatch once for all of them that everything else would stop."""
        foreseen = [
            self.settling.measuring(claim, ledgers.get(claim.endpoint, Ledger()), look(claim))
            for claim in claims
        ]
        windows = [window for window in foreseen if window is not None]
        return self.metrics.last_activity(windows, self.clock()) if windows else {}

    def _remove(
        self, candidates: Sequence[Candidate], has_time: Callable[[], bool]
    ) -> Iterator[Outcome | Skipped]:
        def remove(candidate: Candidate) -> Outcome | Skipped:
            if not has_time():
                return Skipped(candidate.endpoint)
            look = partial(self.removing.remove, candidate)
            return _fail_safe(candidate.endpoint, look)

        yield from in_parallel(remove, candidates, self.workers)

    def _named(self, configs: Sequence[TaggedConfig]) -> NamedSchedules:
        """Read the named schedules, if a tag refers to one."""
        tags = (SCHEDULE_TAG, BLACKOUT_TAG)
        is_asked = any("@" in config.tags.get(tag, "") for config in configs for tag in tags)
        return self.schedules.read() if is_asked else NO_NAMES


def _fail_safe(endpoint: str, look: Callable[[], Outcome]) -> Outcome:
    try:
        return look()
    except AwsError as error:
        plan = Plan(Action.WAIT, Rule.FAIL_SAFE, "nothing is changed: it can't be judged")
        return Outcome(endpoint, plan, str(error))


def _in_turn(
    claims: Sequence[Claim], ledgers: Mapping[str, Ledger], now: datetime
) -> Sequence[Claim]:
    """Begin with those for which something is due, and with another endpoint each minute: a tick
    that is cut short leaves out the last.
    """
    first = int(now.timestamp() // 60) % len(claims) if claims else 0
    rotated = [*claims[first:], *claims[:first]]
    return sorted(rotated, key=lambda claim: not _is_due(ledgers.get(claim.endpoint), now))


def _is_due(ledger: Ledger | None, now: datetime) -> bool:
    """Whether somebody waits for it, or another decision could follow the last one by now. Who is
    looked at is given a new time, so that these come before the others and leave out none for ever.
    """
    if ledger is None:
        return False
    until = None if ledger.decision is None else ledger.decision.until
    return ledger.has_unmet_demand or (until is not None and until <= now)
