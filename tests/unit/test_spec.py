"""The tags of an EndpointConfig become a spec, or one sentence that names the tag."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse.domain.capture_policy import CapturePolicy, Content, Pattern
from dormouse.domain.principals import Kind, Principal
from dormouse.domain.spec import Policy, Spec, SpecError, is_endpoint_name, parse_spec


def test_the_tags_are_read() -> None:
    """And the tags of other owners are left alone."""
    tags = {"dormouse:endpoint": "reviews", "dormouse:idle-timeout": "45m", "team": "search"}

    assert parse_spec("c1", tags) == Spec(
        "reviews", "c1", timedelta(minutes=45), policy=Policy.FIXED
    )


def test_one_tag_is_enough_to_adopt_an_endpoint() -> None:
    """It then stays up for as long as a wake costs, with a delayed minute at fifteen."""
    assert parse_spec("c1", {"dormouse:endpoint": "reviews"}) == Spec(
        "reviews",
        "c1",
        idle_timeout=None,
        principals=(),
        policy=Policy.BREAK_EVEN,
        delay_cost=timedelta(minutes=15),
    )


def test_who_may_invoke_it_is_read() -> None:
    """And which deployment it belongs to is known, but not part of the spec."""
    role = "arn:aws:iam::123456789012:role/search-api"
    tags = {
        "dormouse:endpoint": "reviews",
        "dormouse:principals": f"{role} 210987654321",
        "dormouse:stack": "dormouse",
    }

    assert parse_spec("c1", tags).principals == (
        Principal(role, Kind.ROLE, "123456789012", "search-api"),
        Principal("210987654321", Kind.ACCOUNT, "210987654321"),
    )


@pytest.mark.parametrize(
    ("text", "wait"),
    [("refuse", None), ("wait=1", timedelta(seconds=1)), ("wait=50", timedelta(seconds=50))],
)
def test_what_becomes_of_a_cold_request_is_read(text: str, wait: timedelta | None) -> None:
    """Held for less than boto3 waits, or refused."""
    tags = {"dormouse:endpoint": "reviews", "dormouse:cold-default": text}

    assert parse_spec("c1", tags).cold_wait == wait


def test_the_topic_and_the_warm_set_are_read() -> None:
    """No models at all is a size too."""
    topic = "arn:aws:sns:eu-central-1:123456789012:answers"
    tags = {
        "dormouse:endpoint": "reviews",
        "dormouse:completion-topic": topic,
        "dormouse:warm-set-size": "0",
    }

    spec = parse_spec("c1", tags)

    assert (spec.completion_topic, spec.warm_set_size) == (topic, 0)


def test_a_cold_request_is_refused_and_ten_models_are_warmed_unless_tags_say_more() -> None:
    """As before there were such tags."""
    spec = parse_spec("c1", {"dormouse:endpoint": "reviews"})

    assert (spec.cold_wait, spec.completion_topic, spec.warm_set_size) == (None, None, 10)


def test_what_is_captured_is_read() -> None:
    """Each part has a tag of its own; of what has none, the default holds."""
    tags = {
        "dormouse:endpoint": "reviews",
        "dormouse:capture-percent": "12.5",
        "dormouse:capture-content": "input",
        "dormouse:capture-redact": "card /inputs/-/name",
        "dormouse:capture-max-body": "65536",
        "dormouse:capture-json-types": "application/json application/x-ndjson",
        "dormouse:capture-csv-types": "text/csv text/tab-separated-values",
    }

    assert parse_spec("c1", tags).capture == CapturePolicy(
        percent=Decimal("12.5"),
        content=Content.INPUT,
        max_body=65_536,
        patterns=frozenset({Pattern.CARD}),
        pointers=(("inputs", "-", "name"),),
        json_types=("application/json", "application/x-ndjson"),
        csv_types=("text/csv", "text/tab-separated-values"),
    )
    assert parse_spec("c1", {"dormouse:endpoint": "reviews"}).capture == CapturePolicy()


def test_the_tag_of_an_endpoint_is_none_of_a_config() -> None:
    """Whoever hands an endpoint over tags the endpoint."""
    tags = {"dormouse:endpoint": "reviews", "dormouse:adopted-by": "dormouse"}

    with pytest.raises(SpecError, match="'dormouse:adopted-by'"):
        parse_spec("c1", tags)


@pytest.mark.parametrize(
    ("tags", "names"),
    [
        ({}, ["c1", "dormouse:endpoint"]),
        ({"dormouse:endpoint": ""}, ["c1", "dormouse:endpoint", "''"]),
        ({"dormouse:endpoint": "a_b"}, ["c1", "dormouse:endpoint", "'a_b'"]),
        ({"dormouse:endpoint": "x" * 64}, ["c1", "dormouse:endpoint", "x" * 64]),
        *(
            ({"dormouse:endpoint": "r", "dormouse:idle-timeout": bad}, ["idle-timeout", repr(bad)])
            for bad in ("0s", "soon", "87600h", "59s", "")
        ),
        *(
            ({"dormouse:endpoint": "r", "dormouse:cold-default": bad}, ["cold-default", repr(bad)])
            for bad in ("wait", "wait=0", "wait=51", "wait=-1", "wait=5s", "hold", "")
        ),
        *(
            ({"dormouse:endpoint": "r", "dormouse:completion-topic": bad}, ["topic", repr(bad)])
            for bad in ("answers", "", "arn:aws:sqs:eu-central-1:123456789012:answers")
        ),
        *(
            ({"dormouse:endpoint": "r", "dormouse:warm-set-size": bad}, ["warm-set", repr(bad)])
            for bad in ("51", "-1", "all", "", "1.5")
        ),
        ({"dormouse:endpoint": "r", "dormouse:idle-timout": "5m"}, ["'dormouse:idle-timout'"]),
        *(
            ({"dormouse:endpoint": "r", f"dormouse:capture-{tag}": bad}, ["c1", tag, repr(bad), eg])
            for tag, bad, eg in (
                ("percent", "101", "such as 12.5"),
                ("content", "all", "both, input, output, metadata"),
                ("redact", "iban", "such as: email card phone /inputs/-/name"),
                ("max-body", "1MB", "such as 65536"),
                ("json-types", "json", "such as application/json"),
                ("csv-types", "csv", "such as application/json"),
            )
        ),
        *(
            ({"dormouse:endpoint": "r", "dormouse:principals": bad}, ["c1", "principals", says])
            for bad, says in (
                ("", "names nobody"),
                ("*", "'*' is not the ARN"),
                ("123456789012 admin", "'admin' is not the ARN"),
                ("arn:aws:sts::123456789012:assumed-role/r/s", "arn:aws:iam::123456789012:role/r"),
            )
        ),
    ],
)
def test_a_bad_tag_is_named(tags: dict[str, str], names: list[str]) -> None:
    """One sentence with the config, the tag and the value."""
    with pytest.raises(SpecError) as refusal:
        parse_spec("c1", tags)
    assert all(name in str(refusal.value) for name in names)


TAG_KEYS = (
    st.sampled_from(
        [
            "dormouse:endpoint",
            "dormouse:idle-timeout",
            "dormouse:policy",
            "dormouse:delay-cost",
            "dormouse:principals",
            "dormouse:stack",
            "dormouse:cold-default",
            "dormouse:completion-topic",
            "dormouse:warm-set-size",
            "dormouse:capture-percent",
            "dormouse:capture-content",
            "dormouse:capture-redact",
            "dormouse:capture-max-body",
            "dormouse:capture-json-types",
            "dormouse:capture-csv-types",
        ]
    )
    | st.text()
)
VALUES = st.text() | st.sampled_from(
    [
        *("fixed", "break-even", "forecast"),
        *("r", "15m", "123456789012", "wait=9", "refuse", "5", "0.5", "input", "email /a/-"),
        *("none", "text/csv", "arn:aws:sns:us-east-1:123456789012:t"),
    ]
)


@given(st.dictionaries(TAG_KEYS, VALUES))
def test_any_tags_are_read_or_refused(tags: dict[str, str]) -> None:
    """No other exception escapes, and what is read can be obeyed."""
    try:
        spec = parse_spec("c1", tags)
    except SpecError:
        return
    assert is_endpoint_name(spec.endpoint)
    assert (spec.idle_timeout is None) == (spec.policy is not Policy.FIXED)
    assert timedelta(minutes=1) <= (spec.idle_timeout or timedelta(hours=1)) <= timedelta(days=7)
    assert timedelta(minutes=1) <= spec.delay_cost <= timedelta(hours=24)
    assert bool(spec.principals) == ("dormouse:principals" in tags)
    assert spec.cold_wait is None or timedelta(0) < spec.cold_wait <= timedelta(seconds=50)
    assert (spec.completion_topic is not None) == ("dormouse:completion-topic" in tags)
    assert 0 <= spec.warm_set_size <= 50
    assert 0 <= spec.capture.percent <= 100
    assert 0 <= spec.capture.max_body <= 6_291_456
