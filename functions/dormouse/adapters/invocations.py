"""Invoking our own functions: without waiting (the nudge), and for the outcome of a whole tick."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dormouse.adapters.calls import aws_call
from dormouse.domain.removal import TickReport
from dormouse.errors import AwsError

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


@dataclass(frozen=True, slots=True)
class AsynchronousInvocation:
    """Sends an event to a function and waits for nothing."""

    client: "LambdaClient"

    def __call__(self, function_name: str, event: Mapping[str, Any]) -> None:
        """Send it.

        Raises:
            AwsError: it could not be sent.
        """
        with aws_call("Invoke"):
            self.client.invoke(
                FunctionName=function_name,
                InvocationType="Event",
                Payload=json.dumps(event).encode(),
            )


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
        AsynchronousInvocation(self.client)(self.function_name, event)


@dataclass(frozen=True, slots=True)
class ReconcileTick:
    """Implements WholeTick. `client` must wait for as long as a tick may take, and not repeat."""

    client: "LambdaClient"
    function_name: str

    def __call__(self) -> TickReport:
        """Invoke `reconcile` for every endpoint and return what it says of each.

        Raises:
            AwsError: it could not be invoked, or failed, or did not answer as it should.
        """
        with aws_call("Invoke"):
            answer = self.client.invoke(
                FunctionName=self.function_name,
                InvocationType="RequestResponse",
                Payload=json.dumps({"action": "reconcile"}).encode(),
            )
            payload = answer["Payload"].read().decode()
        if answer.get("FunctionError"):
            raise AwsError(f"reconcile failed: {payload}")
        return _read_report(payload)


def _read_report(payload: str) -> TickReport:
    try:
        report = json.loads(payload)
        entries = report["endpoints"]
        return TickReport(
            is_complete=bool(report["complete"]),
            actions={entry["endpoint"]: entry["action"] for entry in entries},
            reasons={entry["endpoint"]: entry["problem"] or entry["reason"] for entry in entries},
        )
    except (ValueError, KeyError, TypeError) as error:
        raise AwsError(f"reconcile answered {payload[:200]!r}") from error
