"""Import what workers need, once, so that a fork of this process has it. Imports only.

Any operation of TensorFlow would start threads, and a fork has none of them: it would wait for them
for ever.
"""

import gc
import importlib
import os
from pathlib import Path

from container.server_settings import HANDLER
from container.workers.own_memory import keep_shared

# Libraries for numbers start threads when they are imported, if they are not told.
_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")

_MODULES = (
    "container.handler.classifier",
    "container.handler.predictor",
    "encodings.utf_8_sig",  # by which a request is decoded
)

# transformers imports a kind of tokenizer when it is asked for. The plain one is in a model that
# says nothing else.
_TOKENIZERS = tuple(
    f"{kind}Tokenizer{fast}"
    for kind in ("Bert", "DistilBert", "MPNet", "Roberta", "PreTrained")
    for fast in ("", "Fast")
)


class NotForkable(Exception):
    """This process has threads, which a fork would not have."""


def preload(handler: str) -> None:
    """Import all of it, and the module of `handler` if it is our own.

    Another handler is imported in the worker: nobody knows what it starts. Raises `NotForkable`.
    """
    keep_shared()
    for name in _THREADS:
        os.environ.setdefault(name, "1")
    for module in _MODULES:
        importlib.import_module(module)
    if handler == HANDLER:
        importlib.import_module(handler.partition(":")[0])
    # Not at the top: the settings above, and the handler's own, are to be there before.
    from transformers.models.auto.tokenization_auto import (  # noqa: PLC0415
        tokenizer_class_from_name,
    )

    for tokenizer in _TOKENIZERS:
        tokenizer_class_from_name(tokenizer)
    gc.freeze()
    threads = len(list(Path("/proc/self/task").iterdir()))
    if threads != 1:
        raise NotForkable(f"There are {threads} threads after the imports; one is expected.")
