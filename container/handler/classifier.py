"""A text classifier: the model of one directory, loaded. Imports TensorFlow and the tokenizers.

What the directory holds is described in model_directory.py.
"""

import itertools
import os
from collections.abc import Sequence
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf

from container.handler.answer import answer
from container.handler.batches import batches
from container.handler.invocation import Invocation, Outcome, attempt
from container.handler.memory import is_out_of_memory
from container.handler.model_directory import BrokenModel, ClassifierDirectory
from container.handler.request_body import InvocationRequest, parse
from container.handler.saved_model import load
from container.handler.tensorflow_error import sentence
from container.handler.tokens import INPUT_NAMES, Tokenizer, Tokens

SIGNATURE = "serving_default"


class Classifier:
    """Answers with the probabilities of `labels` for texts. Immutable once made."""

    def __init__(self, directory: ClassifierDirectory) -> None:
        """Load what `directory` holds and run it once.

        Raises `BrokenModel` where a part of it is broken, or where the parts do not fit each other.
        """
        self.labels = directory.labels
        self._tokenizer = Tokenizer(directory.path)
        # The SavedModel object is kept: its variables die with it.
        self._saved_model = load(directory.saved_model)
        self._signature = _signature(self._saved_model)
        self._input_names = _input_names(self._signature)
        self._output_name = _output_name(self._signature)
        # The first call of a SavedModel is many times slower than the next; nobody should wait.
        self._warm_up(directory.warmup_texts)

    def invoke_all(self, invocations: Sequence[Invocation]) -> list[Outcome]:
        """What comes of each, all their texts answered together.

        See request_body.py for what is accepted, answer.py for what is answered.
        """
        parsed = [attempt(parse, *invocation) for invocation in invocations]
        requests = [request for request in parsed if not isinstance(request, Exception)]
        try:
            rows = iter(self.classify([text for request in requests for text in request.texts]))
        except Exception as error:
            if is_out_of_memory(error):
                raise
            if len(invocations) == 1:
                return [error]
            # A text on which the model fails: whose it is shows when each is asked alone.
            return [outcome for one in invocations for outcome in self.invoke_all([one])]

        def outcome(request: InvocationRequest | Exception) -> Outcome:
            if isinstance(request, Exception):
                return request
            own = list(itertools.islice(rows, len(request.texts)))
            return attempt(answer, request, own, self.labels)

        return [outcome(request) for request in parsed]

    def classify(self, texts: Sequence[str]) -> list[list[float]]:
        """A row of probabilities for each text, each row in the order of `labels`.

        Texts longer than the tokenizer's `model_max_length` are cut there.
        """
        tokens = self._tokenizer.encode(texts)
        rows: list[list[float]] = [[]] * len(tokens)
        for batch in batches([len(text.ids) for text in tokens]):
            probabilities = self._probabilities([tokens[index] for index in batch])
            for index, row in zip(batch, probabilities, strict=True):
                rows[index] = row
        return rows

    def _probabilities(self, texts: Sequence[Tokens]) -> list[list[float]]:
        inputs = self._tokenizer.padded(texts, self._input_names)
        outputs = self._signature(**{name: tf.constant(array) for name, array in inputs.items()})
        output = outputs[self._output_name].numpy().astype(np.float64)
        if output.shape != (len(texts), len(self.labels)):
            raise BrokenModel(
                f"labels.json names {len(self.labels)} labels, but for {len(texts)} texts the "
                f'output "{self._output_name}" of the SavedModel has the shape {output.shape}.'
            )
        probabilities = _softmax(output) if self._output_name == "logits" else output
        rows: list[list[float]] = probabilities.tolist()
        return rows

    def _warm_up(self, texts: Sequence[str]) -> None:
        try:
            self.classify(texts)
        except tf.errors.OpError as error:
            if is_out_of_memory(error):
                raise
            raise BrokenModel(
                f"The SavedModel fails on what the tokenizer makes of the first texts, of "
                f"warmup.json or our own: {sentence(str(error))}"
            ) from error


def _signature(saved_model: Any) -> Any:
    if SIGNATURE in saved_model.signatures:
        return saved_model.signatures[SIGNATURE]
    found = ", ".join(f'"{name}"' for name in saved_model.signatures) or "none"
    raise BrokenModel(f'The SavedModel has no signature "{SIGNATURE}"; it has {found}.')


def _input_names(signature: Any) -> tuple[str, ...]:
    _, inputs = signature.structured_input_signature
    for name, spec in inputs.items():
        if name not in INPUT_NAMES:
            raise BrokenModel(
                f'The SavedModel\'s signature "{SIGNATURE}" has an unknown input "{name}"; those '
                f"of a text classifier are {', '.join(INPUT_NAMES)}."
            )
        if spec.dtype != tf.int32 or spec.shape.rank != 2 or any(spec.shape.as_list()):
            raise BrokenModel(
                f'The input "{name}" of the SavedModel\'s signature "{SIGNATURE}" must be int32 '
                f"[None, None], but is {spec.dtype.name} {spec.shape}."
            )
    if "input_ids" not in inputs:
        raise BrokenModel(f'The SavedModel\'s signature "{SIGNATURE}" lacks the input "input_ids".')
    return tuple(inputs)


def _output_name(signature: Any) -> str:
    names = sorted(signature.structured_outputs)
    if names not in (["logits"], ["probabilities"]):
        raise BrokenModel(
            f'The SavedModel\'s signature "{SIGNATURE}" must have one output, "logits" or '
            f'"probabilities"; it has {", ".join(names)}.'
        )
    return str(names[0])


def _softmax(logits: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    softmax: np.ndarray[Any, Any] = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return softmax
