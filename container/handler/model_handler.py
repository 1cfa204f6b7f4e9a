"""What multi-model-server calls: `handle(data, context)`, once to load a model, then to invoke it.

It is a function of the module, not a class with `initialize`: multi-model-server logs and swallows
what an `initialize` raises and goes on with a broken model (mms/model_loader.py, 1.1.11), whereas
from here a MemoryError arrives and becomes the 507 by which SageMaker unloads another model, and
any other error becomes a 500 for the load. A worker process serves one model for its whole life.

What is accepted and answered depends on what the model's directory holds (model_directory.py):
classifier.py for texts, predictor.py for any SavedModel. Statuses of an invocation: 200; with
`{"error": "…"}` 400, 413 or 415 (the caller's fault) and 500 (an answer that JSON can't write); 507
(no memory); 503 (anything else, with the trace in the log).
"""

import functools
import logging
from http import HTTPStatus
from pathlib import Path
from typing import Any, Protocol

from container.handler.answer import error_body
from container.handler.failed_load import end_server_process
from container.handler.json_body import BadRequest
from container.handler.memory import is_out_of_memory
from container.handler.model_directory import ClassifierDirectory, ModelDirectory, model_directory
from container.handler.tensor_json import UnwritableOutput

_log = logging.getLogger(__name__)


class Model(Protocol):
    """A loaded model of either kind."""

    def invoke(self, body: bytes, content_type: str | None) -> tuple[bytes, str]:
        """The answer and its content type; raises `BadRequest` and `UnwritableOutput`."""


def handle(data: list[dict[str, Any]] | None, context: Any) -> list[bytes] | None:
    """Load the model of `context` (`data` is None) or answer the batch of requests in `data`.

    Raises MemoryError when memory runs out in either, and at load whatever is wrong with the
    model's directory.
    """
    try:
        model = _model(context.system_properties["model_dir"])
        if data is None:
            return None
        return [_respond(model, item, context, index) for index, item in enumerate(data)]
    except Exception as error:
        if is_out_of_memory(error):
            if data is None:
                end_server_process()
            raise MemoryError(str(error)) from error
        raise


@functools.cache  # an error is not cached: the next call tries again
def _model(model_dir: str) -> Model:
    try:
        return _loaded(model_directory(Path(model_dir)))
    except Exception as error:
        # multi-model-server answers "Failed to start workers" and no more, and logs nothing about
        # a MemoryError: the log is the only place for the reason.
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


def _respond(model: Model, item: dict[str, Any], context: Any, index: int) -> bytes:
    try:
        body, content_type = model.invoke(_body(item), _content_type(context, index))
    except (BadRequest, UnwritableOutput) as error:
        status = HTTPStatus(error.status)
        context.set_response_status(status.value, status.phrase, index)
        body, content_type = error_body(error), "application/json"
    context.set_response_content_type(index, content_type)
    return body


def _body(item: dict[str, Any]) -> bytes:
    body = item.get("body", b"")
    # multi-model-server hands over a bytearray; nothing else since decode_input_request=false.
    return bytes(body)


def _content_type(context: Any, index: int) -> str | None:
    headers = context.get_all_request_header(index)
    for name, value in headers.items():
        if name.lower() == "content-type" and isinstance(value, str):
            return value
    return None
