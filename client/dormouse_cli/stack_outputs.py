"""Where everything is: the outputs of the deployment's CloudFormation stack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from dormouse_cli.aws import explained
from dormouse_cli.errors import CliError
from dormouse_cli.exit_codes import ExitCode


class StackOutputs:
    """The outputs by their names in template.yaml."""

    def __init__(self, stack: str, region: str, outputs: Mapping[str, str], status: str) -> None:
        self.stack = stack
        self._region = region
        self._outputs = outputs
        self._status = status

    def __getitem__(self, name: str) -> str:
        """Return an output.

        Raises:
            CliError: the stack does not have it.
        """
        try:
            return self._outputs[name]
        except KeyError:
            raise CliError(
                f"The stack {self.stack!r} in {self._region} ({self._status}) has no output "
                f"{name}: it is another stack, not deployed yet, or older than this CLI.",
                ExitCode.NOT_FOUND,
            ) from None


def read_outputs(cloudformation: Any, stack: str, region: str) -> StackOutputs:
    """Ask CloudFormation for the outputs of a stack.

    Raises:
        CliError: there is no such stack in this region, or it can't be read.
    """
    with explained(f"describing the stack {stack!r}"):
        try:
            (described, *_) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
        except ClientError as error:
            said = error.response.get("Error", {})
            if said.get("Code") != "ValidationError" or "exist" not in said.get("Message", ""):
                raise
            raise CliError(
                f"There is no stack {stack!r} in {region}: name yours with --stack or "
                "DORMOUSE_STACK, or its region with --region.",
                ExitCode.NOT_FOUND,
            ) from error
    outputs = {
        output["OutputKey"]: output["OutputValue"]
        for output in described.get("Outputs", [])
        if "OutputKey" in output and "OutputValue" in output
    }
    return StackOutputs(stack, region, outputs, described.get("StackStatus", "of unknown status"))
