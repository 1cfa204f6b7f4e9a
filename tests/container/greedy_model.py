"""Make a model that needs more memory than there is: `greedy_model.py DIR`.

Its function asks TensorFlow for 16 TiB in one piece. The tokenizer and labels in DIR are a tiny
model's. Not a test: test_out_of_memory.py runs it in the container's interpreter.
"""

import sys
from pathlib import Path
from typing import Any

import tensorflow as tf

_IDS = tf.TensorSpec([None, None], tf.int32)


class Greedy(tf.Module):  # type: ignore[misc]  # TensorFlow has no types
    """As small on disk as it is large when called."""

    @tf.function(input_signature=[_IDS, _IDS])  # type: ignore[untyped-decorator]
    def serve(self, input_ids: Any, attention_mask: Any) -> dict[str, Any]:
        """The size depends on the input, so that it is not computed while exporting."""
        rows = tf.shape(input_ids, tf.int64)[0] * (1 << 21)
        huge = tf.ones([rows, 1 << 21])
        total = tf.reduce_sum(tf.sort(huge), axis=0)[:2]
        return {"logits": total[None, :] * tf.cast(attention_mask[:, :1], tf.float32)}


greedy = Greedy()
directory = Path(sys.argv[1])
tf.saved_model.save(greedy, str(directory / "0"), signatures={"serving_default": greedy.serve})
