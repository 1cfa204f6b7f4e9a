"""A function that is set up wrongly says which variable it is."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from dormouse.domain.claims import Deployment
from dormouse.domain.lease import LeaseTerms
from dormouse.settings import (
    CleanupSettings,
    ControlSettings,
    DrainSettings,
    InvokeSettings,
    ReconcileSettings,
    SettingError,
)

OWN = {
    "DORMOUSE_STACK_NAME": "s",
    "DORMOUSE_OWN_ENDPOINT": "e",
    "DORMOUSE_OWN_ENDPOINT_CONFIG": "c",
}
TABLE = {"DORMOUSE_ENDPOINTS_TABLE": "t"}
DECISIONS = {"DORMOUSE_DECISIONS_TABLE": "d"}
REQUESTS = {"DORMOUSE_REQUESTS_TABLE": "q"}
USAGE = {"DORMOUSE_USAGE_TABLE": "u"}
BUCKET = {"DORMOUSE_REQUESTS_BUCKET": "b"}
WORK = {"DORMOUSE_WORK_QUEUE_URL": "w"}
DEAD = {"DORMOUSE_DEAD_LETTERS_URL": "l"}
CAPTURES = {"DORMOUSE_CAPTURE_BUCKET": "p"}
STREAM = {"DORMOUSE_CAPTURE_STREAM": "f"}
MODELS = {"DORMOUSE_MODEL_BUCKET": "m"}
RECONCILE_FUNCTION = {"DORMOUSE_RECONCILE_FUNCTION": "r"}
SCHEDULES = {"DORMOUSE_SCHEDULES_PARAMETER": "n"}
NOTICES = {"DORMOUSE_NOTICE_BUS": "o"}
STACK_ID = {"DORMOUSE_STACK_ID": "i"}
REGION = {"AWS_REGION": "eu-central-1"}
ACCOUNT = {"DORMOUSE_ACCOUNT_ID": "123456789012"}

# What each function reads, and what it must be told.
Read = Callable[[Mapping[str, str]], object]
FUNCTIONS: dict[str, tuple[Read, dict[str, str]]] = {
    "reconcile": (
        ReconcileSettings.from_env,
        {
            **TABLE,
            **DECISIONS,
            **REQUESTS,
            **USAGE,
            **WORK,
            **OWN,
            **SCHEDULES,
            **NOTICES,
            **STACK_ID,
            **REGION,
        },
    ),
    "invoke": (
        InvokeSettings.from_env,
        {
            **TABLE,
            **REQUESTS,
            **USAGE,
            **BUCKET,
            **WORK,
            **OWN,
            **ACCOUNT,
            **RECONCILE_FUNCTION,
            **CAPTURES,
            **STREAM,
        },
    ),
    "drain": (
        DrainSettings.from_env,
        {
            **TABLE,
            **REQUESTS,
            **USAGE,
            **BUCKET,
            **DEAD,
            **MODELS,
            **RECONCILE_FUNCTION,
            **CAPTURES,
            **STREAM,
        },
    ),
    "control": (
        ControlSettings.from_env,
        {
            **TABLE,
            **DECISIONS,
            **REQUESTS,
            **DEAD,
            **OWN,
            **ACCOUNT,
            **RECONCILE_FUNCTION,
            **USAGE,
            **MODELS,
            **CAPTURES,
            **SCHEDULES,
        },
    ),
    "cleanup": (CleanupSettings.from_env, {**TABLE, **RECONCILE_FUNCTION}),
}
DURATIONS = {
    "DORMOUSE_METRIC_LAG_SECONDS": "reconcile",
    "DORMOUSE_DEMAND_PATIENCE_SECONDS": "reconcile",
    "DORMOUSE_WARM_UP_SECONDS": "reconcile",
    "DORMOUSE_RESEND_SECONDS": "reconcile",
    "DORMOUSE_LEDGER_INTERVAL_SECONDS": "invoke",
    "DORMOUSE_RUNTIME_READ_TIMEOUT_SECONDS": "drain",
    "DORMOUSE_LEASE_MARGIN_SECONDS": "invoke",
    "DORMOUSE_LONGEST_HOLD_SECONDS": "invoke",
    "DORMOUSE_REQUEST_TTL_SECONDS": "invoke",
    "DORMOUSE_EXPECTED_WAKE_SECONDS": "control",
    "DORMOUSE_RECONCILE_TIMEOUT_SECONDS": "cleanup",
}


@pytest.mark.parametrize(
    ("function", "missing"), [(name, key) for name in FUNCTIONS for key in FUNCTIONS[name][1]]
)
def test_each_function_names_what_is_missing(function: str, missing: str) -> None:
    """An empty one counts as missing."""
    read, env = FUNCTIONS[function]
    for bad in ({k: v for k, v in env.items() if k != missing}, {**env, missing: ""}):
        with pytest.raises(SettingError, match=f"the environment variable {missing} is not set"):
            read(bad)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_each_function_needs_nothing_else(function: str) -> None:
    """Durations have defaults."""
    read, env = FUNCTIONS[function]

    assert read(env)


def test_the_deployment_is_read_as_the_template_names_it() -> None:
    """Three texts that must not change places."""
    for read, env in (FUNCTIONS[name] for name in ("reconcile", "invoke", "control")):
        settings = read(env)
        assert isinstance(settings, ReconcileSettings | InvokeSettings | ControlSettings)
        assert settings.deployment == Deployment("s", endpoint="e", config_name="c")


def test_each_text_is_where_it_belongs() -> None:
    """The tables, the account and the function."""
    control = ControlSettings.from_env(FUNCTIONS["control"][1])

    assert control.endpoints_table == "t"
    assert control.decisions_table == "d"
    assert control.account_id == "123456789012"
    assert control.reconcile_function == "r"
    assert control.usage_table == "u"
    assert (control.model_bucket, control.model_prefix) == ("m", "models/")
    assert control.capture_bucket == "p"


def test_the_durations_have_defaults() -> None:
    """As the README's table of settings says."""
    reconcile = ReconcileSettings.from_env(FUNCTIONS["reconcile"][1])
    invoke = InvokeSettings.from_env(FUNCTIONS["invoke"][1])
    control = ControlSettings.from_env(FUNCTIONS["control"][1])
    cleanup = CleanupSettings.from_env(FUNCTIONS["cleanup"][1])

    assert reconcile.metric_lag == timedelta(seconds=300)
    assert reconcile.ledger_interval == invoke.lease_terms.renewal_interval == timedelta(seconds=30)
    assert reconcile.demand_patience == timedelta(hours=1)
    assert invoke.expected_wake == control.timing.expected_wake == timedelta(seconds=480)
    assert cleanup.reconcile_timeout == timedelta(seconds=50)


def test_a_duration_that_is_set_is_taken() -> None:
    """Each by its own variable."""
    env = {name: str(7 + number) for number, name in enumerate(DURATIONS)}
    reconcile = ReconcileSettings.from_env({**FUNCTIONS["reconcile"][1], **env})
    invoke = InvokeSettings.from_env({**FUNCTIONS["invoke"][1], **env})
    control = ControlSettings.from_env({**FUNCTIONS["control"][1], **env})
    cleanup = CleanupSettings.from_env({**FUNCTIONS["cleanup"][1], **env})

    assert reconcile.metric_lag == timedelta(seconds=7)
    assert reconcile.demand_patience == timedelta(seconds=8)
    assert reconcile.warm_up_at_most == timedelta(seconds=9)
    assert reconcile.resend_after == timedelta(seconds=10)
    assert reconcile.ledger_interval == invoke.lease_terms.renewal_interval == timedelta(seconds=11)
    assert invoke.lease_terms.read_timeout == timedelta(seconds=12)
    assert invoke.lease_terms.margin == timedelta(seconds=13)
    assert invoke.longest_hold == timedelta(seconds=14)
    assert invoke.time_to_live == control.time_to_live == timedelta(seconds=15)
    assert invoke.expected_wake == control.timing.expected_wake == timedelta(seconds=16)
    assert cleanup.reconcile_timeout == timedelta(seconds=17)


@pytest.mark.parametrize(("name", "function"), DURATIONS.items())
@pytest.mark.parametrize("bad", ["", "-1", "1.5", "5m", "٣", "1" * 8])
def test_a_bad_duration_is_named_and_quoted(name: str, function: str, bad: str) -> None:
    """Whole seconds only."""
    read, env = FUNCTIONS[function]
    with pytest.raises(SettingError, match=f"{name} must be whole seconds") as refusal:
        read({**env, name: bad})
    assert repr(bad) in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("DORMOUSE_HOLD_SLOTS", "invoke"),
        ("DORMOUSE_BACKLOG_LIMIT", "invoke"),
        ("DORMOUSE_TRIES", "drain"),
    ],
)
def test_a_bad_number_is_named(name: str, function: str) -> None:
    """With what it should be."""
    read, env = FUNCTIONS[function]

    with pytest.raises(SettingError, match=f"{name} must be a whole number, not 'many'"):
        read({**env, name: "many"})


def test_lists_are_separated_by_spaces() -> None:
    """None is none."""
    env = FUNCTIONS["invoke"][1]

    assert InvokeSettings.from_env(env).s3_buckets == ()
    assert InvokeSettings.from_env({**env, "DORMOUSE_S3_BUCKETS": "a  b"}).s3_buckets == ("a", "b")


def test_a_lease_outlasts_the_longest_call() -> None:
    """By the interval in which it is not renewed, and by the margin."""
    terms = DrainSettings.from_env(FUNCTIONS["drain"][1]).lease_terms

    assert terms == LeaseTerms(
        renewal_interval=timedelta(seconds=30),
        read_timeout=timedelta(seconds=70),
        margin=timedelta(seconds=10),
    )


@pytest.mark.parametrize("function", ["invoke", "drain"])
def test_whether_captures_lie_by_model_is_true_or_false(function: str) -> None:
    """False where nothing is said; nothing else is taken for either."""
    read, env = FUNCTIONS[function]
    for text, expected in (("true", True), ("false", False), (None, False)):
        told = {} if text is None else {"DORMOUSE_CAPTURE_BY_MODEL": text}
        settings: Any = read({**env, **told})
        assert settings.captures_by_model is expected
    with pytest.raises(SettingError, match="DORMOUSE_CAPTURE_BY_MODEL must be true or false"):
        read({**env, "DORMOUSE_CAPTURE_BY_MODEL": "yes"})
