"""TensorFlow with Keras 2 (tf-keras), which transformers' TFBert is written for.

The environment is read when they are first imported: what builds models imports both from here.
"""

import os

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf
import transformers

# Else it says that TensorFlow's part of it is deprecated, and which weights it has no use for.
transformers.logging.set_verbosity_error()

__all__ = ["tf", "transformers"]
