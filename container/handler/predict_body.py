"""The body of an invocation of a plain SavedModel, from bytes to tensors. Pure: no TensorFlow.

The predict format of TensorFlow Serving's REST API, which SageMaker's own TensorFlow Serving
container takes too: one JSON object with either

* `instances`, rows: a non-empty list of values for the one input, or of objects by input name; or
* `inputs`, columns: a value for the one input, or an object by input name;

and optionally `signature_name` (`serving_default`). tensor_json.py tells what a value is.

https://www.tensorflow.org/tfx/serving/api_rest#predict_api
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from container.handler.json_body import (
    JSON_TYPES,
    BadRequest,
    json_object,
    kind,
    media_type,
    shown,
    text_of,
)
from container.handler.tensor_json import BASE64_KEY, Place, Tensor, TensorSpec, read

ROWS, COLUMNS, SIGNATURE_NAME = "instances", "inputs", "signature_name"
DEFAULT_SIGNATURE = "serving_default"

_MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class PredictRequest:
    """What was asked, before the signature is known: `value` is that of `instances` or `inputs`."""

    signature_name: str
    rows: bool
    value: Any


@dataclass(frozen=True, slots=True)
class Signature:
    """The inputs of one signature by name."""

    name: str
    inputs: Mapping[str, TensorSpec]

    def __str__(self) -> str:
        """As an error message tells what it takes."""
        specs = [str(self.inputs[name]) for name in sorted(self.inputs)]
        more = [f"{len(specs) - _MOST_NAMED} more"] if len(specs) > _MOST_NAMED else []
        listed = ", ".join(specs[:_MOST_NAMED] + more) or "no input"
        return f"the signature {shown(self.name)} takes {listed}"


def parse(body: bytes, content_type: str | None) -> PredictRequest:
    """Read `body` as `content_type` (the header's value, or None) says.

    Raises `BadRequest` (400), and its subclass `UnsupportedContentType` (415) for anything but
    JSON.
    """
    media_type(content_type, JSON_TYPES, "application/json")
    document = json_object(text_of(body, f'{{"{ROWS}": […]}}'))
    for key in document:
        if key not in (ROWS, COLUMNS, SIGNATURE_NAME):
            raise BadRequest(
                f"Unknown key {shown(key)}; the keys are {_either()}, and "
                f'"{SIGNATURE_NAME}" if you like.'
            )
    if (ROWS in document) == (COLUMNS in document):
        found = "both" if ROWS in document else "none"
        raise BadRequest(f"Expected one key, {_either()}; found {found}.")
    signature_name = document.get(SIGNATURE_NAME, DEFAULT_SIGNATURE)
    if not isinstance(signature_name, str):
        raise BadRequest(f'"{SIGNATURE_NAME}" must be a string, got {kind(signature_name)}.')
    if COLUMNS in document:
        return PredictRequest(signature_name, rows=False, value=document[COLUMNS])
    instances = document[ROWS]
    if not isinstance(instances, list):
        raise BadRequest(f'"{ROWS}" must be a list, got {kind(instances)}.')
    if not instances:
        raise BadRequest(f'"{ROWS}" is an empty list.')
    return PredictRequest(signature_name, rows=True, value=instances)


def tensors(request: PredictRequest, signature: Signature) -> dict[str, Tensor]:
    """A tensor for each input of `signature`; raises `BadRequest`.

    The batch sizes of rows are the same, since each row has a value for each input. Those of
    columns need not be, by TensorFlow Serving's rule; see `batch_sizes`.
    """
    if request.rows:
        return _of_rows(request.value, signature)
    return _of_columns(request.value, signature)


def batch_sizes(given: Mapping[str, Tensor], signature: Signature) -> str:
    """A sentence, begun by a space, where the first dimensions that are free differ; else ""."""
    sizes = {
        name: given[name].shape[0] for name, spec in signature.inputs.items() if _batched(spec)
    }
    if len(set(sizes.values())) < 2:
        return ""
    listed = ", ".join(f"{shown(name)} has {sizes[name]}" for name in sorted(sizes)[:_MOST_NAMED])
    return f" The batch sizes differ: {listed}."


def _batched(spec: TensorSpec) -> bool:
    return spec.shape is not None and spec.shape[:1] == (None,)


def _of_rows(instances: Sequence[Any], signature: Signature) -> dict[str, Tensor]:
    if len(signature.inputs) == 1 and not _is_named(instances[0], signature):
        [spec] = signature.inputs.values()
        return {spec.name: read(instances, spec, _place(f'"{ROWS}"'))}
    for number, instance in enumerate(instances):
        _check_names(instance, f'"{ROWS}"[{number}]', signature)
    return {
        name: read([instance[name] for instance in instances], spec, _place_in_rows(name))
        for name, spec in signature.inputs.items()
    }


def _of_columns(inputs: Any, signature: Signature) -> dict[str, Tensor]:
    if len(signature.inputs) == 1 and not _is_named(inputs, signature):
        [spec] = signature.inputs.values()
        return {spec.name: read(inputs, spec, _place(f'"{COLUMNS}"'))}
    _check_names(inputs, f'"{COLUMNS}"', signature)
    return {
        name: read(inputs[name], spec, _place(f'"{COLUMNS}"[{shown(name)}]'))
        for name, spec in signature.inputs.items()
    }


def _is_named(value: Any, signature: Signature) -> bool:
    """An object by input names, and not the one that stands for bytes."""
    return isinstance(value, dict) and (
        set(value) != {BASE64_KEY} or BASE64_KEY in signature.inputs
    )


def _check_names(value: Any, place: str, signature: Signature) -> None:
    if not _is_named(value, signature):
        got = "bytes" if isinstance(value, dict) else kind(value)
        raise BadRequest(f"{place} must be an object by input names, got {got}; {signature}.")
    for name in value:
        if name not in signature.inputs:
            raise BadRequest(f"{place} has an unknown input {shown(name)}; {signature}.")
    for name, spec in signature.inputs.items():
        if name not in value:
            raise BadRequest(f"{place} lacks the input {spec}.")


def _place(root: str) -> Place:
    return lambda indices: root + "".join(f"[{index}]" for index in indices)


def _place_in_rows(name: str) -> Place:
    def place(indices: Sequence[int]) -> str:
        if not indices:
            return f'{shown(name)} in "{ROWS}"'
        row, *rest = indices
        return _place(f'"{ROWS}"[{row}][{shown(name)}]')(rest)

    return place


def _either() -> str:
    return f'"{ROWS}" or "{COLUMNS}"'
