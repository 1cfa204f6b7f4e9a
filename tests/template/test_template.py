"""The template itself: what it refuses, what it keeps, and how its parts fit together."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse.adapters.runtime import READ_TIMEOUT_SECONDS
from dormouse.domain.spec import is_endpoint_name
from dormouse.settings import InvokeSettings, ReconcileSettings
from tests.template.cloudformation import (
    IMAGE,
    REPOSITORY,
    environment,
    parameters,
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
        ("InstanceType", "ml.m5.xlarge", True),
        ("InstanceType", "ml.m6gd.16xlarge", True),
        ("InstanceType", "m5.xlarge", False),
        ("InstanceType", "ml.m5", False),
        ("IdleTimeout", "60s", True),
        ("IdleTimeout", "15m", True),
        ("IdleTimeout", "168h", True),
        ("IdleTimeout", "7d", False),
        ("IdleTimeout", "15", False),
        ("IdleTimeout", "0m", False),
        ("IdleTimeout", "1.5h", False),
        ("IdleTimeout", "1h30m", False),
    ],
)
def test_what_the_parameters_accept(parameter: str, value: str, accepted: bool) -> None:
    """A bad value is refused before anything is created."""
    assert accepts(parameter, value) is accepted


@given(st.text(alphabet="aZ09-_./\n", min_size=1, max_size=70))
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


def test_what_outlives_the_stack() -> None:
    """Models and memory are kept; what a live endpoint may still use survives its replacement."""
    kept = {
        name: (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy"))
        for name, resource in template()["Resources"].items()
        if "Retain" in (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy"))
    }
    assert kept == {
        "ModelBucket": ("Retain", "Retain"),
        "ModelBucketPolicy": ("Retain", "Retain"),
        "EndpointsTable": ("Retain", "Retain"),
        "ModelRole": ("Delete", "Retain"),
        "Model": ("Delete", "Retain"),
        "EndpointConfig": ("Delete", "Retain"),
    }


def test_cloudformation_never_owns_an_endpoint() -> None:
    """It would take every sleep for drift."""
    assert resources("AWS::SageMaker::Endpoint") == {}


def test_the_stacks_own_config_is_managed() -> None:
    """The tags are what reconcile finds it by, and the Model is a multi-model one."""
    (config,) = resources("AWS::SageMaker::EndpointConfig").values()
    tags = {tag["Key"]: resolve(tag["Value"]) for tag in config["Properties"]["Tags"]}
    assert tags == {"dormouse:endpoint": "dormouse", "dormouse:idle-timeout": "15m"}
    (variant,) = config["Properties"]["ProductionVariants"]
    assert variant["VariantName"] == "AllTraffic"
    (model,) = resources("AWS::SageMaker::Model").values()
    container = resolve(model["Properties"]["PrimaryContainer"])
    assert container == {
        "Image": IMAGE,
        "Mode": "MultiModel",
        "ModelDataUrl": "s3://dormouse-ModelBucket/models/",
    }


def function(name: str) -> dict[str, Any]:
    properties: dict[str, Any] = template()["Resources"][name]["Properties"]
    return properties


def test_a_late_tick_acts_on_nothing() -> None:
    """Reconcile is over before the next tick, and neither tick nor nudge is delivered again."""
    reconcile = function("ReconcileFunction")
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
    """The function lives longer than the runtime client reads, and only signed calls reach it."""
    invoke = function("InvokeFunction")
    assert invoke["Timeout"] > READ_TIMEOUT_SECONDS + 10
    assert invoke["FunctionUrlConfig"] == {"AuthType": "AWS_IAM", "InvokeMode": "BUFFERED"}


def test_the_functions_can_read_their_settings() -> None:
    """What the template says is what settings.py expects, in name and in form."""
    reconcile = ReconcileSettings.from_env(environment("ReconcileFunction"))
    assert reconcile.own_endpoint == parameters()["EndpointName"]
    assert reconcile.own_endpoint_config == "dormouse-EndpointConfig.EndpointConfigName"
    assert reconcile.stack_name == "dormouse"
    invoke = InvokeSettings.from_env(environment("InvokeFunction"))
    assert invoke.reconcile_function == "dormouse-ReconcileFunction"
    assert invoke.endpoints_table == reconcile.endpoints_table == "dormouse-EndpointsTable"
    assert invoke.ledger_interval == reconcile.ledger_interval


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
        for logical_id in resources("AWS::Serverless::Function")
        for name in environment(logical_id)
        if name.startswith("DORMOUSE_")
    }
    assert written <= read


def test_the_alarm_watches_a_metric_that_is_written() -> None:
    """Its dimension is the service name under which reconcile counts."""
    (alarm,) = resources("AWS::CloudWatch::Alarm").values()
    properties = alarm["Properties"]
    settings = environment("ReconcileFunction")
    assert properties["Namespace"] == settings["POWERTOOLS_METRICS_NAMESPACE"]
    assert properties["Dimensions"] == [
        {"Name": "service", "Value": settings["POWERTOOLS_SERVICE_NAME"]}
    ]
    handler = (REPOSITORY / "functions/dormouse/handlers/reconcile.py").read_text(encoding="utf-8")
    assert f'count("{properties["MetricName"]}")' in handler


def test_what_the_stack_tells_its_user() -> None:
    """Every output resolves, the URL among them."""
    outputs = dict(template()["Outputs"])
    assert outputs.pop("InvokeUrl")["Value"] == {"Fn::GetAtt": ["InvokeFunctionUrl", "FunctionUrl"]}
    assert {name: resolve(output["Value"]) for name, output in outputs.items()} == {
        "EndpointName": "dormouse",
        "EndpointConfigName": "dormouse-EndpointConfig.EndpointConfigName",
        "ModelBucketName": "dormouse-ModelBucket",
        "ModelPrefix": "models/",
        "EndpointsTableName": "dormouse-EndpointsTable",
        "ReconcileFunctionName": "dormouse-ReconcileFunction",
        "InvokeFunctionName": "dormouse-InvokeFunction",
    }
