"""How the parts of a reconciler belong together, whatever stands behind its ports."""

from dataclasses import dataclass
from datetime import timedelta

from dormouse.acting import Acting
from dormouse.adopting import Adoption
from dormouse.announcing import Announcing
from dormouse.awakening import Awakening
from dormouse.decisions import Decisions
from dormouse.domain import idle_policy
from dormouse.domain.claims import Deployment
from dormouse.domain.timing import Timing
from dormouse.keeping import Keeping
from dormouse.learning import Learning
from dormouse.ports import (
    Catalog,
    Clock,
    Declarations,
    EndpointConfigs,
    Endpoints,
    EndpointsOfDeployment,
    History,
    Metrics,
    NoticeBus,
    NoticeTopics,
    Rates,
    ReconcilerState,
    ReconcilerUsage,
    RequestRecords,
    Scaling,
    Schedules,
    WorkQueue,
)
from dormouse.reconciler import Reconciler
from dormouse.releasing import Releasing
from dormouse.removing import Removing
from dormouse.settling import Settling
from dormouse.superseding import Superseding
from dormouse.teardown import Teardown


@dataclass(frozen=True, slots=True)
class World:
    """All that a reconciler reads and writes."""

    catalog: Catalog
    created: EndpointsOfDeployment
    schedules: Schedules
    endpoints: Endpoints
    configs: EndpointConfigs
    scaling: Scaling
    declarations: Declarations
    metrics: Metrics
    rates: Rates
    state: ReconcilerState
    history: History
    usage: ReconcilerUsage
    records: RequestRecords
    work: WorkQueue
    bus: NoticeBus
    topics: NoticeTopics
    clock: Clock


@dataclass(frozen=True, slots=True)
class Durations:
    """How long things may take. `claim` is longer than `reconcile` can live."""

    warm_up: timedelta
    resend_after: timedelta
    config_grace: timedelta
    claim: timedelta = timedelta(minutes=1)
    overdue_after: timedelta = timedelta(minutes=15)
    tell_within: timedelta = timedelta(hours=1)


def reconciler_of(
    world: World,
    *,
    deployment: Deployment,
    timing: Timing,
    durations: Durations,
    stack_id: str,
    workers: int = 1,
) -> Reconciler:
    """Put a reconciler together."""
    acting = Acting(world.state, world.clock, durations.claim)
    keeping = Keeping(world.scaling)
    decisions = Decisions(
        state=world.state,
        history=world.history,
        announcing=Announcing(world.bus, world.topics, world.clock, durations.tell_within),
        clock=world.clock,
        resend_after=durations.claim,
        overdue_after=durations.overdue_after,
    )
    teardown = Teardown(
        endpoints=world.endpoints,
        state=world.state,
        usage=world.usage,
        acting=acting,
        keeping=keeping,
        clock=world.clock,
        bills_creation=timing.bills_creation,
    )
    settling = Settling(
        endpoints=world.endpoints,
        metrics=world.metrics,
        state=world.state,
        rates=world.rates,
        clock=world.clock,
        timing=timing,
        deployment=deployment,
        acting=acting,
        adoption=Adoption(world.declarations),
        teardown=teardown,
        awakening=Awakening(
            state=world.state,
            work=world.work,
            keeping=keeping,
            clock=world.clock,
            warm_up_at_most=durations.warm_up,
            resend_after=durations.resend_after,
        ),
        releasing=Releasing(world.records, world.work, durations.resend_after),
        learning=Learning(
            state=world.state,
            demand=world.usage,
            clock=world.clock,
            timing=timing,
            learned=idle_policy.learned,
            is_readable=idle_policy.is_readable,
        ),
        decisions=decisions,
    )
    return Reconciler(
        catalog=world.catalog,
        schedules=world.schedules,
        endpoints=world.endpoints,
        metrics=world.metrics,
        state=world.state,
        clock=world.clock,
        deployment=deployment,
        settling=settling,
        removing=Removing(
            created=world.created,
            endpoints=world.endpoints,
            state=world.state,
            deployment=deployment,
            teardown=teardown,
            decisions=decisions,
        ),
        superseding=Superseding(
            endpoints=world.endpoints,
            configs=world.configs,
            state=world.state,
            clock=world.clock,
            deployment=deployment,
            stack_id=stack_id,
            grace=durations.config_grace,
        ),
        workers=workers,
    )
