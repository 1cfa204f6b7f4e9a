"""README.md lists what there is: parameters, tags, commands, exit codes, routes, fields."""

import re
from dataclasses import fields
from datetime import timedelta
from typing import Any

import pytest
import typer.main

from dormouse.domain import spec
from dormouse.domain.spec import parse_spec
from dormouse_cli.app import app
from dormouse_cli.exit_codes import ExitCode
from local.settings import LocalSettings, variable
from local.stack import Stack
from tests.docs.page import README, REPOSITORY, Page
from tests.template.cloudformation import resources, template

PAGE = Page(README)
NUMBERS = (
    *("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen"),
    *("seventeen", "eighteen", "nineteen", "twenty"),
)

# What the table says in words where a parameter's default is empty, or where it has none.
IN_WORDS = {
    "ContainerImageUri": "asked for",
    "WakeCron": "never",
    "SleepCron": "never",
    "WakeFor": "as after one request",
    "Principals": "the own account",
    "AlarmTopicArn": "nobody does",
    "S3Buckets": "none",
    "CompletionTopicArns": "none",
    "CaptureKeyArn": "S3's own",
    "IdlePolicy": "`break-even`",
    "DelayCost": "`15m`",
    "IdleTimeout": "what the policy computes",
    "MinUp": "no minimum",
    "MaxUp": "no limit",
    "Schedule": "never",
    "Blackout": "never",
    "Budget": "no limit",
    "InstancePrices": "list prices",
    "Owner": "nobody",
    "NotificationTopicArn": "none",
    "MoreNotificationTopicArns": "none",
}


def test_every_parameter_is_in_its_table_with_its_default() -> None:
    """And no other is."""
    told: dict[str, str] = {}
    for row in PAGE.table("parameter", "meaning", "default"):
        names, defaults = row.spans(0), row.cells[2].split(", ")
        told |= dict(zip(names, defaults, strict=True))

    assert told == {
        name: f"`{parameter['Default']}`" if parameter.get("Default", "") != "" else IN_WORDS[name]
        for name, parameter in template()["Parameters"].items()
    }


def test_every_tag_is_in_its_table() -> None:
    """Those of an EndpointConfig; the bounds and defaults of what its idle policy goes by, too."""
    rows = {row.spans(0)[0]: row for row in PAGE.table("tag", "value", "default")}
    tags = {value for name, value in vars(spec).items() if name.endswith("_TAG")}

    assert set(rows) == tags - {spec.ADOPTED_TAG}
    assert f"Key={spec.ADOPTED_TAG}," in PAGE.text
    idle_timeout = rows[spec.IDLE_TIMEOUT_TAG]
    assert idle_timeout.spans(2) == [f"{spec.DEFAULT_IDLE_TIMEOUT // timedelta(minutes=1)}m"]
    assert idle_timeout.spans(1)[-2:] == [
        f"{spec.SHORTEST_IDLE_TIMEOUT // timedelta(seconds=1)}s",
        f"{spec.LONGEST_IDLE_TIMEOUT // timedelta(hours=1)}h",
    ]
    delay_cost = rows[spec.DELAY_COST_TAG]
    assert delay_cost.spans(2) == [f"{spec.DEFAULT_DELAY_COST // timedelta(minutes=1)}m"]
    assert delay_cost.spans(1) == [
        f"{spec.SHORTEST_DELAY_COST // timedelta(minutes=1)}m",
        f"{spec.LONGEST_DELAY_COST // timedelta(hours=1)}h",
    ]
    policy = rows[spec.POLICY_TAG]
    assert policy.spans(1) == [each.value for each in spec.Policy]
    assert policy.spans(2)[0] == parse_spec("c", {spec.ENDPOINT_TAG: "e"}).policy


def subcommands(group: Any, *before: str) -> dict[str, Any]:
    """Every command of the CLI, by its words."""
    found: dict[str, Any] = {}
    for name, command in group.commands.items():
        words = (*before, name)
        deeper = hasattr(command, "commands")
        found |= subcommands(command, *words) if deeper else {" ".join(words): command}
    return found


COMMANDS = subcommands(typer.main.get_command(app))


def test_every_command_is_in_its_table() -> None:
    """In the form in which it is typed: its argument, and options that it has."""
    forms = [span for row in PAGE.table("command", "what it does") for span in row.spans(0)]
    told = {
        re.match(r"[a-z-]+(?: [a-z]+)*", form)[0]: form  # type: ignore[index]  # a command or a failure
        for form in forms
        if not form.startswith("--")
    }
    assert set(told) == set(COMMANDS)
    for name, form in told.items():
        options = {option for parameter in COMMANDS[name].params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", form)) <= options, form


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_takes_what_the_readme_says_of_all(name: str) -> None:
    """The options, and where there is an ENDPOINT, it may be left out."""
    [told] = re.findall(r"Every command takes (.*?) Exit codes", PAGE.prose, re.DOTALL)
    parameters = COMMANDS[name].params
    common = set(re.findall(r"`(--[a-z-]+)`", told))
    assert common == {"--json", "--profile", "--region", "--endpoint-url", "--stack"}
    assert common <= {option for parameter in parameters for option in parameter.opts}
    assert not [entry for entry in parameters if entry.name == "endpoint" and entry.required]


def test_every_exit_code_is_mentioned() -> None:
    """In one sentence, and no other is."""
    [told] = re.findall(r"Exit codes: (.*?) Against", PAGE.prose, re.DOTALL)
    codes = re.findall(r"(?:^|, )(\d+) ", re.sub(r"\([^)]*\)", "", told.replace("\n", " ")))
    assert [int(code) for code in codes] == [code.value for code in ExitCode]


def test_every_route_is_in_its_table() -> None:
    """Of the HTTP API, but for the one that catches all else."""
    routes = {
        f"{event['Properties']['Method'].upper()} {event['Properties']['Path']}"
        for event in resources("AWS::Serverless::Function")["ControlFunction"]["Properties"][
            "Events"
        ].values()
        if "Path" in event["Properties"]
    }
    told = {span for span in PAGE.commands() if re.match(r"(DELETE|GET|POST|PUT) /", span)}
    assert told == routes


def test_the_fields_of_stack_json_are_listed() -> None:
    """All that a script finds there."""
    [told] = re.findall(r"Scripts find\s(.*?)\sin\s+`\.local/stack\.json`", PAGE.prose, re.DOTALL)
    assert set(re.findall(r"`([a-z_]+)`", told)) == {field.name for field in fields(Stack)}


def test_the_local_settings_have_the_defaults_that_are_told() -> None:
    """Those that are worth knowing."""
    told = dict(re.findall(r"`(LOCAL_[A-Z_]+)` \((\d+)", PAGE.prose))
    defaults = {variable(field.name): field.default for field in fields(LocalSettings)}
    assert len(told) == 2
    assert {name: float(value) for name, value in told.items()} == {
        name: defaults[name] for name in told
    }
    assert f"http://127.0.0.1:{told['LOCAL_PORT']} " in PAGE.text


def test_the_two_commands_take_as_long_as_make_help_says() -> None:
    """Whoever reads either expects the same."""
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    for target in ("demo", "test"):
        [told] = re.findall(rf"^make {target} .*?\b(\d+) minutes", PAGE.text, re.MULTILINE)
        [helped] = re.findall(rf"^{target}:.*?\b(\d+) minutes", makefile, re.MULTILINE)
        assert told == helped, target


def test_every_target_that_is_typed_exists() -> None:
    """And is one that `make help` shows."""
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = {span.split()[1] for span in PAGE.commands() if span.startswith("make ")}
    assert {"demo", "test", "up", "down"} <= targets
    assert targets <= set(re.findall(r"^([a-z-]+):.*?## ", makefile, re.MULTILINE))


def test_the_alarms_are_counted_right() -> None:
    """They are most of what Dormouse costs."""
    alarms = len(resources("AWS::CloudWatch::Alarm"))
    assert re.findall(r"(\w+) alarms", PAGE.prose)[0] == NUMBERS[alarms]
