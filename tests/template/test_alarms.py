"""The alarms: what they watch is what the functions count, and who hears of it."""

import ast
from collections.abc import Mapping
from typing import Any

import pytest
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from dormouse.handlers import exchange_log
from dormouse.recording import Capture
from tests.template.cloudformation import (
    REPOSITORY,
    environment,
    holds,
    properties,
    resolve,
    resources,
    template,
)

TOPIC = "arn:aws:sns:eu-central-1:123456789012:operators"
ALARMS = sorted(resources("AWS::CloudWatch::Alarm"))
# What it watches, of the metrics that the functions count themselves.
COUNTED_BY_RECONCILE = {
    "TicksStopped": "Ticks",
    "MetricsUnreadable": "MetricsUnreadable",
    "EndpointFailed": "FailedEndpoints",
    "IdleEndpoint": "OverdueStops",
    "StuckEndpoint": "StuckEndpoints",
    "CircuitOpen": "OpenCircuits",
    "ProblemsPersist": "Problems",
}
# What SQS counts, and what Firehose does.
COUNTED_BY_SQS = {"DeadLetters"}
COUNTED_BY_FIREHOSE = {
    "CapturesLate": "DeliveryToS3.DataFreshness",
    "CapturesMisplaced": "PartitionCountExceeded",
}
# Whose captures it watches, of the functions that answer requests.
CAPTURES_OF = {"InvokeCapturesLost": "InvokeFunction", "DrainCapturesLost": "DrainFunction"}
ERRORS_OF = {
    "ReconcileErrors": "ReconcileFunction",
    "InvokeErrors": "InvokeFunction",
    "DrainErrors": "DrainFunction",
    "ControlErrors": "ControlFunction",
    "CleanupErrors": "CleanupFunction",
}


def handler_source(function: str) -> str:
    """The module of a function's handler."""
    module = properties(function)["Handler"].rpartition(".")[0].replace(".", "/")
    return (REPOSITORY / "functions" / f"{module}.py").read_text(encoding="utf-8")


def counted(function: str) -> set[str]:
    """The names that the handler of a function passes to count(), as they are written there or in
    a dictionary of the module.
    """
    module = ast.parse(handler_source(function))
    dictionaries = {
        node.targets[0].id: node.value
        for node in module.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    calls = [
        node.args[0]
        for node in ast.walk(module)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "count"
    ]
    return {
        node.value
        for argument in calls
        for node in ast.walk(_looked_up(argument, dictionaries))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def _looked_up(argument: ast.expr, dictionaries: Mapping[str, ast.expr]) -> ast.expr:
    match argument:
        case ast.Subscript(value=ast.Name(id=name)):
            return dictionaries[name]
        case _:
            return argument


def as_powertools_writes(function: str, metric: str) -> dict[str, Any]:
    """Where a function's counter ends up in CloudWatch, by the embedded metric format."""
    env = environment(function)
    metrics = EphemeralMetrics(
        namespace=env["POWERTOOLS_METRICS_NAMESPACE"], service=env["POWERTOOLS_SERVICE_NAME"]
    )
    metrics.add_metric(name=metric, unit=MetricUnit.Count, value=1)
    written: dict[str, Any] = dict(metrics.serialize_metric_set())
    (directive,) = written["_aws"]["CloudWatchMetrics"]
    (dimensions,) = directive["Dimensions"]
    return {
        "Namespace": directive["Namespace"],
        "MetricName": directive["Metrics"][0]["Name"],
        "Dimensions": [{"Name": name, "Value": written[name]} for name in dimensions],
    }


def watched(alarm: str) -> dict[str, Any]:
    """What an alarm looks at."""
    keys = ("Namespace", "MetricName", "Dimensions")
    return {key: resolve(properties(alarm)[key]) for key in keys}


def test_every_alarm_has_its_test() -> None:
    """One that is added is tested here as well."""
    by_aws = {*COUNTED_BY_SQS, *COUNTED_BY_FIREHOSE, *ERRORS_OF}
    assert set(ALARMS) == {*COUNTED_BY_RECONCILE, *CAPTURES_OF, *by_aws}


@pytest.mark.parametrize(("alarm", "metric"), COUNTED_BY_RECONCILE.items())
def test_an_alarm_watches_what_reconcile_counts(alarm: str, metric: str) -> None:
    """Of that name, in that namespace, with those dimensions and no others."""
    assert watched(alarm) == as_powertools_writes("ReconcileFunction", metric)
    assert metric in counted("ReconcileFunction")


def test_every_function_is_watched_for_errors() -> None:
    """Lambda counts these itself, by the function's name."""
    assert sorted(ERRORS_OF.values()) == sorted(resources("AWS::Serverless::Function"))
    for alarm, function in ERRORS_OF.items():
        assert watched(alarm) == {
            "Namespace": "AWS/Lambda",
            "MetricName": "Errors",
            "Dimensions": [{"Name": "FunctionName", "Value": f"dormouse-{function}"}],
        }


def test_dead_letters_are_noticed() -> None:
    """The first of them, in the queue that drain is told."""
    assert watched("DeadLetters") == {
        "Namespace": "AWS/SQS",
        "MetricName": "ApproximateNumberOfMessagesVisible",
        "Dimensions": [{"Name": "QueueName", "Value": "dormouse-DeadLetterQueue.QueueName"}],
    }
    assert environment("DrainFunction")["DORMOUSE_DEAD_LETTERS_URL"] == "dormouse-DeadLetterQueue"
    assert properties("DeadLetters")["EvaluationPeriods"] == 1


@pytest.mark.parametrize(("alarm", "function"), CAPTURES_OF.items())
def test_a_capture_that_is_lost_is_noticed(alarm: str, function: str) -> None:
    """The first of them, as the function counts it."""
    assert watched(alarm) == as_powertools_writes(function, "CapturesLost")
    # By what both of them report an exchange with.
    assert exchange_log._COUNTED[Capture.LOST] == "CapturesLost"
    assert "exchange_log.report" in ast.unparse(ast.parse(handler_source(function)))
    assert properties(alarm)["EvaluationPeriods"] == 1


@pytest.mark.parametrize(("alarm", "metric"), COUNTED_BY_FIREHOSE.items())
def test_the_delivery_of_captures_is_watched(alarm: str, metric: str) -> None:
    """Of the stream that the functions are told."""
    stream = environment("InvokeFunction")["DORMOUSE_CAPTURE_STREAM"]
    assert watched(alarm) == {
        "Namespace": "AWS/Firehose",
        "MetricName": metric,
        "Dimensions": [{"Name": "DeliveryStreamName", "Value": stream}],
    }


def test_captures_are_late_before_they_are_lost() -> None:
    """Longer than they are gathered, for which Firehose may take half as long again, and much
    shorter than the day for which it keeps them.
    """
    gathered: int = template()["Parameters"]["CaptureBufferSeconds"]["MaxValue"]
    assert 2 * gathered < properties("CapturesLate")["Threshold"] < 6 * 3600


@pytest.mark.parametrize("alarm", ALARMS)
def test_what_no_datapoint_means(alarm: str) -> None:
    """Of ticks: that there are none. Of everything that is counted when it happens: all is well."""
    written = properties(alarm)
    silence = ("breaching", "LessThanThreshold")
    trouble = ("notBreaching", "GreaterThanOrEqualToThreshold")
    expected = silence if alarm == "TicksStopped" else trouble
    assert (written["TreatMissingData"], written["ComparisonOperator"]) == expected
    # A queue's length is no count: its sum over a minute would be that of several looks.
    statistic = "Maximum" if alarm in {*COUNTED_BY_SQS, *COUNTED_BY_FIREHOSE} else "Sum"
    assert written["Statistic"] == statistic
    assert written["Period"] == (300 if alarm in COUNTED_BY_FIREHOSE else 60)
    if alarm != "CapturesLate":
        assert written["Threshold"] == 1
    assert written.get("DatapointsToAlarm", 1) <= written["EvaluationPeriods"]


def test_a_tick_or_two_may_be_missed() -> None:
    """Ticks are let go when they come late; only when they stay away somebody is called."""
    written = properties("TicksStopped")
    assert written["EvaluationPeriods"] == 5
    assert written.get("DatapointsToAlarm", 5) == 5


@pytest.mark.parametrize("alarm", ALARMS)
def test_who_hears_of_an_alarm(alarm: str) -> None:
    """The topic that is given, of the trouble and of its end; without one, nobody."""
    assert not holds("HasAlarmTopic")
    silent = resolve(properties(alarm))
    assert silent.keys().isdisjoint(
        {"AlarmActions", "OKActions", "InsufficientDataActions", "ActionsEnabled"}
    )
    heard = resolve(properties(alarm), {"AlarmTopicArn": TOPIC})
    assert (heard["AlarmActions"], heard["OKActions"]) == ([TOPIC], [TOPIC])


@pytest.mark.parametrize("alarm", ALARMS)
def test_an_alarm_says_what_it_means(alarm: str) -> None:
    """In the message of the topic, this is all that a person reads."""
    text = properties(alarm)["AlarmDescription"]
    assert text.endswith(".")
    assert len(text) <= 1024
