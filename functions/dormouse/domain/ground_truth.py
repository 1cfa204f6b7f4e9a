"""Ground truth: what the answer should have been, in SageMaker's layout.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-merge.html
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from dormouse.domain.capture import is_sampled
from dormouse.domain.capture_policy import CapturePolicy

MOST_RECORDS = 10_000
LONGEST_TRUTH = 262_144
_LONGEST_INFERENCE_ID = 64
_LONGEST_EVENT_ID = 256

_ENCODINGS = ("CSV", "JSON", "BASE64")
_MEMBERS = ("inference_id", "event_id", "data", "encoding")


class GroundTruthError(ValueError):
    """Ground truth that can't be taken; the message names the record and its part."""


@dataclass(frozen=True, slots=True)
class GroundTruth:
    """What one request should have been answered.

    `event_id` is what the capture of that request has as its inferenceId or else as its eventId;
    `is_inference_id` says that its caller has chosen it.
    """

    event_id: str
    is_inference_id: bool
    truth: str
    encoding: str


def read_ground_truth(body: object) -> Sequence[GroundTruth]:
    """Read `{"records": [{"inference_id" | "event_id": …, "data": …, "encoding": …}, …]}`.

    Raises:
        GroundTruthError: it has another form; the message names the record, from 0, and its part.
    """
    if not isinstance(body, Mapping):
        raise GroundTruthError(f"the body must be a JSON object, not {type(body).__name__}")
    unknown = sorted(str(key) for key in body if key != "records")
    if unknown:
        raise GroundTruthError(f"{unknown[0]!r:.100} is not known here: records is")
    records = body.get("records")
    if not isinstance(records, list) or not 0 < len(records) <= MOST_RECORDS:
        raise GroundTruthError(f'"records" must be a list of 1 to {MOST_RECORDS} records')
    return [_read_record(f"records[{index}]", record) for index, record in enumerate(records)]


def sampled_among(truths: Sequence[GroundTruth], policy: CapturePolicy) -> list[GroundTruth]:
    """Choose those whose requests the policy captures.

    Requests are sampled by their inference id where they have one. An event id tells nothing of
    that, but whoever has one has it from a capture.
    """
    return [
        truth
        for truth in truths
        if (is_sampled(policy, truth.event_id) if truth.is_inference_id else policy.percent > 0)
    ]


def write_ground_truth(truths: Sequence[GroundTruth]) -> bytes:
    """Write the lines of one object."""
    return b"".join(_line(truth) for truth in truths)


def key_of(endpoint: str, written: bytes, now: datetime) -> str:
    """Say under which key the object is kept: the same for the same lines in the same hour, so that
    a repetition does not count twice.
    """
    name = UUID(bytes=hashlib.sha256(written).digest()[:16], version=4)
    return f"ground-truth/{endpoint}/{now.astimezone(UTC):%Y/%m/%d/%H}/{name}.jsonl"


def _line(truth: GroundTruth) -> bytes:
    record = {
        "groundTruthData": {"data": truth.truth, "encoding": truth.encoding},
        "eventMetadata": {"eventId": truth.event_id},
        "eventVersion": "0",
    }
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"


def _read_record(where: str, record: object) -> GroundTruth:
    if not isinstance(record, Mapping):
        raise GroundTruthError(f"{where} must be a JSON object, not {type(record).__name__}")
    unknown = sorted(str(key) for key in record if key not in _MEMBERS)
    if unknown:
        raise GroundTruthError(
            f"{where}: {unknown[0]!r:.100} is not known here: {', '.join(_MEMBERS)} are"
        )
    if ("inference_id" in record) == ("event_id" in record):
        raise GroundTruthError(f'{where} must have either "inference_id" or "event_id"')
    is_inference_id = "inference_id" in record
    if is_inference_id:
        event_id = _read_id(where, record, "inference_id", _LONGEST_INFERENCE_ID)
    else:
        event_id = _read_id(where, record, "event_id", _LONGEST_EVENT_ID)
    encoding = record.get("encoding", "CSV")
    if encoding not in _ENCODINGS:
        raise GroundTruthError(
            f'{where}: "encoding" must be one of {", ".join(_ENCODINGS)}, not {encoding!r:.100}'
        )
    return GroundTruth(event_id, is_inference_id, _read_truth(where, record, encoding), encoding)


def _read_id(where: str, record: Mapping[object, object], name: str, longest: int) -> str:
    text = record[name]
    if not isinstance(text, str) or not 0 < len(text) <= longest or not text.isprintable():
        raise GroundTruthError(
            f'{where}: "{name}" must be a text of 1 to {longest} printable characters, '
            f"not {text!r:.100}"
        )
    return text


def _read_truth(where: str, record: Mapping[object, object], encoding: str) -> str:
    truth = record.get("data")
    if not isinstance(truth, str):
        raise GroundTruthError(f'{where}: "data" must be a text, not {type(truth).__name__}')
    if len(truth) > LONGEST_TRUTH:
        raise GroundTruthError(
            f'{where}: "data" has {len(truth)} characters: {LONGEST_TRUTH} are allowed'
        )
    try:
        if encoding == "JSON":
            json.loads(truth)
        elif encoding == "BASE64":
            base64.b64decode(truth, validate=True)
    except (ValueError, RecursionError) as error:
        raise GroundTruthError(f'{where}: "data" is not {encoding}: {error}') from error
    return truth
