"""Ground truth as users have it in a file: a JSON object on each line."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

ENCODINGS = ("CSV", "JSON", "BASE64")
_KEYS = frozenset({"inference_id", "event_id", "data", "encoding"})
# As the control API takes them.
_LONGEST = {"inference_id": 64, "event_id": 256, "data": 262_144}
# Of one call of it.
MOST_RECORDS = 500
MOST_BYTES = 1024 * 1024


class BadGroundTruth(ValueError):
    """A line that is no ground truth; the message names the bad part."""


@dataclass(frozen=True, slots=True)
class GroundTruth:
    """What a request should have been answered: one record, as the control API takes it.

    The request is named by the inference id that it was sent with, or by the id of its capture.
    """

    line: int
    inference_id: str | None
    event_id: str | None
    data: str
    encoding: str | None

    def document(self) -> dict[str, str]:
        """Return it as the control API takes it."""
        fields = {
            "inference_id": self.inference_id,
            "event_id": self.event_id,
            "data": self.data,
            "encoding": self.encoding,
        }
        return {name: text for name, text in fields.items() if text is not None}


def read_ground_truth(lines: Iterable[bytes]) -> Iterator[GroundTruth]:
    """Read a file; empty lines are passed over.

    Raises:
        BadGroundTruth: a line is something else; the message names it by its number, and the part.
    """
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                yield _read(number, line)
            except BadGroundTruth as error:
                raise BadGroundTruth(f"line {number}: {error}") from error


def in_calls(records: Iterable[GroundTruth]) -> Iterator[list[GroundTruth]]:
    """Divide them into what one call each can carry, in their order."""
    call: list[GroundTruth] = []
    size = 0
    for record in records:
        more = len(json.dumps(record.document())) + 2
        if call and (len(call) == MOST_RECORDS or size + more > MOST_BYTES):
            yield call
            call, size = [], 0
        call.append(record)
        size += more
    if call:
        yield call


def _read(number: int, line: bytes) -> GroundTruth:
    try:
        fields: object = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise BadGroundTruth("it is no UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise BadGroundTruth(f"it is no JSON ({error})") from error
    if not isinstance(fields, dict):
        raise BadGroundTruth(
            'it must be an object such as {"inference_id": "order-17", "data": "1"}, '
            f"not {type(fields).__name__}"
        )
    if unknown := sorted(fields.keys() - _KEYS):
        raise BadGroundTruth(f"{unknown[0]!r} is not known here: {', '.join(sorted(_KEYS))} are")
    texts: dict[str, str | None] = {}
    for name in sorted(_KEYS):
        value = fields.get(name)
        if value is not None and not isinstance(value, str):
            raise BadGroundTruth(f'"{name}" must be a string, not {value!r:.100}')
        if value is not None and len(value) > (longest := _LONGEST.get(name, len(value))):
            raise BadGroundTruth(
                f'"{name}" has {len(value)} characters: {longest} are allowed at the most'
            )
        texts[name] = value
    if bool(texts["inference_id"]) == bool(texts["event_id"]):
        raise BadGroundTruth('it must have either "inference_id" or "event_id"')
    if texts["data"] is None:
        raise BadGroundTruth('it has no "data", such as "1"')
    encoding = texts["encoding"]
    _check(texts["data"], encoding)
    return GroundTruth(
        number, texts["inference_id"] or None, texts["event_id"] or None, texts["data"], encoding
    )


def _check(text: str, encoding: str | None) -> None:
    """See that data is what its encoding says."""
    if encoding is None:
        return
    if encoding not in ENCODINGS:
        known = ", ".join(ENCODINGS)
        raise BadGroundTruth(f'"encoding" must be one of {known}, not {encoding!r:.100}')
    try:
        if encoding == "JSON":
            json.loads(text)
        elif encoding == "BASE64":
            base64.b64decode(text, validate=True)
    except (ValueError, RecursionError) as error:
        raise BadGroundTruth(f'"data" is no {encoding} ({error})') from error
