"""What a model costs in memory: ten of them, loaded into a server that is alone and has one."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.container.models import Model
from benchmarks.memory import Memory
from benchmarks.server import Server
from benchmarks.sides import Start

_MB = 1e6


@dataclass(frozen=True, slots=True)
class Density:
    """A server's memory with no model, with a first one, and with `models` more."""

    models: int
    none: Memory
    first: Memory
    all: Memory

    @property
    def private_mb(self) -> float:
        """Private memory, after less before, for each of `models`.

        Before is with a first model. With none, the fork server's pages would be its own; the
        first fork shares them, which lowers the sum by 100 MB and more, as if that were a gain.
        """
        return (self.all.private - self.first.private) / self.models / _MB

    @property
    def pss_mb(self) -> float:
        """The same by proportional shares: what is shared within a model's processes counts too."""
        return (self.all.pss - self.first.pss) / self.models / _MB

    @property
    def private_mb_from_none(self) -> float:
        """Private memory with before as with no model at all, for whoever wants to compare."""
        return (self.all.private - self.none.private) / (self.models + 1) / _MB


def density(start: Start, directory: Path, model: Model, models_root: Path, models: int) -> Density:
    """Measure it with a fresh server, in which each model is invoked once."""
    with start(models_root, ()) as server:
        load = _loader(server, directory, model)
        none = server.memory()
        load(0)
        first = server.memory()
        for number in range(models):
            load(number + 1)
        return Density(models, none, first, server.memory())


def _loader(server: Server, directory: Path, model: Model) -> Callable[[int], None]:
    def load(number: int) -> None:
        name = f"model-{number}"
        server.must(server.load(name, directory))
        server.must(server.invoke(name, model.bodies[number % len(model.bodies)]))

    return load
