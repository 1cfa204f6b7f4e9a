"""SageMaker's endpoints as a state machine, since moto's are InService at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from dormouse.domain.endpoint import Absent, EndpointStatus, Observation, Ownership, Present
from dormouse.domain.spec import ADOPTED_TAG, STACK_TAG
from dormouse.errors import AwsDeniedError, AwsError
from tests.fakes.clock import FakeClock

STACK = "dormouse-stack"

_UNCHANGEABLE = {
    EndpointStatus.CREATING,
    EndpointStatus.UPDATING,
    EndpointStatus.SYSTEM_UPDATING,
    EndpointStatus.ROLLING_BACK,
    EndpointStatus.DELETING,
}


@dataclass
class FakeEndpoints:
    """Implements Endpoints, EndpointsList and EndpointsOfDeployment; endpoints grow up and go as
    the clock advances.
    """

    clock: FakeClock
    create_takes: timedelta = timedelta(minutes=8)
    update_takes: timedelta = timedelta(minutes=5)
    delete_takes: timedelta = timedelta(minutes=1)
    fails_with: str | None = None
    update_fails_with: str | None = None
    refuses_creation: str | None = None
    refuses_update: str | None = None
    refuses_deletion: str | None = None
    unreadable: str | None = None
    tags_unreadable: str | None = None

    def __post_init__(self) -> None:
        self._present: dict[str, Present] = {}
        self._tags: dict[str, dict[str, str]] = {}
        self._updates: dict[str, str] = {}
        self.hidden_from_tags: set[str] = set()
        self.denied: set[str] = set()
        self.create_calls: list[tuple[str, str, dict[str, str]]] = []
        self.update_calls: list[tuple[str, str]] = []
        self.deleted: list[str] = []

    def put(
        self,
        endpoint: str,
        status: EndpointStatus,
        *,
        config_name: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Let one exist in this status, as of now: on the config `<endpoint>-config`, and created
        by this deployment, unless told otherwise.
        """
        arn = f"arn:aws:sagemaker:us-east-1:123456789012:endpoint/{endpoint.lower()}"
        config = f"{endpoint}-config" if config_name is None else config_name
        self._present[endpoint] = Present(arn, status, config, ("AllTraffic",), self.clock())
        self._tags[arn] = dict({STACK_TAG: STACK} if tags is None else tags)

    def vanish(self, endpoint: str) -> None:
        """Delete it by somebody else's hand."""
        del self._present[endpoint]

    def observe(self, endpoint: str) -> Observation:
        """Move on what the time has moved on, and say what is there."""
        if self.unreadable is not None:
            raise AwsError(self.unreadable)
        seen = self._present.get(endpoint)
        if seen is None:
            return Absent()
        if endpoint in self.denied:
            raise AwsDeniedError("DescribeEndpoint refused: AccessDeniedException")
        takes, goes_on = {
            EndpointStatus.CREATING: (self.create_takes, self._created),
            EndpointStatus.UPDATING: (self.update_takes, self._updated),
            EndpointStatus.DELETING: (self.delete_takes, self._gone),
        }.get(seen.status, (timedelta.max, self._gone))
        if self.clock() - seen.last_modified_at >= takes:
            goes_on(endpoint, replace(seen, last_modified_at=seen.last_modified_at + takes))
        return self._present.get(endpoint, Absent())

    def observe_all(self) -> Mapping[str, Observation]:
        """List them, as ListEndpoints does."""
        if self.unreadable is not None:
            raise AwsError(self.unreadable)
        seen = {name: self.observe(name) for name in list(self._present)}
        return {
            name: replace(one, config_name="", variant_names=(), failure_reason=None)
            for name, one in seen.items()
            if isinstance(one, Present)
        }

    def ownership(self, arn: str) -> Ownership:
        """Read its tags."""
        if self.tags_unreadable is not None:
            raise AwsError(self.tags_unreadable)
        tags = self._tags[arn]
        return Ownership(tags.get(STACK_TAG), tags.get(ADOPTED_TAG), dict(tags))

    def created_endpoints(self, stack_name: str) -> Sequence[str]:
        """Name those with the stack's tag as ARNs do, except what the tags don't show yet."""
        if self.tags_unreadable is not None:
            raise AwsError(self.tags_unreadable)
        return [
            name.lower()
            for name, seen in self._present.items()
            if self._tags[seen.arn].get(STACK_TAG) == stack_name
            and name not in self.hidden_from_tags
        ]

    def create(
        self,
        endpoint: str,
        config_name: str,
        tags: Mapping[str, str],
        deployment_config: str | None = None,
    ) -> None:
        """Begin to create it; one that exists in any status is left alone."""
        if self.refuses_creation is not None:
            raise AwsError(self.refuses_creation)
        self.create_calls.append((endpoint, config_name, dict(tags)))
        if isinstance(self.observe(endpoint), Absent):
            self.put(endpoint, EndpointStatus.CREATING, config_name=config_name, tags=tags)
            self._present[endpoint] = replace(
                self._present[endpoint], deployment_config=deployment_config
            )

    def update(self, endpoint: str, config_name: str, *, retains_deployment: bool) -> None:
        """Begin to move it to another config, where its status allows."""
        if self.refuses_update is not None:
            raise AwsError(self.refuses_update)
        seen = self._changeable(endpoint)
        if not retains_deployment:
            seen = replace(seen, deployment_config=None)
        self.update_calls.append((endpoint, config_name))
        self._updates[endpoint] = config_name
        self._present[endpoint] = replace(
            seen, status=EndpointStatus.UPDATING, last_modified_at=self.clock()
        )

    def delete(self, endpoint: str) -> None:
        """Begin to delete it, where its status allows."""
        if self.refuses_deletion is not None:
            raise AwsError(self.refuses_deletion)
        if isinstance(self.observe(endpoint), Absent):
            return
        seen = self._changeable(endpoint)
        self._present[endpoint] = replace(
            seen, status=EndpointStatus.DELETING, last_modified_at=self.clock()
        )
        self.deleted.append(endpoint)

    def _changeable(self, endpoint: str) -> Present:
        seen = self.observe(endpoint)
        if isinstance(seen, Absent):
            raise AwsError(f'Could not find endpoint "{endpoint}".')
        if seen.status in _UNCHANGEABLE:
            raise AwsError(f'Cannot update in-progress endpoint "{endpoint}".')
        return seen

    def _created(self, endpoint: str, seen: Present) -> None:
        status = EndpointStatus.FAILED if self.fails_with else EndpointStatus.IN_SERVICE
        self._present[endpoint] = replace(seen, status=status, failure_reason=self.fails_with)

    def _updated(self, endpoint: str, seen: Present) -> None:
        """Let it serve again: on the new config, or on the former one, with the reason."""
        config_name = self._updates.pop(endpoint, seen.config_name)
        if self.update_fails_with is not None:
            config_name = seen.config_name
        self._present[endpoint] = replace(
            seen,
            status=EndpointStatus.IN_SERVICE,
            config_name=config_name,
            failure_reason=self.update_fails_with,
        )

    def _gone(self, endpoint: str, _seen: Present) -> None:
        del self._present[endpoint]
