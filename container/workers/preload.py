"""Import what workers need, once, so that a fork of this process has it. Imports only.

Any operation of TensorFlow would start threads, and a fork has none of them: it would wait for them
for ever.
"""

import importlib
import os
from pathlib import Path

from container.server_settings import HANDLER

# Threads of libraries that start them when they are imported.
_SETTINGS = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}

_MODULES = (
    "container.handler.classifier",
    "container.handler.predictor",
    "container.workers.worker",
)


class NotForkable(Exception):
    """This process has threads, which a fork would not have."""


def preload(handler: str) -> None:
    """Import all of it, and the module of `handler` if it is our own.

    Another handler is imported in the worker: nobody knows what it starts. Raises `NotForkable`.
    """
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    for module in _MODULES:
        importlib.import_module(module)
    if handler == HANDLER:
        importlib.import_module(handler.partition(":")[0])
    threads = len(list(Path("/proc/self/task").iterdir()))
    if threads != 1:
        raise NotForkable(f"There are {threads} threads after the imports; one is expected.")
