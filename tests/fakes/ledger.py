"""The endpoints' ledgers in memory, held against the real table in tests/adapters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from dormouse.domain.demand_history import DemandHistory
from dormouse.domain.endpoint import Present
from dormouse.domain.failures import Failure
from dormouse.domain.keepsake import Keepsake
from dormouse.domain.ledger import Closing, Decision, Lease, Ledger, RecordedDemand
from dormouse.domain.notice import Notice
from dormouse.domain.spending import Rate, Spent
from dormouse.domain.terms import Terms
from dormouse.domain.wake_time import REMEMBERED_WAKES
from dormouse.domain.warm_up import WarmUp
from dormouse.errors import AliasRefusedError
from dormouse.ports import Survey

# What is true of one life of an endpoint only.
_NO_LIFE: dict[str, None] = {
    "closing": None,
    "serving_since": None,
    "started_at": None,
    "warm_up": None,
    "updated_to": None,
    "updated_at": None,
    "created_at": None,
    "described": None,
    "restored_at": None,
}


@dataclass
class FakeLedgers:
    """Implements the states of ports.py: each method is one step that nothing comes between."""

    ledgers: dict[str, Ledger] = field(default_factory=dict)
    removal_at: datetime | None = None
    retiring: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def read(self, endpoint: str) -> Ledger:
        """Read everything remembered of an endpoint."""
        return self.ledgers.get(endpoint, Ledger())

    def read_all(self) -> Mapping[str, Ledger]:
        """Read everything remembered of every endpoint, by its name."""
        return dict(self.ledgers)

    def survey(self) -> Survey:
        """Read everything."""
        return Survey(self.removal_at, self.read_all())

    def removal_began_at(self) -> datetime | None:
        """Say since when the deployment is being deleted."""
        return self.removal_at

    def begin_removal(self, now: datetime) -> None:
        """Note that the deployment is being deleted; the first time stays."""
        self.removal_at = self.removal_at or now

    def cancel_removal(self) -> None:
        """Note that it is not."""
        self.removal_at = None

    # ------------------------------------------------------------------------------------- demand

    def record_demand(
        self,
        endpoint: str,
        now: datetime,
        unless_since: datetime,
        *,
        known_only: bool,
        by: str | None = None,
    ) -> RecordedDemand:
        """Note that a request has come, unless an unmet one is as recent as that."""
        before = self.read(endpoint)
        if not _is_news(before, unless_since) or (known_only and not before.is_known):
            return RecordedDemand(is_written=False, is_news=False, ledger=before)
        after = self._write(
            endpoint,
            demand_at=now,
            last_request_at=now,
            demand_version=before.demand_version + 1,
            demand_by=by,
        )
        return RecordedDemand(is_written=True, is_news=True, ledger=after)

    def raise_demand(
        self,
        endpoint: str,
        now: datetime,
        news_since: datetime,
        *,
        has_requests: bool,
        by: str | None = None,
    ) -> RecordedDemand:
        """Note that a request is held or parked."""
        before = self.read(endpoint)
        after = self._write(
            endpoint,
            demand_at=max(now, before.demand_at or now),
            last_request_at=max(now, before.last_request_at or now),
            demand_version=before.demand_version + 1,
            has_requests=before.has_requests or has_requests,
            demand_by=by,
        )
        return RecordedDemand(is_written=True, is_news=_is_news(before, news_since), ledger=after)

    def record_hold(
        self, endpoint: str, until: datetime, now: datetime, by: str | None = None
    ) -> None:
        """Keep it up until then, or for longer if it is held for longer already."""
        before = self.read(endpoint)
        self._write(
            endpoint,
            hold_until=max(until, before.hold_until or until),
            demand_at=now,
            demand_version=before.demand_version + 1,
            demand_by=by,
        )

    def release_hold(self, endpoint: str) -> None:
        """Hold it no longer."""
        self._write(endpoint, hold_until=None)

    def record_sleep(self, endpoint: str, now: datetime) -> None:
        """Hold it no longer, and overrule every demand that has come so far."""
        version = self.read(endpoint).demand_version
        self._write(
            endpoint,
            hold_until=None,
            slept_version=version,
            met_version=version,
            slept_at=now,
            slept_reason=None,
        )

    def suspend(self, endpoint: str, now: datetime, by: str | None = None) -> None:
        """Keep it down until it is resumed; the first time stays."""
        if self.read(endpoint).suspended_at is None:
            self._write(endpoint, suspended_at=now, suspended_by=by)

    def resume(self, endpoint: str) -> None:
        """Suspend it no longer, and forget the failures of its EndpointConfigs."""
        self._write(endpoint, suspended_at=None, suspended_by=None, failures={})

    def mark_met(self, endpoint: str, demand_version: int) -> None:
        """Note that it was seen serving after this demand."""
        if self.read(endpoint).met_version < demand_version:
            self._write(endpoint, met_version=demand_version)

    def clear_requests(self, endpoint: str, demand_version: int) -> None:
        """Note that no request is waiting, unless demand has come since."""
        before = self.read(endpoint)
        if before.has_requests and before.demand_version == demand_version:
            self._write(endpoint, has_requests=False)

    # ------------------------------------------------------------------------- the leases, the end

    def take_lease(
        self, endpoint: str, now: datetime, until: datetime, *, is_request: bool
    ) -> Lease:
        """Write the lease, unless it is closing or not known."""
        before = self.read(endpoint)
        if before.closing is not None or not before.is_known:
            return Lease(None, before)
        lease_until = max(until, before.lease_until or until)
        after = self._write(endpoint, lease_until=lease_until)
        if is_request:
            last_request_at = max(now, before.last_request_at or now)
            after = self._write(endpoint, last_request_at=last_request_at)
        return Lease(lease_until, after)

    def begin_closing(
        self,
        endpoint: str,
        seen: Ledger,
        reason: str,
        now: datetime,
        *,
        is_forced: bool,
        warm_set: Sequence[str],
        sleeps: bool = False,
        failures: Mapping[str, Failure] | None = None,
    ) -> Ledger | None:
        """Claim the teardown."""
        before = self.read(endpoint)
        nothing_came = (
            before.demand_version == seen.demand_version
            and before.last_request_at == seen.last_request_at
            and before.lease_until == seen.lease_until
        )
        there = before.closing
        is_overruled = is_forced and there is not None and not there.is_forced
        is_free = there is None or (is_overruled and not before.is_deleting)
        if not is_free or not (is_forced or nothing_came):
            return None
        after = self._write(
            endpoint,
            closing=Closing(now, seen.demand_version, is_forced, reason),
            # What forces a stop need not have met the demand.
            met_version=before.met_version if is_forced else seen.demand_version,
            warm_set=tuple(warm_set),
            failures=before.failures if failures is None else failures,
        )
        if not (sleeps and is_forced):
            return after
        version = before.demand_version
        return self._write(
            endpoint, slept_version=version, met_version=version, slept_at=now, slept_reason=reason
        )

    def reopen(self, endpoint: str, seen: Ledger) -> bool:
        """Undo this closing, unless it is deleting or another."""
        closing = self.read(endpoint).closing
        if closing is None or not _is_same(closing, seen.closing):
            return False
        if closing.is_forced or closing.deleting_at:
            return False
        self._write(endpoint, closing=None)
        return True

    def begin_deleting(
        self, endpoint: str, seen: Ledger, now: datetime, spent: Spent | None = None
    ) -> bool:
        """Claim the right to call DeleteEndpoint."""
        before = self.read(endpoint)
        closing = before.closing
        if closing is None or not _is_same(closing, seen.closing) or closing.deleting_at:
            return False
        if before.lease_until is not None and now <= before.lease_until:
            return False
        if not closing.is_forced and before.demand_version != closing.version:
            return False
        self._write(
            endpoint,
            **{**_NO_LIFE, "closing": replace(closing, deleting_at=now)},
            spent=before.spent if spent is None else spent,
        )
        return True

    def record_gone(self, endpoint: str, seen: Ledger) -> bool:
        """Note that what was being torn down is gone."""
        is_same = _is_same(self.read(endpoint).closing, seen.closing)
        if is_same:
            self._write(endpoint, **_NO_LIFE)
        return is_same

    # --------------------------------------------------------------------------- the wake, the rest

    def begin_act(self, endpoint: str, seen: Ledger, now: datetime, until: datetime) -> bool:
        """Claim the right to ask SageMaker for one change."""
        before = self.read(endpoint)
        is_live = before.acting_until is not None and before.acting_until >= now
        if before.acts != seen.acts or is_live:
            return False
        self._write(endpoint, acts=before.acts + 1, acting_until=until)
        return True

    def end_act(self, endpoint: str, seen: Ledger, created_at: datetime | None) -> None:
        """Give up the claim that was made of this ledger."""
        before = self.read(endpoint)
        if before.acts == seen.acts + 1:
            self._write(endpoint, acting_until=None, created_at=created_at or before.created_at)

    def record_start(self, endpoint: str, now: datetime, rate: Rate | None) -> None:
        """Note that CreateEndpoint is about to be called, so that it does not serve now."""
        closing = self.read(endpoint).closing
        life = {**_NO_LIFE, "closing": closing, "started_at": now}
        self._write(endpoint, **life, rate=rate)

    def record_failures(self, endpoint: str, seen: Ledger, failures: Mapping[str, Failure]) -> bool:
        """Keep the failures of its EndpointConfigs."""
        before = self.read(endpoint)
        if (before.acts, before.updated_to) != (seen.acts, seen.updated_to):
            return False
        self._write(endpoint, failures=failures, started_at=None, updated_to=None, updated_at=None)
        return True

    def record_described(self, endpoint: str, described: Present) -> None:
        """Keep what DescribeEndpoint said, but for the DeploymentConfig."""
        self._write(endpoint, described=replace(described, deployment_config=None))

    def record_keepsake(self, endpoint: str, seen: Ledger, keepsake: Keepsake) -> bool:
        """Keep what is about to die with an endpoint."""
        before = self.read(endpoint)
        if before.acts != seen.acts or before.is_deleting:
            return False
        self._write(endpoint, keepsake=keepsake)
        return True

    def record_restored(self, endpoint: str, now: datetime) -> None:
        """Note that what had died with it was given back to it."""
        self._write(endpoint, restored_at=now)

    def record_vanished(self, endpoint: str, seen: Ledger, spent: Spent | None) -> bool:
        """Note that somebody else has deleted it."""
        before = self.read(endpoint)
        if before.acts != seen.acts or before.closing is not None:
            return False
        self._write(endpoint, **_NO_LIFE, spent=before.spent if spent is None else spent)
        return True

    def record_budget_warning(self, endpoint: str, spent: Spent) -> None:
        """Note that its owner is warned this month."""
        self._write(endpoint, spent=spent)

    def record_superseded(self, endpoint: str, superseded: Mapping[str, datetime]) -> None:
        """Note since when nothing asks for configs of the template any more."""
        self._write(endpoint, superseded=dict(superseded))

    def record_demand_history(
        self, endpoint: str, seen: Ledger, history: DemandHistory | None
    ) -> bool:
        """Keep what its idle policy has learned."""
        before, known = self.read(endpoint).demand_history, seen.demand_history
        if known is not None and (before is None or before.folded_until != known.folded_until):
            return False
        self._write(endpoint, demand_history=history)
        return True

    def record_serving(
        self,
        endpoint: str,
        seen: Ledger,
        since: datetime,
        wake: timedelta | None,
        warm_up: WarmUp | None,
    ) -> bool:
        """Note that it serves, how long the wake took, and the warm-up that begins."""
        before = self.read(endpoint)
        if before.serving_since is not None or before.closing is not None:
            return False
        wakes = before.wakes if wake is None else (*seen.wakes, wake)[-REMEMBERED_WAKES:]
        self._write(
            endpoint,
            serving_since=since,
            wakes=wakes,
            warm_up=warm_up,
            started_at=None,
            created_at=before.created_at or seen.started_at,
        )
        return True

    def end_warm_up(self, endpoint: str, warm_up: WarmUp, now: datetime) -> None:
        """Note that this warm-up has ended."""
        before = self.read(endpoint).warm_up
        if before is not None and before.began_at == warm_up.began_at and before.ended_at is None:
            self._write(endpoint, warm_up=replace(before, ended_at=now))

    def record_invoked(self, endpoint: str, target_model: str, began_at: datetime) -> None:
        """Note that this warm-up has invoked a model."""
        before = self.read(endpoint).warm_up
        if before is not None and before.began_at == began_at:
            invoked = before.invoked | {target_model}
            self._write(endpoint, warm_up=replace(before, invoked=invoked))

    def record_metrics_activity(self, endpoint: str, at: datetime) -> None:
        """Note until when CloudWatch showed invocations; it never goes back."""
        before = self.read(endpoint).metrics_active_at
        if before is None or before < at:
            self._write(endpoint, metrics_active_at=at)

    def record_update(self, endpoint: str, config_name: str, now: datetime) -> None:
        """Note that UpdateEndpoint was asked for this EndpointConfig."""
        self._write(endpoint, updated_to=config_name, updated_at=now)

    def record_terms(self, endpoint: str, terms: Terms | None) -> None:
        """Keep them for the front door."""
        self._write(endpoint, terms=terms)

    def record_decision(
        self,
        endpoint: str,
        decision: Decision,
        now: datetime,
        seen: Ledger,
        untold: Sequence[Notice] = (),
    ) -> bool:
        """Keep the decision."""
        before = self.read(endpoint)
        if before.decided_at != seen.decided_at:
            return False
        self._write(endpoint, decision=decision, decided_at=now)
        self.record_untold(endpoint, untold)
        return True

    def record_untold(self, endpoint: str, untold: Sequence[Notice]) -> None:
        """Keep notices that are to be told, in the order in which it happened."""
        kept = {*self.read(endpoint).untold, *untold}
        in_order = sorted(kept, key=lambda notice: (notice.at, notice.kind))
        self._write(endpoint, untold=tuple(in_order))

    def clear_untold(self, endpoint: str, told: Sequence[Notice]) -> None:
        """Note that these notices were told."""
        left = [notice for notice in self.read(endpoint).untold if notice not in told]
        self._write(endpoint, untold=tuple(left))

    def forget_decision(self, endpoint: str) -> None:
        """Note that it is not managed, as far as can be seen."""
        if self.read(endpoint).is_known:
            self._write(endpoint, decision=None, decided_at=None)

    # -------------------------------------------------------------------------------- the aliases

    def set_alias(
        self, endpoint: str, alias: str, model: str, now: datetime, at_most: int
    ) -> str | None:
        """Let an alias stand for a model."""
        before = self.read(endpoint).aliases
        if alias not in before and len(before) >= at_most:
            raise AliasRefusedError(f"{endpoint} has {len(before)} aliases already")
        claimed_until = self.retiring.get((endpoint, model))
        if claimed_until is not None and now <= claimed_until:
            raise AliasRefusedError(f"{model} is being retired")
        self._write(endpoint, aliases={**before, alias: model})
        return before.get(alias)

    def remove_alias(self, endpoint: str, alias: str) -> str | None:
        """Let an alias stand for nothing."""
        left = dict(self.read(endpoint).aliases)
        removed = left.pop(alias, None)
        if removed is not None:
            self._write(endpoint, aliases=left)
        return removed

    def begin_retiring(self, endpoint: str, model: str, now: datetime, until: datetime) -> Ledger:
        """Claim a model until then."""
        self.retiring[endpoint, model] = until
        return self._write(endpoint)

    def end_retiring(self, endpoint: str, model: str) -> None:
        """Give the claim up."""
        self.retiring.pop((endpoint, model), None)
        self._write(endpoint)

    def _write(self, endpoint: str, **changes: object) -> Ledger:
        after = replace(self.read(endpoint), **changes)  # type: ignore[arg-type]  # callers name fields
        self.ledgers[endpoint] = after
        return after


def _is_news(before: Ledger, since: datetime) -> bool:
    is_recent = before.demand_at is not None and before.demand_at >= since
    return not (is_recent and before.has_unmet_demand)


def _is_same(closing: Closing | None, seen: Closing | None) -> bool:
    """Whether it is the closing that was seen, perhaps gone on since."""
    if closing is None or seen is None:
        return False
    return (closing.at, closing.version, closing.is_forced) == (
        seen.at,
        seen.version,
        seen.is_forced,
    )
