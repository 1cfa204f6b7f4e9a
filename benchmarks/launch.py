"""Becomes a command: `python launch.py PARENT_PID [PROCS_FILE …] -- COMMAND …`.

First it enters the cgroups whose `cgroup.procs` files are named, so that everything the command
ever starts is within; and it asks to be told (SIGTERM) when the benchmark dies, however that dies.
Standard library only: it runs before anything that is measured.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main(arguments: Sequence[str]) -> None:
    """Does not return."""
    place = arguments.index("--")
    parent, procs_files, command = arguments[0], arguments[1:place], arguments[place + 1 :]
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    # It may have died before the line above; then nobody will tell.
    if os.getppid() != int(parent):
        sys.exit("launch.py: the benchmark has ended already")
    for procs_file in procs_files:
        Path(procs_file).write_text(str(os.getpid()), encoding="ascii")
    os.execv(command[0], list(command))


if __name__ == "__main__":
    main(sys.argv[1:])
