"""Remove the files that multi-model-server and its workers leave in the server's directory.

One for each load and each respawn: they would fill a disk in time.
"""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

# What multi-model-server opens for a worker's output, after the worker's first answer, and never
# removes (WorkerThread.runWorker).
_OUTPUTS = ("*-stdout", "*-stderr")
# Where the process that multi-model-server starts for a model listens, which it kills at the end.
_SOCKETS = ".mms.sock.*"
# A file may be there for a moment before it is used.
_SECONDS = 10.0


def sweep(directory: Path) -> None:
    """Remove what is ten seconds old and that no process uses any more."""
    oldest = time.time() - _SECONDS
    for path in _unused(directory):
        with contextlib.suppress(FileNotFoundError):
            if path.lstat().st_mtime < oldest:
                path.unlink()


def _unused(directory: Path) -> Iterator[Path]:
    for pattern in _OUTPUTS:
        yield from directory.glob(pattern)
    sockets = list(directory.glob(_SOCKETS))
    if sockets:
        used = _bound_sockets()
        yield from (path for path in sockets if str(path) not in used)


def _bound_sockets() -> set[str]:
    """The paths of all Unix sockets that some process has open: the eighth column (proc(5))."""
    lines = Path("/proc/net/unix").read_text(errors="replace").splitlines()[1:]
    return {parts[7] for line in lines if len(parts := line.split(maxsplit=7)) == 8}
