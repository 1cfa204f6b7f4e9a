"""The named schedules, as Systems Manager's parameter has them, or had them an hour ago."""

from collections.abc import Iterator

import boto3
import pytest
from botocore.config import Config
from moto import mock_aws

from dormouse.adapters.schedules import SsmSchedules
from dormouse.domain.named_schedules import NO_NAMES, parse_named_schedules, parse_schedule
from dormouse.domain.schedule import ScheduleError
from tests.fakes.answers import refusal, will_answer
from tests.fakes.clock import FakeClock

NAME = "SchedulesParameter-4711"
OFFICE = '{"schedules": {"office": "Mon-Fri 08:00-18:00 Europe/Berlin"}, "calendars": {}}'
SHOP = '{"schedules": {"shop": "Sat 10:00-14:00 Europe/Berlin"}}'


@pytest.fixture
def schedules() -> Iterator[SsmSchedules]:
    """The parameter is not there yet."""
    with mock_aws():
        client = boto3.client("ssm", config=Config(retries={"total_max_attempts": 1}))
        yield SsmSchedules(client, NAME, FakeClock())


def write(schedules: SsmSchedules, text: str) -> None:
    """Write the parameter, as an operator does."""
    schedules.client.put_parameter(Name=NAME, Value=text, Type="String", Overwrite=True)


def test_it_is_read_as_it_is_now(schedules: SsmSchedules) -> None:
    """Each time."""
    write(schedules, OFFICE)
    assert schedules.read() == parse_named_schedules(OFFICE)

    write(schedules, SHOP)
    assert schedules.read() == parse_named_schedules(SHOP)


def test_without_the_parameter_nothing_has_a_name(schedules: SsmSchedules) -> None:
    """Whoever refers to one is told that it is not there."""
    assert schedules.read() == NO_NAMES


def test_what_is_no_json_is_told_to_those_who_refer_to_it(schedules: SsmSchedules) -> None:
    """What was there before is not taken for what is there now."""
    write(schedules, OFFICE)
    schedules.read()
    write(schedules, "schedules: {}")

    with pytest.raises(ScheduleError, match="it is no JSON"):
        parse_schedule("@office", schedules.read())


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("ThrottlingException", "GetParameter refused: ThrottlingException: because"),
        ("AccessDeniedException", "GetParameter refused: AccessDeniedException: because"),
    ],
)
def test_a_failure_is_said_where_nothing_was_read_before(
    schedules: SsmSchedules, code: str, why: str
) -> None:
    """By what it could not be read."""
    will_answer(schedules.client, "ssm.GetParameter", refusal(code))

    named = schedules.read()

    assert named.unreadable == why
    with pytest.raises(ScheduleError, match=why):
        parse_schedule("@office", named)


def test_without_an_answer_it_is_said_as_well() -> None:
    """Nobody listens at that port."""
    client = boto3.client(
        "ssm",
        endpoint_url="http://127.0.0.1:9",
        config=Config(retries={"total_max_attempts": 1}),
    )

    why = SsmSchedules(client, NAME, FakeClock()).read().unreadable

    assert why is not None
    assert why.startswith("GetParameter failed: ")


def test_what_was_read_last_stands_for_an_hour(schedules: SsmSchedules) -> None:
    """From when it was read; then nobody knows what holds."""
    clock = schedules.clock
    assert isinstance(clock, FakeClock)
    write(schedules, OFFICE)
    read = schedules.read()
    throttled = refusal("ThrottlingException")
    will_answer(schedules.client, "ssm.GetParameter", throttled, throttled, throttled)

    clock.advance(minutes=1)
    assert schedules.read() == read
    clock.advance(minutes=58, seconds=59)
    assert schedules.read() == read
    clock.advance(seconds=1)
    assert schedules.read().unreadable is not None

    # As soon as it can be read, it is.
    assert schedules.read() == read


def test_that_the_parameter_is_gone_is_no_failure(schedules: SsmSchedules) -> None:
    """What was read before does not stand."""
    write(schedules, OFFICE)
    schedules.read()
    schedules.client.delete_parameter(Name=NAME)

    assert schedules.read() == NO_NAMES
