"""The template itself: the checkers accept it, and its parts fit together."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from dormouse.adapters.runtime import CONNECT_TIMEOUT_SECONDS
from tests.template.cloudformation import (
    IMAGE,
    REPOSITORY,
    environment,
    properties,
    resolve,
    resources,
    template,
)


def test_sam_accepts_the_template(sam: Path, tool_environment: dict[str, str]) -> None:
    """Its own validation and cfn-lint on what the transform makes of it."""
    finished = subprocess.run(
        [sam, "validate", "--lint"],
        cwd=REPOSITORY,
        env=tool_environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_cfn_lint_finds_nothing() -> None:
    """Warnings included."""
    finished = subprocess.run(
        [Path(sys.executable).parent / "cfn-lint", REPOSITORY / "template.yaml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (finished.returncode, finished.stdout) == (0, ""), finished.stderr


def test_samconfig_names_nobodys_account() -> None:
    """It works on every machine and in every region."""
    text = (REPOSITORY / "samconfig.toml").read_text(encoding="utf-8")
    config = tomllib.loads(text)
    assert config["version"] == 0.1
    settings = config["default"]
    assert settings["global"]["parameters"]["stack_name"] == "dormouse"
    assert settings["deploy"]["parameters"]["capabilities"] == "CAPABILITY_IAM"
    assert settings["deploy"]["parameters"]["confirm_changeset"] is True
    keys = {key for command in settings.values() for key in command["parameters"]}
    assert keys.isdisjoint({"region", "profile", "s3_bucket", "image_repository", "role_arn"})
    assert not re.search(r"[0-9]{12}|/(home|root|work)/", text)


def test_cloudformation_never_owns_an_endpoint() -> None:
    """It would take every sleep for drift."""
    assert resources("AWS::SageMaker::Endpoint") == {}


def test_the_stacks_own_model_is_a_multi_model_one() -> None:
    """One variant, under the name that CloudWatch is asked for, and models from the bucket."""
    (variant,) = properties("EndpointConfig")["ProductionVariants"]
    assert variant["VariantName"] == "AllTraffic"
    assert variant["ModelName"] == {"Fn::GetAtt": ["Model", "ModelName"]}
    assert resolve(properties("Model")["PrimaryContainer"]) == {
        "Image": IMAGE,
        "Mode": "MultiModel",
        "ModelDataUrl": "s3://dormouse-ModelBucket/models/",
    }


def test_a_late_tick_acts_on_nothing() -> None:
    """Reconcile is over before the next tick, and neither tick nor nudge is delivered again."""
    reconcile = properties("ReconcileFunction")
    assert reconcile["Timeout"] < 60
    once = {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}
    assert reconcile["EventInvokeConfig"] == once
    assert {
        name: event["Properties"]["RetryPolicy"] for name, event in reconcile["Events"].items()
    } == {
        "Tick": once,
        "EndpointChanged": once,
    }
    assert reconcile["Events"]["Tick"]["Properties"]["ScheduleExpression"] == "rate(1 minute)"


def test_no_request_is_cut_off_by_lambda() -> None:
    """The function lives longer than the longest hold and the call that follows, and only signed
    calls reach it.
    """
    invoke, told = properties("InvokeFunction"), environment("InvokeFunction")
    call = int(told["DORMOUSE_RUNTIME_READ_TIMEOUT_SECONDS"]) + CONNECT_TIMEOUT_SECONDS
    assert invoke["Timeout"] > int(told["DORMOUSE_LONGEST_HOLD_SECONDS"]) + call + 10
    assert invoke["Timeout"] <= 900
    assert "ReservedConcurrentExecutions" not in resolve(invoke)
    reserved = resolve(invoke["ReservedConcurrentExecutions"], {"ReservedConcurrency": "50"})
    assert reserved == "50"
    assert invoke["FunctionUrlConfig"] == {"AuthType": "AWS_IAM", "InvokeMode": "BUFFERED"}


def test_what_is_remembered_can_be_restored() -> None:
    """Each table is paid by use and encrypted. What is remembered of endpoints can be set back to
    any minute; a request that was answered since must not wait again.
    """
    restorable = set()
    for name, table in resources("AWS::DynamoDB::Table").items():
        written = table["Properties"]
        assert written["BillingMode"] == "PAY_PER_REQUEST"
        assert written["SSESpecification"] == {"SSEEnabled": True}
        if written.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled"):
            restorable.add(name)
    assert restorable == {"EndpointsTable", "DecisionsTable"}


def test_every_function_has_its_own_log() -> None:
    """Which ends some day; SAM would make none, and Lambda's own is kept for ever."""
    groups = {
        name: resource["Properties"]["LoggingConfig"]["LogGroup"]["Ref"]
        for name, resource in resources("AWS::Serverless::Function").items()
    }
    assert set(groups.values()) == set(resources("AWS::Logs::LogGroup")) - {"CaptureLogs"}
    assert len(set(groups.values())) == len(groups)
    for group in resources("AWS::Logs::LogGroup").values():
        assert group["Properties"]["RetentionInDays"] == 30


def test_what_the_stack_tells_its_user() -> None:
    """Every output resolves; the addresses are those of the Function URL and of the API."""
    outputs = {name: output["Value"] for name, output in template()["Outputs"].items()}
    assert outputs.pop("InvokeUrl") == {"Fn::GetAtt": ["InvokeFunctionUrl", "FunctionUrl"]}
    # Without a slash at its end, and without a stage, since that is $default.
    assert outputs.pop("ControlUrl") == {"Fn::GetAtt": ["ControlApi", "ApiEndpoint"]}
    assert {name: resolve(value) for name, value in outputs.items()} == {
        "EndpointName": "dormouse",
        "EndpointConfigName": "dormouse-EndpointConfig.EndpointConfigName",
        "ModelBucketName": "dormouse-ModelBucket",
        "ModelPrefix": "models/",
        "EndpointsTableName": "dormouse-EndpointsTable",
        "DecisionsTableName": "dormouse-DecisionsTable",
        "NoticeBusName": "dormouse-NoticeBus",
        "SchedulesParameterName": "dormouse-SchedulesParameter",
        "RequestsTableName": "dormouse-RequestsTable",
        "RequestsBucketName": "dormouse-RequestsBucket",
        "UsageTableName": "dormouse-UsageTable",
        "CaptureBucketName": "dormouse-CaptureBucket",
        "CaptureStreamName": "dormouse-CaptureStream",
        "CaptureDatabaseName": "dormouse-CaptureDatabase",
        "CaptureTableName": "dormouse-CaptureTable",
        "WorkQueueUrl": "dormouse-WorkQueue",
        "DeadLetterQueueUrl": "dormouse-DeadLetterQueue",
        "ReconcileFunctionName": "dormouse-ReconcileFunction",
        "ControlFunctionName": "dormouse-ControlFunction",
        "InvokeFunctionName": "dormouse-InvokeFunction",
        "DrainFunctionName": "dormouse-DrainFunction",
        "InvokeLogGroupName": "dormouse-InvokeLogs",
        "DrainLogGroupName": "dormouse-DrainLogs",
    }
