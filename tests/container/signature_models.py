"""Make SavedModels with signatures that no text classifier has: `signature_models.py DIR`.

Each in DIR/NAME. Not a test: test_broken_archives.py runs it in the container's interpreter.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf

IDS = tf.TensorSpec([None, None], tf.int32)


def save(name: str, answer: Callable[..., Any], signature: str, **inputs: Any) -> None:
    """A model that answers with `answer`, under `signature`."""
    module = tf.Module()
    module.serve = tf.function(answer)
    function = module.serve.get_concrete_function(
        **{key: tf.TensorSpec(spec.shape, spec.dtype, name=key) for key, spec in inputs.items()}
    )
    tf.saved_model.save(module, str(Path(sys.argv[1]) / name), signatures={signature: function})


def logits(ids: Any) -> Any:
    """For two labels, whatever the text."""
    return tf.zeros([tf.shape(ids)[0], 2])


save("fine", lambda input_ids: {"logits": logits(input_ids)}, "serving_default", input_ids=IDS)
save("nan", lambda input_ids: {"logits": logits(input_ids) / 0}, "serving_default", input_ids=IDS)
save("other", lambda input_ids: {"logits": logits(input_ids)}, "classify", input_ids=IDS)
save("unknown", lambda tokens: {"logits": logits(tokens)}, "serving_default", tokens=IDS)
save(
    "int64",
    lambda input_ids: {"logits": logits(input_ids)},
    "serving_default",
    input_ids=tf.TensorSpec([None, None], tf.int64),
)
save(
    "fixed",
    lambda input_ids: {"logits": logits(input_ids)},
    "serving_default",
    input_ids=tf.TensorSpec([None, 64], tf.int32),
)
save(
    "no-ids",
    lambda attention_mask: {"logits": logits(attention_mask)},
    "serving_default",
    attention_mask=IDS,
)
save(
    "two-outputs",
    lambda input_ids: {"logits": logits(input_ids), "states": logits(input_ids)},
    "serving_default",
    input_ids=IDS,
)
save("flat", lambda input_ids: {"logits": tf.zeros([2])}, "serving_default", input_ids=IDS)
