"""The spec: what the owner of a managed endpoint asks for in the tags of its EndpointConfig."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from enum import StrEnum
from typing import TypeVar

from dormouse.domain.capture_policy import (
    DEFAULT_CAPTURE,
    CapturePolicy,
    parse_content,
    parse_max_body,
    parse_media_types,
    parse_percent,
    parse_redact,
)
from dormouse.domain.duration import parse_duration
from dormouse.domain.named_schedules import NO_NAMES, NamedSchedules, parse_schedule
from dormouse.domain.principals import Principal, parse_principals
from dormouse.domain.schedule import Schedule
from dormouse.domain.spending import Budget, parse_budget

TAG_PREFIX = "dormouse:"
ENDPOINT_TAG = "dormouse:endpoint"
IDLE_TIMEOUT_TAG = "dormouse:idle-timeout"
PRINCIPALS_TAG = "dormouse:principals"
STACK_TAG = "dormouse:stack"
COLD_DEFAULT_TAG = "dormouse:cold-default"
COMPLETION_TOPIC_TAG = "dormouse:completion-topic"
WARM_SET_SIZE_TAG = "dormouse:warm-set-size"
CAPTURE_PERCENT_TAG = "dormouse:capture-percent"
CAPTURE_CONTENT_TAG = "dormouse:capture-content"
CAPTURE_REDACT_TAG = "dormouse:capture-redact"
CAPTURE_MAX_BODY_TAG = "dormouse:capture-max-body"
CAPTURE_JSON_TYPES_TAG = "dormouse:capture-json-types"
CAPTURE_CSV_TYPES_TAG = "dormouse:capture-csv-types"
MIN_UP_TAG = "dormouse:min-up"
MAX_UP_TAG = "dormouse:max-up"
SCHEDULE_TAG = "dormouse:schedule"
BLACKOUT_TAG = "dormouse:blackout"
POLICY_TAG = "dormouse:policy"
DELAY_COST_TAG = "dormouse:delay-cost"
BUDGET_TAG = "dormouse:budget"
OWNER_TAG = "dormouse:owner"
NOTIFICATION_TOPIC_TAG = "dormouse:notification-topic"
PRIORITY_TAG = "dormouse:priority"
# The id of the stack whose template has made the EndpointConfig.
TEMPLATE_TAG = "dormouse:template"
# Of an endpoint, not of an EndpointConfig: the deployment that its owner hands it over to.
ADOPTED_TAG = "dormouse:adopted-by"
_KNOWN_TAGS = frozenset(
    {
        ENDPOINT_TAG,
        IDLE_TIMEOUT_TAG,
        PRINCIPALS_TAG,
        STACK_TAG,
        COLD_DEFAULT_TAG,
        COMPLETION_TOPIC_TAG,
        WARM_SET_SIZE_TAG,
        CAPTURE_PERCENT_TAG,
        CAPTURE_CONTENT_TAG,
        CAPTURE_REDACT_TAG,
        CAPTURE_MAX_BODY_TAG,
        CAPTURE_JSON_TYPES_TAG,
        CAPTURE_CSV_TYPES_TAG,
        MIN_UP_TAG,
        MAX_UP_TAG,
        SCHEDULE_TAG,
        BLACKOUT_TAG,
        POLICY_TAG,
        DELAY_COST_TAG,
        BUDGET_TAG,
        OWNER_TAG,
        NOTIFICATION_TOPIC_TAG,
        PRIORITY_TAG,
        TEMPLATE_TAG,
    }
)
# What a fall-back says: for which endpoint, when its turn comes, and whose it is. Everything else
# is asked by the first config.
_TAGS_OF_FALL_BACKS = frozenset({ENDPOINT_TAG, PRIORITY_TAG, STACK_TAG})

DEFAULT_IDLE_TIMEOUT = timedelta(minutes=15)
SHORTEST_IDLE_TIMEOUT = timedelta(seconds=60)
LONGEST_IDLE_TIMEOUT = timedelta(days=7)

DEFAULT_DELAY_COST = timedelta(minutes=15)
SHORTEST_DELAY_COST = timedelta(minutes=1)
LONGEST_DELAY_COST = timedelta(hours=24)

LONGEST_MIN_UP = timedelta(hours=24)
SHORTEST_MAX_UP = timedelta(minutes=10)
LONGEST_MAX_UP = timedelta(days=31)

FIRST_PRIORITY = 1
LAST_PRIORITY = 9
_PRIORITY = re.compile(r"[1-9]", re.ASCII)

# boto3 reads for 60 s, and then sends the request again.
LONGEST_COLD_WAIT = timedelta(seconds=50)
_COLD_WAIT = re.compile(r"wait=(?P<seconds>[0-9]{1,2})", re.ASCII)

# https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html
_TOPIC_ARN = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}", re.ASCII)

_TOPIC_EXAMPLE = "arn:aws:sns:eu-central-1:123456789012:my-topic"

DEFAULT_WARM_SET_SIZE = 10
LARGEST_WARM_SET_SIZE = 50
_WARM_SET_SIZE = re.compile(r"[0-9]{1,2}", re.ASCII)

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpoint.html
_ENDPOINT_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", re.ASCII)
_LONGEST_ENDPOINT_NAME = 63

Value = TypeVar("Value")


class SpecError(ValueError):
    """A tag that can't be obeyed; the message names it."""


class Policy(StrEnum):
    """What computes the timeout of recent activity, and what is started before anybody asks."""

    FIXED = "fixed"
    """The idle timeout, as it is written."""
    BREAK_EVEN = "break-even"
    """What a wake costs: its learned time and the delay cost."""
    FORECAST = "forecast"
    """What its own history makes likely, against what both would cost."""


@dataclass(frozen=True, slots=True)
class Spec:
    """What is asked for one managed endpoint, and the EndpointConfig that asks it.

    `principals` may invoke it; where there are none, whoever belongs to the own account.
    `cold_wait` is how long a cold request is held that does not say itself what is to become of it;
    None where it is refused. `completion_topic` is the SNS topic that hears of parked requests.
    `warm_set_size` is how many models are loaded again after a wake. `capture` is what is kept of
    its requests and responses.

    It is kept up in the windows of `schedule`, and down in those of `blackout`; it serves for
    `min_up` at least and `max_up` at most; in a month it may cost `budget`. `policy` computes the
    timeout: it is `idle_timeout` where that is FIXED, and there is none otherwise. `delay_cost` is
    how long a time of the endpoint its owner would pay to spare one delayed minute. `owner` is whom
    to ask, and `notification_topic` the SNS topic that hears of its life. `fall_backs` are the
    EndpointConfigs to start it from where `config_name` fails, in their order.
    """

    endpoint: str
    config_name: str
    idle_timeout: timedelta | None = None
    principals: tuple[Principal, ...] = ()
    cold_wait: timedelta | None = None
    completion_topic: str | None = None
    warm_set_size: int = DEFAULT_WARM_SET_SIZE
    capture: CapturePolicy = DEFAULT_CAPTURE
    min_up: timedelta = timedelta(0)
    max_up: timedelta | None = None
    schedule: Schedule | None = None
    blackout: Schedule | None = None
    policy: Policy = Policy.BREAK_EVEN
    delay_cost: timedelta = DEFAULT_DELAY_COST
    budget: Budget | None = None
    owner: str | None = None
    notification_topic: str | None = None
    fall_backs: tuple[str, ...] = ()

    @property
    def configs(self) -> tuple[str, ...]:
        """The EndpointConfigs to start it from, the first one first."""
        return (self.config_name, *self.fall_backs)


def is_endpoint_name(text: str) -> bool:
    """Whether SageMaker would take this as an EndpointName."""
    return len(text) <= _LONGEST_ENDPOINT_NAME and _ENDPOINT_NAME.fullmatch(text) is not None


def parse_spec(
    config_name: str,
    tags: Mapping[str, str],
    named: NamedSchedules = NO_NAMES,
    fall_backs: Sequence[str] = (),
) -> Spec:
    """Read the tags of one EndpointConfig; tags of other owners are left alone. `fall_backs` are
    the names of further EndpointConfigs of the same endpoint, by priority.

    Raises:
        SpecError: a `dormouse:` tag is missing, unknown or has a value that can't be obeyed.
    """
    _refuse_unknown(config_name, tags)
    endpoint = tags.get(ENDPOINT_TAG)
    if endpoint is None:
        raise SpecError(f"EndpointConfig {config_name} has no tag {ENDPOINT_TAG!r}")
    if not is_endpoint_name(endpoint):
        raise SpecError(
            f"EndpointConfig {config_name} has the tag {ENDPOINT_TAG}={endpoint!r}, which is no "
            "endpoint name: at most 63 letters, digits and inner hyphens, as in reviews"
        )

    def schedule(text: str) -> Schedule:
        return parse_schedule(text, named)

    min_up = _read(config_name, tags, MIN_UP_TAG, _min_up, timedelta(0))
    max_up = _read(config_name, tags, MAX_UP_TAG, _max_up, None)
    if max_up is not None and max_up <= min_up:
        raise SpecError(
            f"EndpointConfig {config_name}, tag {MAX_UP_TAG}: {tags[MAX_UP_TAG]!r} is not longer "
            f"than {MIN_UP_TAG}={tags[MIN_UP_TAG]}"
        )
    policy, idle_timeout, delay_cost = _read_policy(config_name, tags)
    return Spec(
        endpoint,
        config_name,
        idle_timeout=idle_timeout,
        principals=_read(config_name, tags, PRINCIPALS_TAG, parse_principals, ()),
        cold_wait=_read(config_name, tags, COLD_DEFAULT_TAG, _cold_wait, None),
        completion_topic=_read(config_name, tags, COMPLETION_TOPIC_TAG, _topic, None),
        warm_set_size=_read(
            config_name, tags, WARM_SET_SIZE_TAG, _warm_set_size, DEFAULT_WARM_SET_SIZE
        ),
        capture=_read_capture(config_name, tags),
        min_up=min_up,
        max_up=max_up,
        schedule=_read(config_name, tags, SCHEDULE_TAG, schedule, None),
        blackout=_read(config_name, tags, BLACKOUT_TAG, schedule, None),
        policy=policy,
        delay_cost=delay_cost,
        budget=_read(config_name, tags, BUDGET_TAG, parse_budget, None),
        owner=_read(config_name, tags, OWNER_TAG, _owner, None),
        notification_topic=_read(config_name, tags, NOTIFICATION_TOPIC_TAG, _topic, None),
        fall_backs=tuple(fall_backs),
    )


def parse_priority(config_name: str, tags: Mapping[str, str]) -> int:
    """Read which turn an EndpointConfig has among those of the same endpoint, 1 the first.

    Raises:
        SpecError: the tag has a value that can't be obeyed.
    """
    return _read(config_name, tags, PRIORITY_TAG, _priority, FIRST_PRIORITY)


def check_fall_back(config_name: str, tags: Mapping[str, str]) -> None:
    """Make sure that a fall-back asks for nothing that its first config would have to ask.

    Raises:
        SpecError: it has a `dormouse:` tag that is unknown, or that belongs to the first config.
    """
    _refuse_unknown(config_name, tags)
    for tag in sorted(tags):
        if tag.startswith(TAG_PREFIX) and tag not in _TAGS_OF_FALL_BACKS:
            raise SpecError(
                f"EndpointConfig {config_name}, tag {tag}: a fall-back takes "
                f"{ENDPOINT_TAG}, {PRIORITY_TAG} and {STACK_TAG} alone; write it on the first "
                "config, which has the lowest priority"
            )


def _refuse_unknown(config_name: str, tags: Mapping[str, str]) -> None:
    unknown = sorted(k for k in tags if k.startswith(TAG_PREFIX) and k not in _KNOWN_TAGS)
    if unknown:
        near = get_close_matches(unknown[0], _KNOWN_TAGS, n=1) or [IDLE_TIMEOUT_TAG]
        raise SpecError(
            f"EndpointConfig {config_name} has the tag {unknown[0]!r}, which Dormouse does not "
            f"know: write one that it does, as in {near[0]}"
        )


def _read_policy(
    config_name: str, tags: Mapping[str, str]
) -> tuple[Policy, timedelta | None, timedelta]:
    """Read the policy, and what it goes by. An idle timeout alone asks for the fixed one."""
    idle_timeout = _read(config_name, tags, IDLE_TIMEOUT_TAG, _idle_timeout, None)
    delay_cost = _read(config_name, tags, DELAY_COST_TAG, _delay_cost, DEFAULT_DELAY_COST)
    default = Policy.BREAK_EVEN if idle_timeout is None else Policy.FIXED
    policy = _read(config_name, tags, POLICY_TAG, _policy, default)
    if policy is Policy.FIXED and DELAY_COST_TAG in tags:
        asks = POLICY_TAG if POLICY_TAG in tags else IDLE_TIMEOUT_TAG
        raise SpecError(
            f"EndpointConfig {config_name}, tag {DELAY_COST_TAG}: {tags[DELAY_COST_TAG]!r} counts "
            f"for nothing with {asks}={tags[asks]}, a fixed timeout: leave one of them out, or "
            f"write a policy that goes by it, as in {POLICY_TAG}={Policy.BREAK_EVEN}"
        )
    if policy is not Policy.FIXED and idle_timeout is not None:
        raise SpecError(
            f"EndpointConfig {config_name}, tag {IDLE_TIMEOUT_TAG}: {tags[IDLE_TIMEOUT_TAG]!r} "
            f"counts for nothing with {POLICY_TAG}={policy}, which computes its own: leave one of "
            f"them out, or say what a delay is worth, as in {DELAY_COST_TAG}=15m"
        )
    if policy is Policy.FIXED and idle_timeout is None:
        idle_timeout = DEFAULT_IDLE_TIMEOUT
    return policy, idle_timeout, delay_cost


def _read_capture(config_name: str, tags: Mapping[str, str]) -> CapturePolicy:
    default = DEFAULT_CAPTURE
    patterns, pointers = _read(
        config_name, tags, CAPTURE_REDACT_TAG, parse_redact, (default.patterns, default.pointers)
    )
    return CapturePolicy(
        percent=_read(config_name, tags, CAPTURE_PERCENT_TAG, parse_percent, default.percent),
        content=_read(config_name, tags, CAPTURE_CONTENT_TAG, parse_content, default.content),
        max_body=_read(config_name, tags, CAPTURE_MAX_BODY_TAG, parse_max_body, default.max_body),
        patterns=patterns,
        pointers=pointers,
        json_types=_read(
            config_name, tags, CAPTURE_JSON_TYPES_TAG, parse_media_types, default.json_types
        ),
        csv_types=_read(
            config_name, tags, CAPTURE_CSV_TYPES_TAG, parse_media_types, default.csv_types
        ),
    )


def _read(
    config_name: str,
    tags: Mapping[str, str],
    tag: str,
    parse: Callable[[str], Value],
    default: Value,
) -> Value:
    if tag not in tags:
        return default
    try:
        return parse(tags[tag])
    except ValueError as error:
        raise SpecError(f"EndpointConfig {config_name}, tag {tag}: {error}") from error


def _idle_timeout(text: str) -> timedelta:
    return parse_duration(text, shortest=SHORTEST_IDLE_TIMEOUT, longest=LONGEST_IDLE_TIMEOUT)


def _delay_cost(text: str) -> timedelta:
    return parse_duration(text, shortest=SHORTEST_DELAY_COST, longest=LONGEST_DELAY_COST)


def _min_up(text: str) -> timedelta:
    return parse_duration(text, shortest=timedelta(0), longest=LONGEST_MIN_UP)


def _max_up(text: str) -> timedelta:
    return parse_duration(text, shortest=SHORTEST_MAX_UP, longest=LONGEST_MAX_UP)


def _policy(text: str) -> Policy:
    try:
        return Policy(text)
    except ValueError:
        *others, last = (policy.value for policy in Policy)
        known = f"{', '.join(others)} or {last}"
        raise ValueError(
            f"{text!r} is no policy: write {known}, as in {Policy.BREAK_EVEN}"
        ) from None


def _owner(text: str) -> str:
    if not text.strip():
        raise ValueError(
            f"{text!r} names nobody: write a team or an address, as in ml-team@example.com"
        )
    return text


def _priority(text: str) -> int:
    if _PRIORITY.fullmatch(text) is None:
        raise ValueError(
            f"{text!r} is no whole number from {FIRST_PRIORITY} to {LAST_PRIORITY}, as in 2"
        )
    return int(text)


def _cold_wait(text: str) -> timedelta | None:
    if text == "refuse":
        return None
    written = _COLD_WAIT.fullmatch(text)
    wait = timedelta(seconds=int(written["seconds"])) if written is not None else timedelta(0)
    if not timedelta(0) < wait <= LONGEST_COLD_WAIT:
        longest = int(LONGEST_COLD_WAIT.total_seconds())
        raise ValueError(
            f"{text!r} is neither refuse nor wait=N, N from 1 to {longest} seconds, as in wait=20"
        )
    return wait


def is_topic_arn(text: str) -> bool:
    """Whether this is the ARN of a standard SNS topic."""
    return _TOPIC_ARN.fullmatch(text) is not None


def _topic(text: str) -> str:
    if not is_topic_arn(text):
        raise ValueError(f"{text!r} is not the ARN of an SNS topic, as in {_TOPIC_EXAMPLE}")
    return text


def _warm_set_size(text: str) -> int:
    if _WARM_SET_SIZE.fullmatch(text) is None or int(text) > LARGEST_WARM_SET_SIZE:
        raise ValueError(f"{text!r} is no whole number from 0 to {LARGEST_WARM_SET_SIZE}, as in 10")
    return int(text)
