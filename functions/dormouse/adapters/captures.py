"""Captures, in the stream that Firehose writes to the bucket, or in the bucket itself.

https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecord.html
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from dormouse.adapters.calls import aws_call
from dormouse.domain.capture import CaptureRecord
from dormouse.errors import AwsError
from dormouse.ports import Clock, Kept

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# https://docs.aws.amazon.com/firehose/latest/dev/limits.html: 1,000 KiB, before base64.
RECORD_LIMIT_BYTES = 1_024_000

# Two tries of the one and one of the other, each with a connection of its own, are 3.3 s; two of
# the bucket alone, for a line of many megabytes, are 3 s. Neither client may repeat a call itself.
CONNECT_TIMEOUT_SECONDS = 0.3
STREAM_READ_TIMEOUT_SECONDS = 0.6
BUCKET_READ_TIMEOUT_SECONDS = 1.2

# An outage must not cost each request the tries.
PAUSE = timedelta(seconds=30)


@dataclass(slots=True)
class FirehoseCaptures:
    """Implements Captures.

    What Firehose does not take in two tries, for whatever reason, goes to the bucket, and so does
    all that follows within the pause; then Firehose is the last resort. A line that is too long for
    it always goes to the bucket. An answer that was lost makes a capture be kept twice.
    """

    firehose: Any
    s3: "S3Client"
    stream: str
    bucket: str
    clock: Clock
    _failed_at: datetime | None = field(default=None, init=False)

    def keep(self, record: CaptureRecord) -> Kept:
        """Keep one, perhaps twice; it takes no longer than a set time.

        Raises:
            AwsError: it could be kept nowhere; the message says what was tried.
        """
        is_long = len(record.line) > RECORD_LIMIT_BYTES
        problems: list[str] = []
        for to_stream in self._places(is_long=is_long):
            try:
                if to_stream:
                    self._put_record(record)
                else:
                    self._put_object(record)
            except AwsError as error:
                problems.append(str(error))
            else:
                return Kept(not (to_stream or is_long), tuple(dict.fromkeys(problems)))
        raise AwsError("; ".join(dict.fromkeys(problems)))

    def _places(self, *, is_long: bool) -> Iterator[bool]:
        """Say where to try, one after the other: in the stream (True) or in the bucket."""
        if is_long:
            yield from (False, False)
        elif self._is_paused():
            yield from (False, True)
        else:
            yield from (True, True)
            self._failed_at = self.clock()
            yield False

    def _is_paused(self) -> bool:
        # The clock may be set back meanwhile.
        since = self._failed_at
        return since is not None and since <= self.clock() < since + PAUSE

    def _put_record(self, record: CaptureRecord) -> None:
        with aws_call("PutRecord"):
            self.firehose.put_record(DeliveryStreamName=self.stream, Record={"Data": record.line})
        self._failed_at = None

    def _put_object(self, record: CaptureRecord) -> None:
        with aws_call("PutObject"):
            self.s3.put_object(
                Bucket=self.bucket,
                Key=f"{record.key_prefix}spilled-{record.event_id}.jsonl",
                Body=record.line,
                ContentType="application/jsonlines",
            )
