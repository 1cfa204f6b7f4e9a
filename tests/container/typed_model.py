"""Make a SavedModel that takes and gives everything a tensor can be: `typed_model.py DIR`.

Without `serving_default`. Not a test: test_saved_model.py runs it in the container's interpreter.
"""

import sys
from pathlib import Path
from typing import Any

import tensorflow as tf

from container.handler.tensor_json import DTYPES

_SPECS = [tf.TensorSpec([None, 2], tf.as_dtype(dtype), name=dtype) for dtype in sorted(DTYPES)]
_NUMBERS = [tf.TensorSpec([None], tf.float32)]
_COUNT = [tf.TensorSpec([], tf.int64)]
_STRINGS = [tf.TensorSpec([None], tf.string)]


# TensorFlow has no types.
class Typed(tf.Module):  # type: ignore[misc]
    """One function for each signature."""

    @tf.function(input_signature=_SPECS)  # type: ignore[untyped-decorator]
    def echo(self, *tensors: Any) -> dict[str, Any]:
        """Each tensor under its dtype's name."""
        return dict(zip(sorted(DTYPES), map(tf.identity, tensors), strict=True))

    @tf.function(input_signature=_STRINGS)  # type: ignore[untyped-decorator]
    def raw(self, image: Any) -> dict[str, Any]:
        """The same bytes, in an output whose name says what they are."""
        return {"image_bytes": tf.identity(image)}

    @tf.function(input_signature=[tf.TensorSpec(None, tf.float32)])  # type: ignore[untyped-decorator]
    def any_shape(self, inputs: Any) -> Any:
        """Whatever the shape."""
        return inputs * 2

    @tf.function(input_signature=_NUMBERS)  # type: ignore[untyped-decorator]
    def log(self, x: Any) -> dict[str, Any]:
        """Not finite for what is not positive; and one output without a batch."""
        return {"log": tf.math.log(x)}

    @tf.function(input_signature=_NUMBERS)  # type: ignore[untyped-decorator]
    def mean(self, x: Any) -> dict[str, Any]:
        """One output of the batch, one of no dimension."""
        mean = tf.reduce_mean(x)
        return {"mean": mean, "beyond": x > mean}

    @tf.function(input_signature=_COUNT)  # type: ignore[untyped-decorator]
    def zeros(self, count: Any) -> Any:
        """As many as asked for."""
        return tf.zeros([count])

    @tf.function(input_signature=_COUNT)  # type: ignore[untyped-decorator]
    def greedy(self, tebibytes: Any) -> Any:
        """More memory than there is, unless none is asked for."""
        return tf.reduce_sum(tf.sort(tf.ones([tebibytes * (1 << 18), 1 << 20])))

    @tf.function(input_signature=_STRINGS)  # type: ignore[untyped-decorator]
    def decoded(self, text: Any) -> dict[str, Any]:
        """Any bytes, from base64, in an output whose name does not say so."""
        return {"decoded": tf.io.decode_base64(text)}

    @tf.function(input_signature=_STRINGS)  # type: ignore[untyped-decorator]
    def content(self, path: Any) -> Any:
        """Fails with another error than InvalidArgumentError where there is no such file."""
        return tf.io.read_file(path[0])

    @tf.function(input_signature=_NUMBERS)  # type: ignore[untyped-decorator]
    def waves(self, x: Any) -> dict[str, Any]:
        """Complex numbers, which JSON has not."""
        return {"waves": tf.signal.fft(tf.cast(x, tf.complex64))}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.complex64)])  # type: ignore[untyped-decorator]
    def lengths(self, waves: Any) -> dict[str, Any]:
        """Takes complex numbers."""
        return {"lengths": tf.abs(waves)}

    @tf.function(input_signature=[])  # type: ignore[untyped-decorator]
    def version(self) -> dict[str, Any]:
        """Takes nothing."""
        return {"version": tf.constant("1.0")}


typed = Typed()
names = [name for name, value in vars(Typed).items() if hasattr(value, "get_concrete_function")]
tf.saved_model.save(
    typed, str(Path(sys.argv[1])), signatures={name: getattr(typed, name) for name in names}
)
