"""The handler of the stock set-up, as people write one by hand for a multi-model endpoint.

Loaded by multi-model-server in a process for each model. Everything is the usual way: the model
is a Keras save and called eagerly, a text is padded to 64 tokens, one text comes with a request.
docs/benchmarks.md says what was changed for it to run on present versions.
"""

import json
import logging
import os
import re
from typing import Any

# Keras 2, as whatever saved the model with transformers' TFBert had it; read at the import.
os.environ["TF_USE_LEGACY_KERAS"] = "1"

import tensorflow as tf
from transformers import AutoTokenizer

MAX_LENGTH = 64


class StockHandler:
    """One model; made when the module is imported, filled by the first call."""

    def __init__(self) -> None:
        """Nothing is loaded yet: where the model is comes with the first call."""
        self.initialized = False
        self._model: Any = None
        self._tokenizer: Any = None

    def initialize(self, context: Any) -> None:
        """Load the model and its tokenizer; out of memory is what SageMaker makes room for."""
        self.initialized = True
        directory = context.system_properties["model_dir"]
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True)
            self._model = tf.keras.models.load_model(f"{directory}/0")
        except RuntimeError as error:
            if re.search("failed to allocate .* memory", str(error), re.IGNORECASE):
                logging.exception("No memory for the model.")
                raise MemoryError from error
            raise

    def handle(self, data: list[dict[str, Any]]) -> list[list[float]]:
        """Answer the one request in `data` with the probability of each label."""
        body = bytes(data[0]["body"]).decode("utf-8")
        text = json.loads(body.split("\n")[0])["input_text"]
        encoded = self._tokenizer(
            text,
            add_special_tokens=True,
            truncation=True,
            max_length=MAX_LENGTH,
            padding="max_length",
            return_attention_mask=True,
            return_token_type_ids=False,
            return_tensors="tf",
        )
        output = self._model([encoded["input_ids"], encoded["attention_mask"]])
        # multi-model-server wants an item for each request.
        return [output.numpy().tolist()[0]]


_service = StockHandler()


def handle(data: list[dict[str, Any]] | None, context: Any) -> list[list[float]] | None:
    """What multi-model-server calls: without `data` to load the model, then to invoke it."""
    if not _service.initialized:
        _service.initialize(context)
    return None if data is None else _service.handle(data)
