"""Writing the SavedModel of a text classifier, as handler/model_directory.py describes it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from container.models.legacy_keras import tf

INPUT_NAMES = ("input_ids", "attention_mask", "token_type_ids")
# [batch, length], both free: a text is padded only to the longest of those that come with it.
IDS = tf.TensorSpec([None, None], tf.int32)

Inputs = dict[str, Any]


def export(logits: Callable[[Inputs], Any], variables: Sequence[Any], directory: Path) -> None:
    """Save the function `logits`, and the variables that it reads, to `directory`.

    A plain module with one function: a Keras save holds every layer as an object of its own and
    takes four times as long to load.
    """

    # TensorFlow has no types.
    @tf.function(input_signature=[IDS, IDS, IDS])  # type: ignore[untyped-decorator]
    def serve(input_ids: Any, attention_mask: Any, token_type_ids: Any) -> dict[str, Any]:
        given = (input_ids, attention_mask, token_type_ids)
        return {"logits": logits(dict(zip(INPUT_NAMES, given, strict=True)))}

    module = tf.Module()
    module.weights = variables  # a SavedModel keeps only what hangs on its root
    module.serve = serve
    tf.saved_model.save(module, str(directory), signatures={"serving_default": serve})
