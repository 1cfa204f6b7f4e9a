"""What a further model costs in memory: a server alone, with none, with one and with ten."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.container.models import Model
from benchmarks.memory import Memory
from benchmarks.server import Server
from benchmarks.sides import Start

_MB = 1e6


@dataclass(frozen=True, slots=True)
class Density:
    """A server's memory with no model, with one and with all `models`."""

    models: int
    none: Memory
    one: Memory
    all: Memory

    @property
    def private_mb(self) -> float:
        """Private memory, after less before, for each model: the figure of the benchmark."""
        return (self.all.private - self.none.private) / self.models / _MB

    @property
    def pss_mb(self) -> float:
        """The same by proportional shares.

        What the first fork shares of its parent's pages was private before and lowers the figure
        above; here it stays what it is.
        """
        return (self.all.pss - self.none.pss) / self.models / _MB

    @property
    def further_mb(self) -> float:
        """Private memory of each model after the first: likewise free of that effect."""
        return (self.all.private - self.one.private) / (self.models - 1) / _MB


def density(start: Start, directory: Path, model: Model, models_root: Path, models: int) -> Density:
    """Load `models` models into a fresh server, each invoked once. Two at least."""
    with start(models_root, ()) as server:
        none = server.memory()
        _load(server, 0, directory, model)
        one = server.memory()
        for number in range(1, models):
            _load(server, number, directory, model)
        return Density(models, none, one, server.memory())


def _load(server: Server, number: int, directory: Path, model: Model) -> None:
    name = f"model-{number}"
    server.must(server.load(name, directory))
    server.must(server.invoke(name, model.bodies[number % len(model.bodies)]))
