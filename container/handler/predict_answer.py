"""The answer of a plain SavedModel, from tensors to bytes, as TensorFlow Serving writes it. Pure.

For rows (`instances`): `{"predictions": […]}`, a list of values, or of objects by output name where
the signature has several outputs. For columns (`inputs`): `{"outputs": …}`, the value of the one
output, or an object by output name. A float that is not finite is written `NaN`, `Infinity` or
`-Infinity`.

https://www.tensorflow.org/tfx/serving/api_rest#response_format_4
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from container.handler.answer import MAX_BYTES, AnswerTooLarge
from container.handler.json_body import BadRequest, shown
from container.handler.tensor_json import Tensor, write

# A value or a list within a list has a character and a comma at the very least.
_LEAST_BYTES = 2


def check_size(shapes: Iterable[Sequence[int]]) -> None:
    """Raise `AnswerTooLarge` for outputs of `shapes` that can't pass, whatever their values.

    So that a huge output is refused before it becomes a Python object for each number in it.
    """
    least = sum(_LEAST_BYTES * _pieces(shape) for shape in shapes)
    if least > MAX_BYTES:
        raise _too_large(f"at least {least}")


def answer(outputs: Mapping[str, Tensor], *, rows: bool) -> tuple[bytes, str]:
    """The response's body and content type.

    Raises `AnswerTooLarge`; `UnwritableOutput` for what JSON has no words for; and `BadRequest`
    where `outputs` can't be cut into rows.
    """
    if rows:
        _check_batch(outputs)
    written = {name: write(outputs[name], name) for name in sorted(outputs)}
    document = {"predictions": _rows(written)} if rows else {"outputs": _columns(written)}
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    if len(body) > MAX_BYTES:
        raise _too_large(str(len(body)))
    return body, "application/json"


def _pieces(shape: Sequence[int]) -> int:
    """The number of values, or of lists where those are more, since they are empty."""
    return max(math.prod(shape[:rank]) for rank in range(len(shape) + 1))


def _too_large(count: str) -> AnswerTooLarge:
    return AnswerTooLarge(
        f"The answer has {count} bytes, {MAX_BYTES} are allowed: send fewer instances."
    )


def _check_batch(outputs: Mapping[str, Tensor]) -> None:
    sizes = {output.shape[:1] for output in outputs.values()}
    if len(sizes) != 1 or () in sizes:
        shapes = ", ".join(f"{shown(name)} {list(outputs[name].shape)}" for name in sorted(outputs))
        raise BadRequest(
            f"The outputs can't be cut into predictions, since they share no first dimension "
            f'({shapes}); send "inputs" instead of "instances".'
        )


def _rows(written: Mapping[str, list[Any]]) -> list[Any]:
    if len(written) == 1:
        [values] = written.values()
        return values
    return [
        dict(zip(written, values, strict=True)) for values in zip(*written.values(), strict=True)
    ]


def _columns(written: Mapping[str, Any]) -> Any:
    if len(written) == 1:
        [value] = written.values()
        return value
    return written
