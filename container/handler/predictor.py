"""Any SavedModel: the model of one directory, loaded. Imports TensorFlow, and no tokenizers.

What the directory holds is described in model_directory.py, what goes in and out in predict_body.py
and predict_answer.py.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf

from container.handler.invocation import Invocation, Outcome, attempt
from container.handler.json_body import BadRequest, shown
from container.handler.memory import is_out_of_memory
from container.handler.model_directory import BrokenModel, SavedModelDirectory
from container.handler.predict_answer import answer, check_size
from container.handler.predict_body import PredictRequest, Signature, batch_sizes, parse, tensors
from container.handler.saved_model import load
from container.handler.tensor_json import DTYPES, Tensor, TensorSpec, UnwritableOutput
from container.handler.tensorflow_error import sentence

# From here on Python writes a whole number with an exponent, so its digits are no longer at hand.
_EXPONENT = 1e16


class Predictor:
    """Answers by the signatures of a SavedModel. Immutable once made."""

    def __init__(self, directory: SavedModelDirectory) -> None:
        """Load what `directory` holds, and run its warm-up request if there is one.

        Raises `BrokenModel` for a SavedModel that is broken or has no signatures, and for a warm-up
        request that it does not answer.
        """
        # The SavedModel object is kept: its variables die with it.
        self._saved_model = load(directory.saved_model)
        self._functions: Mapping[str, Any] = self._saved_model.signatures
        self._signatures = {
            name: _signature(name, function) for name, function in self._functions.items()
        }
        if not self._signatures:
            raise BrokenModel("The SavedModel has no signature.")
        if directory.warmup is not None:
            self._warm_up(directory.warmup)

    def invoke_all(self, invocations: Sequence[Invocation]) -> list[Outcome]:
        """What comes of each, one after the other.

        Not together, although that would be faster: nothing says that the first dimension of a
        tensor is a batch, nor that the rows of one are independent of each other. A model may
        subtract their mean.
        """
        return [attempt(self._invoke, *invocation) for invocation in invocations]

    def _invoke(self, body: bytes, content_type: str | None) -> tuple[bytes, str]:
        return self._predict(parse(body, content_type))

    def _warm_up(self, request: PredictRequest) -> None:
        try:
            self._predict(request)
        except (BadRequest, UnwritableOutput) as error:
            raise BrokenModel(f"warmup.json: {error}") from error
        except tf.errors.OpError as error:
            if is_out_of_memory(error):
                raise
            raise BrokenModel(f"warmup.json: The model failed: {sentence(str(error))}") from error

    def _predict(self, request: PredictRequest) -> tuple[bytes, str]:
        signature = self._signatures.get(request.signature_name)
        if signature is None:
            names = ", ".join(map(shown, sorted(self._signatures)))
            raise BadRequest(
                f"The model has no signature {shown(request.signature_name)}; it has {names}."
            )
        given = tensors(request, signature)
        fed = {name: _fed(tensor, signature.inputs[name]) for name, tensor in given.items()}
        try:
            outputs = self._functions[signature.name](**fed)
        except tf.errors.InvalidArgumentError as error:
            raise BadRequest(
                f"The model can't take these inputs: {sentence(str(error))}"
                f"{batch_sizes(given, signature)}"
            ) from error
        arrays = {name: _array(output, name) for name, output in outputs.items()}
        check_size(array.shape for array in arrays.values())
        return answer({name: _tensor(array) for name, array in arrays.items()}, rows=request.rows)


def _signature(name: str, function: Any) -> Signature:
    _, specs = function.structured_input_signature
    inputs = {
        input_name: TensorSpec(
            input_name,
            spec.dtype.name,
            None if spec.shape.rank is None else tuple(spec.shape.as_list()),
        )
        for input_name, spec in specs.items()
    }
    return Signature(name, inputs)


def _fed(tensor: Tensor, spec: TensorSpec) -> Any:
    dtype = tf.as_dtype(spec.dtype)
    # numpy's string type ends a value at its last byte that is not 0; an object stays as it is.
    array = np.empty(len(tensor.values), dtype.as_numpy_dtype)
    array[:] = tensor.values
    return tf.constant(array.reshape(tensor.shape), dtype)


def _array(output: Any, name: str) -> Any:
    if not isinstance(output, tf.Tensor) or output.dtype.name not in DTYPES:
        what = output.dtype.name if isinstance(output, tf.Tensor) else type(output).__name__
        raise UnwritableOutput(f"The output {shown(name)} is {what}, which JSON can't write.")
    array = output.numpy()
    # A string without dimensions comes as bytes, and not as an array.
    return np.asarray(array, object) if isinstance(array, bytes) else array


def _tensor(array: Any) -> Tensor:
    values = array.ravel()
    if array.dtype.name in ("float16", "bfloat16", "float32"):
        return Tensor(array.shape, _in_own_digits(values.astype(np.float32)))
    return Tensor(array.shape, values.tolist())


def _in_own_digits(values: Any) -> list[float]:
    """0.1 of a float32 as 0.1, not as 0.10000000149011612, which it is as a float64.

    Whole numbers are exact as they are, and stay so; with the fewest digits that a float32 can be
    told by, 38036808 would be 38036810.
    """
    exact = values.astype(np.float64)
    fractions = np.flatnonzero((exact != np.trunc(exact)) | (np.abs(exact) >= _EXPONENT))
    exact[fractions] = [float(str(value)) for value in values[fractions]]
    numbers: list[float] = exact.tolist()
    return numbers
