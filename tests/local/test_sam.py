"""The real sam CLI against the local AWS: what `sam deploy` and `sam delete` do to a stack.

sam looks at a deletion at once and then every 30 s, so what is slow to delete is not tested here.
"""

import json
import os
from pathlib import Path

import pytest

from local import stack
from local.settings import REPOSITORY, LocalSettings
from local.stack import DeployError
from tests.local.conftest import ACCOUNT, LocalAws
from tests.local.stacks import SmallStack, function, get

TEMPLATE = {
    "AWSTemplateFormatVersion": "2010-09-09",
    "Transform": "AWS::Serverless-2016-10-31",
    "Parameters": {
        "Cron": {"Type": "String", "Default": "cron(0 7 * * ? *)"},
        "Text": {"Type": "String", "Default": "text"},
    },
    "Resources": {
        "Function": function("def handler(event, context): return event"),
        "Schedule": {
            "Type": "AWS::Scheduler::Schedule",
            "Properties": {
                "ScheduleExpression": {"Ref": "Cron"},
                "Description": {"Ref": "Text"},
                "FlexibleTimeWindow": {"Mode": "OFF"},
                "Target": {
                    "Arn": get("Function", "Arn"),
                    "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/any",
                },
            },
        },
    },
    "Outputs": {name: {"Value": {"Ref": name}} for name in ("Cron", "Text")},
}


def test_deployed_changed_and_deleted(aws: LocalAws, tmp_path: Path) -> None:
    """By stack.deploy and stack.delete, with a name and with parameters; what CloudFormation takes
    back is an error that says why.
    """
    sam = os.environ.get("DORMOUSE_SAM", str(REPOSITORY / ".venvs" / "sam" / "bin" / "sam"))
    if not Path(sam).exists():
        pytest.skip("no sam CLI: see local/requirements-sam.txt")
    settings = LocalSettings(port=aws.port, state_dir=aws.state_dir)
    log, template = tmp_path / "sam.log", tmp_path / "template.yaml"
    template.write_text(json.dumps(TEMPLATE))
    made = SmallStack(aws, "by-sam")

    def deploy(**parameters: str) -> None:
        stack.deploy(settings, parameters, log, name="by-sam", template=template)

    deploy()
    assert made.status() == "CREATE_COMPLETE"
    assert made.outputs() == {"Cron": "cron(0 7 * * ? *)", "Text": "text"}
    changed = {"Cron": "cron(30 8 ? * MON-FRI *)", "Text": ""}
    deploy(**changed)
    assert made.status() == "UPDATE_COMPLETE"
    assert made.outputs() == changed
    deploy(**changed)  # nothing to change, which is no error
    with pytest.raises(DeployError) as failed:
        deploy(Cron="cron(99 * * * ? *)", Text='a "quoted" text')
    assert str(failed.value).startswith("sam deploy failed: ")
    assert str(failed.value).endswith("; Schedule: Invalid Schedule Expression cron(99 * * * ? *).")
    assert made.status() == "UPDATE_ROLLBACK_COMPLETE"
    assert made.outputs() == changed
    changed["Text"] = 'a "quoted" text'
    deploy(**changed)
    assert made.outputs() == changed
    stack.delete(settings, log, name="by-sam")
    assert made.status() is None
