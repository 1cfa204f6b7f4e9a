"""The ledger: what Dormouse itself saw of an endpoint's demand, which AWS can't be asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from dormouse.domain.activity import Measured
from dormouse.domain.demand_history import DemandHistory
from dormouse.domain.endpoint import Present
from dormouse.domain.failures import Failure
from dormouse.domain.keepsake import Keepsake
from dormouse.domain.notice import Notice
from dormouse.domain.spending import Rate, Spent
from dormouse.domain.terms import Terms
from dormouse.domain.warm_up import WarmUp


@dataclass(frozen=True, slots=True)
class KeptDown:
    """A rule wants it down, or keeps it from being started, whoever uses it: which, in which words,
    and until when; None where the clock does not end that.
    """

    rule: str
    words: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision as it is recorded; `until` is when another could follow, None if that is open.

    `kept_down` is there also while the rule that decided only says what keeps it from being deleted
    at once.
    """

    action: str
    rule: str
    reason: str
    until: datetime | None = None
    kept_down: KeptDown | None = None


@dataclass(frozen=True, slots=True)
class PastDecision:
    """A decision, and when it was taken."""

    at: datetime
    decision: Decision


@dataclass(frozen=True, slots=True)
class Closing:
    """The claim of a teardown: from `at` on no lease is given, and requests are cold.

    `version` is the demand that was known then. An unforced one is undone by newer demand, unless
    `deleting_at` is set: then DeleteEndpoint may have been called, and the deletion is driven on
    until the endpoint is gone.
    """

    at: datetime
    version: int
    is_forced: bool
    reason: str
    deleting_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ledger:
    """What is remembered of one endpoint.

    Every demand (a cold request, a wake, a hold) raises `demand_version`. `met_version` is the
    newest that was met: the endpoint was seen serving after it, or was stopped in full knowledge of
    it. Versions are compared rather than times, so that two Lambdas' clocks don't have to agree.

    `last_request_at` is written at most once in an interval, so it may be older than the last
    request by as much. `metrics_active_at` is the end of the latest minute in which CloudWatch
    showed an invocation, so that it need not be asked again while that suffices.

    `lease_until` is until when a proxy may have a request under way; it is never shortened.
    `closing` is there while the endpoint is being torn down. `serving_since` is when it was first
    seen serving since it was created; it is gone as soon as it is deleted. `started_at` is when
    CreateEndpoint was called, until it serves. `wakes` are how long the last ones took, newest
    last. `has_requests` says that requests may be parked, released or unpublished: only then are
    they looked for. `warm_set` are the models to load at the next wake, the most used first.

    `slept_version` is the newest demand that an operator's `sleep` of `slept_at` has overruled, or
    that of `slept_reason`. `suspended_at` is since when nothing may start it, and `suspended_by`
    who said so. `demand_by` is who has asked for it last.

    `acts` counts the changes that were asked of SageMaker; until `acting_until` one may be under
    way, so that nobody else asks for the same. `created_at` is when CreateEndpoint was answered,
    until it is gone. `described` is what DescribeEndpoint said last, so that it need not be asked
    while ListEndpoints shows no change. `failures` are those of each EndpointConfig since it last
    served, by its name in lower case. `spent` is what former lives have cost this month, and `rate`
    what the present one costs. `keepsake` is what died with it, and `restored_at` when the rest of
    that was given back to it. `superseded` are the configs of the template that nothing asks for
    any more, and since when. `untold` are the notices that may not have been told.
    `updated_to` is the EndpointConfig that UpdateEndpoint was last asked for, at `updated_at`,
    until it is seen how that has ended. `terms` are those of the last spec that could be obeyed;
    None where there was none. `aliases` says which model each alias stands for. `demand_history` is
    what its idle policy has learned; None where it learns nothing, or has nothing yet.
    """

    demand_version: int = 0
    met_version: int = 0
    demand_at: datetime | None = None
    last_request_at: datetime | None = None
    metrics_active_at: datetime | None = None
    hold_until: datetime | None = None
    slept_version: int | None = None
    slept_at: datetime | None = None
    updated_to: str | None = None
    updated_at: datetime | None = None
    terms: Terms | None = None
    decision: Decision | None = None
    decided_at: datetime | None = None
    lease_until: datetime | None = None
    closing: Closing | None = None
    serving_since: datetime | None = None
    started_at: datetime | None = None
    wakes: tuple[timedelta, ...] = ()
    has_requests: bool = False
    warm_set: tuple[str, ...] = ()
    warm_up: WarmUp | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)
    slept_reason: str | None = None
    suspended_at: datetime | None = None
    suspended_by: str | None = None
    demand_by: str | None = None
    acts: int = 0
    acting_until: datetime | None = None
    created_at: datetime | None = None
    described: Present | None = None
    failures: Mapping[str, Failure] = field(default_factory=dict)
    spent: Spent | None = None
    rate: Rate | None = None
    keepsake: Keepsake | None = None
    restored_at: datetime | None = None
    superseded: Mapping[str, datetime] = field(default_factory=dict)
    untold: tuple[Notice, ...] = ()
    demand_history: DemandHistory | None = None

    @property
    def has_unmet_demand(self) -> bool:
        """Whether something asked for the endpoint that has not been seen serving since."""
        return self.demand_version > self.met_version

    @property
    def is_known(self) -> bool:
        """Whether `reconcile` has decided about it, so that an EndpointConfig claims it, or did
        until lately.
        """
        return self.decision is not None

    @property
    def is_deleting(self) -> bool:
        """Whether DeleteEndpoint may have been called, and it has not been seen gone since."""
        return self.closing is not None and self.closing.deleting_at is not None

    @property
    def is_put_to_sleep(self) -> bool:
        """Whether an operator has put it to sleep, and nothing has asked for it since."""
        return self.slept_version is not None and self.demand_version <= self.slept_version

    @property
    def has_life(self) -> bool:
        """Whether it was there, as far as is remembered, and was not noted as gone since."""
        return self.serving_since is not None or self.created_at is not None

    @property
    def awaits_restoring(self) -> bool:
        """Whether something that died with it was not given back to it yet, since it can be only
        once it serves.
        """
        has_scaling = self.keepsake is not None and self.keepsake.scaling is not None
        return has_scaling and self.created_at is not None and self.restored_at is None

    def billed_since(self, *, bills_creation: bool) -> datetime | None:
        """Say since when its present life is paid for, None where it has none. What somebody else
        has started is paid for since it was first seen serving.
        """
        if bills_creation and self.created_at is not None:
            return self.created_at
        return self.serving_since

    def without_life(self) -> "Ledger":
        """What is remembered of an endpoint that has been noted as gone."""
        return replace(
            self,
            closing=None,
            serving_since=None,
            started_at=None,
            created_at=None,
            warm_up=None,
            updated_to=None,
            updated_at=None,
            described=None,
            restored_at=None,
        )

    def with_metrics(self, measured: Measured) -> "Ledger":
        """Add a reading of CloudWatch, which can only make the activity more recent."""
        known = [at for at in (self.metrics_active_at, measured.last_active_at) if at is not None]
        return replace(self, metrics_active_at=max(known, default=None))


@dataclass(frozen=True, slots=True)
class RecordedDemand:
    """What became of a demand: whether it was written, and whether it was news.

    It is news where no unmet demand of late stood there already: then `reconcile` is to be nudged.
    `ledger` is what is remembered after it; `ledger.is_known` says whether the endpoint is known.
    """

    is_written: bool
    is_news: bool
    ledger: Ledger


@dataclass(frozen=True, slots=True)
class Lease:
    """The answer to whoever wants to send: until when he may, or None where he may not.

    Then `ledger` says why: it is not known, or closing.
    """

    until: datetime | None
    ledger: Ledger
