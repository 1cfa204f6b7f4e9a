"""What the worker calls: `handle(data, context)`, once to load a model, then to invoke it.

It is a function of the module, not a class with `initialize`: what is raised here at load arrives
where it is called, so that a MemoryError becomes the 507 by which SageMaker unloads another model,
and any other error a 500 with its message. (multi-model-server logs and swallows what an
`initialize` raises, and goes on with a broken model: mms/model_loader.py, 1.1.11.) A worker process
serves one model for its whole life.

What is accepted and answered depends on what the model's directory holds (model_directory.py):
classifier.py for texts, predictor.py for any SavedModel. Invocations come one or many at a time,
and what one of them is answered does not depend on the others. Statuses: 200; with
`{"error": "…"}` 400, 413 or 415 (the caller's fault), 500 (an answer that JSON can't write), 507
(no memory) and 503 (anything else, with the trace in the log).
"""

import functools
import logging
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, Protocol

from container.handler.answer import error_body
from container.handler.invocation import Invocation, Outcome
from container.handler.json_body import BadRequest
from container.handler.memory import is_out_of_memory
from container.handler.model_directory import ClassifierDirectory, ModelDirectory, model_directory
from container.handler.tensor_json import UnwritableOutput
from container.handler.tensorflow_error import sentence

_log = logging.getLogger(__name__)


class Model(Protocol):
    """A loaded model of either kind."""

    def invoke_all(self, invocations: Sequence[Invocation]) -> list[Outcome]:
        """What comes of each, in order: what would come of it alone.

        `BadRequest` and `UnwritableOutput` have a sentence for the caller. Raises an error only if
        memory runs out, or if there is no telling whose fault it is.
        """


def handle(data: list[dict[str, Any]] | None, context: Any) -> list[bytes] | None:
    """Load the model of `context` (`data` is None) or answer the invocations in `data`.

    Raises MemoryError when memory runs out at load, or for all invocations at once; and at load
    whatever is wrong with the model's directory.
    """
    try:
        model = _model(context.system_properties["model_dir"])
        if data is None:
            return None
        outcomes = model.invoke_all(
            [_invocation(item, context, index) for index, item in enumerate(data)]
        )
    except Exception as error:
        if is_out_of_memory(error):
            raise MemoryError(str(error)) from error
        raise
    return [_told(outcome, context, index) for index, outcome in enumerate(outcomes)]


@functools.cache  # an error is not cached: the next call tries again
def _model(model_dir: str) -> Model:
    try:
        return _loaded(model_directory(Path(model_dir)))
    except Exception as error:
        # SageMaker shows nobody what a load is answered: the log is where the owner looks.
        _log.error(
            "Model in %s could not be loaded: %s: %s", model_dir, type(error).__name__, error
        )
        raise


def _loaded(directory: ModelDirectory) -> Model:
    # Imported here because the import itself may run out of memory: at the top of the module that
    # would be an ImportError and a 500, here it becomes a 507. And each kind costs only its own.
    if isinstance(directory, ClassifierDirectory):
        from container.handler.classifier import Classifier  # noqa: PLC0415

        return Classifier(directory)
    from container.handler.predictor import Predictor  # noqa: PLC0415

    return Predictor(directory)


def _invocation(item: dict[str, Any], context: Any, index: int) -> Invocation:
    # multi-model-server hands over a bytearray; nothing else since decode_input_request=false.
    return Invocation(bytes(item.get("body", b"")), _content_type(context, index))


def _content_type(context: Any, index: int) -> str | None:
    headers = context.get_all_request_header(index)
    for name, value in headers.items():
        if name.lower() == "content-type" and isinstance(value, str):
            return value
    return None


def _told(outcome: Outcome, context: Any, index: int) -> bytes:
    """The body of one answer, whose status and content type `context` is told."""
    if isinstance(outcome, Exception):
        status, message = _fault(outcome)
        context.set_response_status(status.value, status.phrase, index)
        body, content_type = error_body(message), "application/json"
    else:
        body, content_type = outcome
    context.set_response_content_type(index, content_type)
    return body


def _fault(error: Exception) -> tuple[HTTPStatus, str]:
    """The status and the sentence by which the caller is told of `error`."""
    if isinstance(error, BadRequest | UnwritableOutput):
        return HTTPStatus(error.status), str(error)
    _log.error("An invocation failed.", exc_info=error)
    reason = sentence(str(error))
    if is_out_of_memory(error):
        return HTTPStatus.INSUFFICIENT_STORAGE, f"There is no memory left for this: {reason}"
    return HTTPStatus.SERVICE_UNAVAILABLE, f"The model failed: {reason}"
