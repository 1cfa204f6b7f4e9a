"""The pretrained encoder at work: a text becomes one vector of length 1, near that of like texts.

As sentence-transformers uses it: the mean of the last layer's states over a text's tokens.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file
from transformers.modeling_tf_pytorch_utils import load_pytorch_state_dict_in_tf2_model

from container.models import vocabulary
from container.models.forward import Forward
from container.models.head import Array, Head
from container.models.legacy_keras import tf, transformers
from container.models.pretrained import pretrained
from container.models.saved_model import IDS, INPUT_NAMES, Inputs, export

# In tokens, as sentence-transformers sets it for this encoder.
MAX_LENGTH = 256
_BATCH_SIZE = 32


def pretrained_bert() -> transformers.TFBertModel:
    """The encoder as transformers has it; raises `PretrainedError`."""
    files = pretrained()
    # What a BERT says of a text's first token is not asked for.
    bert = transformers.TFBertModel(
        transformers.BertConfig.from_json_file(files.config), add_pooling_layer=False
    )
    bert(bert.dummy_inputs)
    load_pytorch_state_dict_in_tf2_model(bert, load_file(files.weights))
    return bert


class Encoder:
    """all-MiniLM-L6-v2, which is not trained any further."""

    def __init__(self) -> None:
        """Load the weights; raises `PretrainedError`."""
        self._vocabulary = pretrained().vocabulary
        self._forward = Forward(pretrained_bert().bert)
        self._traced = tf.function(self._vectors, input_signature=[dict.fromkeys(INPUT_NAMES, IDS)])

    def tokenizer(self, directory: Path) -> transformers.BertTokenizerFast:
        """Leave the tokenizer's files in `directory` and return it."""
        return vocabulary.tokenizer(self._vocabulary, MAX_LENGTH, directory)

    def vectors(
        self,
        tokenizer: transformers.BertTokenizerFast,
        texts: Sequence[str],
        report: Callable[[str], None],
    ) -> Array:
        """A row for each text; `report` hears how many are done."""
        # Texts of like length together, so that little is computed for padding.
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        rows: dict[int, Array] = {}
        for start in range(0, len(order), _BATCH_SIZE):
            places = order[start : start + _BATCH_SIZE]
            encoded = tokenizer(
                [texts[place] for place in places],
                padding=True,
                truncation=True,
                return_token_type_ids=True,
                return_tensors="np",
            )
            inputs = {name: tf.constant(encoded[name], tf.int32) for name in INPUT_NAMES}
            rows.update(zip(places, self._traced(inputs).numpy(), strict=True))
            report(f"embedding {start + len(places)} of {len(texts)}")
        return np.array([rows[place] for place in range(len(texts))], np.float64)

    def export(self, head: Head, directory: Path) -> None:
        """Save the encoder with `head` on top of it."""
        weights = tf.Variable(head.weights, dtype=tf.float32)
        biases = tf.Variable(head.biases, dtype=tf.float32)

        def logits(inputs: Inputs) -> Any:
            return tf.matmul(self._vectors(inputs), weights) + biases

        export(logits, [*self._forward.variables, weights, biases], directory)

    def _vectors(self, inputs: Inputs) -> Any:
        states = self._forward.states(inputs)
        # The sum instead of the mean: the length is made 1 anyway.
        mask = tf.cast(inputs["attention_mask"], tf.float32)[:, :, tf.newaxis]
        return tf.math.l2_normalize(tf.reduce_sum(states * mask, axis=1), axis=1)
