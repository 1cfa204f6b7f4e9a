"""What the applications need of the world, as Protocols; `adapters/` fulfil them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from dormouse.domain.activity import Measured, Unreadable
from dormouse.domain.claims import TaggedConfig
from dormouse.domain.endpoint import Observation, Ownership
from dormouse.domain.invocation import Forwarded, InvocationRequest, NotServing, Unanswered
from dormouse.domain.ledger import Decision, Ledger, PastDecision, RecordedDemand
from dormouse.domain.removal import TickReport


class Clock(Protocol):
    """The time of day."""

    def __call__(self) -> datetime:
        """Return now, with a time zone."""


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


class Endpoints(EndpointsObserver, Protocol):
    """SageMaker's endpoints, for the one writer: only the reconciler may hold this."""

    def ownership(self, arn: str) -> Ownership:
        """Say whose the endpoint with this ARN is, by its own tags.

        Raises:
            AwsError: SageMaker can't be asked.
        """

    def create(self, endpoint: str, config_name: str, tags: Mapping[str, str]) -> None:
        """Ask for it to be created; that it exists already is no error (the next tick will see).

        Raises:
            AwsError: SageMaker refused, or did not answer.
        """

    def update(self, endpoint: str, config_name: str) -> None:
        """Ask for it to be moved to another EndpointConfig, while it serves.

        Raises:
            AwsError: SageMaker refused, or did not answer.
        """

    def delete(self, endpoint: str) -> None:
        """Ask for it to be deleted; that it is gone already is no error.

        Raises:
            AwsError: SageMaker refused, or did not answer.
        """


class Metrics(Protocol):
    """CloudWatch's view of an endpoint, which includes callers that bypass the proxy."""

    def last_activity(
        self, endpoint: str, variant_names: Sequence[str], since: datetime, until: datetime
    ) -> Measured | Unreadable:
        """Find the end of the latest minute with an invocation within a window; never raises."""


class ReconcilerState(Protocol):
    """The ledger, as the reconciler uses it."""

    def removal_began_at(self) -> datetime | None:
        """Say since when the deployment is being deleted, None where it is not."""

    def known_endpoints(self) -> Sequence[str]:
        """Name every endpoint that something is remembered of, managed now or not."""

    def read(self, endpoint: str) -> Ledger:
        """Read everything remembered of an endpoint, strongly consistent."""

    def record_metrics_activity(self, endpoint: str, at: datetime) -> None:
        """Note until when CloudWatch showed invocations."""

    def mark_met(self, endpoint: str, demand_version: int) -> None:
        """Note that it was seen serving after this demand."""

    def begin_stop(
        self, endpoint: str, seen: Ledger, reason: str, now: datetime, *, is_forced: bool
    ) -> bool:
        """Claim the right to stop it, on the condition that no demand has come since the ledger was
        seen, nor, unless the stop is forced, any request.

        The reason is kept, since the decision that holds it is soon followed by others. Returns
        False, having written nothing, where something has come.
        """

    def record_update(self, endpoint: str, config_name: str) -> None:
        """Note that UpdateEndpoint was asked for this EndpointConfig."""

    def record_principals(self, endpoint: str, principals: Sequence[str] | None) -> None:
        """Keep who may invoke it, for the proxy; None where another deployment says that."""

    def record_decision(self, endpoint: str, decision: Decision, now: datetime) -> None:
        """Keep the decision, for whoever asks why. It makes the endpoint known to the proxy."""

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
        self, endpoint: str, now: datetime, unless_since: datetime, *, known_only: bool
    ) -> RecordedDemand:
        """Note that a request has just arrived. See `ProxyState.record_demand`."""

    def record_hold(self, endpoint: str, until: datetime, now: datetime) -> None:
        """Keep it up until then; a longer hold stays. A demand: raises `demand_version`."""

    def release_hold(self, endpoint: str) -> None:
        """Hold it no longer."""

    def record_sleep(self, endpoint: str, now: datetime) -> None:
        """Hold it no longer, and overrule every demand that has come so far."""


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

    def recent(self, endpoint: str, at_most: int) -> Sequence[PastDecision]:
        """Read the latest, newest first."""


class ProxyState(Protocol):
    """The ledger, as the proxy uses it."""

    def read(self, endpoint: str) -> Ledger:
        """Read everything remembered of an endpoint, strongly consistent."""

    def record_demand(
        self, endpoint: str, now: datetime, unless_since: datetime, *, known_only: bool
    ) -> RecordedDemand:
        """Note that a request found it cold: raises `demand_version`.

        Nothing is written where an unmet demand of `unless_since` or later is recorded already
        (then whoever wrote that one has sent the nudge too), nor, with `known_only`, for an
        endpoint that is not known.
        """

    def record_request(self, endpoint: str, now: datetime) -> None:
        """Note a request for an endpoint that is known; others are not written."""


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
