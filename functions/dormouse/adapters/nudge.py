"""The nudge: an asynchronous invocation of `reconcile` for one endpoint."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dormouse.adapters.calls import aws_call

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


@dataclass(frozen=True, slots=True)
class ReconcileNudge:
    """Implements Nudge."""

    client: "LambdaClient"
    function_name: str

    def __call__(self, endpoint: str, request_id: str) -> None:
        """Make `reconcile` look at this endpoint now, without waiting for it.

        Raises:
            AwsError: it could not be sent.
        """
        event = {"action": "reconcile", "endpoint": endpoint, "id": request_id}
        with aws_call("Invoke"):
            self.client.invoke(
                FunctionName=self.function_name,
                InvocationType="Event",
                Payload=json.dumps(event).encode(),
            )
