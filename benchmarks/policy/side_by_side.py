"""Several workloads at a time, each played in a process of its own."""

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import active_children, get_context
from typing import TypeVar

from benchmarks.policy.traces import Workload
from benchmarks.progress import say

_SAID_EVERY_SECONDS = 5.0


Found = TypeVar("Found")


def play_all(
    play: Callable[[Workload], Found], workloads: Sequence[Workload], processes: int
) -> Sequence[Found]:
    """Play them, the longest first; what came of them is in the order that was given.

    Raises:
        BrokenProcessPool: the system has ended a process.
    """
    order = sorted(range(len(workloads)), key=lambda at: (-_work(workloads[at]), at))
    found: dict[int, Found] = {}
    said_at, total, done = time.monotonic(), sum(map(_work, workloads)), 0
    with _pool(processes) as pool:
        for at, each in zip(order, pool.map(play, (workloads[at] for at in order)), strict=True):
            found[at] = each
            done += _work(workloads[at])
            if time.monotonic() - said_at >= _SAID_EVERY_SECONDS:
                said_at = time.monotonic()
                say(f"{len(found)} of {len(workloads)} workloads, {done / total:.0%} of the work")
    return [found[at] for at in range(len(workloads))]


@contextmanager
def _pool(processes: int) -> Iterator[ProcessPoolExecutor]:
    # Begun anew rather than forked: the same on every system, and nothing of this one is shared.
    pool = ProcessPoolExecutor(processes, get_context("spawn"), _end_silently)
    try:
        yield pool
    except BaseException:
        for child in active_children():
            child.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _end_silently() -> None:
    """Ctrl-C reaches all processes, and the first one says so."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _work(workload: Workload) -> int:
    return len(workload.demand.counts)
