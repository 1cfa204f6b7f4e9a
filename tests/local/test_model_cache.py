"""Loading and making room, against a container that is a few lines of Python."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from local.sagemaker.container_client import Answer, ContainerClient
from local.sagemaker.model_cache import LoadRefused, ModelCache, NotReady, container_name


@dataclass
class Container:
    """What the contract says about loading."""

    capacity: int = 100
    held: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    gates: dict[str, threading.Event] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def load(self, name: str, _directory: Path, _seconds: float) -> Answer:
        if gate := self.gates.get(name):
            assert gate.wait(10)
        with self.lock:
            self.calls.append(f"load {name}")
            if name in self.held:
                return Answer(409, b"")
            if len(self.held) >= self.capacity:
                return Answer(507, b"out of memory")
            self.held.append(name)
            return Answer(200, b"")

    def unload(self, name: str, _seconds: float) -> Answer:
        with self.lock:
            self.calls.append(f"unload {name}")
            self.held.remove(name)
        return Answer(200, b"")


def cache_of(
    container: Container, tmp_path: Path, wait_seconds: float = 5.0, **more: Any
) -> ModelCache:
    return ModelCache(
        cast("ContainerClient", container),
        more.get("fetch", lambda _target: tmp_path),
        wait_seconds=wait_seconds,
        load_seconds=5.0,
        measure=more.get("measure", lambda *_: None),
    )


@pytest.fixture
def container() -> Iterator[Container]:
    made = Container()
    yield made
    for gate in made.gates.values():
        gate.set()


A, B, C, D = (container_name(name) for name in "abcd")


def use(cache: ModelCache, target: str) -> bool:
    """Use a model for an instant; returns whether it was there."""
    with cache.using(target) as used:
        assert used.model_name == container_name(target)
        return used.cache_hit


def test_a_model_is_loaded_once(container: Container, tmp_path: Path) -> None:
    """The first use loads, the second finds it."""
    cache = cache_of(container, tmp_path)
    assert [use(cache, "a"), use(cache, "a")] == [False, True]
    assert container.calls == [f"load {A}"]


def test_many_first_uses_at_once_are_one_load(container: Container, tmp_path: Path) -> None:
    """They all wait for the same load."""
    container.gates[A] = threading.Event()
    cache = cache_of(container, tmp_path)
    with ThreadPoolExecutor(8) as pool:
        uses = [pool.submit(use, cache, "a") for _ in range(8)]
        container.gates[A].set()
        assert [u.result(5) for u in uses].count(True) <= 7
    assert container.calls == [f"load {A}"]


def test_other_models_serve_while_one_loads(container: Container, tmp_path: Path) -> None:
    """The load of b holds nobody up but those who want b."""
    cache = cache_of(container, tmp_path)
    use(cache, "a")
    container.gates[B] = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(use, cache, "b")
        assert use(cache, "a") is True
        assert not waiting.done()
        container.gates[B].set()
        assert waiting.result(5) is False


def test_loaded_already_is_loaded(container: Container, tmp_path: Path) -> None:
    """409 comes of a load that was given up on, and is as good as 200."""
    container.held.append(A)
    assert use(cache_of(container, tmp_path), "a") is False
    assert container.calls == [f"load {A}"]


def test_the_least_recently_used_makes_room(container: Container, tmp_path: Path) -> None:
    """b was used longest ago when d came."""
    container.capacity = 3
    cache = cache_of(container, tmp_path)
    for target in ("a", "b", "c", "a", "d"):
        use(cache, target)
    assert container.calls[-3:] == [f"load {D}", f"unload {B}", f"load {D}"]
    assert set(cache.loaded()) == {"a", "c", "d"}
    assert use(cache, "b") is False


def test_a_model_in_use_is_not_evicted(container: Container, tmp_path: Path) -> None:
    """a is the least recently used, but somebody is using it."""
    container.capacity = 2
    cache = cache_of(container, tmp_path)
    with cache.using("a"):
        use(cache, "b")
        use(cache, "c")
        assert container.held == [A, C]


def test_when_nothing_is_left_to_evict_the_load_fails(container: Container, tmp_path: Path) -> None:
    """The container's 507 reaches the caller, and the next call tries anew."""
    container.capacity = 0
    cache = cache_of(container, tmp_path)
    with pytest.raises(LoadRefused) as refused:
        use(cache, "a")
    assert refused.value.answer == Answer(507, b"out of memory")
    container.capacity = 1
    assert use(cache, "a") is False


def test_a_slow_load_goes_on_when_its_caller_gives_up(container: Container, tmp_path: Path) -> None:
    """The caller hears NotReady; a later one finds the model loaded by the first one's load."""
    container.gates[A] = threading.Event()
    cache = cache_of(container, tmp_path, wait_seconds=0.05)
    with pytest.raises(NotReady):
        use(cache, "a")
    container.gates[A].set()
    deadline = time.monotonic() + 5
    while cache.loaded() != ["a"]:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert use(cache, "a") is True
    assert container.calls == [f"load {A}"]


def test_a_model_that_is_not_in_s3_is_looked_for_again(
    container: Container, tmp_path: Path
) -> None:
    """What fetching raises reaches the caller, every time: it may have been uploaded since."""
    there: list[Path] = []

    def fetch(_target: str) -> Path:
        if not there:
            raise LookupError("no such object")
        return there[0]

    cache = cache_of(container, tmp_path, fetch=fetch)
    for _ in range(2):
        with pytest.raises(LookupError):
            use(cache, "a")
    there.append(tmp_path)
    assert use(cache, "a") is False


def test_a_load_that_fails_at_once_locks_nobody_out(container: Container, tmp_path: Path) -> None:
    """The future may be done before anybody can ask to be told: many times, to hit that instant."""

    def fetch(_target: str) -> Path:
        raise LookupError("no such object")

    cache = cache_of(container, tmp_path, fetch=fetch)
    with ThreadPoolExecutor(1) as pool:

        def refused() -> int:
            count = 0
            for number in range(2000):
                with pytest.raises(LookupError):
                    use(cache, f"m{number}")
                count += 1
            return count

        assert pool.submit(refused).result(60) == 2000


def test_a_forgotten_model_is_loaded_again(container: Container, tmp_path: Path) -> None:
    """As after the container has lost it."""
    cache = cache_of(container, tmp_path)
    use(cache, "a")
    cache.forget("a")
    container.held.clear()
    assert use(cache, "a") is False


def test_what_is_measured(container: Container, tmp_path: Path) -> None:
    """Download and load of each model; unloading when there was some."""
    container.capacity = 1
    seen: list[tuple[str, float]] = []
    cache = cache_of(container, tmp_path, measure=lambda name, value: seen.append((name, value)))
    use(cache, "a")
    use(cache, "b")
    names = [name for name, _ in seen]
    assert names == [
        *("ModelDownloadingTime", "ModelLoadingTime"),
        *("ModelDownloadingTime", "ModelUnloadingTime", "ModelLoadingTime"),
    ]
    assert all(value >= 0 for _, value in seen)
