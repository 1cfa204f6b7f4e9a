"""docs/deploying.md and docs/runbook.md, held against the template and the code they speak of."""

import json
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.template.cloudformation import REPOSITORY, resources, template

DOCS = REPOSITORY / "docs"

# What CloudFormation's namespaces are called in IAM, where it is not the same in lower case.
IAM_PREFIXES = {
    "serverless": "lambda",
    "apigatewayv2": "apigateway",
    "kinesisfirehose": "firehose",
}


@cache
def text_of(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def headings(name: str) -> list[str]:
    """The titles of a page's sections, without what looks like one in a code block."""
    prose = re.sub(r"^```.*?^```", "", text_of(name), flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"^##+ (.+)$", prose, re.MULTILINE)


def section(name: str, title: str) -> str:
    """The text of one section."""
    found = re.search(
        rf"^##+ {re.escape(title)}$(.*?)(?=^##+ |\Z)",
        text_of(name),
        re.MULTILINE | re.DOTALL,
    )
    assert found, f"{name} has no section {title!r}"
    return found[1]


def anchor(title: str) -> str:
    """The part after # in a link to a section, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


@pytest.mark.parametrize("alarm", resources("AWS::CloudWatch::Alarm"))
def test_each_alarm_has_a_section_that_says_what_to_do(alarm: str) -> None:
    """By its logical id, of which the alarm's name is made."""
    told = section("runbook.md", alarm)
    for part in ("**It means**", "**To ignore it costs**", "**Look**", "**Do**"):
        assert part in told, f"{alarm}: {part} is missing"


def test_the_runbook_speaks_of_no_other_alarm() -> None:
    """A section in the form of a logical id is one."""
    ids = {title for title in headings("runbook.md") if re.fullmatch(r"([A-Z][a-z]+){2,}", title)}
    assert ids == set(resources("AWS::CloudWatch::Alarm"))


def test_the_resources_that_commands_ask_for_exist() -> None:
    """In the template, or as SAM names what it makes of a function's events."""
    made = {
        function + event
        for function, resource in resources("AWS::Serverless::Function").items()
        for event in resource["Properties"].get("Events", {})
    }
    asked = set(re.findall(r'(?:physical|errors) "?([A-Z]\w+)', text_of("runbook.md")))
    assert asked
    assert asked <= set(template()["Resources"]) | made


def test_log_groups_are_asked_for_their_logs() -> None:
    """And functions are not."""
    asked = re.findall(r'(?:logs tail "\$\(physical|errors) (\w+)', text_of("runbook.md"))
    assert asked
    assert set(asked) <= set(resources("AWS::Logs::LogGroup"))


@pytest.mark.parametrize("name", ["deploying.md", "runbook.md"])
def test_links_lead_somewhere(name: str) -> None:
    """To files, and to sections of pages."""
    for target in re.findall(r"\]\(([^)]+)\)", text_of(name)):
        if re.match(r"https?://", target):
            continue
        file, _, fragment = target.partition("#")
        page = (DOCS / (file or name)).resolve()
        assert page.is_file(), target
        if fragment:
            titles = [anchor(title) for title in headings(os.path.relpath(page, DOCS))]
            assert fragment in titles, target


def test_each_parameter_is_explained() -> None:
    """What sam asks for, and what a change of it does."""
    steps = section("deploying.md", "4. `make deploy`")
    updating = section("deploying.md", "Updating")
    for parameter in template()["Parameters"]:
        assert re.search(rf"\b{parameter}\b", steps), parameter
        assert re.search(rf"\b{parameter}\b", updating), parameter


def test_all_that_outlives_the_stack_is_listed() -> None:
    """So that nobody pays for what he has forgotten."""
    told = section("deploying.md", "Deleting")
    kept = [
        logical_id
        for logical_id, resource in template()["Resources"].items()
        if "Retain" in (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy"))
    ]
    assert kept
    for logical_id in kept:
        assert f"`{logical_id}`" in told, logical_id


def test_the_alarms_are_counted_right() -> None:
    """They are more than half of what Dormouse costs."""
    alarms = len(resources("AWS::CloudWatch::Alarm"))
    told = section("deploying.md", "What Dormouse costs a month")
    assert f"| alarms | {alarms}, at $0.10 each | ${alarms / 10:.2f} |" in told
    items = [float(cost) for cost in re.findall(r"^\|[^*\n]*\| \$(\d+\.\d\d) \|$", told, re.M)]
    assert f"**${sum(items):.2f}**" in told


# ------------------------------------------------------------------------------- the policies


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def policy(title: str) -> list[dict[str, Any]]:
    """The statements of the policy in a section."""
    [block] = re.findall(r"^```json\n(.*?)^```", section("deploying.md", title), re.M | re.DOTALL)
    document = json.loads(block)
    assert document["Version"] == "2012-10-17"
    statements: list[dict[str, Any]] = document["Statement"]
    return statements


def actions(title: str) -> set[str]:
    """Every action that a section's policy allows."""
    return {action for statement in policy(title) for action in as_list(statement["Action"])}


def policies() -> Iterator[str]:
    """The titles of the sections that have a policy."""
    for title in headings("deploying.md"):
        if "```json" in section("deploying.md", title):
            yield title


@pytest.mark.parametrize("title", list(policies()))
def test_a_policy_is_one(title: str) -> None:
    """Statements with names of their own, actions without wildcards, resources of this account."""
    statements = policy(title)
    assert len({statement["Sid"] for statement in statements}) == len(statements)
    for statement in statements:
        assert set(statement) <= {"Sid", "Effect", "Action", "Resource", "Condition"}
        assert statement["Effect"] == "Allow"
        for action in as_list(statement["Action"]):
            assert re.fullmatch(r"[a-z0-9-]+:[A-Z]\w+", action), action
        for resource in as_list(statement["Resource"]):
            if resource == "*":
                assert statement["Sid"] == "LogIn"
            else:
                assert re.match(r"arn:aws:\w[\w-]*:(us-east-1)?:(123456789012|aws)?:", resource)


def test_the_operators_policy_names_every_route_of_the_control_api() -> None:
    """With an asterisk for each name."""
    routes = {
        event["Properties"]["Method"] + re.sub(r"\{[^}]+\}", "*", event["Properties"]["Path"])
        for event in resources("AWS::Serverless::Function")["ControlFunction"]["Properties"][
            "Events"
        ].values()
        if "Path" in event["Properties"]
    }
    allowed = {
        resource.partition("/$default/")[2]
        for statement in policy("Operators")
        for resource in as_list(statement["Resource"])
        if ":execute-api:" in resource
    }
    assert allowed == routes


def test_the_pushers_policy_allows_what_make_push_calls() -> None:
    """boto3's method names are the actions in another spelling."""
    source = Path(REPOSITORY / "deploy" / "registry.py").read_text(encoding="utf-8")
    methods = set(re.findall(r"(?:_client|client\(\"sts\"\))\.([a-z_]+)\(", source))
    called = {method.title().replace("_", "") for method in methods}
    assert len(called) == 5
    told = {action.partition(":")[2] for action in actions("The one who pushes the image")}
    assert called <= told
    # https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html
    assert {"InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload", "PutImage"} <= told


def test_the_deployers_policy_covers_every_service_of_the_template() -> None:
    """Those that SAM makes of it included."""
    kinds = {resource["Type"] for resource in template()["Resources"].values()}
    services = {kind.split("::")[1].lower() for kind in kinds if kind.startswith("AWS::")}
    wanted = {IAM_PREFIXES.get(service, service) for service in services}
    wanted |= {"apigateway", "events", "scheduler", "cloudformation"}
    told = {action.partition(":")[0] for action in actions("The one who deploys")}
    assert wanted <= told
    # CloudFormation invokes the custom resource's function in the deployer's name.
    assert {"lambda:InvokeFunction", "iam:PassRole"} <= actions("The one who deploys")


def test_callers_need_both_permissions() -> None:
    """One for the URL, one for the function behind it."""
    assert actions("Callers") == {"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"}
