"""The tags of an endpoint's life; and whatever is malformed names its tag, its bad part, and shows
an example.
"""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse.domain.claims import Deployment, Refusal, TaggedConfig, settle_claims
from dormouse.domain.named_schedules import parse_schedule
from dormouse.domain.spec import Policy, Spec, SpecError, parse_spec
from dormouse.domain.spending import Budget

ENDPOINT = {"dormouse:endpoint": "reviews"}
DEPLOYMENT = Deployment("stack", "dormouse", "dormouse-config")
TOPIC = "arn:aws:sns:eu-central-1:123456789012:ml-team"

# For each tag that has a form, what no value of it has anywhere.
FORMED = [
    "idle-timeout",
    "min-up",
    "max-up",
    "schedule",
    "blackout",
    "policy",
    "delay-cost",
    "budget",
    "notification-topic",
    "priority",
    "principals",
    "cold-default",
    "completion-topic",
    "warm-set-size",
    "capture-percent",
    "capture-content",
    "capture-redact",
    "capture-max-body",
    "capture-json-types",
    "capture-csv-types",
]


def test_every_tag_of_a_life_is_read() -> None:
    """Each into its own field."""
    spec = parse_spec(
        "c1",
        {
            **ENDPOINT,
            "dormouse:min-up": "30m",
            "dormouse:max-up": "12h",
            "dormouse:schedule": "Mon-Fri 08:00-18:00 Europe/Berlin",
            "dormouse:blackout": "daily 02:00-03:00",
            "dormouse:policy": "forecast",
            "dormouse:delay-cost": "45m",
            "dormouse:budget": "120h",
            "dormouse:owner": "ml-team@example.com",
            "dormouse:notification-topic": TOPIC,
        },
        fall_backs=["c2", "c3"],
    )

    assert spec == Spec(
        "reviews",
        "c1",
        min_up=timedelta(minutes=30),
        max_up=timedelta(hours=12),
        schedule=parse_schedule("Mon-Fri 08:00-18:00 Europe/Berlin"),
        blackout=parse_schedule("daily 02:00-03:00"),
        policy=Policy.FORECAST,
        delay_cost=timedelta(minutes=45),
        budget=Budget(hours=Decimal(120)),
        owner="ml-team@example.com",
        notification_topic=TOPIC,
        fall_backs=("c2", "c3"),
    )
    assert spec.configs == ("c1", "c2", "c3")


@pytest.mark.parametrize("tag", FORMED)
@given(bad=st.text(alphabet="?!%&;,", min_size=1, max_size=20))
def test_a_malformed_value_names_its_tag_the_bad_part_and_an_example(tag: str, bad: str) -> None:
    """Whichever tag, whatever is in it."""
    configs = [TaggedConfig("c1", {**ENDPOINT, f"dormouse:{tag}": bad})]
    (claim,) = settle_claims(configs, DEPLOYMENT)

    assert isinstance(claim, Refusal)
    assert f"EndpointConfig c1, tag dormouse:{tag}: " in claim.reason
    # Some parts are told apart by their separators; the first bad one is quoted.
    quoted = claim.reason.partition(f"dormouse:{tag}: ")[2]
    assert any(part and part in quoted for part in (bad, *bad.split(",")))
    assert "as in " in quoted or "such as" in quoted


@pytest.mark.parametrize(
    ("tag", "bad", "words"),
    [
        ("min-up", "25h", "'25h' is out of range: from 0s to 24h is allowed"),
        ("max-up", "9m", "'9m' is out of range: from 10m to 744h is allowed"),
        ("schedule", "Mon-Fry 08:00-18:00", "'Fry' is no day"),
        ("blackout", "daily 08:00-18:00 Mars/Olympus", "'Mars/Olympus' is no time zone"),
        ("schedule", "@office", "no schedule named 'office'"),
        ("policy", "psychic", "'psychic' is no policy: write fixed, break-even or forecast"),
        ("delay-cost", "59s", "'59s' is out of range: from 1m to 24h is allowed"),
        ("delay-cost", "25h", "'25h' is out of range: from 1m to 24h is allowed"),
        ("delay-cost", "15", "'15' is not a duration"),
        ("budget", "12", "'12' has no unit"),
        ("owner", " ", "names nobody"),
        ("notification-topic", "ml-team", "'ml-team' is not the ARN of an SNS topic"),
        ("priority", "0", "'0' is no whole number from 1 to 9"),
    ],
)
def test_a_value_that_cannot_be_obeyed(tag: str, bad: str, words: str) -> None:
    """In the words that `status` shows."""
    configs = [TaggedConfig("c1", {**ENDPOINT, f"dormouse:{tag}": bad})]
    (claim,) = settle_claims(configs, DEPLOYMENT)

    assert isinstance(claim, Refusal)
    assert f"tag dormouse:{tag}: " in claim.reason
    assert words in claim.reason
    assert "as in " in claim.reason


def test_a_misspelt_tag_names_its_neighbour() -> None:
    """Rather than being ignored."""
    with pytest.raises(SpecError, match=r"'dormouse:shedule'.*as in dormouse:schedule"):
        parse_spec("c1", {**ENDPOINT, "dormouse:shedule": "daily 08:00-09:00"})


def test_a_max_up_must_leave_room_for_the_min_up() -> None:
    """Or it would have to stop and to stay at once."""
    tags = {**ENDPOINT, "dormouse:min-up": "2h", "dormouse:max-up": "2h"}
    with pytest.raises(SpecError, match="dormouse:max-up: '2h' is not longer than dormouse:min-up"):
        parse_spec("c1", tags)


@pytest.mark.parametrize(
    ("tags", "policy", "timeout", "cost"),
    [
        ({}, Policy.BREAK_EVEN, None, 15),
        ({"idle-timeout": "45m"}, Policy.FIXED, 45, 15),
        ({"policy": "fixed"}, Policy.FIXED, 15, 15),
        ({"policy": "fixed", "idle-timeout": "45m"}, Policy.FIXED, 45, 15),
        ({"policy": "break-even"}, Policy.BREAK_EVEN, None, 15),
        ({"delay-cost": "4h"}, Policy.BREAK_EVEN, None, 240),
        ({"policy": "break-even", "delay-cost": "1m"}, Policy.BREAK_EVEN, None, 1),
        ({"policy": "forecast"}, Policy.FORECAST, None, 15),
        ({"policy": "forecast", "delay-cost": "24h"}, Policy.FORECAST, None, 1440),
    ],
)
def test_what_decides_when_nobody_asks(
    tags: dict[str, str], policy: Policy, timeout: int | None, cost: int
) -> None:
    """An idle timeout alone is a fixed one, as it was before there were others."""
    spec = parse_spec("c1", {**ENDPOINT, **{f"dormouse:{key}": tags[key] for key in tags}})

    assert spec.policy is policy
    assert spec.idle_timeout == (None if timeout is None else timedelta(minutes=timeout))
    assert spec.delay_cost == timedelta(minutes=cost)


@pytest.mark.parametrize(
    ("tags", "names"),
    [
        (
            {"idle-timeout": "45m", "delay-cost": "1h"},
            "tag dormouse:delay-cost: '1h' counts for nothing with dormouse:idle-timeout=45m, a "
            "fixed timeout",
        ),
        (
            {"policy": "fixed", "delay-cost": "1h"},
            "tag dormouse:delay-cost: '1h' counts for nothing with dormouse:policy=fixed",
        ),
        (
            {"policy": "break-even", "idle-timeout": "45m"},
            "tag dormouse:idle-timeout: '45m' counts for nothing with dormouse:policy=break-even",
        ),
        (
            {"policy": "forecast", "idle-timeout": "45m"},
            "tag dormouse:idle-timeout: '45m' counts for nothing with dormouse:policy=forecast",
        ),
    ],
)
def test_tags_that_contradict_each_other_are_both_named(tags: dict[str, str], names: str) -> None:
    """With an example, rather than one of them being ignored."""
    with pytest.raises(SpecError) as refusal:
        parse_spec("c1", {**ENDPOINT, **{f"dormouse:{key}": tags[key] for key in tags}})

    assert f"EndpointConfig c1, {names}" in str(refusal.value)
    assert ", as in dormouse:" in str(refusal.value)


def config(name: str, **tags: str) -> TaggedConfig:
    """Tag a config of the endpoint."""
    ours = {f"dormouse:{key}": value for key, value in tags.items()}
    return TaggedConfig(name, {**ENDPOINT, **ours})


def test_the_lowest_priority_is_the_spec_and_the_others_are_fallen_back_on() -> None:
    """In their order, however they are listed."""
    configs = [config("c3", priority="9"), config("c1"), config("c2", priority="2")]
    (claim,) = settle_claims(configs, DEPLOYMENT)

    assert isinstance(claim, Spec)
    assert claim.configs == ("c1", "c2", "c3")


def test_a_fall_back_asks_for_nothing_of_its_own() -> None:
    """Or nobody would know which of two schedules holds."""
    configs = [config("c1"), config("c2", priority="2", schedule="daily 08:00-09:00")]
    (claim,) = settle_claims(configs, DEPLOYMENT)

    assert isinstance(claim, Refusal)
    assert "EndpointConfig c2, tag dormouse:schedule: a fall-back takes" in claim.reason


def test_what_the_template_has_replaced_is_no_fall_back() -> None:
    """It keeps its tags, its priority among them; a config of the owner's own is one."""
    own = {"dormouse:endpoint": "dormouse"}
    configs = [
        TaggedConfig("dormouse-config", {**own, "dormouse:template": "stack-id"}),
        TaggedConfig("former", {**own, "dormouse:template": "stack-id", "dormouse:priority": "2"}),
        TaggedConfig("other-type", {**own, "dormouse:priority": "2"}),
    ]
    (claim,) = settle_claims(configs, DEPLOYMENT)

    assert isinstance(claim, Spec)
    assert claim.configs == ("dormouse-config", "other-type")
