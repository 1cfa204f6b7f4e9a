"""The queue of what `drain` is to do."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dormouse.adapters.calls import aws_call
from dormouse.domain.work import Work, write_work
from dormouse.errors import AwsError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

# SQS takes ten in a call.
_BATCH = 10


@dataclass(frozen=True, slots=True)
class SqsWorkQueue:
    """Implements WorkQueue."""

    client: "SQSClient"
    url: str

    def send(self, work: Sequence[Work]) -> None:
        """Send it, in this order; what SQS refuses is tried once more at the end.

        Raises:
            AwsError: some could not be sent; all the others were.
        """
        bodies = [json.dumps(write_work(piece)) for piece in work]
        refused, _ = self._send(bodies)
        if refused:
            left, why = self._send(refused)
            if left:
                raise AwsError(
                    f"SendMessageBatch: {len(left)} of {len(bodies)} messages were not sent: {why}"
                )

    def _send(self, bodies: Sequence[str]) -> tuple[Sequence[str], str]:
        """Send all; return those that were refused, and why the last of them was."""
        refused: list[str] = []
        why = ""
        for start in range(0, len(bodies), _BATCH):
            batch = bodies[start : start + _BATCH]
            try:
                with aws_call("SendMessageBatch"):
                    answer = self.client.send_message_batch(
                        QueueUrl=self.url,
                        Entries=[
                            {"Id": str(number), "MessageBody": body}
                            for number, body in enumerate(batch)
                        ],
                    )
            except AwsError as error:
                refused += batch
                why = str(error)
                continue
            for failure in answer.get("Failed", []):
                refused.append(batch[int(failure["Id"])])
                why = f"{failure['Code']}: {failure.get('Message', '')}"
        return refused, why
