"""Many independent things at once: all are done, none waits for a slow one, no thread is left."""

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from dormouse.in_parallel import in_parallel, meanwhile

# For what would otherwise never end.
PATIENCE = 60


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() == before


@pytest.mark.parametrize("workers", [1, 2, 16])
@pytest.mark.parametrize("count", [0, 1, 2, 500])
def test_each_is_done_once(workers: int, count: int) -> None:
    """However many there are, and however many do it."""
    assert sorted(in_parallel(lambda n: n * 2, range(count), workers)) == list(
        range(0, 2 * count, 2)
    )


def test_one_worker_keeps_the_order() -> None:
    """And needs no thread."""
    names = list(in_parallel(lambda _: threading.current_thread().name, range(3), 1))
    assert names == [threading.current_thread().name] * 3
    assert list(in_parallel(str, [3, 1, 2], 1)) == ["3", "1", "2"]


def test_a_slow_one_delays_no_other() -> None:
    """It ends only when all the others have been yielded."""
    others_are_done = threading.Event()

    def do(number: int) -> int:
        if number == 0:
            assert others_are_done.wait(PATIENCE)
        return number

    yielded = []
    for number in in_parallel(do, range(100), 2):
        yielded.append(number)
        if len(yielded) == 99:
            others_are_done.set()
    assert yielded[-1] == 0
    assert sorted(yielded) == list(range(100))


def test_as_many_at_once_as_there_are_workers() -> None:
    """They meet, which fewer could not."""
    meeting = threading.Barrier(4)
    assert len(list(in_parallel(lambda _: meeting.wait(PATIENCE), range(8), 4))) == 8


@pytest.fixture
def is_ending(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set as soon as somebody waits for the threads to end."""
    event = threading.Event()

    class Joined(threading.Thread):
        def join(self, timeout: float | None = None) -> None:
            event.set()
            super().join(timeout)

    monkeypatch.setattr("dormouse.in_parallel.Thread", Joined)
    return event


def test_what_is_raised_ends_it(is_ending: threading.Event) -> None:
    """It is raised where the results are read, and what was not begun is not."""
    begun = []

    def do(number: int) -> None:
        begun.append(number)
        if number == 3:
            raise ValueError("the third")
        assert number < 3 or is_ending.wait(PATIENCE)

    with pytest.raises(ValueError, match="the third"):
        list(in_parallel(do, range(100), 2))
    # The other worker's, and one that was taken up after the third.
    assert len(begun) <= 6


def test_who_stops_reading_stops_it(is_ending: threading.Event) -> None:
    """What is under way ends, and nothing more is begun."""
    begun = []

    def do(number: int) -> None:
        begun.append(number)
        assert number == 0 or is_ending.wait(PATIENCE)

    with closing(in_parallel(do, range(100), 2)) as results:
        next(results)
    assert sorted(begun) in ([0, 1], [0, 1, 2])


def test_something_is_done_meanwhile() -> None:
    """It goes on while something else is done, and is waited for where it is asked for."""
    meeting = threading.Barrier(2)

    def do() -> str:
        meeting.wait(PATIENCE)
        return "done"

    with meanwhile(do, 2) as result:
        meeting.wait(PATIENCE)
        assert result() == "done"
        assert result() == "done"


def test_what_is_raised_meanwhile_is_raised_where_it_is_asked_for() -> None:
    """And nowhere else."""

    def do() -> None:
        raise ValueError("meanwhile")

    for workers in (1, 2):
        with meanwhile(do, workers):
            pass
        with meanwhile(do, workers) as result, pytest.raises(ValueError, match="meanwhile"):
            result()


def test_with_one_worker_it_is_done_when_it_is_asked_for() -> None:
    """In the same thread."""
    done: list[str] = []
    with meanwhile(lambda: done.append(threading.current_thread().name), 1) as result:
        assert not done
        result()
    assert done == [threading.current_thread().name]
