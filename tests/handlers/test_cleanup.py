"""`cleanup`: CloudFormation asks, and is answered once, truthfully, in time."""

from datetime import timedelta
from typing import Any

import pytest

from dormouse.adapters.state import EndpointsTable
from dormouse.domain.endpoint import EndpointStatus
from dormouse.errors import AwsError
from dormouse.handlers.cleanup import PHYSICAL_ID
from tests.fakes.world import config
from tests.handlers.conftest import Handlers, golden

LIFE = 900.0
SERVING = EndpointStatus.IN_SERVICE


@pytest.fixture
def stack(handlers: Handlers) -> Handlers:
    """A stack that has looked at its endpoint once."""
    handlers.reconcile(golden("reconcile-scheduled.json"))
    handlers.seconds_to_live = LIFE
    return handlers


def see_off(stack: Handlers, event: Any) -> tuple[str | None, int]:
    """Invoke it, and again as often as it asks for that; return the failure, and how often."""
    times = 0
    while True:
        times += 1
        stack.cleanup(event)
        if stack.answers:
            assert stack.lambdas.sent == []
            ((answered, physical_id, failure),) = stack.answers
            assert physical_id == PHYSICAL_ID == "dormouse-cleanup"
            for key in ("ResponseURL", "StackId", "RequestId", "LogicalResourceId"):
                assert answered[key] == golden("cleanup-delete.json")[key]
            return failure, times
        ((function_name, event),) = stack.lambdas.sent
        assert function_name == "f"
        stack.lambdas.sent.clear()


@pytest.mark.parametrize("file", ["cleanup-create.json", "cleanup-update.json"])
def test_to_create_or_update_does_nothing_and_succeeds(stack: Handlers, file: str) -> None:
    """At once, with the one id: for another, CloudFormation would delete the former resource."""
    stack.world.endpoints.put("dormouse", SERVING)
    began_at = stack.clock()

    stack.cleanup(golden(file))

    assert stack.answers == [(golden(file), "dormouse-cleanup", None)]
    assert stack.clock() == began_at
    assert stack.table.removal_began_at() is None
    assert stack.world.endpoints.deleted == []


def test_the_id_of_the_events_is_the_one_that_is_answered() -> None:
    """As CloudFormation would send it back."""
    for file in ("cleanup-update.json", "cleanup-delete.json"):
        assert golden(file)["PhysicalResourceId"] == PHYSICAL_ID
    assert "PhysicalResourceId" not in golden("cleanup-create.json")


def test_a_stack_that_is_created_or_updated_is_not_being_deleted(stack: Handlers) -> None:
    """A tombstone of before, in a table that was kept, is taken away."""
    stack.table.begin_removal(stack.clock())
    stack.cleanup(golden("cleanup-create.json"))
    assert stack.table.removal_began_at() is None


def test_a_stack_that_sleeps_is_gone_within_a_minute(stack: Handlers) -> None:
    """As soon as no tick of before the tombstone can start anything."""
    began_at = stack.clock()

    assert see_off(stack, golden("cleanup-delete.json")) == (None, 1)
    assert stack.table.removal_began_at() == began_at
    assert timedelta(seconds=50) <= stack.clock() - began_at <= timedelta(seconds=75)


def test_what_serves_is_deleted_before_it_succeeds(stack: Handlers) -> None:
    """SageMaker does not know it any more."""
    stack.world.endpoints.put("dormouse", SERVING)

    assert see_off(stack, golden("cleanup-delete.json")) == (None, 1)
    assert stack.world.endpoints.deleted == ["dormouse"]
    assert stack.world.endpoints.observe_all() == {}


def test_what_is_created_for_half_an_hour_is_waited_for(stack: Handlers) -> None:
    """By further invocations, each of which goes on where the last one ended."""
    stack.world.endpoints.create_takes = timedelta(minutes=32)
    stack.lambdas.reconcile_takes = timedelta(seconds=20)
    stack.control(golden("control-wake-for.json"))
    stack.reconcile(golden("reconcile-scheduled.json"))
    began_at = stack.clock()

    failure, times = see_off(stack, golden("cleanup-delete.json"))

    assert failure is None
    assert times == 3
    assert stack.clock() - began_at >= timedelta(minutes=33)
    assert stack.table.removal_began_at() == began_at
    assert stack.world.endpoints.observe_all() == {}


def test_the_next_invocation_knows_when_it_began(stack: Handlers) -> None:
    """It gets the same event, and that."""
    stack.world.endpoints.put("dormouse", SERVING)
    stack.world.endpoints.delete_takes = timedelta(hours=2)
    began_at = stack.clock()

    stack.cleanup(golden("cleanup-delete.json"))

    ((_, sent),) = stack.lambdas.sent
    assert sent == {**golden("cleanup-delete.json"), "DormouseBeganAt": "2026-02-16T09:00:00.000Z"}
    assert began_at.isoformat() == "2026-02-16T09:00:00+00:00"
    assert stack.answers == []


@pytest.mark.parametrize("seconds", [0, 60, 63])
def test_it_ends_before_lambda_ends_it(stack: Handlers, seconds: int) -> None:
    """With a look that takes as long as it may, and the invocation of the next one."""
    stack.world.endpoints.put("dormouse", SERVING)
    stack.world.endpoints.delete_takes = timedelta(hours=2)
    ends_at = stack.clock() + timedelta(seconds=LIFE)
    stack.lambdas.reconcile_takes = timedelta(seconds=seconds)

    stack.cleanup(golden("cleanup-delete.json"))

    assert len(stack.lambdas.sent) == 1
    assert ends_at - stack.clock() >= timedelta(seconds=10)


def test_what_does_not_end_within_fifty_minutes_is_named(stack: Handlers) -> None:
    """And what to do. Lambda would stop a loop of sixteen."""
    stack.world.endpoints.put("dormouse", EndpointStatus.CREATING)
    stack.world.endpoints.create_takes = timedelta(hours=2)
    stack.lambdas.reconcile_takes = timedelta(seconds=40)
    began_at = stack.clock()

    failure, times = see_off(stack, golden("cleanup-delete.json"))

    assert failure == (
        "Still there: dormouse: it is Creating, and can't be deleted before that ends; the stack "
        "dormouse-stack is being deleted. Delete what costs money by hand, then delete the stack "
        "again."
    )
    assert times <= 4
    assert timedelta(minutes=50) <= stack.clock() - began_at < timedelta(minutes=55)
    (line,) = stack.logged("ERROR")
    assert line["message"] == failure


def test_the_stack_can_be_deleted_again(stack: Handlers) -> None:
    """The ticks went on with it; it is given the whole time once more."""
    stack.world.endpoints.put("dormouse", EndpointStatus.CREATING)
    stack.world.endpoints.create_takes = timedelta(hours=2)
    stack.lambdas.reconcile_takes = timedelta(seconds=40)
    assert see_off(stack, golden("cleanup-delete.json"))[0] is not None
    stack.answers.clear()
    stack.clock.advance(hours=2)

    assert see_off(stack, golden("cleanup-delete.json")) == (None, 1)
    assert stack.world.endpoints.deleted == ["dormouse"]


@pytest.mark.parametrize(
    "tags",
    [{}, {"dormouse:stack": "other-stack"}, {"dormouse:adopted-by": "dormouse-stack"}],
)
def test_what_the_stack_has_not_created_goes_on_running(
    stack: Handlers, tags: dict[str, str]
) -> None:
    """Adopted endpoints are released."""
    stack.world.catalog.configs.append(config("reviews"))
    stack.world.endpoints.put("reviews", SERVING, tags=tags)
    stack.reconcile(golden("reconcile-scheduled.json"))

    assert see_off(stack, golden("cleanup-delete.json")) == (None, 1)
    assert set(stack.world.endpoints.observe_all()) == {"reviews"}


def test_requests_and_schedules_of_meanwhile_start_nothing(
    stack: Handlers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The front doors may outlive the cleanup."""
    reconcile = stack.lambdas.reconcile

    def busy(event: Any) -> Any:
        stack.control(golden("control-scheduled-wake.json"))
        stack.reconcile(golden("reconcile-nudge.json"))
        return reconcile(event)

    monkeypatch.setattr(stack.lambdas, "reconcile", busy)

    assert see_off(stack, golden("cleanup-delete.json")) == (None, 1)
    assert stack.world.endpoints.create_calls == []


def test_a_reconcile_that_fails_is_no_success(stack: Handlers) -> None:
    """Whether something runs is not known; that is what it says."""
    stack.world.endpoints.tags_unreadable = "GetResources refused: AccessDeniedException: no"

    failure, _ = see_off(stack, golden("cleanup-delete.json"))

    assert failure is not None
    assert failure.startswith("It can't be said what still runs: reconcile failed: ")
    assert "GetResources refused: AccessDeniedException: no" in failure


def test_a_fault_that_ends_is_waited_for(stack: Handlers, monkeypatch: pytest.MonkeyPatch) -> None:
    """One look that failed decides nothing."""
    reconcile = stack.lambdas.reconcile
    stack.world.endpoints.tags_unreadable = "GetResources refused: Throttling"

    def mended(event: Any) -> Any:
        if stack.clock().minute >= 5:
            stack.world.endpoints.tags_unreadable = None
        return reconcile(event)

    monkeypatch.setattr(stack.lambdas, "reconcile", mended)

    assert see_off(stack, golden("cleanup-delete.json")) == (None, 1)


@pytest.mark.parametrize("file", ["cleanup-create.json", "cleanup-update.json"])
def test_a_table_that_cannot_be_written_fails_a_creation(
    stack: Handlers, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    """With the reason."""
    monkeypatch.setattr(EndpointsTable, "cancel_removal", _refuse)
    stack.cleanup(golden(file))
    assert stack.answers == [
        (golden(file), "dormouse-cleanup", "AwsError: UpdateItem refused: Throttling")
    ]


def test_a_tombstone_that_cannot_be_written_fails_the_deletion(
    stack: Handlers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """reconcile would go on as ever."""
    monkeypatch.setattr(EndpointsTable, "begin_removal", _refuse)
    failure, _ = see_off(stack, golden("cleanup-delete.json"))
    assert failure == "AwsError: UpdateItem refused: Throttling"


def _refuse(*_: object) -> None:
    raise AwsError("UpdateItem refused: Throttling")


def test_an_invocation_that_cannot_be_continued_is_a_failure(
    stack: Handlers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody would ever answer."""
    stack.world.endpoints.put("dormouse", SERVING)
    stack.world.endpoints.delete_takes = timedelta(hours=2)
    monkeypatch.setattr("dormouse.handlers.cleanup.invoke_again", lambda: _refuse)

    failure, _ = see_off(stack, golden("cleanup-delete.json"))

    assert failure == "AwsError: UpdateItem refused: Throttling"


def test_whatever_goes_wrong_is_a_failure_and_no_silence(
    stack: Handlers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an answer CloudFormation waits for an hour; the log has the stack trace."""

    def broken() -> None:
        raise KeyError("what nobody has thought of")

    monkeypatch.setattr("dormouse.handlers.cleanup.removal", broken)

    for file in ("cleanup-create.json", "cleanup-delete.json"):
        stack.answers.clear()
        stack.cleanup(golden(file))
        assert stack.answers == [
            (golden(file), "dormouse-cleanup", "KeyError: 'what nobody has thought of'")
        ]
    assert "exception" in stack.logged("ERROR")[0]


def test_an_answer_that_is_not_taken_fails_the_invocation(
    stack: Handlers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that Lambda tries the whole of it again."""
    monkeypatch.setattr("dormouse.handlers.cleanup.answer_cloudformation", lambda: _refuse)
    with pytest.raises(AwsError):
        stack.cleanup(golden("cleanup-create.json"))
