"""Loading a SavedModel, and if that fails, finding out which of its files is broken."""

import os
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from container.handler.memory import is_out_of_memory
from container.handler.model_directory import BrokenModel
from container.handler.tensorflow_error import sentence

_GRAPH, _VARIABLES = "saved_model.pb", "variables"


def load(directory: Path) -> Any:
    """The SavedModel in `directory`; raises `BrokenModel`, or an error that is out of memory."""
    try:
        return tf.saved_model.load(str(directory))
    except Exception as error:
        if is_out_of_memory(error):
            raise
        fault = _graph_fault(directory) or _variables_fault(directory)
        raise BrokenModel(
            fault or f"The SavedModel in {directory.name}/ can't be loaded: {sentence(str(error))}"
        ) from error


# TensorFlow's own errors come as various classes, and name a file in a few cases only. So the files
# are looked at, which happens for a model that is broken anyway.


def _graph_fault(directory: Path) -> str | None:
    """A sentence about `saved_model.pb`, if that is at fault."""
    name = f"{directory.name}/{_GRAPH}"
    try:
        saved_model = SavedModel.FromString((directory / _GRAPH).read_bytes())
    except Exception as error:
        if is_out_of_memory(error):
            raise
        return f"{name} is damaged or cut off: it can't be parsed as a SavedModel."
    if not saved_model.meta_graphs:
        return f"{name} holds no model."
    return None


def _variables_fault(directory: Path) -> str | None:
    """A sentence about the checkpoint in `variables/`, if that is at fault."""
    prefix = directory / _VARIABLES / _VARIABLES
    name = f"{directory.name}/{_VARIABLES}"
    if not prefix.with_name(f"{_VARIABLES}.index").is_file():
        return f"{name}/{_VARIABLES}.index is missing."
    if not any(prefix.parent.glob(f"{_VARIABLES}.data-*")):
        return f"{name}/{_VARIABLES}.data-00000-of-00001 is missing."
    try:
        checkpoint = tf.train.load_checkpoint(str(prefix))
        for tensor in checkpoint.get_variable_to_shape_map():
            checkpoint.get_tensor(tensor)
    except Exception as error:
        if is_out_of_memory(error):
            raise
        reason = sentence(str(error).replace(f"{prefix.parent}/", ""))
        return f"{name} is damaged or incomplete: {reason}"
    return None
