"""What the applications need of the world, as Protocols; `adapters/` fulfil them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from dormouse.domain.activity import Measured, Unreadable
from dormouse.domain.capture import CaptureRecord
from dormouse.domain.claims import TaggedConfig
from dormouse.domain.demand_history import DemandDay, DemandHistory
from dormouse.domain.endpoint import Observation, Ownership, Present
from dormouse.domain.failures import Failure
from dormouse.domain.invocation import Forwarded, InvocationRequest, NotServing, Unanswered
from dormouse.domain.keepsake import Keepsake
from dormouse.domain.ledger import Decision, Lease, Ledger, PastDecision, RecordedDemand
from dormouse.domain.named_schedules import NamedSchedules
from dormouse.domain.notice import Notice
from dormouse.domain.parked_request import ParkedRequest, Queue
from dormouse.domain.price import Instances, Price, Unpriced
from dormouse.domain.removal import TickReport
from dormouse.domain.spending import Rate, Spent
from dormouse.domain.stored_model import Stock, Upload
from dormouse.domain.terms import Terms
from dormouse.domain.usage import LastUse, MinutePart, Usage
from dormouse.domain.warm_up import WarmUp
from dormouse.domain.work import Work


class Clock(Protocol):
    """The time of day."""

    def __call__(self) -> datetime:
        """Return now, with a time zone."""


class EndpointConfigs(Protocol):
    """SageMaker's EndpointConfigs, for the one writer."""

    def delete(self, config_name: str) -> None:
        """Delete one; that it is gone already is no error.

        Raises:
            AwsError: SageMaker refused, or did not answer.
        """


class Scaling(Protocol):
    """The autoscaling of endpoints' variants."""

    def read(self, endpoint: str, variant_names: Sequence[str]) -> str | None:
        """Read it all, as JSON; None where there is none.

        Raises:
            AwsError: it can't be read.
        """

    def restore(self, endpoint: str, scaling: str, variant_names: Sequence[str]) -> None:
        """Set all that up again, but for what is of other variants; again, it changes nothing.

        Raises:
            AwsError: not all of it was taken.
        """


class Declarations(Protocol):
    """What CloudFormation declares."""

    def stack_of(self, arn: str) -> str | None:
        """Name the stack that declares a resource; None: there is none.

        Raises:
            AwsError: it can't be asked.
        """


class Catalog(Protocol):
    """The EndpointConfigs that carry our tags."""

    def tagged_configs(self, endpoint: str | None = None) -> Sequence[TaggedConfig]:
        """List every one, or those that claim one endpoint.

        Raises:
            AwsError: the tags can't be read.
        """


class EndpointsOfDeployment(Protocol):
    """The endpoints that a deployment has created, by their tags."""

    def created_endpoints(self, stack_name: str) -> Sequence[str]:
        """List their names, as far as the tagging API shows them yet.

        Raises:
            AwsError: the tags can't be read.
        """


class EndpointsObserver(Protocol):
    """SageMaker's endpoints, for whoever only looks."""

    def observe(self, endpoint: str) -> Observation:
        """Say what SageMaker says of it now.

        Raises:
            AwsDeniedError: it is there, and IAM allows no look at it: our tags are not on it.
            AwsError: SageMaker can't be asked, or reports a status that is not known here.
        """


class EndpointsList(EndpointsObserver, Protocol):
    """SageMaker's endpoints, one by one or all at once."""

    def observe_all(self) -> Mapping[str, Observation]:
        """Say what the list of endpoints says of each, by its name; it knows no FailureReason and
        no EndpointConfig.

        Raises:
            AwsError: SageMaker can't be asked, or reports a status that is not known here.
        """


class Endpoints(EndpointsList, Protocol):
    """SageMaker's endpoints, for the one writer: only the reconciler may hold this.

    What changes them raises AwsUnansweredError where it is not known whether it was done.
    """

    def ownership(self, arn: str) -> Ownership:
        """Say whose the endpoint with this ARN is, by its own tags.

        Raises:
            AwsError: SageMaker can't be asked.
        """

    def create(
        self,
        endpoint: str,
        config_name: str,
        tags: Mapping[str, str],
        deployment_config: str | None = None,
    ) -> None:
        """Ask for it to be created; that it exists already is no error (the next tick will see).

        Raises:
            AwsError: SageMaker refused, or did not answer.
        """

    def update(self, endpoint: str, config_name: str, *, retains_deployment: bool) -> None:
        """Ask for it to be moved to another EndpointConfig, while it serves; by the
        DeploymentConfig of its last update, if it `retains_deployment`.

        Raises:
            AwsError: SageMaker refused, or did not answer.
        """

    def delete(self, endpoint: str) -> None:
        """Ask for it to be deleted; that it is gone already is no error.

        Raises:
            AwsError: SageMaker refused, or did not answer.
        """


@dataclass(frozen=True, slots=True)
class Window:
    """What CloudWatch is to be asked: of which endpoint, and since when its last activity is to be
    found. Minutes are counted since `counted_since` if that is earlier, None: no earlier.
    """

    endpoint: str
    variant_names: tuple[str, ...]
    since: datetime
    counted_since: datetime | None = None


class Metrics(Protocol):
    """CloudWatch's view of endpoints, which includes callers that bypass the proxy."""

    def last_activity(
        self, windows: Sequence[Window], until: datetime
    ) -> Mapping[str, Measured | Unreadable]:
        """Find, by its name, the end of the latest minute in which each endpoint was invoked;
        never raises.
        """


class Schedules(Protocol):
    """The schedules and calendars that tags refer to by name."""

    def read(self) -> NamedSchedules:
        """Read them; never raises: what can't be read spoils only what refers to it."""


class Rates(Protocol):
    """What an hour costs."""

    def rate(self, config_name: str) -> Rate:
        """Say what an endpoint of this EndpointConfig costs; never raises."""


@dataclass(frozen=True, slots=True)
class Survey:
    """Everything remembered, at one look: since when the deployment is being deleted, if it is, and
    of every endpoint, by its name.
    """

    removal_began_at: datetime | None
    ledgers: Mapping[str, Ledger]


class ReconcilerState(Protocol):
    """The ledger, as the reconciler uses it."""

    def removal_began_at(self) -> datetime | None:
        """Say since when the deployment is being deleted, None where it is not."""

    def read(self, endpoint: str) -> Ledger:
        """Read everything remembered of an endpoint, strongly consistent."""

    def record_metrics_activity(self, endpoint: str, at: datetime) -> None:
        """Note until when CloudWatch showed invocations."""

    def mark_met(self, endpoint: str, demand_version: int) -> None:
        """Note that it was seen serving after this demand."""

    def survey(self) -> Survey:
        """Read everything, each item strongly consistent."""

    def begin_act(self, endpoint: str, seen: Ledger, now: datetime, until: datetime) -> bool:
        """Claim the right to ask SageMaker for one change of an endpoint, until then.

        On the condition that nobody has claimed it since the ledger was seen, and that whoever did
        before has ended. Returns False, having written nothing, otherwise.
        """

    def end_act(self, endpoint: str, seen: Ledger, created_at: datetime | None) -> None:
        """Give up the claim that was made of this ledger, now that SageMaker has answered.
        `created_at` is when it was created, if it was.
        """

    def record_start(self, endpoint: str, now: datetime, rate: Rate | None) -> None:
        """Note that CreateEndpoint is about to be called, so that it does not serve now, and what
        it will cost.
        """

    def record_failures(self, endpoint: str, seen: Ledger, failures: Mapping[str, Failure]) -> bool:
        """Keep the failures of its EndpointConfigs; it is not being started, nor being updated.

        Returns False, having written nothing, where an act or another failure has come since.
        """

    def record_described(self, endpoint: str, described: Present) -> None:
        """Keep what DescribeEndpoint said."""

    def record_keepsake(self, endpoint: str, seen: Ledger, keepsake: Keepsake) -> bool:
        """Keep what is about to die with an endpoint.

        Returns False, having written nothing, where an act has come since, or DeleteEndpoint may
        have been called: what was read meanwhile may not be all of it.
        """

    def record_restored(self, endpoint: str, now: datetime) -> None:
        """Note that what had died with it was given back to it."""

    def record_vanished(self, endpoint: str, seen: Ledger, spent: Spent | None) -> bool:
        """Note that somebody else has deleted it, and what its life has cost.

        Returns False, having written nothing, where an act has come since.
        """

    def record_budget_warning(self, endpoint: str, spent: Spent) -> None:
        """Note that its owner is warned this month, beside what former lives have cost."""

    def record_superseded(self, endpoint: str, superseded: Mapping[str, datetime]) -> None:
        """Note since when nothing asks for configs of the template any more."""

    def record_demand_history(
        self, endpoint: str, seen: Ledger, history: DemandHistory | None
    ) -> bool:
        """Keep what its idle policy has learned, None for nothing. False, having written nothing,
        where more was learned since the ledger was seen; where nothing had been by then, it is
        written anyway.
        """

    def record_serving(
        self,
        endpoint: str,
        seen: Ledger,
        since: datetime,
        wake: timedelta | None,
        warm_up: WarmUp | None,
    ) -> bool:
        """Note that it serves, how long the wake took, and the warm-up that begins.

        Returns False, having written nothing, where that is noted already or it is closing.
        """

    def end_warm_up(self, endpoint: str, warm_up: WarmUp, now: datetime) -> None:
        """Note that this warm-up has ended: all its models were invoked, or its time is over."""

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
        """Claim the teardown: from now on no lease is given. With `sleeps`, a forced one overrules
        all demand so far, as an operator's sleep does. `failures` take the place of those that are
        kept.

        On the condition that no demand has come since the ledger was seen, nor any request, nor a
        lease, and then that demand counts as met; unless it is forced. The reason and the warm set
        are kept. Returns the ledger as it is now; or None, having written nothing, where something
        has come or it is closing already.
        """

    def reopen(self, endpoint: str, seen: Ledger) -> bool:
        """Undo this closing; False, having written nothing, where it is deleting or another."""

    def begin_deleting(
        self, endpoint: str, seen: Ledger, now: datetime, spent: Spent | None = None
    ) -> bool:
        """Claim the right to call DeleteEndpoint, after which nothing is undone. `spent` is what is
        spent this month, with the life that ends.

        On the condition that this closing stands, that every lease has passed, and, unless it is
        forced, that no demand has come since it. Returns False, having written nothing, otherwise.
        """

    def record_gone(self, endpoint: str, seen: Ledger) -> bool:
        """Note that what was being torn down is gone, so that it may be created again.

        False, having written nothing, where the closing is not the one that was seen.
        """

    def clear_requests(self, endpoint: str, demand_version: int) -> None:
        """Note that no request is waiting, on the condition that no demand has come since."""

    def record_update(self, endpoint: str, config_name: str, now: datetime) -> None:
        """Note that UpdateEndpoint was asked for this EndpointConfig."""

    def record_terms(self, endpoint: str, terms: Terms | None) -> None:
        """Keep them for the front door; None where another deployment says what holds."""

    def record_decision(
        self,
        endpoint: str,
        decision: Decision,
        now: datetime,
        seen: Ledger,
        untold: Sequence[Notice] = (),
    ) -> bool:
        """Keep the decision, for whoever asks why, and the notices that are to be told of it beside
        those that are still to be told. It makes the endpoint known to the proxy.

        Returns False, having written nothing, where another one was kept since the ledger was seen.
        """

    def record_untold(self, endpoint: str, untold: Sequence[Notice]) -> None:
        """Keep notices that are to be told, whichever decision is kept."""

    def clear_untold(self, endpoint: str, told: Sequence[Notice]) -> None:
        """Note that these notices were told; all others stay."""

    def forget_decision(self, endpoint: str) -> None:
        """Note that no EndpointConfig claims it, as far as can be seen: the proxy asks again."""


class ControlState(Protocol):
    """The ledger, as somebody reads it who wants to know how things stand."""

    def read(self, endpoint: str) -> Ledger:
        """Read everything remembered of an endpoint, strongly consistent."""

    def read_all(self) -> Mapping[str, Ledger]:
        """Read everything remembered of every endpoint, by its name."""


class IntentState(Protocol):
    """The ledger, as an operator writes it."""

    def record_demand(
        self,
        endpoint: str,
        now: datetime,
        unless_since: datetime,
        *,
        known_only: bool,
        by: str | None = None,
    ) -> RecordedDemand:
        """Note that a request has just arrived. See `ProxyState.record_demand`."""

    def record_hold(
        self, endpoint: str, until: datetime, now: datetime, by: str | None = None
    ) -> None:
        """Keep it up until then; a longer hold stays. A demand of `by`: raises `demand_version`."""

    def release_hold(self, endpoint: str) -> None:
        """Hold it no longer."""

    def record_sleep(self, endpoint: str, now: datetime) -> None:
        """Hold it no longer, and overrule every demand that has come so far."""

    def suspend(self, endpoint: str, now: datetime, by: str | None = None) -> None:
        """Keep it down until it is resumed; the first time stays, and who said so then."""

    def resume(self, endpoint: str) -> None:
        """Suspend it no longer, and forget the failures of its EndpointConfigs. No demand."""


class AliasState(Protocol):
    """The aliases in the ledger, as an operator switches them."""

    def read(self, endpoint: str) -> Ledger:
        """Read everything remembered of an endpoint, strongly consistent."""

    def set_alias(
        self, endpoint: str, alias: str, model: str, now: datetime, at_most: int
    ) -> str | None:
        """Let an alias stand for a model; other aliases stay as they are. Returns what it stood for
        until now.

        Raises:
            AliasRefusedError: it would be one too many, or the model is being retired.
        """

    def remove_alias(self, endpoint: str, alias: str) -> str | None:
        """Let an alias stand for nothing. Returns what it stood for, None where it did not."""

    def begin_retiring(self, endpoint: str, model: str, now: datetime, until: datetime) -> Ledger:
        """Claim a model until then: no alias comes to stand for it. Returns the ledger after
        that.
        """

    def end_retiring(self, endpoint: str, model: str) -> None:
        """Give the claim up."""


class ModelStore(Protocol):
    """The models in the deployment's bucket."""

    def stock(self, at_most: int) -> Stock:
        """List them, and stop at so many."""

    def has(self, model: str) -> bool:
        """Whether one lies there."""

    def has_retired(self, model: str) -> bool:
        """Whether one of this name was retired."""

    def upload(self, model: str, now: datetime, validity: timedelta) -> Upload:
        """Give leave to upload one, unless one of this name lies there by then."""

    def retire(self, model: str) -> str:
        """Move one to where no endpoint looks, and say where that is.

        Raises:
            MissingModelError: there is none.
        """


class RemovalState(Protocol):
    """The tombstone of the deployment."""

    def begin_removal(self, now: datetime) -> None:
        """Note that the deployment is being deleted; the first time stays."""

    def cancel_removal(self) -> None:
        """Note that it is not."""


class History(Protocol):
    """The decisions of the past."""

    def append(self, endpoint: str, past: PastDecision) -> None:
        """Keep one."""

    def recent(
        self, endpoint: str, at_most: int, before: datetime | None = None
    ) -> Sequence[PastDecision]:
        """Read the latest, or the latest that were taken before a moment, newest first."""


class ProxyState(Protocol):
    """The ledger, as the proxy uses it."""

    def read(self, endpoint: str) -> Ledger:
        """Read everything remembered of an endpoint, strongly consistent."""

    def record_demand(
        self,
        endpoint: str,
        now: datetime,
        unless_since: datetime,
        *,
        known_only: bool,
        by: str | None = None,
    ) -> RecordedDemand:
        """Note that a request of `by` found it cold: raises `demand_version`.

        Nothing is written where an unmet demand of `unless_since` or later is recorded already
        (then whoever wrote that one has sent the nudge too), nor, with `known_only`, for an
        endpoint that is not known.
        """

    def raise_demand(
        self,
        endpoint: str,
        now: datetime,
        news_since: datetime,
        *,
        has_requests: bool,
        by: str | None = None,
    ) -> RecordedDemand:
        """Note that a request of `by` is held or, with `has_requests`, parked: always raises
        `demand_version`. It is news where no unmet demand of `news_since` or later stood there.
        """


class LeaseState(Protocol):
    """The ledger, as whoever sends requests uses it."""

    def read(self, endpoint: str) -> Ledger:
        """Read everything remembered of an endpoint, strongly consistent."""

    def take_lease(
        self, endpoint: str, now: datetime, until: datetime, *, is_request: bool
    ) -> Lease:
        """Write `lease_until`, which is never shortened, and, for a request (a warm-up is none),
        that one has come. Refused while it is closing or not known.
        """

    def reopen(self, endpoint: str, seen: Ledger) -> bool:
        """Undo this closing; False, having written nothing, where it is deleting or another."""


class HoldSlots(Protocol):
    """The places of those who wait at the door. One expires, should its holder not give it up."""

    def take(self, endpoint: str, holder: str, now: datetime, until: datetime) -> bool:
        """Take a place until then; False where all, or all of this endpoint, are taken."""

    def give_up(self, endpoint: str, holder: str) -> None:
        """Leave it."""


class RequestRecords(Protocol):
    """The records of accepted requests. Every read is strongly consistent."""

    def create(self, request: ParkedRequest) -> ParkedRequest | None:
        """Write a new one; or return the one that has its id already, having written nothing."""

    def read(self, endpoint: str, request_id: str) -> ParkedRequest | None:
        """Read one; None where there is none, or none any more."""

    def change(self, before: ParkedRequest, after: ParkedRequest) -> bool:
        """Write a step; False, having written nothing, where another has been taken since."""

    def delete(self, request: ParkedRequest) -> bool:
        """Remove it; False, having done nothing, where a step has been taken since."""

    def queued(
        self, endpoint: str, queue: Queue, at_most: int, target_model: str | None = None
    ) -> Sequence[ParkedRequest]:
        """List those of a queue, the oldest first (released ones: of each model); or, of the
        released ones, those of one model.
        """

    def count(self, endpoint: str, queue: Queue, at_most: int) -> int:
        """Count those of a queue, and stop at so many."""

    def position(self, request: ParkedRequest) -> int:
        """Say how many of the same endpoint (released ones: of the same model) come before it."""


class Payloads(Protocol):
    """The bodies of requests and results, by their keys."""

    def put(self, key: str, body: bytes, content_type: str) -> None:
        """Keep one."""

    def get(self, key: str) -> bytes:
        """Read one.

        Raises:
            MissingPayloadError: there is none.
        """

    def delete(self, key: str) -> None:
        """Remove one; that there is none is no error."""


class Locations(Protocol):
    """The callers' own objects in S3, by their URIs; only in buckets that the template names."""

    def fetch(self, uri: str, at_most: int) -> bytes:
        """Read an object.

        Raises:
            LocationError: no such object, a bucket that is not named, or more bytes than that.
        """

    def write(self, uri: str, body: bytes, content_type: str) -> None:
        """Write an object of ours into the place that was announced."""


class WorkQueue(Protocol):
    """What `drain` is to do."""

    def send(self, work: Sequence[Work]) -> None:
        """Send it, in this order; it may arrive in another, twice, or not at all."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message of the dead-letter queue: which request failed."""

    endpoint: str
    request_id: str
    receipt: str


class DeadLetters(Protocol):
    """The requests that have failed."""

    def send(self, request: ParkedRequest) -> None:
        """Add one, with its reason."""

    def receive(self) -> Sequence[DeadLetter]:
        """Take some, none where there are none (or others have taken them just now)."""

    def delete(self, letter: DeadLetter) -> None:
        """Remove one that was taken."""

    def put_back(self, letter: DeadLetter) -> None:
        """Leave one that was taken to others, at once."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A capture is kept. It is spilled if that is not where it was meant to be, for the reasons
    that `problems` give, or after others that were given a moment ago.
    """

    is_spilled: bool
    problems: tuple[str, ...] = ()


class Captures(Protocol):
    """Where captures are kept."""

    def keep(self, record: CaptureRecord) -> Kept:
        """Keep one, perhaps twice; it takes no longer than a set time.

        Raises:
            AwsError: it could be kept nowhere; the message says what was tried.
        """


class Notifications(Protocol):
    """SNS topics that hear of results."""

    def publish(self, topic_arn: str, message: str) -> None:
        """Publish a message.

        Raises:
            AwsError: it could not be published.
        """


class WarmUpState(Protocol):
    """The ledger, as the warm-up uses it."""

    def read(self, endpoint: str) -> Ledger:
        """Read everything remembered of an endpoint, strongly consistent."""

    def record_invoked(self, endpoint: str, target_model: str, began_at: datetime) -> None:
        """Note that this warm-up has invoked a model; nothing where another has begun since."""


class WarmUpPayloads(Protocol):
    """What a model is invoked with, so that it is loaded."""

    def payload(self, target_model: str) -> tuple[bytes, str]:
        """Read the body and the content type that its owner has left for it, or the usual one."""


class UsageLedger(Protocol):
    """What was asked of each model, minute by minute, and when it was last used."""

    def record(self, parts: Sequence[MinutePart], last_uses: Sequence[LastUse]) -> None:
        """Keep them, each in the place of the one that it follows: to repeat it changes nothing.

        Raises:
            AwsError: not all of it is kept, or that is not known.
        """

    def usage(self, endpoint: str, since: datetime, until: datetime) -> Usage:
        """Add up the minutes of a window, which is widened to whole ones."""

    def last_uses(self, endpoint: str) -> Mapping[str, datetime]:
        """Say when each model was last used, as far as that has been recorded, which is done once
        in five minutes: `usage` may know better.
        """

    def hot_models(self, endpoint: str, since: datetime, at_most: int) -> Sequence[str]:
        """Name the models used since the beginning of that minute, the most used first; of equals
        the one that was used last, then by name.
        """


class DemandLedger(Protocol):
    """When an endpoint was asked for: as it was counted, and day by day."""

    def parts_of(
        self, endpoint: str, since: datetime, until: datetime
    ) -> tuple[Sequence[MinutePart], datetime]:
        """Read the parts of whole minutes, the oldest first, and say up to where these are all: up
        to `until`, unless there are too many to be read at once.
        """

    def days(self, endpoint: str, first: date) -> Sequence[DemandDay]:
        """Read the days from one on in which anybody has asked, the oldest first, strongly
        consistent.
        """

    def keep_day(self, endpoint: str, day: DemandDay) -> bool:
        """Write a day in the place of the one that was read, with the next version; False, having
        written nothing, where another was written since.
        """


class ReconcilerUsage(UsageLedger, DemandLedger, Protocol):
    """What `reconcile` reads of use and demand, and writes of it."""


class Nudge(Protocol):
    """A way to make the next tick of one endpoint come at once."""

    def __call__(self, endpoint: str, request_id: str) -> None:
        """Send it, without waiting for the tick. The request's id goes along, for the logs.

        Raises:
            AwsError: it could not be sent.
        """


class WholeTick(Protocol):
    """A way to have every endpoint looked at, and to learn the outcome."""

    def __call__(self) -> TickReport:
        """Have it done and wait for it.

        Raises:
            AwsError: it failed, or its outcome is not known.
        """


class Runtime(Protocol):
    """SageMaker's runtime."""

    def forward(self, request: InvocationRequest) -> Forwarded | NotServing | Unanswered:
        """Send one invocation, once, and return the answer as it came."""


class ConfigInstances(Protocol):
    """The EndpointConfigs, as far as they are paid for."""

    def instances(self, config_name: str) -> Sequence[Instances] | Unpriced:
        """Count the instances that an endpoint made from it begins with, by their types.

        Raises:
            AwsError: SageMaker can't be asked, or has no such config.
        """


class InstancePrices(Protocol):
    """What instances cost."""

    def price(self, instance_type: str, now: datetime) -> Price | Unpriced:
        """Say what an instance costs in an hour; never raises."""


class NoticeBus(Protocol):
    """The event bus on which every notice is told."""

    def put(self, notices: Sequence[Notice]) -> None:
        """Put an event for each on it.

        Raises:
            AwsError: not all of them were taken.
        """


class NoticeTopics(Protocol):
    """The topics of those who are told by mail, or by whatever else subscribes to one."""

    def publish(self, topic_arn: str, notice: Notice) -> str | None:
        """Tell a topic. Returns None, or why it can't be told, where trying again changes nothing.

        Raises:
            AwsError: it could not be told now.
        """
