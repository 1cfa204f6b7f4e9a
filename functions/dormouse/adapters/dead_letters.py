"""The dead-letter queue: the requests that have failed, for whoever replays them.

SQS moves messages there as well, whose handling has ended too often without an answer. Those are
work (see domain/work.py), name no request, and are left where they are.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from dormouse.adapters.calls import aws_call, error_code, error_message
from dormouse.domain.parked_request import ParkedRequest
from dormouse.errors import AwsError
from dormouse.ports import DeadLetter

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

# For as long a message is kept from others; whoever takes some is done with them sooner.
_TAKEN_SECONDS = 60

# Messages that name no request may stand before others that do: so many tens of them are passed.
_PASSED = 10

# The whole reason is in the record. A message has 256 KB, and a character may take twelve of them.
_LONGEST_REASON = 4000


@dataclass(frozen=True, slots=True)
class SqsDeadLetters:
    """Implements DeadLetters. Every method may raise AwsError."""

    client: "SQSClient"
    url: str

    def send(self, request: ParkedRequest) -> None:
        """Add one, with its reason."""
        letter = {
            "endpoint": request.endpoint,
            "request_id": request.id,
            "reason": (request.reason or "")[:_LONGEST_REASON],
        }
        with aws_call("SendMessage"):
            self.client.send_message(QueueUrl=self.url, MessageBody=json.dumps(letter))

    def receive(self) -> Sequence[DeadLetter]:
        """Take up to ten for a minute, none where there are none (or others have taken them)."""
        passed: list[str] = []
        try:
            for messages in self._batches():
                letters = [letter for letter in map(_read_letter, messages) if letter is not None]
                read = {letter.receipt for letter in letters}
                passed += [
                    message["ReceiptHandle"]
                    for message in messages
                    if message["ReceiptHandle"] not in read
                ]
                if letters:
                    return letters
        finally:
            # Only now, or they would be the next to be received.
            for receipt in passed:
                # They come back by themselves, if a little later.
                with suppress(AwsError):
                    self._show(receipt)
        return ()

    def delete(self, letter: DeadLetter) -> None:
        """Remove one that was taken."""
        with aws_call("DeleteMessage"):
            self.client.delete_message(QueueUrl=self.url, ReceiptHandle=letter.receipt)

    def put_back(self, letter: DeadLetter) -> None:
        """Leave one that was taken to others, at once."""
        self._show(letter.receipt)

    def _batches(self) -> Iterator[Sequence["MessageTypeDef"]]:
        for _ in range(_PASSED):
            with aws_call("ReceiveMessage"):
                answer = self.client.receive_message(
                    QueueUrl=self.url,
                    MaxNumberOfMessages=10,
                    VisibilityTimeout=_TAKEN_SECONDS,
                    # Without a wait SQS asks some of its servers, and may miss what is there.
                    WaitTimeSeconds=1,
                )
            messages = answer.get("Messages", [])
            if not messages:
                return
            yield messages

    def _show(self, receipt: str) -> None:
        with aws_call("ChangeMessageVisibility"):
            try:
                self.client.change_message_visibility(
                    QueueUrl=self.url, ReceiptHandle=receipt, VisibilityTimeout=0
                )
            except ClientError as error:
                if not _is_shown_already(error):
                    raise


def _is_shown_already(error: ClientError) -> bool:
    # SQS says it in two ways, and the first with and without its name before it.
    return error_code(error).endswith("MessageNotInflight") or (
        "not available for visibility timeout change" in error_message(error)
    )


def _read_letter(message: "MessageTypeDef") -> DeadLetter | None:
    try:
        letter: object = json.loads(message["Body"])
    except (ValueError, RecursionError):
        return None
    match letter:
        case {"endpoint": str(endpoint), "request_id": str(request_id)}:
            return DeadLetter(endpoint, request_id, message["ReceiptHandle"])
        case _:
            return None
