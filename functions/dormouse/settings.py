"""The settings of each Lambda function, read from its environment once, at its start."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Self, get_type_hints

from dormouse.domain.claims import Deployment
from dormouse.domain.lease import LeaseTerms
from dormouse.domain.price import Price
from dormouse.domain.price_override import parse_price_overrides
from dormouse.domain.timing import Timing


class SettingError(Exception):
    """A setting is missing or can't be read; the message names the variable."""


# How a field is read is written beside its type.
Read = Callable[[Mapping[str, str]], object]


def _text(name: str, *, default: str = "") -> Read:
    return lambda env: _read_text(env, name, default)


def _words(name: str) -> Read:
    return lambda env: tuple(env.get(name, "").split())


def _number(name: str, *, default: int) -> Read:
    return lambda env: _read_number(env, name, "a whole number", default)


def _seconds(name: str, *, default: int) -> Read:
    return lambda env: _read_seconds(env, name, default)


def _flag(name: str) -> Read:
    return lambda env: _read_flag(env, name)


def _read_text(env: Mapping[str, str], name: str, default: str = "") -> str:
    value = env.get(name) or default
    if not value:
        raise SettingError(f"the environment variable {name} is not set")
    return value


def _read_number(env: Mapping[str, str], name: str, kind: str, default: int) -> int:
    text = env.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= 7):
        raise SettingError(f"the environment variable {name} must be {kind}, not {text!r}")
    return int(text)


def _read_flag(env: Mapping[str, str], name: str) -> bool:
    text = env.get(name, "false")
    if text not in ("true", "false"):
        raise SettingError(f"the environment variable {name} must be true or false, not {text!r}")
    return text == "true"


def _read_seconds(env: Mapping[str, str], name: str, default: int) -> timedelta:
    return timedelta(seconds=_read_number(env, name, "whole seconds", default))


def _read_deployment(env: Mapping[str, str]) -> Deployment:
    return Deployment(
        stack_name=_read_text(env, "DORMOUSE_STACK_NAME"),
        endpoint=_read_text(env, "DORMOUSE_OWN_ENDPOINT"),
        config_name=_read_text(env, "DORMOUSE_OWN_ENDPOINT_CONFIG"),
    )


def _read_instance_prices(env: Mapping[str, str]) -> Mapping[str, Price]:
    name = "DORMOUSE_INSTANCE_PRICES"
    try:
        return parse_price_overrides(env.get(name, ""))
    except ValueError as error:
        raise SettingError(f"the environment variable {name}: {error}") from error


def _bills_creation(env: Mapping[str, str]) -> bool:
    name = "DORMOUSE_BILLING_STARTS"
    text = env.get(name, "CreateEndpoint")
    if text not in ("CreateEndpoint", "InService"):
        raise SettingError(
            f"the environment variable {name} must be CreateEndpoint or InService, not {text!r}"
        )
    return text == "CreateEndpoint"


def _read_timing(env: Mapping[str, str]) -> Timing:
    return Timing(
        metric_lag=_read_seconds(env, "DORMOUSE_METRIC_LAG_SECONDS", 300),
        ledger_interval=_read_seconds(env, "DORMOUSE_LEDGER_INTERVAL_SECONDS", 30),
        demand_patience=_read_seconds(env, "DORMOUSE_DEMAND_PATIENCE_SECONDS", 3600),
        expected_wake=_read_seconds(env, "DORMOUSE_EXPECTED_WAKE_SECONDS", 480),
        stuck_after=_read_seconds(env, "DORMOUSE_STUCK_SECONDS", 3600),
        bills_creation=_bills_creation(env),
    )


def _read_lease_terms(env: Mapping[str, str]) -> LeaseTerms:
    return LeaseTerms(
        renewal_interval=_read_seconds(env, "DORMOUSE_LEDGER_INTERVAL_SECONDS", 30),
        read_timeout=_read_seconds(env, "DORMOUSE_RUNTIME_READ_TIMEOUT_SECONDS", 70),
        margin=_read_seconds(env, "DORMOUSE_LEASE_MARGIN_SECONDS", 10),
    )


class Settings:
    """What a function is told by the template. Durations come as whole seconds."""

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Read the environment.

        Raises:
            SettingError: a variable is missing or bad.
        """
        hints = get_type_hints(cls, include_extras=True)
        values: dict[str, Any] = {name: hint.__metadata__[0](env) for name, hint in hints.items()}
        return cls(**values)


@dataclass(frozen=True, slots=True)
class ReconcileSettings(Settings):
    """Of `reconcile`."""

    endpoints_table: Annotated[str, _text("DORMOUSE_ENDPOINTS_TABLE")]
    decisions_table: Annotated[str, _text("DORMOUSE_DECISIONS_TABLE")]
    requests_table: Annotated[str, _text("DORMOUSE_REQUESTS_TABLE")]
    usage_table: Annotated[str, _text("DORMOUSE_USAGE_TABLE")]
    work_queue_url: Annotated[str, _text("DORMOUSE_WORK_QUEUE_URL")]
    deployment: Annotated[Deployment, _read_deployment]
    metric_lag: Annotated[timedelta, _seconds("DORMOUSE_METRIC_LAG_SECONDS", default=300)]
    ledger_interval: Annotated[timedelta, _seconds("DORMOUSE_LEDGER_INTERVAL_SECONDS", default=30)]
    demand_patience: Annotated[
        timedelta, _seconds("DORMOUSE_DEMAND_PATIENCE_SECONDS", default=3600)
    ]
    warm_up_at_most: Annotated[timedelta, _seconds("DORMOUSE_WARM_UP_SECONDS", default=600)]
    expected_wake: Annotated[timedelta, _seconds("DORMOUSE_EXPECTED_WAKE_SECONDS", default=480)]
    stuck_after: Annotated[timedelta, _seconds("DORMOUSE_STUCK_SECONDS", default=3600)]
    bills_creation: Annotated[bool, _bills_creation]
    instance_prices: Annotated[Mapping[str, Price], _read_instance_prices]
    schedules_parameter: Annotated[str, _text("DORMOUSE_SCHEDULES_PARAMETER")]
    notice_bus: Annotated[str, _text("DORMOUSE_NOTICE_BUS")]
    notification_topics: Annotated[tuple[str, ...], _words("DORMOUSE_NOTIFICATION_TOPICS")]
    config_grace: Annotated[timedelta, _seconds("DORMOUSE_CONFIG_GRACE_SECONDS", default=86400)]
    stack_id: Annotated[str, _text("DORMOUSE_STACK_ID")]
    region: Annotated[str, _text("AWS_REGION")]
    resend_after: Annotated[timedelta, _seconds("DORMOUSE_RESEND_SECONDS", default=60)]


@dataclass(frozen=True, slots=True)
class InvokeSettings(Settings):
    """Of `invoke`."""

    endpoints_table: Annotated[str, _text("DORMOUSE_ENDPOINTS_TABLE")]
    requests_table: Annotated[str, _text("DORMOUSE_REQUESTS_TABLE")]
    usage_table: Annotated[str, _text("DORMOUSE_USAGE_TABLE")]
    capture_stream: Annotated[str, _text("DORMOUSE_CAPTURE_STREAM")]
    capture_bucket: Annotated[str, _text("DORMOUSE_CAPTURE_BUCKET")]
    captures_by_model: Annotated[bool, _flag("DORMOUSE_CAPTURE_BY_MODEL")]
    requests_bucket: Annotated[str, _text("DORMOUSE_REQUESTS_BUCKET")]
    work_queue_url: Annotated[str, _text("DORMOUSE_WORK_QUEUE_URL")]
    deployment: Annotated[Deployment, _read_deployment]
    account_id: Annotated[str, _text("DORMOUSE_ACCOUNT_ID")]
    reconcile_function: Annotated[str, _text("DORMOUSE_RECONCILE_FUNCTION")]
    expected_wake: Annotated[timedelta, _seconds("DORMOUSE_EXPECTED_WAKE_SECONDS", default=480)]
    lease_terms: Annotated[LeaseTerms, _read_lease_terms]
    hold_slots: Annotated[int, _number("DORMOUSE_HOLD_SLOTS", default=20)]
    longest_hold: Annotated[timedelta, _seconds("DORMOUSE_LONGEST_HOLD_SECONDS", default=800)]
    time_to_live: Annotated[timedelta, _seconds("DORMOUSE_REQUEST_TTL_SECONDS", default=21600)]
    backlog_limit: Annotated[int, _number("DORMOUSE_BACKLOG_LIMIT", default=1000)]
    s3_buckets: Annotated[tuple[str, ...], _words("DORMOUSE_S3_BUCKETS")]
    completion_topics: Annotated[tuple[str, ...], _words("DORMOUSE_COMPLETION_TOPICS")]


@dataclass(frozen=True, slots=True)
class DrainSettings(Settings):
    """Of `drain`."""

    endpoints_table: Annotated[str, _text("DORMOUSE_ENDPOINTS_TABLE")]
    requests_table: Annotated[str, _text("DORMOUSE_REQUESTS_TABLE")]
    usage_table: Annotated[str, _text("DORMOUSE_USAGE_TABLE")]
    capture_stream: Annotated[str, _text("DORMOUSE_CAPTURE_STREAM")]
    capture_bucket: Annotated[str, _text("DORMOUSE_CAPTURE_BUCKET")]
    captures_by_model: Annotated[bool, _flag("DORMOUSE_CAPTURE_BY_MODEL")]
    requests_bucket: Annotated[str, _text("DORMOUSE_REQUESTS_BUCKET")]
    dead_letters_url: Annotated[str, _text("DORMOUSE_DEAD_LETTERS_URL")]
    reconcile_function: Annotated[str, _text("DORMOUSE_RECONCILE_FUNCTION")]
    model_bucket: Annotated[str, _text("DORMOUSE_MODEL_BUCKET")]
    warm_up_prefix: Annotated[str, _text("DORMOUSE_WARM_UP_PREFIX", default="warm-up/")]
    lease_terms: Annotated[LeaseTerms, _read_lease_terms]
    tries: Annotated[int, _number("DORMOUSE_TRIES", default=3)]
    retry_pause: Annotated[timedelta, _seconds("DORMOUSE_RESEND_SECONDS", default=60)]
    completion_topics: Annotated[tuple[str, ...], _words("DORMOUSE_COMPLETION_TOPICS")]


@dataclass(frozen=True, slots=True)
class ControlSettings(Settings):
    """Of `control`."""

    endpoints_table: Annotated[str, _text("DORMOUSE_ENDPOINTS_TABLE")]
    decisions_table: Annotated[str, _text("DORMOUSE_DECISIONS_TABLE")]
    requests_table: Annotated[str, _text("DORMOUSE_REQUESTS_TABLE")]
    dead_letters_url: Annotated[str, _text("DORMOUSE_DEAD_LETTERS_URL")]
    usage_table: Annotated[str, _text("DORMOUSE_USAGE_TABLE")]
    model_bucket: Annotated[str, _text("DORMOUSE_MODEL_BUCKET")]
    model_prefix: Annotated[str, _text("DORMOUSE_MODEL_PREFIX", default="models/")]
    capture_bucket: Annotated[str, _text("DORMOUSE_CAPTURE_BUCKET")]
    deployment: Annotated[Deployment, _read_deployment]
    account_id: Annotated[str, _text("DORMOUSE_ACCOUNT_ID")]
    reconcile_function: Annotated[str, _text("DORMOUSE_RECONCILE_FUNCTION")]
    schedules_parameter: Annotated[str, _text("DORMOUSE_SCHEDULES_PARAMETER")]
    timing: Annotated[Timing, _read_timing]
    time_to_live: Annotated[timedelta, _seconds("DORMOUSE_REQUEST_TTL_SECONDS", default=21600)]


@dataclass(frozen=True, slots=True)
class CleanupSettings(Settings):
    """Of `cleanup`."""

    endpoints_table: Annotated[str, _text("DORMOUSE_ENDPOINTS_TABLE")]
    reconcile_function: Annotated[str, _text("DORMOUSE_RECONCILE_FUNCTION")]
    reconcile_timeout: Annotated[
        timedelta, _seconds("DORMOUSE_RECONCILE_TIMEOUT_SECONDS", default=50)
    ]
