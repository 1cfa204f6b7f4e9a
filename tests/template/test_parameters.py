"""What the parameters take and refuse, what they switch, and what is refused only later."""

import json
import re
from datetime import timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from dormouse.domain.capture_policy import Content, Pattern
from dormouse.domain.intent import Hold, Wake, parse_intent
from dormouse.domain.invocation import BODY_LIMIT_BYTES
from dormouse.domain.price_override import parse_price_overrides
from dormouse.domain.principals import Kind, Principal
from dormouse.domain.spec import Policy, SpecError, is_endpoint_name, parse_spec
from dormouse.domain.spending import Budget
from tests.template.cloudformation import (
    IMAGE,
    STACK,
    STACK_ID,
    created,
    properties,
    references,
    resolve,
    template,
)

ROLE = "arn:aws:iam::123456789012:role/search-api"
TOPIC = "arn:aws:sns:eu-central-1:123456789012:answers"
KEY = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def accepts(parameter: str, value: str) -> bool:
    """Whether CloudFormation would take the value: its pattern is matched against all of it."""
    declared = template()["Parameters"][parameter]
    fits = len(value) <= declared.get("MaxLength", 4096)
    return fits and re.fullmatch(declared["AllowedPattern"], value) is not None


@pytest.mark.parametrize(
    ("parameter", "value", "accepted"),
    [
        ("EndpointName", "dormouse", True),
        ("EndpointName", "a", True),
        ("EndpointName", "team--search-2", True),
        ("EndpointName", "a" * 63, True),
        ("EndpointName", "a" * 64, False),
        ("EndpointName", "Dormouse", False),
        ("EndpointName", "-search", False),
        ("EndpointName", "search-", False),
        ("EndpointName", "search_2", False),
        ("EndpointName", "", False),
        ("EndpointName", "search\n", False),
        ("ContainerImageUri", IMAGE, True),
        ("ContainerImageUri", IMAGE.replace(":1.0", "@sha256:" + "0a" * 32), True),
        ("ContainerImageUri", IMAGE.replace(":1.0", ""), False),
        ("ContainerImageUri", "docker.io/library/dormouse:1.0", False),
        ("ContainerImageUri", IMAGE.replace("/team", "/*"), False),
        ("ModelPrefix", "models/", True),
        ("ModelPrefix", "team=search/v1.2/", True),
        ("ModelPrefix", "models", False),
        ("ModelPrefix", "/models/", False),
        ("ModelPrefix", "", False),
        ("ModelPrefix", "*/", False),
        ("ModelPrefix", "models/../", False),
        ("ModelPrefix", "${aws:username}/", False),
        ("ModelPrefix", "retired/", False),
        ("ModelPrefix", "retired/models/", False),
        ("ModelPrefix", "warm-up/", False),
        ("ModelPrefix", "retired-models/", True),
        ("ModelPrefix", "models/retired/", True),
        ("InstanceType", "ml.m5.xlarge", True),
        ("InstanceType", "ml.m6gd.16xlarge", True),
        ("InstanceType", "m5.xlarge", False),
        ("InstanceType", "ml.m5", False),
        ("IdleTimeout", "60s", True),
        ("IdleTimeout", "15m", True),
        ("IdleTimeout", "168h", True),
        ("IdleTimeout", "87600h", True),
        ("IdleTimeout", "7d", False),
        ("IdleTimeout", "15", False),
        ("IdleTimeout", "0m", False),
        ("IdleTimeout", "soon", False),
        ("IdleTimeout", "", True),
        ("IdlePolicy", "", True),
        ("IdlePolicy", "fixed", True),
        ("IdlePolicy", "break-even", True),
        ("IdlePolicy", "forecast", True),
        ("IdlePolicy", "psychic", False),
        ("DelayCost", "", True),
        ("DelayCost", "15m", True),
        ("DelayCost", "15", False),
        ("IdleTimeout", "1.5h", False),
        ("IdleTimeout", "1h30m", False),
        ("MinUp", "", True),
        ("MinUp", "30m", True),
        ("MinUp", "1d", False),
        ("MaxUp", "", True),
        ("MaxUp", "12h", True),
        ("MaxUp", "0h", False),
        ("Schedule", "", True),
        ("Schedule", "Mon-Fri 08:00-18:00 Europe/Berlin", True),
        ("Schedule", "Mon-Fri 22:00-06:00 Etc/GMT+1 + @weekend - @holidays", True),
        ("Schedule", "@office", True),
        ("Schedule", "Mon,Tue 08:00-18:00", False),
        ("Schedule", " @office", False),
        ("Schedule", "a" * 257, False),
        ("Blackout", "", True),
        ("Blackout", "Sat-Sun 00:00-24:00", True),
        ("Blackout", "Sat; Sun", False),
        ("Blackout", "a" * 257, False),
        ("Budget", "", True),
        ("Budget", "120h", True),
        ("Budget", "80.50USD", True),
        ("Budget", "80.505USD", False),
        ("Budget", "80", False),
        ("Budget", "80 USD", False),
        ("Budget", "80EUR", False),
        ("InstancePrices", "", True),
        ("InstancePrices", "ml.m5.xlarge=0.18", True),
        ("InstancePrices", "ml.m5.xlarge=0.18 ml.g4dn.xlarge=0.7364", True),
        ("InstancePrices", "ml.m5.xlarge=0.18, ml.g4dn.xlarge=0.7364", False),
        ("InstancePrices", "ml.m5.xlarge=$0.18", False),
        ("InstancePrices", "m5.xlarge=0.18", False),
        ("Owner", "", True),
        ("Owner", "ml-team@example.com", True),
        ("Owner", "Team Search", True),
        ("Owner", "search, ads", False),
        ("Owner", " ", False),
        ("Owner", "a" * 257, False),
        ("NotificationTopicArn", "", True),
        ("NotificationTopicArn", TOPIC, True),
        ("NotificationTopicArn", f"{TOPIC} {TOPIC}-2", False),
        ("NotificationTopicArn", f"{TOPIC}-*", False),
        ("MoreNotificationTopicArns", "", True),
        ("MoreNotificationTopicArns", f"{TOPIC} {TOPIC}-2", True),
        ("MoreNotificationTopicArns", f"{TOPIC}  {TOPIC}-2", False),
        ("MoreNotificationTopicArns", f"{TOPIC}-*", False),
        ("WakeCron", "", True),
        ("WakeCron", "cron(50 7 ? * MON-FRI *)", True),
        ("WakeCron", "rate(1 hour)", False),
        ("WakeCron", "at(2026-11-23T07:50:00)", False),
        ("WakeCron", "50 7 * * 1-5", False),
        ("WakeCron", "cron()", False),
        ("SleepCron", "", True),
        ("SleepCron", "cron(0 18 ? * MON-FRI *)", True),
        ("SleepCron", "rate(1 day)", False),
        ("SleepCron", "18:00", False),
        ("WakeFor", "", True),
        ("WakeFor", "10h", True),
        ("WakeFor", "90m", True),
        ("WakeFor", "168h", True),
        ("WakeFor", "9999m", True),
        ("WakeFor", "169h", False),
        ("WakeFor", "10000m", False),
        ("WakeFor", "30s", False),
        ("WakeFor", "0h", False),
        ("WakeFor", "10", False),
        ("WakeFor", "until six", False),
        ("WakeFor", '1h", "endpoint": "other', False),
        ("ScheduleTimezone", "UTC", True),
        ("ScheduleTimezone", "Europe/Berlin", True),
        ("ScheduleTimezone", "America/Argentina/Buenos_Aires", True),
        ("ScheduleTimezone", "Etc/GMT+1", True),
        ("ScheduleTimezone", "", False),
        ("ScheduleTimezone", "Central European Time", False),
        ("Principals", "", True),
        ("Principals", ROLE, True),
        ("Principals", f"{ROLE} 210987654321", True),
        ("Principals", f"{ROLE},210987654321", False),
        ("Principals", "arn:aws:iam::123456789012:role/*", False),
        ("Principals", "1" * 257, False),
        ("ColdDefault", "refuse", True),
        ("ColdDefault", "wait=1", True),
        ("ColdDefault", "wait=50", True),
        ("ColdDefault", "wait=51", False),
        ("ColdDefault", "wait=0", False),
        ("ColdDefault", "wait=010", False),
        ("ColdDefault", "wait", False),
        ("ColdDefault", "respond-async", False),
        ("ColdDefault", "", False),
        ("S3Buckets", "", True),
        ("S3Buckets", "inputs", True),
        ("S3Buckets", "inputs more.inputs-2", True),
        ("S3Buckets", "inputs  more", False),
        ("S3Buckets", " inputs", False),
        ("S3Buckets", "inputs,more", False),
        ("S3Buckets", "team-*", False),
        ("S3Buckets", "inputs/2026", False),
        ("S3Buckets", "arn:aws:s3:::inputs", False),
        ("S3Buckets", "Inputs", False),
        ("CompletionTopicArns", "", True),
        ("CompletionTopicArns", TOPIC, True),
        ("CompletionTopicArns", f"{TOPIC} {TOPIC}-2", True),
        ("CompletionTopicArns", f"{TOPIC}, {TOPIC}-2", False),
        ("CompletionTopicArns", f"{TOPIC}-*", False),
        ("CompletionTopicArns", "answers", False),
        ("CapturePercent", "100", True),
        ("CapturePercent", "0", True),
        ("CapturePercent", "5", True),
        ("CapturePercent", "0.25", True),
        ("CapturePercent", "99.9", True),
        ("CapturePercent", "100.00", False),
        ("CapturePercent", "101", False),
        ("CapturePercent", "-1", False),
        ("CapturePercent", "1.125", False),
        ("CapturePercent", "5 %", False),
        ("CapturePercent", ".5", False),
        ("CapturePercent", "05", False),
        ("CapturePercent", "", False),
        ("CaptureRedact", "none", True),
        ("CaptureRedact", "email", True),
        ("CaptureRedact", "card phone", True),
        ("CaptureRedact", "/customer/name", True),
        ("CaptureRedact", "email /customers/-/name /ssn", True),
        ("CaptureRedact", "none email", False),
        ("CaptureRedact", "e-mail", False),
        ("CaptureRedact", "customer/name", False),
        ("CaptureRedact", "email,phone", False),
        ("CaptureRedact", "email  phone", False),
        ("CaptureRedact", "/a~1b", False),
        ("CaptureRedact", "/" + "a" * 256, False),
        ("CaptureRedact", "", False),
        ("CaptureKeyArn", "", True),
        ("CaptureKeyArn", KEY, True),
        ("CaptureKeyArn", KEY.replace("arn:aws:", "arn:aws-us-gov:"), True),
        ("CaptureKeyArn", KEY.replace(":key/", ":alias/"), False),
        ("CaptureKeyArn", KEY.partition("/")[2], False),
        ("CaptureKeyArn", f"{KEY}*", False),
        ("AlarmTopicArn", "", True),
        ("AlarmTopicArn", "arn:aws:sns:eu-central-1:123456789012:operators", True),
        ("AlarmTopicArn", "arn:aws-us-gov:sns:us-gov-west-1:123456789012:operators", True),
        ("AlarmTopicArn", "operators", False),
        ("AlarmTopicArn", "arn:aws:sqs:eu-central-1:123456789012:operators", False),
    ],
)
def test_what_the_parameters_accept(parameter: str, value: str, accepted: bool) -> None:
    """A bad value is refused before anything is created."""
    assert accepts(parameter, value) is accepted


@pytest.mark.parametrize(
    ("parameter", "bounds"),
    [
        ("HoldSlots", (0, 500)),
        ("RequestTtlSeconds", (60, 7 * 24 * 3600)),
        ("DrainConcurrency", (2, 1000)),
        ("WarmSetSize", (0, 50)),
        ("CaptureMaxBody", (0, BODY_LIMIT_BYTES)),
        ("CaptureRetentionDays", (1, 3650)),
        # Firehose's own where it partitions, and of no less.
        ("CaptureBufferSeconds", (60, 900)),
        # Less than an hour, within which CloudFormation may roll back, is for the local AWS.
        ("ConfigGraceSeconds", (1, 30 * 24 * 3600)),
        ("ReservedConcurrency", (0, None)),
        ("LedgerIntervalSeconds", (1, 60)),
        ("RuntimeReadTimeoutSeconds", (1, 70)),
        ("LeaseMarginSeconds", (1, 60)),
    ],
)
def test_what_the_numbers_may_be(parameter: str, bounds: tuple[int, int | None]) -> None:
    """CloudFormation refuses what is outside of them."""
    declared = template()["Parameters"][parameter]
    assert declared["Type"] == "Number"
    assert (declared["MinValue"], declared.get("MaxValue")) == bounds


@for_all(st.text(alphabet="aZ09-_./\n", min_size=1, max_size=70))
def test_an_accepted_name_is_one_that_the_functions_accept(name: str) -> None:
    """A stack whose endpoint the functions then refuse could never wake it."""
    if accepts("EndpointName", name):
        assert is_endpoint_name(name)
        assert name == name.lower()


def test_every_parameter_explains_itself() -> None:
    """In the console and in `sam deploy --guided` the description is all there is."""
    for name, parameter in template()["Parameters"].items():
        assert parameter["Description"].endswith("."), name
        assert ("AllowedPattern" in parameter) == ("ConstraintDescription" in parameter), name
        if "AllowedPattern" in parameter and "Default" in parameter:
            assert accepts(name, parameter["Default"])
    groups = template()["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    shown = [name for group in groups for name in group["Parameters"]]
    assert sorted(shown) == sorted(template()["Parameters"])


def tags(**given: str) -> dict[str, str]:
    """The tags of the stack's EndpointConfig, with these parameters."""
    written = resolve(properties("EndpointConfig")["Tags"], given)
    return {tag["Key"]: tag["Value"] for tag in written}


def test_the_stacks_own_config_asks_for_what_the_parameters_say() -> None:
    """The tags are the specification; a list of nobody is not written at all."""
    assert tags() == {
        "dormouse:endpoint": "dormouse",
        "dormouse:stack": STACK,
        "dormouse:template": STACK_ID,
    }
    spec = parse_spec("config", tags())
    assert (spec.endpoint, spec.policy) == ("dormouse", Policy.BREAK_EVEN)
    assert spec.principals == ()


@pytest.mark.parametrize(
    ("given", "policy", "timeout", "cost"),
    [
        ({"IdleTimeout": "15m"}, Policy.FIXED, 15, 15),
        ({"IdlePolicy": "fixed"}, Policy.FIXED, 15, 15),
        ({"IdlePolicy": "fixed", "IdleTimeout": "2h"}, Policy.FIXED, 120, 15),
        ({"IdlePolicy": "break-even", "DelayCost": "1h"}, Policy.BREAK_EVEN, None, 60),
        ({"DelayCost": "1h"}, Policy.BREAK_EVEN, None, 60),
        ({"IdlePolicy": "forecast"}, Policy.FORECAST, None, 15),
    ],
)
def test_the_idle_policy_becomes_tags(
    given: dict[str, str], policy: Policy, timeout: int | None, cost: int
) -> None:
    """A stack that has set its IdleTimeout, as every one had before there were others, keeps it."""
    spec = parse_spec("config", tags(**given))

    assert spec.policy is policy
    assert spec.idle_timeout == (None if timeout is None else timedelta(minutes=timeout))
    assert spec.delay_cost == timedelta(minutes=cost)


def test_parameters_that_contradict_each_other_are_named_where_the_tags_are_read() -> None:
    """No pattern can tell."""
    for given in (
        {"IdleTimeout": "15m", "DelayCost": "1h"},
        {"IdleTimeout": "15m", "IdlePolicy": "forecast"},
    ):
        with pytest.raises(SpecError, match="counts for nothing with dormouse:"):
            parse_spec("config", tags(**given))


def test_principals_become_a_tag() -> None:
    """As they are given, and the functions read them so."""
    given = {"Principals": f"{ROLE} 210987654321", "IdleTimeout": "2h"}
    assert tags(**given)["dormouse:principals"] == given["Principals"]
    spec = parse_spec("config", tags(**given))
    assert spec.idle_timeout == timedelta(hours=2)
    assert spec.principals == (
        Principal(ROLE, Kind.ROLE, "123456789012", "search-api"),
        Principal("210987654321", Kind.ACCOUNT, "210987654321"),
    )


def test_the_life_of_the_endpoint_becomes_tags() -> None:
    """One for each parameter that is given, and the functions read them so."""
    given = {
        "MinUp": "30m",
        "MaxUp": "12h",
        "Schedule": "Mon-Fri 08:00-18:00 Europe/Berlin + Sat 10:00-14:00 Europe/Berlin",
        "Blackout": "Sun 00:00-24:00 Europe/Berlin",
        "Budget": "80.50USD",
        "Owner": "ml-team@example.com",
        "NotificationTopicArn": TOPIC,
    }
    spec = parse_spec("config", tags(**given))
    assert (spec.min_up, spec.max_up) == (timedelta(minutes=30), timedelta(hours=12))
    assert str(spec.schedule) == given["Schedule"]
    assert str(spec.blackout) == given["Blackout"]
    assert spec.budget == Budget(usd=Decimal("80.50"))
    assert (spec.owner, spec.notification_topic) == ("ml-team@example.com", TOPIC)


def test_what_is_not_asked_for_is_not_limited() -> None:
    """Nor told to anybody: the defaults of the parameters are those of absent tags."""
    spec = parse_spec("config", tags())
    assert (spec.min_up, spec.max_up, spec.schedule, spec.blackout) == (timedelta(0), *[None] * 3)
    assert (spec.budget, spec.owner, spec.notification_topic) == (None, None, None)


@for_all(
    st.from_regex(template()["Parameters"]["InstancePrices"]["AllowedPattern"], fullmatch=True)
)
def test_prices_that_are_accepted_are_read(text: str) -> None:
    """Else reconcile could not start. Only a type that comes twice or is free is refused."""
    written = [part.partition("=") for part in text.split()]
    types = [instance_type for instance_type, _, _ in written]
    if len(set(types)) == len(types) and all(float(price) > 0 for _, _, price in written):
        prices = parse_price_overrides(text)
        assert {name: price.usd_per_hour for name, price in prices.items()} == {
            name: Decimal(price) for name, _, price in written
        }


def test_what_differs_from_the_default_becomes_a_tag() -> None:
    """Of a cold request, and of the warm set; the defaults are those of an absent tag."""
    given = {"ColdDefault": "wait=30", "WarmSetSize": "0"}
    written = tags(**given)
    assert written["dormouse:cold-default"] == "wait=30"
    assert written["dormouse:warm-set-size"] == "0"


def test_the_policy_of_capture_becomes_tags() -> None:
    """And the functions read them so."""
    given = {
        "CapturePercent": "0.25",
        "CaptureContent": "metadata",
        "CaptureRedact": "email /customers/-/name",
        "CaptureMaxBody": "0",
    }
    written = tags(**given)
    assert written["dormouse:capture-percent"] == "0.25"
    assert written["dormouse:capture-content"] == "metadata"
    assert written["dormouse:capture-redact"] == "email /customers/-/name"
    assert written["dormouse:capture-max-body"] == "0"
    policy = parse_spec("config", written).capture
    assert policy.percent == Decimal("0.25")
    assert policy.content is Content.METADATA
    assert policy.patterns == {Pattern.EMAIL}
    assert policy.pointers == (("customers", "-", "name"),)
    assert policy.max_body == 0


def test_the_defaults_of_capture_are_those_of_absent_tags() -> None:
    """So nobody has to read the template to know what an adopted endpoint does."""
    defaults = {
        name: str(template()["Parameters"][name]["Default"])
        for name in ("CapturePercent", "CaptureContent", "CaptureRedact", "CaptureMaxBody")
    }
    policy = parse_spec("config", tags()).capture
    assert policy.percent == Decimal(defaults["CapturePercent"])
    assert policy.content == defaults["CaptureContent"]
    assert policy.patterns == set(defaults["CaptureRedact"].split())
    assert policy.pointers == ()
    assert policy.max_body == int(defaults["CaptureMaxBody"])


@for_all(
    st.from_regex(template()["Parameters"]["CapturePercent"]["AllowedPattern"], fullmatch=True)
)
def test_a_percentage_that_is_accepted_is_obeyed(percent: str) -> None:
    """A tag that the functions refuse would have them leave the endpoint alone."""
    assert parse_spec("config", tags(CapturePercent=percent)).capture.percent == Decimal(percent)


@for_all(st.from_regex(template()["Parameters"]["CaptureRedact"]["AllowedPattern"], fullmatch=True))
def test_what_is_to_be_redacted_is_understood(words: str) -> None:
    """As above. Twice the same word is once."""
    if accepts("CaptureRedact", words):
        policy = parse_spec("config", tags(CaptureRedact=words)).capture
        named = set(words.split()) - {"none"}
        assert policy.patterns == {word for word in named if not word.startswith("/")}
        assert len(set(policy.pointers)) == len({word for word in named if word.startswith("/")})


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"IdleTimeout": "87600h"}, "dormouse:idle-timeout: '87600h' is out of range"),
        ({"IdleTimeout": "59s"}, "dormouse:idle-timeout: '59s' is out of range"),
        ({"Principals": "search-api"}, "'search-api' is not the ARN of an IAM role or user"),
        ({"Principals": "   "}, "it names nobody"),
        ({"MinUp": "25h"}, "dormouse:min-up: '25h' is out of range"),
        ({"MaxUp": "9m"}, "dormouse:max-up: '9m' is out of range"),
        ({"Schedule": "weekdays"}, "dormouse:schedule: .*'weekdays'"),
        ({"Blackout": "Sat 25:00-26:00"}, "dormouse:blackout: .*'25:00' is no time"),
        ({"Budget": "0h"}, "dormouse:budget: '0' in '0h' is out of range"),
    ],
)
def test_what_is_refused_where_the_tag_is_read(given: dict[str, str], sentence: str) -> None:
    """A pattern can't tell; then the endpoint is left alone, and the sentence says why."""
    ((parameter, value),) = given.items()
    assert accepts(parameter, value)
    with pytest.raises(SpecError, match=sentence):
        parse_spec("config", tags(**given))


OPTIONAL = ("WakeSchedule", "SleepSchedule", "ScheduleRole", "CapturesMisplaced")


@pytest.mark.parametrize(
    ("given", "present"),
    [
        ({}, set()),
        ({"WakeFor": "10h"}, set()),
        ({"WakeCron": "cron(50 7 ? * * *)"}, {"WakeSchedule", "ScheduleRole"}),
        ({"SleepCron": "cron(0 18 ? * * *)"}, {"SleepSchedule", "ScheduleRole"}),
        (
            {"WakeCron": "cron(50 7 ? * * *)", "SleepCron": "cron(0 18 ? * * *)"},
            {"WakeSchedule", "SleepSchedule", "ScheduleRole"},
        ),
        ({"CaptureByModel": "true"}, {"CapturesMisplaced"}),
        ({"CaptureKeyArn": KEY}, set()),
    ],
)
def test_what_the_parameters_add(given: dict[str, str], present: set[str]) -> None:
    """Whoever gives no cron expression has no schedule, nor a role for one; only a folder for each
    model can be too many.
    """
    whole = set(created(given))
    assert whole & set(OPTIONAL) == present
    assert whole | set(OPTIONAL) == set(template()["Resources"])


@pytest.mark.parametrize(("wakes", "sleeps"), list(product(["", "cron(0 7 ? * * *)"], repeat=2)))
def test_nothing_refers_to_what_is_not_there(wakes: str, sleeps: str) -> None:
    """CloudFormation would find out at the deployment, and only with those parameters."""
    stack = created({"WakeCron": wakes, "SleepCron": sleeps})
    absent = set(template()["Resources"]) - set(stack)
    assert not references(list(stack.values())) & absent
    assert not references(list(template()["Outputs"].values())) & absent


def schedule_input(logical_id: str, **given: str) -> Any:
    """What a schedule sends, with these parameters."""
    return json.loads(resolve(properties(logical_id)["Target"]["Input"], given))


@for_all(st.from_regex(template()["Parameters"]["WakeFor"]["AllowedPattern"], fullmatch=True))
def test_a_wake_that_is_accepted_is_obeyed(how_long: str) -> None:
    """Control would refuse it only when the schedule fires, in the morning, to nobody's face."""
    event = schedule_input("WakeSchedule", WakeCron="cron(0 7 ? * * *)", WakeFor=how_long)
    intent = parse_intent(event)
    assert intent == (Hold("dormouse", duration(how_long)) if how_long else Wake("dormouse"))


def duration(text: str) -> timedelta:
    """A whole number of hours or minutes."""
    number = int(text[:-1])
    return timedelta(hours=number) if text.endswith("h") else timedelta(minutes=number)
