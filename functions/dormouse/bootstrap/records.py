"""What tells the capture and the ledger of requests, as `invoke` and `drain` build it."""

import secrets

from dormouse.adapters.captures import (
    BUCKET_READ_TIMEOUT_SECONDS,
    CONNECT_TIMEOUT_SECONDS,
    STREAM_READ_TIMEOUT_SECONDS,
    FirehoseCaptures,
)
from dormouse.adapters.usage import UsageTable
from dormouse.bootstrap.clients import fast_client, utc_now
from dormouse.recording import Recording
from dormouse.settings import DrainSettings, InvokeSettings
from dormouse.tallying import Tallying


def recording_by(settings: InvokeSettings | DrainSettings) -> Recording:
    """Build it; the ledger knows this container by a name that no other has.

    No client tries a call again by itself, since their times add up to the bound of a capture.
    """
    ledger = fast_client("dynamodb", connect_timeout=1, read_timeout=1, attempts=1)
    tallying = Tallying(
        UsageTable(ledger, settings.usage_table), utc_now, writer=secrets.token_hex(16)
    )
    captures = FirehoseCaptures(
        firehose=fast_client(
            "firehose",
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            read_timeout=STREAM_READ_TIMEOUT_SECONDS,
            attempts=1,
        ),
        s3=fast_client(
            "s3",
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            read_timeout=BUCKET_READ_TIMEOUT_SECONDS,
            attempts=1,
        ),
        stream=settings.capture_stream,
        bucket=settings.capture_bucket,
        clock=utc_now,
    )
    return Recording(
        captures, tallying.note, tallying.note_arrival, by_model=settings.captures_by_model
    )
