"""Which models a container holds: load on first use, make room when it is full, as SageMaker does.

https://docs.aws.amazon.com/sagemaker/latest/dg/multi-model-endpoints.html: one load for each model
at a time while other models go on serving; on 507 unload the least recently used and try again;
what was unloaded stays on the disk.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.sagemaker.container_client import Answer, ContainerClient

# Records one metric: name, value in microseconds.
Measure = Callable[[str, float], None]


class NotReady(Exception):
    """The model is still loading; the load goes on."""


class LoadRefused(Exception):
    """The container would not load the model."""

    def __init__(self, answer: Answer):
        super().__init__(answer.text)
        self.answer = answer


@dataclass(slots=True)
class _Entry:
    loading: Future[None]
    last_used: float
    in_use: int = 0


@dataclass(frozen=True, slots=True)
class Use:
    """A model that is loaded and will not be evicted while it is used."""

    model_name: str
    cache_hit: bool
    waited_seconds: float


def container_name(target_model: str) -> str:
    """The name under which the container knows a model: SageMaker hashes the target, since that may
    be any S3 key.
    """
    return hashlib.sha256(target_model.encode()).hexdigest()[:32]


class ModelCache:
    """The models of one container."""

    def __init__(
        self,
        client: ContainerClient,
        fetch: Callable[[str], Path],
        *,
        wait_seconds: float,
        load_seconds: float,
        measure: Measure,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._client = client
        self._fetch = fetch
        self._wait_seconds = wait_seconds
        self._load_seconds = load_seconds
        self._measure = measure
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}
        self._loaders = ThreadPoolExecutor(max_workers=8, thread_name_prefix="model-load")

    @contextmanager
    def using(self, target_model: str) -> Iterator[Use]:
        """Hold a model while a call to it lasts; loads it first if need be."""
        begun = self._clock()
        with self._lock:
            entry = self._entries.get(target_model)
            cache_hit = entry is not None and entry.loading.done()
            begins = entry is None
            if entry is None:
                future = self._loaders.submit(self._load, target_model)
                entry = self._entries[target_model] = _Entry(future, begun)
            entry.in_use += 1
        if begins:
            # Outside the lock: a load that has failed by now runs the callback here and at once.
            entry.loading.add_done_callback(lambda done: self._forget_failed(target_model, done))
        try:
            try:
                entry.loading.result(self._wait_seconds)
            except FutureTimeout:
                raise NotReady(target_model) from None
            yield Use(container_name(target_model), cache_hit, self._clock() - begun)
        finally:
            with self._lock:
                entry.in_use -= 1
                entry.last_used = self._clock()

    def forget(self, target_model: str) -> None:
        """Take note that the container has lost a model."""
        with self._lock:
            self._entries.pop(target_model, None)

    def loaded(self) -> list[str]:
        """The models that are loaded, least recently used first."""
        with self._lock:
            ready = [(e.last_used, name) for name, e in self._entries.items() if e.loading.done()]
        return [name for _, name in sorted(ready)]

    def close(self) -> None:
        """Take no more loads."""
        self._loaders.shutdown(wait=False, cancel_futures=True)

    def _forget_failed(self, target_model: str, done: Future[None]) -> None:
        if done.cancelled() or done.exception():
            with self._lock:
                entry = self._entries.get(target_model)
                if entry is not None and entry.loading is done:
                    del self._entries[target_model]

    def _load(self, target_model: str) -> None:
        with self._measured("ModelDownloadingTime"):
            directory = self._fetch(target_model)
        name, seconds = container_name(target_model), self._load_seconds
        with self._measured("ModelLoadingTime"):
            answer = self._client.load(name, directory, seconds)
            while answer.status == 507 and self._evict(sparing=target_model):
                answer = self._client.load(name, directory, seconds)
            # 409: the container has it already, from a load that was given up on.
            if not answer.succeeded and answer.status != 409:
                raise LoadRefused(answer)

    def _evict(self, sparing: str) -> bool:
        """Unload the least recently used model that nobody is using; False if there is none."""
        with self._lock:
            idle = [
                (entry.last_used, name)
                for name, entry in self._entries.items()
                if name != sparing and entry.loading.done() and entry.in_use == 0
            ]
            if not idle:
                return False
            _, victim = min(idle)
            del self._entries[victim]
        with self._measured("ModelUnloadingTime"):
            self._client.unload(container_name(victim), self._load_seconds)
        return True

    @contextmanager
    def _measured(self, metric: str) -> Iterator[None]:
        begun = self._clock()
        yield
        self._measure(metric, (self._clock() - begun) * 1e6)
