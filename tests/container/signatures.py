"""Print what the SavedModels in directories take and give: `signatures.py DIR …`, as JSON.

Not a test: test_real_models.py runs it in the container's interpreter.
"""

import json
import sys

import tensorflow as tf


def described(directory: str) -> dict[str, dict[str, list[object]]]:
    """The signature `serving_default`: inputs and outputs by name, each with type and shape."""
    signature = tf.saved_model.load(directory).signatures["serving_default"]
    _, inputs = signature.structured_input_signature
    return {
        part: {name: [spec.dtype.name, spec.shape.as_list()] for name, spec in specs.items()}
        for part, specs in (("inputs", inputs), ("outputs", signature.structured_outputs))
    }


print(json.dumps([described(directory) for directory in sys.argv[1:]]))
