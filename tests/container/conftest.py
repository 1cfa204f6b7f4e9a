"""What tests of the container share: the tiny models, and one server that has them loaded."""

import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.container.environments import models_dir, run_in_container
from tests.container.handled import Handled, handled
from tests.container.running_server import RunningServer, running_server


@pytest.fixture(scope="session")
def archives() -> Path:
    """The folder of sentiment-tiny.tar.gz and topic-tiny.tar.gz."""
    return models_dir()


@pytest.fixture(scope="session")
def model_dirs(archives: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The archives unpacked, as SageMaker does before it asks for a load: directory by name."""
    directories = {}
    for name in ("sentiment", "topic"):
        directories[name] = tmp_path_factory.mktemp(name)
        with tarfile.open(archives / f"{name}-tiny.tar.gz") as archive:
            archive.extractall(directories[name], filter="data")
    return directories


@pytest.fixture(scope="session")
def server(
    model_dirs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    """One server with `sentiment` and `topic` loaded; a test leaves it as it found it."""
    with running_server(tmp_path_factory.mktemp("server")) as running:
        for name, directory in model_dirs.items():
            answer = running.load(name, directory)
            assert answer.status == 200, running.log.read_text()
        yield running


@pytest.fixture(scope="session")
def typed_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model's directory with all the signatures of typed_model.py, as version 1."""
    directory = tmp_path_factory.mktemp("typed")
    run_in_container("typed_model.py", directory / "1")
    return directory


@pytest.fixture(scope="session")
def handler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Handled]:
    """The model handler in a process of its own, without a server."""
    with handled(tmp_path_factory.mktemp("handler") / "log") as running:
        yield running
