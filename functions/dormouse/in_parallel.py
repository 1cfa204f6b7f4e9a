"""Doing many independent things at once, of which one may be slow."""

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _Failed:
    error: BaseException


def in_parallel(
    do: Callable[[Item], Result], items: Sequence[Item], workers: int
) -> Generator[Result]:
    """Do it with each, and yield each result as it comes; with one worker, in their order.

    What is raised is raised here, and no other is begun. No thread outlives this: it ends when all
    have, however slow, unless they were not begun.
    """
    if workers == 1 or len(items) <= 1:
        yield from map(do, items)
        return
    # Not futures: with most of a fleet there is next to nothing to do, and one for each would take
    # longer than that.
    left, done = deque(items), SimpleQueue[Result | _Failed]()
    threads = [Thread(target=_work, args=(do, left, done)) for _ in range(min(workers, len(items)))]
    try:
        for thread in threads:
            thread.start()
        for _ in items:
            result = done.get()
            if isinstance(result, _Failed):
                raise result.error
            yield result
    finally:
        left.clear()
        for thread in threads:
            # One that the system would not start can't be waited for.
            if thread.ident is not None:
                thread.join()


@contextmanager
def meanwhile(do: Callable[[], Result], workers: int) -> Iterator[Callable[[], Result]]:
    """Begin it, and give what waits for its result, or raises what it has raised; with one worker,
    it is done when that is called. No thread outlives this.
    """
    if workers == 1:
        yield do
        return
    done: list[Result | _Failed] = []
    thread = Thread(target=lambda: done.append(_tried(do)))
    thread.start()

    def result() -> Result:
        thread.join()
        (found,) = done
        if isinstance(found, _Failed):
            raise found.error
        return found

    try:
        yield result
    finally:
        thread.join()


def _tried(do: Callable[[], Result]) -> Result | _Failed:
    try:
        return do()
    except BaseException as error:  # noqa: BLE001 - whoever waits for it raises it
        return _Failed(error)


def _work(
    do: Callable[[Item], Result], left: deque[Item], done: "SimpleQueue[Result | _Failed]"
) -> None:
    while True:
        try:
            item = left.popleft()
        except IndexError:
            return
        done.put(_tried(partial(do, item)))
