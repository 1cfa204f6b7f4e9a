"""How much memory a server's processes have, by the kernel's own sums (smaps_rollup)."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import tree

_READINGS = 5
_PAUSE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Memory:
    """Of one process or of several together, in bytes.

    `private` is what nobody else has mapped: Private_Clean + Private_Dirty. `pss` counts a page
    that n processes share as an n-th for each, so that the sum counts every page once. `dirty` is
    Private_Dirty alone: without the pages of files, which are also another's as soon as any other
    process, of this server or not, happens to map the same file.
    """

    private: float
    pss: float
    dirty: float


def memory(pid: int) -> Memory:
    """Of one process; nothing if it has ended."""
    try:
        return parse(Path(f"/proc/{pid}/smaps_rollup").read_text())
    except (FileNotFoundError, ProcessLookupError):
        return Memory(0, 0, 0)


def parse(rollup: str) -> Memory:
    """Read the kernel's text, whose figures are in KiB; a zombie's is empty."""
    sizes = {}
    for line in rollup.splitlines()[1:]:
        name, _, size = line.partition(":")
        sizes[name] = int(size.split()[0]) * 1024
    dirty = sizes.get("Private_Dirty", 0)
    return Memory(sizes.get("Private_Clean", 0) + dirty, sizes.get("Pss", 0), dirty)


def of_tree(root: int) -> Memory:
    """The sums over `root` and everything below it, at this moment."""
    parts = [memory(process.pid) for process in tree(root)]
    return Memory(
        sum(part.private for part in parts),
        sum(part.pss for part in parts),
        sum(part.dirty for part in parts),
    )


def settled(read: Callable[[], Memory]) -> Memory:
    """The median of some readings.

    multi-model-server starts a process for its metrics now and then, which one reading may catch.
    """
    readings = []
    for _ in range(_READINGS):
        time.sleep(_PAUSE_SECONDS)
        readings.append(read())
    return Memory(
        statistics.median(reading.private for reading in readings),
        statistics.median(reading.pss for reading in readings),
        statistics.median(reading.dirty for reading in readings),
    )
