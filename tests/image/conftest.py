"""The image of container/Dockerfile, built once by the code of `make image`, and its containers."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tarfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest

from deploy.content import content_tag
from deploy.image import CONTEXT, NAME, build
from tests.container.environments import ROOT, models_dir
from tests.image.engine import Engine, NoEngineError, find_engine, provide_base
from tests.image.running_container import RunningContainer, started_container

# Everything that is kept from one run to the next; `make clean` removes it.
HOME = ROOT / ".build" / "image"
# Whose containers they are: of this checkout's tests, and not of another's in the same store.
LABEL = f"dormouse-tests={hashlib.sha256(str(ROOT).encode()).hexdigest()[:12]}"

Start = Callable[..., AbstractContextManager[RunningContainer]]


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """docker or podman, for one run of the tests at a time; nothing runs in it before or after."""
    try:
        found = find_engine(os.environ, HOME)
    except NoEngineError as missing:
        pytest.skip(str(missing))
    HOME.mkdir(parents=True, exist_ok=True)
    with (HOME / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found.remove_containers(LABEL)
        yield found
        found.remove_containers(LABEL)


@pytest.fixture(scope="session")
def image(engine: Engine) -> str:
    """The image's name. A first build takes minutes, and another one of the same content none."""
    provide_base(engine)
    build(engine.environment)
    tag = content_tag(CONTEXT, engine.environment.get("REBUILD", ""))
    engine.remove_images(f"localhost/{NAME}", keep=tag)
    return f"{NAME}:{tag}"


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny models, unpacked as SageMaker unpacks them below /opt/ml/models: NAME/model."""
    folder = tmp_path_factory.mktemp("models")
    for name in ("sentiment", "topic"):
        with tarfile.open(models_dir() / f"{name}-tiny.tar.gz") as archive:
            archive.extractall(folder / name / "model", filter="data")
    # pytest's folders are their owner's alone; the image's user is another.
    for path in (folder, *folder.rglob("*")):
        path.chmod(path.stat().st_mode | (0o755 if path.is_dir() else 0o644))
    return folder


@pytest.fixture(scope="session")
def start(engine: Engine, image: str, models: Path) -> Start:
    """Start a container of the image, with the models; see `started_container`."""
    return partial(started_container, engine, image, LABEL, models=models)


@pytest.fixture(scope="session")
def server(start: Start) -> Iterator[RunningContainer]:
    """One that answers `/ping`; a test leaves it as it found it."""
    with start() as container:
        container.await_ping()
        yield container
