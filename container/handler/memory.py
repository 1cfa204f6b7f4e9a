"""Which errors mean that memory has run out.

SageMaker unloads the least recently used model and tries again when a container answers 507, and
multi-model-server answers 507 for a MemoryError only. TensorFlow raises its own errors for the same
thing, so they are told apart here: by class name, not by class, because one of the things that can
fail for want of memory is the import of TensorFlow.
"""

import errno
import re

# From TensorFlow's allocators ("OOM when allocating tensor", "Failed to allocate memory for …"),
# the C++ runtime ("std::bad_alloc"), the dynamic linker and the kernel ("Cannot allocate memory",
# "failed to map segment from shared object").
_TEXT = re.compile(
    r"\boom\b|out of memory|(failed|unable|cannot) to allocate|cannot allocate|bad_alloc"
    r"|failed to map segment",
    re.IGNORECASE,
)
_CLASS_NAMES = frozenset({"MemoryError", "ResourceExhaustedError"})


def is_out_of_memory(error: BaseException) -> bool:
    """True if `error`, or an error it was raised from, says that memory has run out."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        if _says_out_of_memory(cause):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _says_out_of_memory(error: BaseException) -> bool:
    if any(base.__name__ in _CLASS_NAMES for base in type(error).__mro__):
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    return bool(_TEXT.search(str(error)))
