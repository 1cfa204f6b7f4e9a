"""What model_service_worker.py says is what the fork server understands."""

import importlib.util
import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from container.workers.hand_over import BadHandOver, HandOver, decode
from tests.container.forked_workers import SHIM

# As Python has arguments of a command line: any bytes but 0, some of them as surrogates.
ARGUMENTS = st.binary(max_size=40).map(lambda raw: os.fsdecode(raw.replace(b"\0", b"")))


def shim() -> Any:
    """The script as a module; it has no name that can be imported."""
    spec = importlib.util.spec_from_file_location("model_service_worker", SHIM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SHIM_MODULE = shim()


@given(ARGUMENTS, ARGUMENTS, ARGUMENTS, ARGUMENTS)
def test_arguments_arrive(name: str, path: str, handler: str, tmp_dir: str) -> None:
    """Any bytes that a file name can have."""
    line = SHIM_MODULE._message(model_name=name, model_path=path, handler=handler, tmp_dir=tmp_dir)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert decode(line[:-1]) == HandOver(name, path, handler, tmp_dir, os.getpid())


@given(st.binary())
def test_bytes_from_anywhere_are_refused(line: bytes) -> None:
    """With no other error."""
    with pytest.raises(BadHandOver):
        decode(line)
