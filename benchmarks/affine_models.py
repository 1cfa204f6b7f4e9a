"""Make models whose answer says which question it is of: `affine_models.py DIR NUMBER`.

`affine-K.tar.gz`, K from 0, answers `{"instances": [x]}` with `{"predictions": [3x + K]}`, in whole
numbers. Run by the container's interpreter, which has TensorFlow.
"""

import sys
import tarfile
import tempfile
from pathlib import Path

import tensorflow as tf


def make(directory: Path, offset: int) -> None:
    """Save and pack one model."""
    module = tf.Module()
    module.serve = tf.function(
        lambda x: {"y": 3 * x + offset}, input_signature=[tf.TensorSpec([None], tf.int64, name="x")]
    )
    with tempfile.TemporaryDirectory() as folder:
        saved = str(Path(folder) / "0")
        tf.saved_model.save(module, saved, signatures={"serving_default": module.serve})
        with tarfile.open(directory / f"affine-{offset}.tar.gz", "w:gz") as archive:
            archive.add(saved, "0")


for number in range(int(sys.argv[2])):
    make(Path(sys.argv[1]), number)
