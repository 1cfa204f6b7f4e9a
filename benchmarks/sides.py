"""The two set-ups that are compared, each started with its defaults."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TypeAlias

from benchmarks.environments import ROOT, container_python, models_python
from benchmarks.server import Server, running

# Takes the folder below which models lie, and the cgroups to be in (their `cgroup.procs` files).
Start: TypeAlias = Callable[[Path, Sequence[Path]], AbstractContextManager[Server]]

_STOCK = ROOT / "benchmarks" / "container"


@contextmanager
def running_ours(models_root: Path, procs_files: Sequence[Path] = ()) -> Iterator[Server]:
    """The project's own entrypoint, which may load what is in `models_root`."""
    entrypoint = ROOT / "container" / "entrypoint.py"
    environ = {
        "SAGEMAKER_MULTI_MODEL": "true",
        "SAGEMAKER_BASE_DIR": str(models_root),
        "DORMOUSE_BIND_HOST": "127.0.0.1",
    }
    with running("ours", [container_python(), entrypoint, "serve"], environ, procs_files) as server:
        yield server


@contextmanager
def running_stock(models_root: Path, procs_files: Sequence[Path] = ()) -> Iterator[Server]:
    """Stock multi-model-server with the handler of the usual kind."""
    command = [models_python(), _STOCK / "stock_server.py"]
    environ = {
        "SAGEMAKER_MULTI_MODEL": "true",
        "SAGEMAKER_BASE_DIR": str(models_root),
        "SAGEMAKER_HANDLER": f"{_STOCK / 'stock_handler.py'}:handle",
    }
    with running("stock", command, environ, procs_files) as server:
        yield server


SIDES: dict[str, Start] = {"stock": running_stock, "ours": running_ours}
