"""SageMaker's endpoints as a state machine, since moto's are InService at once."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from dormouse.domain.endpoint import Absent, EndpointStatus, Observation, Present
from dormouse.errors import AwsError
from tests.fakes.clock import FakeClock

_UNDELETABLE = {
    EndpointStatus.CREATING,
    EndpointStatus.UPDATING,
    EndpointStatus.SYSTEM_UPDATING,
    EndpointStatus.ROLLING_BACK,
}


@dataclass
class FakeEndpoints:
    """Implements Endpoints; endpoints grow up and go as the clock advances."""

    clock: FakeClock
    create_takes: timedelta = timedelta(minutes=8)
    delete_takes: timedelta = timedelta(minutes=1)
    fails_with: str | None = None
    refuses_creation: str | None = None
    unreadable: str | None = None

    def __post_init__(self) -> None:
        self._present: dict[str, Present] = {}
        self.create_calls: list[tuple[str, str, dict[str, str]]] = []
        self.deleted: list[str] = []

    def put(self, endpoint: str, status: EndpointStatus) -> None:
        """Let one exist in this status, as of now."""
        now = self.clock()
        self._present[endpoint] = Present(status, ("AllTraffic",), now)

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
        if seen.status is EndpointStatus.CREATING:
            done_at = seen.last_modified_at + self.create_takes
            if self.clock() >= done_at:
                status = EndpointStatus.FAILED if self.fails_with else EndpointStatus.IN_SERVICE
                seen = replace(
                    seen, status=status, last_modified_at=done_at, failure_reason=self.fails_with
                )
                self._present[endpoint] = seen
        if seen.status is EndpointStatus.DELETING and (
            self.clock() >= seen.last_modified_at + self.delete_takes
        ):
            del self._present[endpoint]
            return Absent()
        return seen

    def create(self, endpoint: str, config_name: str, tags: Mapping[str, str]) -> None:
        """Begin to create it; one that exists in any status is left alone."""
        if self.refuses_creation is not None:
            raise AwsError(self.refuses_creation)
        self.create_calls.append((endpoint, config_name, dict(tags)))
        if isinstance(self.observe(endpoint), Absent):
            self.put(endpoint, EndpointStatus.CREATING)

    def delete(self, endpoint: str) -> None:
        """Begin to delete it, where its status allows."""
        seen = self.observe(endpoint)
        if isinstance(seen, Absent):
            return
        if seen.status in _UNDELETABLE:
            raise AwsError(f'Cannot update in-progress endpoint "{endpoint}".')
        self._present[endpoint] = replace(
            seen, status=EndpointStatus.DELETING, last_modified_at=self.clock()
        )
        self.deleted.append(endpoint)
