"""One deployment of Dormouse as the options name it; each part is looked up when it is needed."""

from __future__ import annotations

from functools import cached_property

from dormouse_cli.aws import AwsSession
from dormouse_cli.control_client import CONNECT_SECONDS, READ_SECONDS, ControlClient
from dormouse_cli.model_store import ModelStore
from dormouse_cli.options import CommonOptions
from dormouse_cli.request_logs import RequestLogs
from dormouse_cli.runtime_client import RuntimeClient
from dormouse_cli.stack_outputs import StackOutputs, read_outputs
from dormouse_cli.waiting import Clock


class Deployment:
    """Its properties raise `CliError` where the thing can't be found or reached."""

    def __init__(self, options: CommonOptions) -> None:
        self._options = options

    @cached_property
    def _aws(self) -> AwsSession:
        return AwsSession(self._options)

    @cached_property
    def _outputs(self) -> StackOutputs:
        cloudformation = self._aws.client("cloudformation")
        return read_outputs(cloudformation, self._options.stack_name, self._aws.region)

    def endpoint_name(self, given: str | None) -> str:
        """Return what the user named, or else the stack's own endpoint."""
        return given or self._outputs["EndpointName"]

    @cached_property
    def control(self) -> ControlClient:
        """The control API."""
        url = self._options.known_control_url or self._outputs["ControlUrl"]
        http = self._aws.http(url, connect_seconds=CONNECT_SECONDS, read_seconds=READ_SECONDS)
        return ControlClient(url, self._aws.region, self._aws.credentials, http)

    @cached_property
    def runtime(self) -> RuntimeClient:
        """The front door."""
        return RuntimeClient(
            self._aws, self._options.known_invoke_url or self._outputs["InvokeUrl"]
        )

    @cached_property
    def models(self) -> ModelStore:
        """Where the models lie."""
        s3 = self._aws.client("s3")
        return ModelStore(s3, self._outputs["ModelBucketName"], self._outputs["ModelPrefix"])

    @cached_property
    def request_logs(self) -> RequestLogs:
        """What the functions that answer requests have logged."""
        groups = [self._outputs[name] for name in ("InvokeLogGroupName", "DrainLogGroupName")]
        return RequestLogs(self._aws.client("logs"), groups, Clock())
