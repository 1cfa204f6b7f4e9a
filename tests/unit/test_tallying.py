"""Counting in a container: nothing is counted twice or forgotten, and little is written."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse.domain.exchange import Way
from dormouse.domain.usage import (
    NO_MODEL,
    OTHERS,
    Arrival,
    LastUse,
    MinutePart,
    Tally,
    Usage,
    minute_of,
)
from dormouse.errors import AwsError
from dormouse.tallying import Tallying
from tests.fakes.clock import FakeClock
from tests.fakes.exchanges import AT, exchange
from tests.fakes.requests import FakeUsageLedger

LONG_AGO, FAR_OFF = FakeClock().now - timedelta(days=1), FakeClock().now + timedelta(days=1)


class Container:
    """A warm container, and the table that all have in common; `writes` are the calls of it."""

    def __init__(self, ledger: FakeUsageLedger | None = None, writer: str = "w1") -> None:
        self.clock = FakeClock()
        self.writes = 0
        self.fails: list[bool] = []
        """Whether the next writes fail: before they are done, and the answer is lost after it."""
        self.ledger = ledger or FakeUsageLedger()
        self.ledger.disturb = self._disturb
        self.tallying = Tallying(self.ledger, self.clock, writer)

    def note(
        self, model: str = "a", at: datetime | None = None, **fields: object
    ) -> tuple[str, ...]:
        """Let a request have ended just now, or at another time."""
        ended = exchange(model, at=at or self.clock(), **fields)  # type: ignore[arg-type]
        return self.tallying.note(ended)

    def flush(self) -> None:
        """Let requests for no model come after the interval until all is written, a batch each."""
        self.clock.advance(seconds=5)
        assert self.note("", endpoint="another") == ()
        while self.tallying._unwritten or self.tallying._last_uses:
            self.clock.advance(seconds=5)
            assert self.note("", endpoint="another") == ()

    def usage(self, endpoint: str = "reviews") -> Usage:
        """Read everything that was ever written."""
        return self.ledger.usage(endpoint, LONG_AGO, FAR_OFF)

    def requests(self, model: str = "a") -> int:
        """Read how many requests of a model were counted."""
        return self.usage().models.get(model, Tally()).requests

    def _disturb(self, operation: str, is_done: bool) -> None:
        if operation != "usage.record":
            return
        self.writes += not is_done
        if self.fails and is_done == self.fails[0]:
            self.fails.pop(0)
            raise AwsError("BatchWriteItem was throttled")


@pytest.fixture
def container() -> Container:
    """Fresh."""
    return Container()


def test_the_first_exchange_is_written(container: Container) -> None:
    """At once: an endpoint that is asked once an hour has nothing to wait for."""
    assert container.note() == ()
    assert container.requests() == 1
    assert container.ledger.last_uses("reviews") == {"a": container.clock()}


def test_then_they_are_written_every_five_seconds(container: Container) -> None:
    """All that has come since, in one call."""
    for _ in range(11):
        container.note()
        container.clock.advance(seconds=1)
    assert container.writes == 3
    assert container.requests() == 11
    assert len(container.ledger.parts) == 1


def test_endpoints_are_written_together(container: Container) -> None:
    """An interval is the container's, and each endpoint has counts of its own."""
    container.note()
    for endpoint in ("reviews", "reviews", "prices"):
        container.note(endpoint=endpoint)
    container.flush()
    assert container.writes == 2
    assert container.requests() == 3
    assert container.usage("prices").models["a"].requests == 1
    assert set(container.ledger.last_uses("prices")) == {"a"}


def test_a_minute_that_has_ended_is_written_with_the_next(container: Container) -> None:
    """Into its own minute, however long the container was frozen."""
    first = container.clock()
    container.note()
    container.clock.advance(seconds=4)
    container.note()
    container.clock.advance(hours=3)
    container.note("b")
    (minute,) = {part.minute for part in container.ledger.parts.values() if "a" in part.models}
    assert minute == first
    assert container.requests() == 2
    assert container.ledger.usage("reviews", first, first + timedelta(minutes=1)).models.keys() == {
        "a"
    }


def test_the_edge_of_a_minute(container: Container) -> None:
    """Each exchange counts in the minute in which it has ended, though it is noted later."""
    start = container.clock()
    container.clock.now = start + timedelta(seconds=61)
    container.note(at=start + timedelta(seconds=59, microseconds=999_999))
    container.note(at=start + timedelta(seconds=60))
    container.flush()
    for number in (0, 1):
        minute = start + timedelta(minutes=number)
        usage = container.ledger.usage("reviews", minute, minute + timedelta(minutes=1))
        assert usage.models["a"].requests == 1


def test_a_clock_that_goes_back_counts_nothing_anew(container: Container) -> None:
    """What was counted in that minute before stays, and adds up."""
    for seconds in (0, 70, -30, 5, 80, -3600, 0):
        container.clock.advance(seconds=seconds)
        container.note()
    container.flush()
    assert container.requests() == 7


@given(st.lists(st.booleans(), max_size=8))
def test_a_write_that_fails_is_tried_again_with_the_next(fails: list[bool]) -> None:
    """Whether it was done or not: nothing is counted twice, nothing forgotten."""
    container = Container()
    container.fails = list(fails)
    for number in range(12):
        problems = container.note(f"model-{number % 3}")
        assert problems == (("BatchWriteItem was throttled",) if number < len(fails) else ())
        container.clock.advance(seconds=21)
    assert [container.requests(f"model-{number}") for number in range(3)] == [4, 4, 4]
    assert container.ledger.last_uses("reviews").keys() == {"model-0", "model-1", "model-2"}


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.sampled_from(["a", "b", ""]),
            st.sampled_from(["reviews", "prices"]),
            st.integers(-90, 90),
            st.booleans(),
        ),
        max_size=40,
    )
)
def test_containers_add_up(steps: list[tuple[int, str, str, int, bool]]) -> None:
    """Whatever their clocks do, and whichever writes fail: every request is counted once."""
    ledger = FakeUsageLedger()
    containers = [Container(ledger, f"w{number}") for number in range(3)]
    told = {"reviews": 0, "prices": 0}
    for who, model, endpoint, seconds, is_lost in steps:
        container = containers[who]
        ledger.disturb = container._disturb
        container.clock.advance(seconds=seconds)
        container.fails = [True] if is_lost else []
        container.note(model, endpoint=endpoint)
        told[endpoint] += 1
    for container in containers:
        ledger.disturb = container._disturb
        container.fails = []
        container.flush()
    for endpoint, count in told.items():
        usage = ledger.usage(endpoint, LONG_AGO, FAR_OFF)
        assert sum(tally.requests for tally in usage.models.values()) == count
        assert sum(usage.callers.values()) == count


def test_a_last_use_is_written_every_five_minutes(container: Container) -> None:
    """Or it would cost as much as the counts; errors are no use, and what is no model has none."""
    start = container.clock()
    container.note("broken", status=500)
    container.note("invented", status=400)
    for _ in range(30):
        container.note()
        container.clock.advance(seconds=10)
    assert container.ledger.last_uses("reviews") == {"a": start + timedelta(seconds=10)}
    container.note()
    container.clock.advance(seconds=10)
    container.note()
    assert container.ledger.last_uses("reviews") == {"a": start + timedelta(seconds=310)}


def test_models_of_a_minute_are_counted_up_to_a_thousand(container: Container) -> None:
    """In parts of 25, so that to use one writes no thousand; further ones count as none."""
    for number in range(1010):
        container.note(f"model-{number:04}")
    for number in range(3):
        container.note(f"model-{number:04}")
    container.flush()
    models = container.usage().models
    assert sum(tally.requests for tally in models.values()) == 1013
    assert models[NO_MODEL].requests == 10
    assert models["model-0000"].requests == 2
    assert len(models) == 1001
    # The first was written alone at first; what is no model is added to it.
    assert {len(part.models.keys() - {NO_MODEL}) for part in container.ledger.parts.values()} <= {
        0,
        25,
    }


def test_only_parts_that_changed_are_written_again(container: Container) -> None:
    """One model that is used costs one item."""
    for number in range(100):
        container.note(f"model-{number}")
    container.flush()
    before = dict(container.ledger.parts)
    container.note("model-30")
    container.flush()
    changed = [part for key, part in container.ledger.parts.items() if part != before.get(key)]
    assert [sorted(part.models) for part in changed if part.endpoint == "reviews"] == [
        sorted(f"model-{number}" for number in range(25, 50))
    ]


def test_callers_of_a_minute_are_counted_up_to_fifty(container: Container) -> None:
    """The rest is summed up, since principals are cheap to make; those that are known go on."""
    for number in range(1000):
        container.note(principal=f"arn:aws:iam::1:user/{number}")
    container.note(principal="arn:aws:iam::1:user/7")
    container.flush()
    callers = container.usage().callers
    assert len(callers) == 51
    assert callers[OTHERS] == 950
    assert callers["arn:aws:iam::1:user/7"] == 2


def test_what_can_t_be_written_is_kept_within_bounds(container: Container) -> None:
    """Of an outage that lasts, the oldest minutes are lost, and it is said how much."""
    container.fails = [False] * 300
    problems: list[str] = []
    for _ in range(300):
        problems += container.note()
        container.clock.advance(minutes=1)
    lost = [problem for problem in problems if "will not be counted" in problem]
    assert lost == ["requests that will not be counted: 1"] * 100
    container.note()
    container.flush()
    assert container.requests() == 201


def test_an_exchange_waits_for_one_batch(container: Container) -> None:
    """What an outage has left is written bit by bit, the oldest first; last uses have a share."""
    container.fails = [False]
    for number in range(60):
        container.note(f"model-{number}", endpoint=f"endpoint-{number}")
    sizes: list[tuple[int, int]] = []
    record = container.ledger.record

    def measured(parts: Sequence[MinutePart], uses: Sequence[LastUse]) -> None:
        sizes.append((len(parts), len(uses)))
        record(parts, uses)

    with patch.object(container.ledger, "record", measured):
        container.flush()
    assert all(parts + uses <= 25 for parts, uses in sizes)
    assert sizes[0] == (20, 5)
    assert sum(uses for _, uses in sizes) == 60
    assert container.ledger.last_uses("endpoint-59")


def test_last_uses_that_can_t_be_written_are_bounded(container: Container) -> None:
    """The latest thousand are kept."""
    container.fails = [False, False]
    for number in range(1200):
        container.note(f"model-{number}", at=container.clock() + timedelta(minutes=number // 500))
    container.clock.advance(seconds=5)
    container.note("model-0")
    container.flush()
    assert len(container.ledger.last_uses("reviews")) == 1000
    assert container.requests("model-5") == 1


def test_what_was_written_is_forgotten(container: Container) -> None:
    """A container that lives for long holds only the minute that it counts."""
    for number in range(6000):
        container.note(f"model-{number}", endpoint=f"endpoint-{number}")
        container.clock.advance(seconds=6)
    tallying = container.tallying
    assert len(tallying._minutes) <= 11
    assert len(tallying._unwritten) == len(tallying._last_uses) == 0
    assert len(tallying._last_uses_written) <= 5001


def demand(container: Container) -> dict[datetime, int]:
    """Read how many have arrived in each minute."""
    counts: Counter[datetime] = Counter()
    for part in container.ledger.parts.values():
        if part.endpoint == "reviews":
            counts[part.minute] += part.demand
    return {minute: count for minute, count in sorted(counts.items()) if count}


def test_a_request_is_demand_in_the_minute_in_which_it_has_arrived(container: Container) -> None:
    """However long it was held; it counts as asked in that in which it has ended."""
    container.clock.now = AT
    container.note(waited=timedelta(minutes=6))
    container.note()
    container.flush()

    assert demand(container) == {
        minute_of(AT - timedelta(minutes=6)): 1,
        minute_of(AT): 1,
    }
    assert container.requests() == 2


def test_a_refused_one_is_demand(container: Container) -> None:
    """503, and SageMaker was not asked."""
    container.clock.now = AT
    container.note(status=503, is_asked=False)

    assert demand(container) == {minute_of(AT): 1}


@pytest.mark.parametrize("way", [Way.PARKED, Way.ASYNC])
def test_what_was_accepted_first_is_demand_once(container: Container, way: Way) -> None:
    """When it came, not when `drain` has answered it."""
    container.clock.now = AT
    container.tallying.note_arrival(Arrival("reviews", AT))
    container.clock.advance(seconds=480)
    answered = exchange(at=container.clock(), waited=timedelta(minutes=8))
    container.tallying.note(replace(answered, way=way))
    container.flush()

    assert demand(container) == {minute_of(AT): 1}
    assert container.requests("a.tar.gz") == 1


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 900), st.booleans()), max_size=20))
def test_each_request_is_demand_once(requests: list[tuple[int, int, bool]]) -> None:
    """In whatever order they are held, parked and answered, one after the other."""
    container, expected = Container(), Counter[datetime]()
    for pause, seconds, is_parked in requests:
        container.clock.advance(seconds=pause)
        arrived_at = container.clock()
        expected[minute_of(arrived_at)] += 1
        if is_parked:
            container.tallying.note_arrival(Arrival("reviews", arrived_at))
        else:
            container.clock.advance(seconds=seconds)
            held = exchange(at=container.clock(), latency=timedelta(0))
            container.tallying.note(replace(held, arrived_at=arrived_at, way=Way.HELD))
    container.flush()

    assert demand(container) == dict(sorted(expected.items()))
