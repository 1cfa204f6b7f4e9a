"""A capture: what is kept of one exchange, as a line in the format of SageMaker's data capture.

SageMaker's own capture is refused for multi-model endpoints. Whatever reads its files reads these:
`eventMetadata` has members more, and a body that is not kept is absent.
https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from dormouse.domain.capture_policy import CapturePolicy, Content
from dormouse.domain.exchange import Exchange
from dormouse.domain.redaction import redact, redact_text
from dormouse.domain.usage import model_of

PREFIX = "captures"

# Of what no ProductionVariant has answered, or for no model.
NO_VARIANT = "no-variant"
NO_MODEL = "no-model"
# Of a model whose name would make a key of more than the 1,024 bytes that S3 takes.
LONG_NAME = "long-name"
_LONGEST_PARTITION = 512


@dataclass(frozen=True, slots=True)
class CaptureRecord:
    """A line of UTF-8 with its end, and where among the captures it belongs.

    `key_prefix` ends in a slash: of each hour, variant and endpoint the captures lie together.
    """

    event_id: str
    key_prefix: str
    line: bytes


def is_sampled(policy: CapturePolicy, identifier: str) -> bool:
    """Whether what has this inference id, or event id where there is none, is captured.

    The same for each id, wherever it is asked; what is sampled at one percent is at each greater.
    """
    digest = hashlib.sha256(identifier.encode("utf-8", "surrogatepass")).digest()
    share = Decimal(int.from_bytes(digest[:8], "big")) / Decimal(2**64)
    return share * 100 < policy.percent


def write_record(exchange: Exchange, policy: CapturePolicy, *, by_model: bool) -> CaptureRecord:
    """Write what the policy lets be kept. With `by_model` the model is part of the key."""
    found: list[str] = []

    def clean(text: str | None) -> str | None:
        if text is None:
            return None
        cleaned, named = redact_text(text, policy)
        found.extend(named)
        return cleaned

    def clean_type(media_type: str) -> str:
        cleaned, named = _redacted_type(media_type, policy)
        found.extend(named)
        return cleaned

    kept: dict[str, Any] = {}
    sides = (
        _Side("Input", exchange.content_type, exchange.body, exchange.body_missing),
        _Side(
            "Output",
            exchange.response.headers.get("content-type", "application/octet-stream"),
            exchange.response.body,
            None,
        ),
    )
    omitted: dict[str, str] = {}
    for side in sides:
        if policy.content not in (Content.BOTH, Content(side.name.lower())):
            continue
        why = side.missing or _too_large(side.body, policy)
        if why is None:
            redacted = redact(side.body, side.content_type, policy)
            found.extend(redacted.found)
            why = redacted.why_omitted
            if redacted.body is not None:
                kept[f"endpoint{side.name}"] = {
                    "observedContentType": clean_type(side.content_type),
                    "mode": side.name.upper(),
                    **_write_body(redacted.body, side.content_type, policy),
                }
        if why is not None:
            omitted[f"{side.name.lower()}Omitted"] = why
    variant = exchange.variant or NO_VARIANT
    # Names stay as they are: an inference id that is redacted would join nothing.
    model = exchange.target_model
    partition = _partition_of(model_of(exchange))
    attributes = clean(exchange.custom_attributes)
    metadata = {
        "eventId": exchange.event_id,
        "inferenceId": exchange.inference_id,
        "inferenceTime": _second(exchange.ended_at) + "Z",
        "customAttributes": None if attributes is None else [attributes],
        "endpointName": exchange.endpoint,
        "variantName": variant,
        "targetModel": model,
        "alias": exchange.alias,
        "status": exchange.response.status,
        "error": clean(exchange.error),
        "latencyMs": _milliseconds(exchange.latency),
        "cold": exchange.is_cold,
        "waitedMs": _milliseconds(exchange.waited),
        "way": exchange.way.value,
        "principal": exchange.principal,
        "inputBytes": len(exchange.body),
        "outputBytes": len(exchange.response.body),
        **omitted,
        "redacted": list(dict.fromkeys(found)) or None,
        "modelPartition": partition if by_model else None,
    }
    record = {
        "captureData": kept,
        "eventMetadata": {name: value for name, value in metadata.items() if value is not None},
        "eventVersion": "0",
    }
    return CaptureRecord(
        event_id=exchange.event_id,
        key_prefix=_key_prefix(
            exchange.endpoint, variant, partition if by_model else None, exchange.ended_at
        ),
        line=_write_line(record),
    )


# Most requests have one of very few.
@lru_cache(maxsize=64)
def _redacted_type(media_type: str, policy: CapturePolicy) -> tuple[str, tuple[str, ...]]:
    return redact_text(media_type, policy)


@dataclass(frozen=True, slots=True)
class _Side:
    """What came in, or what went out; `missing` says why it is not at hand."""

    name: str
    content_type: str
    body: bytes
    missing: str | None


def _too_large(body: bytes, policy: CapturePolicy) -> str | None:
    if len(body) <= policy.max_body:
        return None
    return f"it has {len(body)} bytes, and {policy.max_body} are kept at the most"


def _write_body(body: bytes, content_type: str, policy: CapturePolicy) -> dict[str, str]:
    media_type = content_type.partition(";")[0].strip().lower()
    for encoding, types in (("JSON", policy.json_types), ("CSV", policy.csv_types)):
        if media_type in types:
            try:
                return {"data": body.decode(), "encoding": encoding}
            except UnicodeDecodeError:
                break
    return {"data": base64.b64encode(body).decode("ascii"), "encoding": "BASE64"}


def _milliseconds(duration: timedelta | None) -> float | None:
    return None if duration is None else round(duration.total_seconds() * 1000, 1)


def _second(moment: datetime) -> str:
    # strftime takes ten times as long.
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds")


def _partition_of(model: str) -> str:
    # Names that callers invent would fill Firehose's partitions, and so have none.
    written = quote(model or NO_MODEL, safe="", errors="replace")
    return written if len(written) <= _LONGEST_PARTITION else LONG_NAME


def _key_prefix(endpoint: str, variant: str, partition: str | None, at: datetime) -> str:
    hour = _second(at)[: len("2026-02-14T17")].replace("-", "/").replace("T", "/")
    model = "" if partition is None else f"model={partition}/"
    return f"{PREFIX}/{endpoint}/{variant}/{model}{hour}/"


def _write_line(record: dict[str, Any]) -> bytes:
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n"
    # A name that came in a header may hold half of a surrogate pair, which UTF-8 can't.
    return text.encode("utf-8", "backslashreplace")
