"""The state machine finds bugs: with each of these, which are sown here, it fails."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis.stateful import run_state_machine_as_test

from dormouse.domain.ledger import Lease, Ledger, RecordedDemand
from dormouse.domain.parked_request import ParkedRequest
from dormouse.domain.spending import Spent
from tests.fakes.ledger import FakeLedgers
from tests.fakes.requests import FakeRequestRecords
from tests.state_machine.machine import Deployment
from tests.state_machine.profiles import machine_settings
from tests.state_machine.world import World

# How each shows: what the machine says of it.
CUT = "were cut off|a teardown is claimed"
TWICE = "was executed more than once"
TWO_ENDS = "ended as"
NOT_STARTED = "was told that it is started"
FORGOTTEN = "the ledger knows of no request|stays parked|does not come to an end"


class NoLease(FakeLedgers):
    """Whoever wants to send may, and nothing is written."""

    def take_lease(
        self, endpoint: str, now: datetime, until: datetime, *, is_request: bool
    ) -> Lease:
        """Give it without a look."""
        return Lease(until, self.read(endpoint))


class LostDemandVersion(FakeLedgers):
    """Demand is written, and its version stays."""

    def record_demand(
        self,
        endpoint: str,
        now: datetime,
        unless_since: datetime,
        *,
        known_only: bool,
        by: str | None = None,
    ) -> RecordedDemand:
        """Forget to raise it."""
        before = self.read(endpoint).demand_version
        recorded = super().record_demand(endpoint, now, unless_since, known_only=known_only, by=by)
        return self._put_back(endpoint, before, recorded)

    def raise_demand(
        self,
        endpoint: str,
        now: datetime,
        news_since: datetime,
        *,
        has_requests: bool,
        by: str | None = None,
    ) -> RecordedDemand:
        """Forget to raise it."""
        before = self.read(endpoint).demand_version
        recorded = super().raise_demand(endpoint, now, news_since, has_requests=has_requests, by=by)
        return self._put_back(endpoint, before, recorded)

    def _put_back(self, endpoint: str, version: int, recorded: RecordedDemand) -> RecordedDemand:
        after = replace(self.read(endpoint), demand_version=version)
        self.ledgers[endpoint] = after
        return replace(recorded, ledger=after)


class EarlyDeleting(FakeLedgers):
    """The claim to delete does not wait for the last lease to pass."""

    def begin_deleting(
        self, endpoint: str, seen: Ledger, now: datetime, spent: Spent | None = None
    ) -> bool:
        """Overlook the lease."""
        before = self.read(endpoint)
        self.ledgers[endpoint] = replace(before, lease_until=None)
        is_claimed = super().begin_deleting(endpoint, seen, now, spent)
        after = replace(self.read(endpoint), lease_until=before.lease_until)
        self.ledgers[endpoint] = after
        return is_claimed


class DroppedPark(FakeLedgers):
    """That nobody waits is written without a look at what has come since."""

    def clear_requests(self, endpoint: str, demand_version: int) -> None:
        """Overlook it."""
        super().clear_requests(endpoint, self.read(endpoint).demand_version)


class DoubleRelease(FakeRequestRecords):
    """Each step is written, whoever else has taken one: two may answer the same request."""

    def change(self, before: ParkedRequest, after: ParkedRequest) -> bool:
        """Overlook the revision."""
        self._write(after)
        return True


@pytest.mark.parametrize(
    ("new_world", "symptoms"),
    [
        pytest.param(lambda: World(ledgers=NoLease()), f"{CUT}|{TWICE}", id="no lease"),
        pytest.param(
            lambda: World(records=DoubleRelease()), f"{TWICE}|{TWO_ENDS}", id="a double release"
        ),
        pytest.param(
            lambda: World(ledgers=LostDemandVersion()),
            f"{NOT_STARTED}|{FORGOTTEN}",
            id="a lost demand version",
        ),
        pytest.param(lambda: World(ledgers=EarlyDeleting()), CUT, id="an early deleting"),
        pytest.param(lambda: World(ledgers=DroppedPark()), FORGOTTEN, id="a dropped park"),
    ],
)
def test_a_seeded_bug_is_found(new_world: Callable[[], World], symptoms: str) -> None:
    """In as many runs as `make test` makes; always the same ones, so that it never depends."""
    mutant = type("Mutant", (Deployment,), {"new_world": staticmethod(new_world)})
    with pytest.raises(AssertionError, match=symptoms):
        run_state_machine_as_test(mutant, settings=machine_settings(is_seeded=True))
