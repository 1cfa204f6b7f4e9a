"""Doing many independent things at once, of which one may be slow."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_parallel(
    do: Callable[[Item], Result], items: Sequence[Item], workers: int
) -> Iterator[Result]:
    """Do it with each, and yield each result as it comes; with one worker, in their order.

    No thread outlives this: it ends when all have, however slow, unless they were not begun.
    """
    if workers == 1 or len(items) <= 1:
        yield from map(do, items)
        return
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(do, item) for item in items]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)
