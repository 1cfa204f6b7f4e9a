"""What a server holds at one moment, and what it has more of at a later one."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from benchmarks.memory import memory
from benchmarks.processes import descriptors
from benchmarks.server import Server

# A connection that is kept alive, a jar that is opened late. A leak is one for each cycle.
SPARE_DESCRIPTORS = 10
# Heaps grow in steps, and the pages that a process shares with its children come and go with them.
SPARE_MB = 24.0
# The Java heap grows up to its limit before garbage is looked for.
SPARE_JAVA_MB = 160.0
_JAVA = "java"


@dataclass(frozen=True, slots=True)
class Held:
    """What one process holds."""

    name: str
    descriptors: int
    dirty_mb: float


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A server at one moment: its processes by number, and the names in its TMPDIR."""

    processes: dict[int, Held]
    files: frozenset[str]

    @property
    def descriptors(self) -> int:
        """Of all processes."""
        return sum(held.descriptors for held in self.processes.values())

    @property
    def dirty_mb(self) -> float:
        """Of all processes."""
        return round(sum(held.dirty_mb for held in self.processes.values()), 1)


def snapshot(server: Server) -> Snapshot:
    """Look at `server` now."""
    held = {
        process.pid: Held(process.name, descriptors(process.pid), memory(process.pid).dirty / 1e6)
        for process in server.tree()
    }
    return Snapshot(held, _names(server.temporary_dir))


def leaks(before: Snapshot, after: Snapshot, *, with_memory: bool = True) -> list[str]:
    """A sentence for each thing that there is more of than it is allowed; none if all is well.

    Also if a process of before is not there any more: then something was killed or died.
    """
    found = []
    new = Counter(after.processes[pid].name for pid in after.processes.keys() - before.processes)
    gone = Counter(before.processes[pid].name for pid in before.processes.keys() - after.processes)
    if new:
        found.append(f"there are processes that were not there before: {_counted(new)}.")
    if gone:
        found.append(f"processes are gone that should have stayed: {_counted(gone)}.")
    for pid in sorted(before.processes.keys() & after.processes.keys()):
        found += _grown(pid, before.processes[pid], after.processes[pid], with_memory=with_memory)
    if more := sorted(after.files - before.files):
        shown = ", ".join(more[:5])
        # A name may change, as of the socket of a worker that was begun anew; the number may not.
        if len(after.files) > len(before.files):
            found.append(
                f"TMPDIR has {len(after.files)} files and sockets instead of "
                f"{len(before.files)}, such as {shown}."
            )
    return found


def _grown(pid: int, before: Held, after: Held, *, with_memory: bool) -> list[str]:
    found = []
    if after.descriptors > before.descriptors + SPARE_DESCRIPTORS:
        found.append(
            f"{before.name} ({pid}) has {after.descriptors} open descriptors instead of "
            f"{before.descriptors}; {SPARE_DESCRIPTORS} more are allowed."
        )
    spare = SPARE_JAVA_MB if before.name == _JAVA else SPARE_MB
    if with_memory and after.dirty_mb > before.dirty_mb + spare:
        found.append(
            f"{before.name} ({pid}) has {after.dirty_mb:.0f} MB written of its own instead of "
            f"{before.dirty_mb:.0f}; {spare:.0f} more are allowed."
        )
    return found


def _counted(names: Counter[str]) -> str:
    return ", ".join(f"{number} x {name}" for name, number in sorted(names.items()))


def _names(directory: Path) -> frozenset[str]:
    return frozenset(str(path.relative_to(directory)) for path in directory.rglob("*"))
