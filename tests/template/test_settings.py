"""What the template tells the functions is what settings.py reads, in name and in form."""

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from dormouse.domain.claims import Deployment
from dormouse.domain.timing import Timing
from dormouse.settings import (
    CleanupSettings,
    ControlSettings,
    DrainSettings,
    InvokeSettings,
    ReconcileSettings,
    SettingError,
)
from tests.template.cloudformation import (
    ACCOUNT,
    REGION,
    REPOSITORY,
    STACK,
    STACK_ID,
    environment,
    properties,
    resolve,
    resources,
)

SETTINGS: dict[str, Callable[[Mapping[str, str]], Any]] = {
    "ReconcileFunction": ReconcileSettings.from_env,
    "InvokeFunction": InvokeSettings.from_env,
    "DrainFunction": DrainSettings.from_env,
    "ControlFunction": ControlSettings.from_env,
    "CleanupFunction": CleanupSettings.from_env,
}
# These have a default, and only whoever has a reason sets them by hand.
LEFT_OUT = {
    "ReconcileFunction": {"DORMOUSE_DEMAND_PATIENCE_SECONDS", "DORMOUSE_STUCK_SECONDS"},
    "InvokeFunction": set(),
    "DrainFunction": set(),
    "ControlFunction": {"DORMOUSE_DEMAND_PATIENCE_SECONDS", "DORMOUSE_STUCK_SECONDS"},
    "CleanupFunction": {"DORMOUSE_RECONCILE_TIMEOUT_SECONDS"},
}


class Watched(Mapping[str, str]):
    """An environment that notes what it is asked for."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self.variables = variables
        self.asked_for: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked_for.add(name)
        return self.variables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.variables)

    def __len__(self) -> int:
        return len(self.variables)


def test_every_function_has_its_settings() -> None:
    """One that is added is tested here as well."""
    assert set(SETTINGS) == set(LEFT_OUT) == set(resources("AWS::Serverless::Function"))


@pytest.mark.parametrize("function", SETTINGS)
def test_a_function_can_read_its_settings(function: str) -> None:
    """Every variable that it asks for is set, but for those that are left out on purpose."""
    env = Watched(environment(function))
    SETTINGS[function](env)
    assert env.asked_for - set(env) == LEFT_OUT[function]


# Numbers have defaults, and lists of what is allowed may be empty.
OPTIONAL = {
    "DORMOUSE_BACKLOG_LIMIT",
    "DORMOUSE_CAPTURE_BY_MODEL",
    "DORMOUSE_COMPLETION_TOPICS",
    "DORMOUSE_BILLING_STARTS",
    "DORMOUSE_HOLD_SLOTS",
    "DORMOUSE_INSTANCE_PRICES",
    "DORMOUSE_MODEL_PREFIX",
    "DORMOUSE_NOTIFICATION_TOPICS",
    "DORMOUSE_S3_BUCKETS",
    "DORMOUSE_TRIES",
    "DORMOUSE_WARM_UP_PREFIX",
}


@pytest.mark.parametrize("function", SETTINGS)
def test_a_function_needs_what_it_is_told(function: str) -> None:
    """What names a table, a function or the deployment has no default that could hide a slip."""
    needed = {
        name
        for name in environment(function)
        if name.startswith("DORMOUSE_") and not name.endswith("_SECONDS") and name not in OPTIONAL
    }
    watched = Watched(environment(function))
    SETTINGS[function](watched)
    for name in needed & watched.asked_for:
        without = {key: value for key, value in environment(function).items() if key != name}
        with pytest.raises(SettingError, match=name):
            SETTINGS[function](without)


def test_what_the_settings_name() -> None:
    """The stack's own resources, alike for everybody who names one."""
    env = {function: environment(function) for function in SETTINGS}
    reconcile = ReconcileSettings.from_env(env["ReconcileFunction"])
    invoke = InvokeSettings.from_env(env["InvokeFunction"])
    drain = DrainSettings.from_env(env["DrainFunction"])
    control = ControlSettings.from_env(env["ControlFunction"])
    cleanup = CleanupSettings.from_env(env["CleanupFunction"])
    assert reconcile.deployment == Deployment(
        STACK, "dormouse", "dormouse-EndpointConfig.EndpointConfigName"
    )
    assert invoke.deployment == control.deployment == reconcile.deployment
    for settings in (reconcile, invoke, drain, control, cleanup):
        assert settings.endpoints_table == "dormouse-EndpointsTable"
    assert reconcile.decisions_table == control.decisions_table == "dormouse-DecisionsTable"
    for user in (reconcile, invoke, drain, control):
        assert user.requests_table == "dormouse-RequestsTable"
    for user in (reconcile, invoke, drain, control):
        assert user.usage_table == "dormouse-UsageTable"
    for captor in (invoke, drain):
        assert captor.capture_stream == "dormouse-CaptureStream"
        assert captor.captures_by_model is False
    for writer in (invoke, drain, control):
        assert writer.capture_bucket == "dormouse-CaptureBucket"
    assert invoke.requests_bucket == drain.requests_bucket == "dormouse-RequestsBucket"
    assert reconcile.work_queue_url == invoke.work_queue_url == "dormouse-WorkQueue"
    assert drain.dead_letters_url == control.dead_letters_url == "dormouse-DeadLetterQueue"
    assert drain.model_bucket == control.model_bucket == "dormouse-ModelBucket"
    assert control.model_prefix == "models/"
    for caller in (invoke, drain, control, cleanup):
        assert caller.reconcile_function == "dormouse-ReconcileFunction"
    assert invoke.account_id == control.account_id == "123456789012"
    assert invoke.lease_terms == drain.lease_terms
    assert invoke.lease_terms.renewal_interval == reconcile.ledger_interval
    # A dry run judges as reconcile does.
    assert control.timing == Timing(
        metric_lag=reconcile.metric_lag,
        ledger_interval=reconcile.ledger_interval,
        demand_patience=reconcile.demand_patience,
        expected_wake=reconcile.expected_wake,
        stuck_after=reconcile.stuck_after,
        bills_creation=reconcile.bills_creation,
    )
    assert invoke.expected_wake == control.timing.expected_wake
    assert reconcile.schedules_parameter == control.schedules_parameter
    assert reconcile.schedules_parameter == "dormouse-SchedulesParameter"
    assert reconcile.notice_bus == f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/dormouse-NoticeBus"
    assert (reconcile.stack_id, reconcile.region) == (STACK_ID, REGION)
    assert reconcile.config_grace == timedelta(days=1)
    assert invoke.time_to_live == control.time_to_live


def test_what_may_be_reached_is_told_as_it_is_granted() -> None:
    """The parameters from which IAM's resources are made, one by one; by default nothing is."""
    topics = [f"arn:aws:sns:eu-central-1:123456789012:{name}" for name in ("answers", "more")]
    given = {"S3Buckets": "inputs more-inputs", "CompletionTopicArns": " ".join(topics)}
    invoke = InvokeSettings.from_env(environment("InvokeFunction", given))
    assert invoke.s3_buckets == ("inputs", "more-inputs")
    assert invoke.completion_topics == tuple(topics)
    assert DrainSettings.from_env(environment("DrainFunction", given)).completion_topics == tuple(
        topics
    )
    own, *more = f"{topics[0]}-own", *topics
    told = {"NotificationTopicArn": own, "MoreNotificationTopicArns": " ".join(more)}
    reconcile = ReconcileSettings.from_env(environment("ReconcileFunction", told))
    assert reconcile.notification_topics == (own, *more)
    nothing = InvokeSettings.from_env(environment("InvokeFunction"))
    assert (nothing.s3_buckets, nothing.completion_topics) == ((), ())
    quiet = ReconcileSettings.from_env(environment("ReconcileFunction"))
    assert quiet.notification_topics == ()


@pytest.mark.parametrize("given", ["true", "false"])
def test_captures_are_laid_out_alike_by_all_who_write_them(given: str) -> None:
    """Firehose by the template, the functions by what they are told."""
    parameters = {"CaptureByModel": given}
    invoke = InvokeSettings.from_env(environment("InvokeFunction", parameters))
    drain = DrainSettings.from_env(environment("DrainFunction", parameters))
    assert invoke.captures_by_model is drain.captures_by_model is (given == "true")
    destination = resolve(
        properties("CaptureStream")["ExtendedS3DestinationConfiguration"], parameters
    )
    assert ("/model=" in destination["Prefix"]) is invoke.captures_by_model


def test_no_setting_is_for_nobody() -> None:
    """A variable that settings.py does not read is misspelt or left over."""
    source = ast.parse((REPOSITORY / "functions/dormouse/settings.py").read_text(encoding="utf-8"))
    read = {
        node.value
        for node in ast.walk(source)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"DORMOUSE_\w+", node.value)
    }
    written = {
        name
        for function in SETTINGS
        for name in environment(function)
        if name.startswith("DORMOUSE_")
    }
    assert written == read - set().union(*LEFT_OUT.values())
