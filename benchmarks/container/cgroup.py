"""A memory cgroup of our own below the one we are in, of version 1 or 2, and its end."""

import errno
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks import processes

_MOUNTS = Path("/proc/self/mountinfo")
_OWN = Path("/proc/self/cgroup")


class NoCgroupError(Exception):
    """No memory cgroup can be made here; the message says why."""


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """Where memory is limited: the folder of the cgroup we are in, below `mount`."""

    version: int
    mount: Path
    own: Path


@dataclass(frozen=True, slots=True)
class Cgroup:
    """A cgroup with a limit."""

    directory: Path

    @property
    def procs_file(self) -> Path:
        """Who writes a process' number into it moves that process in."""
        return self.directory / "cgroup.procs"

    def killed(self) -> int:
        """How often the kernel has killed a process in it for want of memory."""
        for name in ("memory.oom_control", "memory.events"):
            with suppress(FileNotFoundError):
                for line in (self.directory / name).read_text().splitlines():
                    key, _, value = line.partition(" ")
                    if key == "oom_kill":
                        return int(value)
        return 0


@contextmanager
def memory_cgroup(limit_bytes: int) -> Iterator[Cgroup]:
    """A fresh cgroup that may have `limit_bytes` of memory and swap together.

    All processes in it are killed with the block. Raises `NoCgroupError`.
    """
    try:
        hierarchy = find(_MOUNTS.read_text(), _OWN.read_text())
        directory = _made(hierarchy)
    except OSError as error:
        raise NoCgroupError(_reason(error)) from error
    try:
        try:
            _limit(hierarchy.version, directory, limit_bytes)
        except OSError as error:
            raise NoCgroupError(_reason(error)) from error
        yield Cgroup(directory)
    finally:
        _remove(directory)


def find(mountinfo: str, own: str) -> Hierarchy:
    """The memory hierarchy by /proc/self/mountinfo and /proc/self/cgroup; `NoCgroupError` if none.

    Version 1 goes first: where both are mounted, the memory controller is in version 1.
    """
    paths = {}
    for line in own.splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            paths[controller] = path
    mounts = [_mount(line) for line in mountinfo.splitlines()]
    for version, kind, controller in ((1, "cgroup", "memory"), (2, "cgroup2", "")):
        for root, mount, filesystem, options in mounts:
            if filesystem != kind or controller not in paths:
                continue
            if version == 1 and controller not in options:
                continue
            # A container sees the hierarchy from its own cgroup on: `root` is what is mounted.
            path = paths[controller]
            below = path.removeprefix(root) if root != "/" else path
            return Hierarchy(version, mount, mount / below.lstrip("/"))
    raise NoCgroupError("no memory cgroup can be made: none is mounted")


def _mount(line: str) -> tuple[str, Path, str, list[str]]:
    """Root, mount point, type and options of the file system, by proc_pid_mountinfo(5)."""
    before, _, after = line.partition(" - ")
    fields = before.split()
    kind, _, options = after.split()[:3]
    return fields[3], Path(fields[4]), kind, options.split(",")


def _made(hierarchy: Hierarchy) -> Path:
    """The folder of a new cgroup in which memory can be limited."""
    name = f"dormouse-benchmark-{uuid.uuid4().hex[:8]}"
    if hierarchy.version == 1:
        directory = hierarchy.own / name
        directory.mkdir()
        return directory
    # In version 2 a cgroup with processes can't hand memory on to cgroups below it (the root can):
    # so ours is made below the nearest one above that hands it on, or can be made to.
    for parent in (hierarchy.own, *hierarchy.own.parents):
        with suppress(OSError):
            controllers = parent / "cgroup.subtree_control"
            if "memory" not in controllers.read_text().split():
                controllers.write_text("+memory")
            directory = parent / name
            directory.mkdir()
            return directory
        if parent == hierarchy.mount:
            break
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(hierarchy.own))


def _limit(version: int, directory: Path, limit_bytes: int) -> None:
    if version == 1:
        (directory / "memory.limit_in_bytes").write_text(str(limit_bytes))
        # Absent where the kernel does not count swap.
        with suppress(FileNotFoundError):
            (directory / "memory.memsw.limit_in_bytes").write_text(str(limit_bytes))
    else:
        (directory / "memory.max").write_text(str(limit_bytes))
        with suppress(FileNotFoundError):
            (directory / "memory.swap.max").write_text("0")


def _remove(directory: Path) -> None:
    with suppress(FileNotFoundError):
        pids = {int(pid) for pid in (directory / "cgroup.procs").read_text().split()}
        processes.kill(process for process in processes.processes() if process.pid in pids)
    for _ in range(50):
        try:
            directory.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            # A process that was killed leaves its cgroup a moment later.
            os.sched_yield()
        else:
            return


def _reason(error: OSError) -> str:
    return f"no memory cgroup can be made: {error.strerror} ({error.filename})"
