"""Learning from demand: each request once, whoever is cut off or comes in between."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse.domain.activity import Activity, Measured, NotMeasured
from dormouse.domain.demand_history import DemandDay, DemandHistory
from dormouse.domain.endpoint import Absent, EndpointStatus, Observation
from dormouse.domain.latencies import Latencies
from dormouse.domain.ledger import Ledger
from dormouse.domain.plan import Action
from dormouse.domain.spec import Policy, Spec
from dormouse.domain.usage import MinutePart, Tally, minute_of
from dormouse.errors import AwsError
from dormouse.learning import Learning
from dormouse_policy.policy import Stakes
from tests.fakes.clock import FakeClock
from tests.fakes.deployment import World
from tests.fakes.ledger import FakeLedgers
from tests.fakes.requests import FakeUsageLedger, undisturbed
from tests.fakes.world import config
from tests.unit.planning import TIMING, seen

SPEC = Spec("reviews", "reviews-config", policy=Policy.FORECAST)
SERVING = seen(EndpointStatus.IN_SERVICE)
NOT_MEASURED = NotMeasured()
UNUSED = Measured(None)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Died(Exception):
    """A tick is cut off."""


def read_learned(text: str) -> dict[datetime, int]:
    """Read what `learned` has written."""
    pairs = (word.split(":") for word in text.split())
    return {EPOCH + timedelta(minutes=int(minute)): int(count) for minute, count in pairs}


def learned(stakes: Stakes, text: str | None, minutes: Iterable[tuple[int, int]]) -> str:
    """Learn as the port says: in order, each minute once."""
    assert stakes == Stakes(TIMING.expected_wake // timedelta(minutes=1), 15.0)
    words = [] if text is None else text.split()
    last = int(words[-1].partition(":")[0]) if words else -1
    for minute, count in minutes:
        assert minute > last, "a minute is learned twice, or too late"
        assert count > 0
        last = minute
        words.append(f"{minute}:{count}")
    return " ".join(words)


@dataclass
class School:
    """An endpoint's demand, and ticks that learn from it."""

    clock: FakeClock = field(default_factory=FakeClock)
    state: FakeLedgers = field(default_factory=FakeLedgers)
    usage: FakeUsageLedger = field(default_factory=FakeUsageLedger)
    truth: dict[datetime, int] = field(default_factory=dict)
    spec: Spec = SPEC

    def __post_init__(self) -> None:
        ledger = Ledger(serving_since=self.clock() - timedelta(days=1))
        self.state.ledgers["reviews"] = ledger
        self.learning = Learning(
            self.state, self.usage, self.clock, TIMING, learned, lambda text: text != "broken"
        )

    def ask(self, count: int = 1, *, bypassing: bool = False) -> None:
        """Let so many come now."""
        minute, now = minute_of(self.clock()), self.clock()
        self.truth[minute] = self.truth.get(minute, 0) + count
        if bypassing:
            return
        tally = Tally(requests=count, latency=Latencies({8: count}))
        name = f"container-{len(self.usage.parts)}"
        part = MinutePart("reviews", minute, name, {"a": tally}, demand=count)
        self.usage.record([part], [])
        ledger = self.state.read("reviews")
        self.state.ledgers["reviews"] = replace(ledger, last_request_at=now)

    def tick(
        self,
        ledger: Ledger | None = None,
        observed: Observation = SERVING,
        activity: Activity = UNUSED,
    ) -> str | None:
        """Learn, by a ledger that was read now unless told, and CloudWatch, which has seen nobody;
        return the problem.
        """
        seen_ledger = ledger or self.ledger
        known, problem = self.learning.learn(self.spec, seen_ledger, observed, activity)
        assert replace(known, demand_history=seen_ledger.demand_history) == seen_ledger
        return problem

    @property
    def ledger(self) -> Ledger:
        """What is remembered."""
        return self.state.read("reviews")

    @property
    def learned(self) -> dict[datetime, int]:
        """What was learned."""
        history = self.ledger.demand_history
        return {} if history is None else read_learned(history.forecast)

    @property
    def kept(self) -> dict[datetime, int]:
        """What is kept day by day."""
        days = [self.usage.kept_days[key] for key in sorted(self.usage.kept_days)]
        return {minute: count for day in days for minute, count in day.minutes().items()}

    def after(self, **duration: float) -> "School":
        """Let time go by."""
        self.clock.advance(**duration)
        return self


@pytest.fixture
def school() -> School:
    """An endpoint that has learned all there was, which is nothing."""
    one = School()
    one.tick()
    assert one.ledger.demand_history == DemandHistory(one.clock() - timedelta(minutes=1), "")
    return one


def test_sessions_are_learned_once_they_are_over(school: School) -> None:
    """Each minute with its count, and kept day by day."""
    for minutes in (3, 1, 1, 180, 1000, 2, 1440):
        school.after(minutes=minutes).ask(2)
        if minutes == 1:
            assert school.tick() is None
    school.after(minutes=5).tick()

    assert school.learned == school.kept == school.truth
    assert len(school.usage.kept_days) == 3


@pytest.mark.parametrize(("period", "most"), [(1, 24), (3, 24), (10, 24), (16, 90)])
def test_what_is_used_now_and_then_is_folded_once_in_an_hour_or_so(
    school: School, period: int, most: int
) -> None:
    """Not in each pause, for as long as its policy would not stop it; and all is learned. Only long
    pauses are each looked at.
    """
    folds = 0
    for minute in range(24 * 60):
        before = school.ledger.demand_history
        assert school.after(minutes=1).tick(activity=NOT_MEASURED) is None
        folds += school.ledger.demand_history != before
        if minute % period == 0:
            school.ask()

    assert 15 <= folds <= most
    school.after(minutes=20).tick(activity=NOT_MEASURED)
    assert school.learned == school.kept == school.truth


def test_what_its_policy_would_stop_has_learned_all(school: School) -> None:
    """CloudWatch is asked before, so it is then that all is learned: at any time of the hour."""
    for _ in range(5):
        school.after(minutes=3).ask()
    school.after(minutes=4)

    assert school.tick(activity=NOT_MEASURED) is None
    assert school.learned == {}
    assert school.tick(activity=UNUSED) is None
    assert school.learned == school.truth


def test_nothing_is_read_where_nothing_has_come(school: School) -> None:
    """Nor written, hour after hour."""
    school.after(minutes=5).ask()
    school.after(minutes=5).tick()

    def refuse(operation: str, is_done: bool) -> None:
        raise AssertionError(f"{operation} {is_done}")

    school.usage.disturb = refuse
    before = school.ledger
    for _ in range(50):
        assert school.after(minutes=30).tick() is None
        assert school.tick(observed=Absent()) is None
    assert school.ledger == before


@pytest.mark.parametrize("policy", [Policy.FIXED, Policy.BREAK_EVEN])
def test_policies_that_go_by_no_history_keep_none(policy: Policy) -> None:
    """And cost nothing more."""
    school = School(spec=Spec("reviews", "reviews-config", policy=policy))
    school.ask()
    school.after(hours=2).tick()

    assert school.ledger.demand_history is None
    assert not school.usage.kept_days


def test_who_goes_by_the_history_no_more_has_none_and_may_come_back(school: School) -> None:
    """What it would cost is spared; the days are there, and what has come since."""
    school.after(minutes=5).ask(2)
    school.after(minutes=5).tick()
    school.spec = replace(SPEC, policy=Policy.BREAK_EVEN)
    assert school.tick() is None
    assert school.ledger.demand_history is None
    school.after(hours=30).ask(3)
    assert school.after(minutes=5).tick() is None
    assert len(school.usage.kept_days) == 1

    school.spec = SPEC
    school.tick()

    assert school.learned == school.kept == school.truth


def test_an_endpoint_of_a_former_version_learns_what_its_parts_still_say() -> None:
    """It has no history, and requests that were counted before."""
    school = School()
    for hours in (0, 30, 200):
        school.after(hours=hours).ask(3)
    assert school.ledger.demand_history is None

    school.after(hours=2).tick()

    assert school.learned == school.kept == school.truth


def test_what_is_older_than_what_is_kept_is_not_asked_for() -> None:
    """28 days."""
    school = School()
    school.ask()
    school.after(days=29).ask()
    school.after(minutes=5).tick()

    assert list(school.learned) == [minute_of(school.clock() - timedelta(minutes=5))]


def test_much_is_caught_up_with_bit_by_bit() -> None:
    """The oldest first; each tick knows how far it came."""
    school = School()
    school.usage.minutes_at_once = 7
    for _ in range(40):
        school.after(minutes=333).ask()
    school.after(minutes=5)
    steps = []
    for _ in range(20):
        school.tick()
        steps.append(len(school.learned))
        school.after(seconds=10)

    assert steps[:6] == [7, 14, 21, 28, 35, 40]
    assert school.learned == school.kept == school.truth


def test_two_ticks_at_once_count_nothing_twice(school: School) -> None:
    """Whichever is first, wherever the other comes in between."""
    for operation in ("usage.days", "usage.parts", "usage.keep_day"):
        for is_after in (False, True):
            school.after(minutes=5).ask(2)
            school.after(minutes=5)
            other = school.ledger

            def come(
                done: str,
                is_done: bool,
                other: Ledger = other,
                at: tuple[str, bool] = (operation, is_after),
            ) -> None:
                if (done, is_done) == at:
                    school.usage.disturb = undisturbed
                    # More has come meanwhile, which it sees.
                    school.clock.advance(minutes=2)
                    assert school.tick(other) is None

            school.usage.disturb = come
            assert school.tick() is None
            assert school.usage.disturb is undisturbed

    assert school.learned == school.kept == school.truth


def test_who_is_cut_off_has_counted_nothing_twice_and_lost_nothing(school: School) -> None:
    """Wherever that is: the next goes on."""
    operations = ("usage.days", "usage.parts", "usage.keep_day")
    for at in [(operation, is_done) for operation in operations for is_done in (False, True)]:
        school.after(minutes=5).ask(2)
        school.after(minutes=5)

        def die(operation: str, is_done: bool, at: tuple[str, bool] = at) -> None:
            if (operation, is_done) == at:
                raise Died

        school.usage.disturb = die
        before = school.ledger
        problem = school.tick()
        school.usage.disturb = undisturbed
        assert problem == "its demand can't be learned from: Died()"
        assert school.ledger == before

    school.after(minutes=1).tick()
    assert school.learned == school.kept == school.truth


def test_what_was_kept_and_not_learned_is_learned_by_the_next(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where nobody has asked since, and what only CloudWatch knew."""
    school.after(minutes=5).ask()
    school.ask(3, bypassing=True)
    school.after(minutes=1).ask(3, bypassing=True)
    school.after(minutes=8)
    measured = Measured(None, dict(school.truth))

    def refuse(*_: object) -> bool:
        raise AwsError("UpdateItem was throttled")

    with monkeypatch.context() as patched:
        patched.setattr(school.state, "record_demand_history", refuse)
        assert school.tick(activity=measured) == (
            "its demand can't be learned from: UpdateItem was throttled"
        )
    assert (school.learned, school.kept) == ({}, school.truth)

    assert school.after(minutes=1).tick() is None
    assert school.learned == school.truth


@pytest.mark.parametrize("operation", ["usage.days", "usage.parts", "usage.keep_day"])
def test_a_fault_is_told_and_learned_from_when_it_is_over(school: School, operation: str) -> None:
    """It is judged by what was known before."""
    school.after(minutes=5).ask()
    school.after(minutes=5)
    before = school.ledger

    def fail(done: str, is_done: bool) -> None:
        if done == operation and not is_done:
            raise AwsError("throttled")

    school.usage.disturb = fail
    assert school.tick() == "its demand can't be learned from: throttled"
    assert school.ledger == before
    school.usage.disturb = undisturbed
    assert school.tick() is None
    assert school.learned == school.truth


def test_what_can_t_be_read_any_more_is_learned_anew_of_the_days(school: School) -> None:
    """At once, though nobody has asked since; the counts of minutes are not read again for it."""
    for _ in range(3):
        school.after(hours=20).ask(2)
    school.after(minutes=5).tick()
    history = school.ledger.demand_history
    assert history is not None
    broken = replace(history, forecast="broken")
    school.state.ledgers["reviews"] = replace(school.ledger, demand_history=broken)
    school.usage.parts.clear()

    assert school.after(minutes=1).tick(observed=Absent()) is None

    assert school.learned == school.truth


def test_a_day_that_can_t_be_read_is_counted_anew(school: School) -> None:
    """From where the history has come to."""
    school.after(minutes=5).ask(2)
    school.after(minutes=5).tick()
    day = school.clock().date()
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    there = school.usage.kept_days["reviews", day]
    school.usage.kept_days["reviews", day] = DemandDay(day, midnight, {}, there.version)
    school.after(minutes=5).ask(3)

    assert school.after(minutes=5).tick() is None

    assert school.learned == school.truth
    assert sum(school.kept.values()) == 3


# ------------------------------------------------------------------------------------- CloudWatch


def test_callers_that_bypass_the_proxy_are_in_the_history(school: School) -> None:
    """Once CloudWatch is read; and those of the proxy once."""
    school.after(minutes=5).ask(2)
    school.after(minutes=1).ask(4, bypassing=True)
    latest = minute_of(school.clock()) + timedelta(minutes=1)
    school.after(minutes=10)
    measured = Measured(latest, dict(school.truth))

    assert school.tick(activity=measured) is None

    assert school.learned == school.kept == school.truth


def test_what_cloudwatch_may_show_later_is_learned_later(school: School) -> None:
    """Up to its lag, all is there."""
    for _ in range(3):
        school.after(minutes=4).ask(bypassing=True)
    latest = minute_of(school.clock()) + timedelta(minutes=1)
    measured = Measured(latest, dict(school.truth))
    school.after(minutes=3)
    school.state.record_metrics_activity("reviews", latest)

    assert school.tick(activity=NOT_MEASURED) is None
    assert school.learned == {}
    # He whom it has just shown is not alone perhaps.
    assert school.tick(activity=measured) is None
    assert school.learned == {}
    for _ in range(7):
        school.after(minutes=10).ask(bypassing=True)
    latest = minute_of(school.clock()) + timedelta(minutes=1)
    measured = Measured(latest, dict(school.truth))
    school.after(minutes=3)
    assert school.tick(activity=measured) is None
    assert list(school.learned) == list(school.truth)[:-1]
    assert school.after(minutes=10).tick(activity=measured) is None
    assert school.learned == school.truth


# ------------------------------------------------------------------------------- whatever happens


class Interruption:
    """Lets a tick die, or another come, at the number-th operation."""

    def __init__(self, number: int, act: Callable[[], object]) -> None:
        self.left, self.act = number, act

    def __call__(self, operation: str, is_done: bool) -> None:
        self.left -= 1
        if self.left == 0:
            self.act()


steps = st.one_of(
    st.tuples(st.just("ask"), st.integers(1, 3)),
    st.tuples(st.just("wait"), st.integers(1, 4000)),
    st.tuples(st.just("tick"), st.integers(0, 2)),
    st.tuples(st.just("die"), st.integers(1, 8)),
    st.tuples(st.just("overlap"), st.integers(1, 8)),
    st.tuples(st.just("break"), st.just(0)),
)


@given(st.lists(steps, max_size=40), st.integers(1, 5))
def test_whatever_happens_each_minute_is_learned_once(
    steps: list[tuple[str, int]], minutes_at_once: int
) -> None:
    """What was learned is what has come up to there, and the days have no less."""
    school = School()
    school.usage.minutes_at_once = minutes_at_once

    def die() -> None:
        raise Died

    for what, number in steps:
        school.usage.disturb = undisturbed
        match what:
            case "ask":
                school.ask(number)
            case "wait":
                school.after(minutes=min(number, 60) if number % 3 else number)
            case "tick":
                school.tick(
                    observed=SERVING if number else Absent(),
                    activity=UNUSED if number == 1 else NOT_MEASURED,
                )
            case "die":
                school.usage.disturb = Interruption(number, die)
                school.tick()
            case "overlap":
                ledger = school.ledger
                school.usage.disturb = Interruption(number, partial(school.tick, ledger))
                school.tick(ledger)
            case _ if school.ledger.demand_history is not None:
                broken = replace(school.ledger.demand_history, forecast="broken")
                school.state.ledgers["reviews"] = replace(school.ledger, demand_history=broken)
                school.tick()
        history = school.ledger.demand_history
        if history is not None and history.forecast != "broken":
            come = {m: count for m, count in school.truth.items() if m < history.folded_until}
            assert school.learned == come
    school.usage.disturb = undisturbed
    school.after(minutes=20)
    for _ in range(60):
        assert school.tick() is None
    assert school.learned == school.kept == school.truth


# ---------------------------------------------------------------------------- among all the others


def test_an_endpoint_that_goes_by_its_history_has_learned_it_before_it_is_judged(
    world: World,
) -> None:
    """A session comes, and it is stopped when that is over, as it is without; then asleep, refused
    requests and wakes are demand too.
    """
    world.catalog.configs = [config("reviews", policy="forecast")]
    world.serve()
    for _ in range(5):
        world.usage.use("reviews", {"a": 2}, world.clock())
        world.use()
        world.clock.advance(minutes=1)
    first = minute_of(world.clock()) - timedelta(minutes=5)
    for _ in range(90):
        if world.act() is Action.STOP:
            break
        world.clock.advance(seconds=59)
    else:
        pytest.fail("it was never stopped")

    history = world.ledger.demand_history
    assert history is not None
    (day,) = world.usage.kept_days.values()
    assert list(day.minutes().values()) == [2] * 5
    assert next(iter(day.minutes())) == first
    world.clock.advance(minutes=2)
    world.act()
    world.clock.advance(minutes=30)
    world.wake()
    woken_at = minute_of(world.clock())
    while world.ledger.serving_since is None:
        world.act()
        world.clock.advance(minutes=1)
    world.clock.advance(minutes=15)
    world.act()
    assert woken_at in {
        minute for day in world.usage.kept_days.values() for minute in day.minutes()
    }


def test_what_can_t_be_learned_keeps_nothing_from_being_judged(world: World) -> None:
    """It is said, and the endpoint goes by break-even."""
    world.catalog.configs = [config("reviews", policy="forecast")]

    def fail(operation: str, is_done: bool) -> None:
        if operation == "usage.days":
            raise AwsError("Query was throttled")

    world.usage.disturb = fail
    world.endpoints.put("reviews", EndpointStatus.IN_SERVICE)
    outcome = world.look()
    assert outcome.problem == "its demand can't be learned from: Query was throttled"
    assert outcome.plan.action is Action.STAY_UP
    for _ in range(60):
        world.clock.advance(minutes=1)
        if world.look().plan.action is Action.STOP:
            return
    pytest.fail("it was never stopped")
