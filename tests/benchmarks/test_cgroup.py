"""Memory cgroups: where they are, and a real one where this machine lets us make one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.container.cgroup import Cgroup, Hierarchy, NoCgroupError, find, memory_cgroup
from benchmarks.environments import ROOT

V1 = "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
V1_CPU = "36 31 0:33 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
V2 = "41 31 0:38 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
V2_IN_A_CONTAINER = "41 31 0:38 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n"
OTHER = "22 1 8:1 / / rw - ext4 /dev/root rw\n"

LAUNCH = ROOT / "benchmarks" / "launch.py"
TAKE_64_MB = "block = bytearray(64 << 20)\nprint(len(block))"


@pytest.mark.parametrize(
    ("mountinfo", "own", "expected"),
    [
        (
            OTHER + V1_CPU + V1 + V2,
            "4:memory:/a/b\n2:cpu,cpuacct:/c\n0::/d\n",
            Hierarchy(1, Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup/memory/a/b")),
        ),
        (
            OTHER + V2,
            "0::/user.slice/session-1.scope\n",
            Hierarchy(2, Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/user.slice/session-1.scope")),
        ),
        (
            V2_IN_A_CONTAINER,
            "0::/docker/abc\n",
            Hierarchy(2, Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup")),
        ),
    ],
)
def test_where_memory_is_limited(mountinfo: str, own: str, expected: Hierarchy) -> None:
    """Version 1 before 2, as the kernel has it; from the cgroup that we are in."""
    assert find(mountinfo, own) == expected


def test_without_the_controller_the_reason_is_said() -> None:
    """It becomes the result of the benchmark."""
    with pytest.raises(NoCgroupError, match="no memory cgroup can be made: none is mounted"):
        find(OTHER + V1_CPU, "2:cpu,cpuacct:/c\n")


def test_who_exceeds_the_limit_is_killed_and_counted() -> None:
    """A real cgroup: 64 MB fit into 256 MiB and not into 32, and nothing is left of it."""
    assert _take(256 << 20)[:2] == (0, 0)
    status, killed, cgroup = _take(32 << 20)
    assert status == -9
    assert killed == 1
    assert not cgroup.directory.exists()


def _take(limit: int) -> tuple[int, int, Cgroup]:
    try:
        with memory_cgroup(limit) as cgroup:
            ended = subprocess.run(
                [
                    *(sys.executable, LAUNCH, str(os.getpid()), cgroup.procs_file, "--"),
                    *(sys.executable, "-c", TAKE_64_MB),
                ],
                check=False,
                stdout=subprocess.DEVNULL,
            )
            return ended.returncode, cgroup.killed(), cgroup
    except NoCgroupError as error:
        pytest.skip(str(error))
