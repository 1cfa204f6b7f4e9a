"""Failed EndpointConfigs: how long each is left alone, and which one is tried meanwhile."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse.domain.failures import (
    FIRST_BACKOFF,
    LONGEST_BACKOFF,
    MOST_FAILURES,
    SHORTEST_STAY,
    Choice,
    Failure,
    FailureKind,
    choose,
    failed_again,
    is_passing,
    is_throttling,
    kind_of,
    of_use,
    retry_at,
    return_at,
)

NOW = datetime(2026, 2, 16, 12, 0, tzinfo=UTC)  # a Monday

NO_CAPACITY = (
    "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error. "
    "Please retry using a different ML instance type or after some time."
)
NO_QUOTA = (
    "CreateEndpoint refused: ResourceLimitExceeded: The account-level service limit "
    "'ml.m5.xlarge for endpoint usage' is 0 Instances, with current utilization of 0 Instances"
)
NO_CONFIG = (
    "CreateEndpoint refused: ValidationException: Could not find endpoint configuration "
    '"arn:aws:sagemaker:us-east-1:123456789012:endpoint-config/reviews-2".'
)
NO_PING = "The primary container for production variant AllTraffic did not pass the ping check."
THROTTLED = "CreateEndpoint refused: ThrottlingException: Rate exceeded"
IN_PROGRESS = (
    "UpdateEndpoint refused: ValidationException: Cannot update in-progress endpoint "
    '"arn:aws:sagemaker:us-east-1:123456789012:endpoint/reviews".'
)

kinds = st.sampled_from(FailureKind)
counts = st.integers(1, 10_000)
moments = st.timedeltas(timedelta(days=-2), timedelta(days=2)).map(lambda ago: NOW + ago)
failures = st.builds(Failure, counts, moments, kinds, st.text(max_size=300))
names = st.text("abcXYZ-", min_size=1, max_size=4)
configs = st.lists(names, min_size=1, max_size=5, unique_by=str.lower)


def failed(count: int, kind: FailureKind = FailureKind.OTHER, at: datetime = NOW) -> Failure:
    """Have failed so often in a row, the last time at `at`."""
    return Failure(count, at, kind, "why")


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        (NO_CAPACITY, FailureKind.CAPACITY),
        ("CreateEndpoint refused: InsufficientInstanceCapacity: none", FailureKind.CAPACITY),
        (NO_QUOTA, FailureKind.QUOTA),
        (NO_QUOTA.partition("Exceeded: ")[2], FailureKind.QUOTA),
        (NO_CONFIG, FailureKind.CONFIG_GONE),
        ("CreateEndpoint refused: InternalFailure: ", FailureKind.SERVICE),
        ("CreateEndpoint refused: ServiceUnavailable: try later", FailureKind.SERVICE),
        ("Request to service failed. If failure persists after retry …", FailureKind.SERVICE),
        (NO_PING, FailureKind.OTHER),
        ("", FailureKind.OTHER),
        # Only what SageMaker says counts, not what somebody has called something.
        ('Could not find model "InsufficientInstanceCapacity".', FailureKind.OTHER),
    ],
)
def test_the_kind_is_told_by_sagemakers_words(reason: str, kind: FailureKind) -> None:
    """SageMaker has no other way to say it."""
    assert kind_of(reason) is kind


@pytest.mark.parametrize(
    ("refusal", "throttling", "passing"),
    [
        (THROTTLED, True, True),
        ("CreateEndpoint refused: Throttling: Rate exceeded", True, True),
        ("CreateEndpoint refused: TooManyRequestsException: slow down", True, True),
        ("CreateEndpoint refused: TooManyRequests", True, True),
        ("CreateEndpoint refused: SomeNewCode: Rate exceeded", True, True),
        (IN_PROGRESS, False, True),
        (NO_QUOTA, False, False),
        (NO_CONFIG, False, False),
        ("CreateEndpoint refused: ValidationException: ThrottlingTest is no name", False, False),
        ('CreateEndpoint refused: ValidationException: "Throttling" is taken', False, False),
    ],
)
def test_what_is_no_failure_of_a_config(refusal: str, throttling: bool, passing: bool) -> None:
    """Too many calls, or another change at the moment, say nothing of it."""
    assert (is_throttling(refusal), is_passing(refusal)) == (throttling, passing)


def test_the_backoff_doubles_from_two_minutes_to_an_hour() -> None:
    """And stays there."""
    backoffs = [retry_at(failed(count, FailureKind.CAPACITY)) for count in range(1, 9)]

    assert backoffs == [NOW + timedelta(minutes=m) for m in (2, 4, 8, 16, 32, 60, 60, 60)]


@given(counts, counts, kinds, moments)
def test_the_backoff_never_shrinks_and_is_bounded(
    first: int, second: int, kind: FailureKind, at: datetime
) -> None:
    """Also after thousands of failures."""
    fewer, more = sorted((first, second))
    early, late = retry_at(failed(fewer, kind, at)), retry_at(failed(more, kind, at))

    if late is not None:
        assert early is not None
        assert at + FIRST_BACKOFF <= early <= late <= at + LONGEST_BACKOFF


@given(failures)
def test_only_what_somebody_has_to_mend_is_given_up(failure: Failure) -> None:
    """After ten times in a row."""
    is_given_up = retry_at(failure) is None

    assert is_given_up == (failure.count >= MOST_FAILURES and not failure.kind.mends_itself)


@given(st.lists(st.sampled_from([NO_CAPACITY, NO_QUOTA, NO_CONFIG, NO_PING]), min_size=1))
def test_a_config_is_given_up_only_for_failures_of_its_own(reasons: list[str]) -> None:
    """However many hours there was no capacity before the first of them."""
    failure = None
    for reason in reasons:
        failure = failed_again(failure, NOW, reason)
    assert failure is not None

    own = sum(not kind_of(reason).mends_itself for reason in reasons)
    if retry_at(failure) is None:
        assert own >= MOST_FAILURES // 2
    if own == len(reasons) >= MOST_FAILURES:
        assert retry_at(failure) is None


def test_days_without_capacity_and_then_one_other_failure() -> None:
    """It is tried again half an hour later."""
    after_days = failed(100, FailureKind.CAPACITY)

    failure = failed_again(after_days, NOW, NO_PING)

    assert failure.kind is FailureKind.OTHER
    assert retry_at(failure) == NOW + timedelta(minutes=32)


def test_a_failure_after_others_counts_on_and_keeps_the_last_reason() -> None:
    """Which is what people want to read."""
    first = failed_again(None, NOW, NO_PING)
    second = failed_again(first, NOW + timedelta(hours=1), "x" * 5000)

    assert first == Failure(1, NOW, FailureKind.OTHER, NO_PING)
    assert second == Failure(2, NOW + timedelta(hours=1), FailureKind.OTHER, "x" * 500)


def test_the_first_config_is_chosen_where_none_has_failed() -> None:
    """And nothing is said of it."""
    assert choose(["first", "second"], {}, NOW) == Choice("first", "")


def test_while_the_first_is_in_backoff_the_second_is_chosen_and_the_words_say_why() -> None:
    """Names are compared as SageMaker compares them."""
    choice = choose(["First", "second"], {"first": failed(3)}, NOW + timedelta(minutes=7))

    assert choice.config_name == "second"
    assert choice.words == (
        "EndpointConfig First has failed 3 times in a row (why), and is tried again at "
        "2026-02-16 12:08:00 UTC"
    )


def test_the_first_is_chosen_again_as_soon_as_its_backoff_is_over() -> None:
    """To the second."""
    assert choose(["first", "second"], {"first": failed(3)}, NOW + timedelta(minutes=8)) == Choice(
        "first", ""
    )


def test_where_all_are_in_backoff_the_circuit_is_open_until_one_may_be_tried() -> None:
    """A given up one is not waited for."""
    known = {"first": failed(10), "second": failed(4), "third": failed(2)}

    choice = choose(["first", "second", "third"], known, NOW)

    assert (choice.config_name, choice.until) == (None, NOW + timedelta(minutes=4))
    assert choice.words == (
        "EndpointConfig first has failed 10 times in a row (why), and is not tried again before it "
        "is resumed or another EndpointConfig is asked for; "
        "EndpointConfig second has failed 4 times in a row (why), and is tried again at "
        "2026-02-16 12:16:00 UTC; "
        "EndpointConfig third has failed 2 times in a row (why), and is tried again at "
        "2026-02-16 12:04:00 UTC"
    )


def test_where_all_are_given_up_there_is_no_time_at_which_that_ends() -> None:
    """Somebody has to say so; another config is tried at once."""
    assert choose(["first"], {"first": failed(10)}, NOW + timedelta(days=9)).until is None
    assert choose(["other"], {"first": failed(10)}, NOW).config_name == "other"


def test_a_long_reason_is_cut_in_the_words() -> None:
    """They are one line in `status`, with several configs in it."""
    long = Failure(1, NOW, FailureKind.OTHER, "x" * 500)

    assert f"has failed once ({'x' * 200}…), and" in choose(["first"], {"first": long}, NOW).words


@given(configs, st.dictionaries(names.map(str.lower), failures), moments)
def test_the_choice_is_the_first_that_is_not_in_backoff(
    in_turn: list[str], known: Mapping[str, Failure], now: datetime
) -> None:
    """Held against the obvious: every config, asked by itself."""
    retries = {c: retry_at(known[c.lower()]) for c in in_turn if c.lower() in known}
    may_be_tried = [
        c for c in in_turn if c not in retries or ((at := retries[c]) is not None and at <= now)
    ]

    choice = choose(in_turn, known, now)

    assert choice.config_name == next(iter(may_be_tried), None)
    passed_over = in_turn[: in_turn.index(may_be_tried[0])] if may_be_tried else in_turn
    assert all(f"EndpointConfig {config} has failed" in choice.words for config in passed_over)
    assert (choice.words == "") == (passed_over == [])
    if not may_be_tried:
        assert choice.until == min((at for at in retries.values() if at), default=None)
        assert choice.until is None or choice.until > now


def test_old_failures_of_what_is_asked_for_no_more_are_left_out() -> None:
    """After a week: what is not seen today may be seen tomorrow."""
    old, late = failed(10), failed(10, at=NOW + timedelta(days=6))
    known = {"asked": old, "former": old, "lately": late}

    left = of_use(known, ["Asked"], NOW + timedelta(days=7))

    assert left == {"asked": old, "lately": late}


@given(st.none() | failures, moments)
def test_a_fall_back_is_stayed_on_for_an_hour_and_until_the_first_may_be_tried(
    failure: Failure | None, running_since: datetime
) -> None:
    """And for good where the first is given up."""
    known = {} if failure is None else {"first": failure}

    at = return_at("First", known, running_since)

    if failure is None:
        assert at == running_since + SHORTEST_STAY
    elif (again_at := retry_at(failure)) is None:
        assert at is None
    else:
        assert at == max(running_since + SHORTEST_STAY, again_at)
