"""Seeing the deployment off: it is over when nothing is left, and never before."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from dormouse.domain.endpoint import EndpointStatus
from dormouse.domain.removal import TickReport
from dormouse.errors import AwsError
from dormouse.removal import PATIENCE, Left, Removal
from tests.fakes.deployment import World

TIMEOUT = timedelta(seconds=50)
S = EndpointStatus


@dataclass
class Ticks:
    """Implements WholeTick by a reconciler that is at hand."""

    world: World
    is_complete: bool = True
    fails_with: str | None = None
    before: list[Callable[[], object]] = field(default_factory=list)

    def __call__(self) -> TickReport:
        """Tick, or fail as told."""
        for act in self.before:
            act()
        if self.fails_with is not None:
            raise AwsError(self.fails_with)
        outcomes = self.world.tick()
        return TickReport(
            is_complete=self.is_complete,
            actions={outcome.endpoint: outcome.plan.action.value for outcome in outcomes},
            reasons={o.endpoint: o.problem or o.plan.reason for o in outcomes},
        )


@pytest.fixture
def ticks(world: World) -> Ticks:
    """Ticks of the world."""
    return Ticks(world)


@pytest.fixture
def removal(world: World, ticks: Ticks) -> Removal:
    """The removal of the world's deployment, after it has looked at `reviews` once."""
    world.tick()
    return Removal(world.state, ticks, world.clock, TIMEOUT)


def begin(removal: Removal, world: World) -> datetime:
    """Begin, and let the ticks of before the tombstone end."""
    began_at = removal.begin()
    world.clock.advance(seconds=50)
    return began_at


def looks_until_nothing_is_left(
    removal: Removal, world: World, began_at: datetime
) -> list[tuple[str, str]]:
    """Look each ten seconds; return what was left each time, where that changed."""
    seen: list[tuple[str, str]] = []
    for _ in range(100):
        left = removal.look(began_at)
        if left.is_nothing:
            return seen
        now = ("; ".join(left.endpoints), str(left))
        if not seen or seen[-1] != now:
            seen.append(now)
        world.clock.advance(seconds=10)
    raise AssertionError(seen)


def test_nothing_runs_and_nothing_is_left(removal: Removal, world: World) -> None:
    """The usual end, while asleep."""
    assert removal.look(begin(removal, world)) == Left({})


def test_what_serves_is_waited_for(removal: Removal, world: World) -> None:
    """Deleted is what SageMaker does not know any more."""
    world.endpoints.put("reviews", S.IN_SERVICE)
    began_at = begin(removal, world)

    left = looks_until_nothing_is_left(removal, world, began_at)

    assert [names for names, _ in left] == ["reviews", "reviews"]
    assert left[0][1] == "Still there: reviews: the stack dormouse-stack is being deleted."
    assert "it is Deleting" in left[1][1]
    assert world.endpoints.deleted == ["reviews"]


def test_what_is_created_is_waited_for_and_stopped(removal: Removal, world: World) -> None:
    """Within the patience, if it takes as long as it usually does."""
    world.ask()
    world.tick()
    began_at = begin(removal, world)

    left = looks_until_nothing_is_left(removal, world, began_at)

    assert "it is Creating, and can't be deleted before that ends" in left[0][1]
    assert world.clock() - began_at > timedelta(minutes=8)
    assert not removal.is_overdue(began_at)


def test_what_has_failed_is_waited_for(removal: Removal, world: World) -> None:
    """It is there until it is deleted."""
    world.endpoints.put("reviews", S.FAILED)
    began_at = begin(removal, world)
    assert not removal.look(began_at).is_nothing
    world.clock.advance(minutes=1)
    assert removal.look(began_at).is_nothing


@pytest.mark.parametrize(
    "tags", [{}, {"dormouse:stack": "other"}, {"dormouse:adopted-by": "dormouse-stack"}]
)
def test_what_it_has_not_created_is_not_waited_for(
    removal: Removal, world: World, tags: dict[str, str]
) -> None:
    """Its owner has it back, running."""
    world.endpoints.put("reviews", S.IN_SERVICE, tags=tags)

    assert removal.look(begin(removal, world)).is_nothing
    assert world.endpoints.deleted == []


def test_a_tick_of_before_the_tombstone_may_still_start_something(
    removal: Removal, world: World
) -> None:
    """So that nothing is over before such a tick must have ended; then it is seen."""
    began_at = removal.begin()

    first = removal.look(began_at)
    assert (dict(first.endpoints), first.why_unknown) == (
        {},
        "the ticks of before the deletion may not have ended",
    )
    assert not first.is_nothing
    world.endpoints.put("reviews", S.CREATING)  # by the tick of before, at its last moment
    world.clock.advance(seconds=50)
    assert dict(removal.look(began_at).endpoints).keys() == {"reviews"}


@pytest.mark.parametrize(("seconds", "is_over"), [(49, False), (50, True)])
def test_the_look_that_counts_begins_after_such_a_tick_must_have_ended(
    removal: Removal, world: World, ticks: Ticks, seconds: int, is_over: bool
) -> None:
    """However long the look itself takes."""
    began_at = removal.begin()
    world.clock.advance(seconds=seconds)
    ticks.before.append(lambda: world.clock.advance(seconds=40))

    assert removal.look(began_at).is_nothing is is_over


def test_a_tick_that_was_cut_short_says_nothing_of_the_rest(
    removal: Removal, world: World, ticks: Ticks
) -> None:
    """What it did see is named."""
    ticks.is_complete = False
    began_at = begin(removal, world)

    assert not removal.look(began_at).is_nothing
    world.endpoints.put("reviews", S.IN_SERVICE)
    assert str(removal.look(began_at)) == (
        "It can't be said what still runs: there was no time for every endpoint. Last seen: "
        "reviews: the stack dormouse-stack is being deleted."
    )


def test_a_tick_that_fails_says_nothing(removal: Removal, world: World, ticks: Ticks) -> None:
    """And is no exception."""
    ticks.fails_with = "reconcile failed: SettingError"

    left = removal.look(begin(removal, world))

    assert left == Left({}, "reconcile failed: SettingError")
    assert not left.is_nothing
    assert str(left) == "It can't be said what still runs: reconcile failed: SettingError."


def test_an_endpoint_that_cannot_be_judged_is_left(removal: Removal, world: World) -> None:
    """It may run; its problem is the reason."""
    began_at = begin(removal, world)
    world.endpoints.unreadable = "DescribeEndpoint refused: ThrottlingException"

    left = removal.look(began_at)

    assert left.endpoints == dict.fromkeys(
        ("dormouse", "reviews"), "DescribeEndpoint refused: ThrottlingException"
    )


def test_a_deletion_that_is_refused_is_left(removal: Removal, world: World) -> None:
    """With SageMaker's words."""
    world.endpoints.put("reviews", S.IN_SERVICE)
    world.endpoints.refuses_deletion = "DeleteEndpoint refused: AccessDeniedException: no"

    left = removal.look(begin(removal, world))

    assert str(left) == "Still there: reviews: DeleteEndpoint refused: AccessDeniedException: no."


def test_what_is_left_is_named_in_order(removal: Removal, world: World) -> None:
    """Each with its reason."""
    for name, status in (("reviews", S.DELETING), ("dormouse", S.CREATING)):
        world.endpoints.put(name, status)

    text = str(removal.look(begin(removal, world)))

    assert text.startswith("Still there: dormouse: it is Creating")
    assert "; reviews: it is Deleting" in text


def test_patience_ends_before_cloudformations(removal: Removal, world: World) -> None:
    """It waits for an hour."""
    began_at = removal.begin()

    world.clock.now = began_at + PATIENCE - timedelta(seconds=1)
    assert not removal.is_overdue(began_at)
    world.clock.now = began_at + PATIENCE
    assert removal.is_overdue(began_at)
    assert timedelta(minutes=50) == PATIENCE


def test_it_begins_once_and_can_be_cancelled(removal: Removal, world: World) -> None:
    """Deleted again after a failure, the tombstone is that of the first time."""
    assert world.state.removal_began_at() is None
    first = removal.begin()
    world.clock.advance(hours=1)
    assert removal.begin() == first + timedelta(hours=1)
    assert world.state.removal_began_at() == first
    removal.cancel()
    assert world.state.removal_began_at() is None
    removal.cancel()
    assert world.state.removal_began_at() is None


def test_nobody_can_wake_it_meanwhile(removal: Removal, world: World) -> None:
    """`reconcile` obeys the tombstone, which is read before each tick."""
    began_at = begin(removal, world)
    world.ask()
    world.hold(hours=2)

    assert removal.look(began_at).is_nothing
    assert world.tick("reviews")[0].plan.action.value == "stay down"
    assert world.endpoints.create_calls == []
