"""Which errors count as out of memory; test_out_of_memory.py has TensorFlow's own."""

import errno

import pytest

from container.handler.memory import is_out_of_memory


class ResourceExhaustedError(Exception):
    """Named as TensorFlow's."""


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        ResourceExhaustedError("whatever it says"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        RuntimeError("std::bad_alloc"),
        RuntimeError("Failed to allocate memory for convolution redzone"),
        ImportError("libtensorflow_cc.so.2: failed to map segment from shared object"),
        RuntimeError("OOM when allocating tensor with shape[1048576,1048576]"),
    ],
)
def test_out_of_memory(error: Exception) -> None:
    """As TensorFlow, C++ and the dynamic linker say it."""
    assert is_out_of_memory(error)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("labels.json is missing."),
        OSError(errno.ENOSPC, "No space left on device"),
        RuntimeError("the room is full of boom microphones"),
    ],
)
def test_other_faults_are_not_out_of_memory(error: Exception) -> None:
    """A 507 for them would make SageMaker unload models that are fine."""
    assert not is_out_of_memory(error)


def test_the_cause_counts() -> None:
    """transformers and importlib wrap what they catch."""
    error = ValueError("The tokenizer could not be loaded.")
    error.__cause__ = MemoryError()
    assert is_out_of_memory(error)


def test_a_circle_of_causes_ends() -> None:
    """Python allows one."""
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one
    assert not is_out_of_memory(one)
