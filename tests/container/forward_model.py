"""Fail unless a BERT's exported form answers as transformers' own: `forward_model.py DIR`.

Not a test: test_forward.py runs it in the interpreter that builds models.
"""

import sys
from pathlib import Path

import numpy as np

from container.models import bert
from container.models.legacy_keras import tf, transformers
from container.models.saved_model import INPUT_NAMES

tf.keras.utils.set_random_seed(3)
model = transformers.TFBertForSequenceClassification(
    transformers.BertConfig(
        vocab_size=50,
        hidden_size=24,
        num_hidden_layers=3,
        num_attention_heads=3,
        intermediate_size=40,
        max_position_embeddings=16,
        num_labels=4,
        # So large that everything matters: biases, scales, types, places.
        initializer_range=0.5,
    )
)
model(model.dummy_inputs)
chance = np.random.default_rng(3)
for variable in model.weights:
    variable.assign_add(chance.normal(0, 0.3, variable.shape))
bert.export(model, Path(sys.argv[1]))
signature = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]

for texts, tokens in ((1, 1), (1, 16), (5, 9), (32, 12)):
    ids = chance.integers(0, 50, (texts, tokens))
    types = chance.integers(0, 2, (texts, tokens))
    mask = np.arange(tokens) < chance.integers(1, tokens + 1, (texts, 1))
    inputs = {
        name: tf.constant(array, tf.int32)
        for name, array in zip(INPUT_NAMES, (ids, mask, types), strict=True)
    }
    np.testing.assert_allclose(
        signature(**inputs)["logits"], model(inputs).logits, rtol=1e-4, atol=1e-4
    )
