"""A text classifier: the model of one directory, loaded. Imports TensorFlow and the tokenizers.

What the directory holds is described in model_directory.py.
"""

import os
from collections.abc import Sequence
from typing import Any

# Nothing is fetched at run time: everything is in the model's directory. And the tokenizer needs
# none of the frameworks that transformers would import at once if it were not told.
os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", USE_TF="0", USE_TORCH="0")
os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf
from transformers import AutoTokenizer

from container.handler.answer import answer
from container.handler.model_directory import BrokenModel, ClassifierDirectory
from container.handler.request_body import parse

SIGNATURE = "serving_default"
INPUT_NAMES = ("input_ids", "attention_mask", "token_type_ids")

# Bounds the memory of one call, whatever the number of texts in a request.
BATCH_SIZE = 32
# BERT's own limit, for tokenizers whose files name none (transformers says "very large" then).
DEFAULT_MAX_LENGTH = 512


class Classifier:
    """Answers with the probabilities of `labels` for texts. Immutable once made."""

    def __init__(self, directory: ClassifierDirectory) -> None:
        """Load what `directory` holds and run it once.

        Raises `BrokenModel` where its parts do not fit each other, and whatever TensorFlow
        raises for a SavedModel it cannot load.
        """
        self.labels = directory.labels
        self._tokenizer, self._max_length = _tokenizer(directory)
        # The SavedModel object is kept: its variables die with it.
        self._saved_model = _saved_model(directory)
        self._signature = self._saved_model.signatures[SIGNATURE]
        self._input_names = _input_names(self._signature)
        self._output_name = _output_name(self._signature)
        # The first call of a SavedModel is many times slower than the next; nobody should wait.
        self.classify(directory.warmup_texts)

    def invoke(self, body: bytes, content_type: str | None) -> tuple[bytes, str]:
        """The answer to a request, and its content type; raises `BadRequest`.

        See request_body.py for what is accepted, answer.py for what is answered.
        """
        request = parse(body, content_type)
        return answer(request, self.classify(request.texts), self.labels)

    def classify(self, texts: Sequence[str]) -> list[list[float]]:
        """A row of probabilities for each text, each row in the order of `labels`.

        Texts longer than the tokenizer's `model_max_length` are cut there. Texts are padded to
        the longest of their batch only.
        """
        rows: list[list[float]] = []
        for start in range(0, len(texts), BATCH_SIZE):
            rows += self._batch(texts[start : start + BATCH_SIZE])
        return rows

    def _batch(self, texts: Sequence[str]) -> list[list[float]]:
        encoded = self._tokenizer(
            list(texts),
            padding=True,
            truncation=True,
            max_length=self._max_length,
            return_token_type_ids=True,
            return_attention_mask=True,
            return_tensors="np",
        )
        inputs = {name: tf.constant(encoded[name], tf.int32) for name in self._input_names}
        output = self._signature(**inputs)[self._output_name].numpy().astype(np.float64)
        if output.ndim != 2 or output.shape[1] != len(self.labels):
            raise BrokenModel(
                f"labels.json names {len(self.labels)} labels, but the output "
                f'"{self._output_name}" has the shape {output.shape}.'
            )
        probabilities = _softmax(output) if self._output_name == "logits" else output
        rows: list[list[float]] = probabilities.tolist()
        return rows


def _tokenizer(directory: ClassifierDirectory) -> tuple[Any, int]:
    try:
        tokenizer = AutoTokenizer.from_pretrained(directory.path, local_files_only=True)
    except (OSError, ValueError) as error:
        raise BrokenModel(f"No tokenizer could be loaded from the archive: {error}") from error
    if tokenizer.pad_token_id is None:
        raise BrokenModel("The tokenizer has no padding token.")
    return tokenizer, min(tokenizer.model_max_length, DEFAULT_MAX_LENGTH)


def _saved_model(directory: ClassifierDirectory) -> Any:
    saved_model = tf.saved_model.load(str(directory.saved_model))
    if SIGNATURE not in saved_model.signatures:
        raise BrokenModel(f'The SavedModel has no signature "{SIGNATURE}".')
    return saved_model


def _input_names(signature: Any) -> tuple[str, ...]:
    _, inputs = signature.structured_input_signature
    for name, spec in inputs.items():
        if name not in INPUT_NAMES:
            raise BrokenModel(f'The signature has an unknown input "{name}".')
        if spec.dtype != tf.int32 or spec.shape.as_list() != [None, None]:
            raise BrokenModel(
                f'The input "{name}" must be int32 [None, None], is {spec.dtype.name} {spec.shape}.'
            )
    if "input_ids" not in inputs:
        raise BrokenModel('The signature has no input "input_ids".')
    return tuple(inputs)


def _output_name(signature: Any) -> str:
    names = list(signature.structured_outputs)
    if names not in (["logits"], ["probabilities"]):
        raise BrokenModel(
            f'The signature must have one output, "logits" or "probabilities"; it has {names}.'
        )
    return str(names[0])


def _softmax(logits: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    softmax: np.ndarray[Any, Any] = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return softmax
