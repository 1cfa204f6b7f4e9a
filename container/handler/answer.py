"""The answer to an invocation, from probabilities to bytes. Pure.

For a JSON body: `{"predictions": [{"label": "positive", "score": 0.98, "scores": {"positive": 0.98,
"negative": 0.02}}]}`, one prediction for each text in the order of the texts, a list also for a
single text. `score` is that of `label`, the best one; `scores` has them all. For JSON lines: one
such object on each line, in the order of the lines. A fault of the caller is `{"error": "…"}`.
"""

import json
import math
from collections.abc import Sequence

from container.handler.json_body import BadRequest
from container.handler.request_body import InvocationRequest
from container.handler.tensor_json import UnwritableOutput

# multi-model-server cuts its connection to the worker at a response of 6,553,500 bytes
# (`max_response_size`), and SageMaker's own limit is not higher.
MAX_BYTES = 6_000_000

Probabilities = Sequence[float]


class AnswerTooLarge(BadRequest):
    """The request is fine, but its answer would not pass through multi-model-server."""

    status = 413


def answer(
    request: InvocationRequest, rows: Sequence[Probabilities], labels: Sequence[str]
) -> tuple[bytes, str]:
    """The response's body and content type; `rows[i]` belongs to `request.texts[i]`.

    A row has a probability for each label. Raises `AnswerTooLarge`, and `UnwritableOutput` for a
    probability that is not finite, since JSON has no word for it.
    """
    if not all(math.isfinite(score) for row in rows for score in row):
        raise UnwritableOutput("The model's answer has a score that is not a number.")
    predictions = iter([_prediction(row, labels) for row in rows])
    documents = [
        _dump({"predictions": [next(predictions) for _ in document]})
        for document in request.documents
    ]
    body = "".join(f"{document}\n" for document in documents) if request.lines else documents[0]
    encoded = body.encode()
    if len(encoded) > MAX_BYTES:
        raise AnswerTooLarge(
            f"The answer has {len(encoded)} bytes, {MAX_BYTES} are allowed: send fewer texts."
        )
    return encoded, "application/jsonlines" if request.lines else "application/json"


def error_body(message: str) -> bytes:
    """The JSON object that tells the caller what is wrong, of either kind of model."""
    return _dump({"error": message}).encode()


def _prediction(row: Probabilities, labels: Sequence[str]) -> dict[str, object]:
    # Six digits: what is beyond depends on the texts that happened to be in the same batch.
    scores = {label: round(score, 6) for label, score in zip(labels, row, strict=True)}
    label = max(scores, key=scores.__getitem__)
    return {"label": label, "score": scores[label], "scores": scores}


def _dump(value: object) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=False)
