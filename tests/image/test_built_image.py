"""What is in the image, and what it says of itself."""

import json

import pytest

from deploy.builders import PLATFORM
from tests.image.engine import Engine
from tests.image.running_container import RunningContainer

# The first build takes minutes.
pytestmark = pytest.mark.timeout(1800)

# Uncompressed; it has 1.9 GB. What SageMaker downloads on every start is a third of it.
LARGEST_BYTES = 2_100_000_000

# What can be imported of the image, and where; and what each file was compiled to, if it was.
_COMPILED = """
import importlib.util, json, pathlib, sys
folders = {
    "container": pathlib.Path("/home/model-server/container"),
    "tensorflow": pathlib.Path(importlib.util.find_spec("tensorflow").origin).parent,
}
missing = {}
for name, folder in folders.items():
    sources = list(folder.rglob("*.py"))
    compiled = [pathlib.Path(importlib.util.cache_from_source(str(path))) for path in sources]
    # As the interpreter checks it: the source's time and size, in bytes 8 to 16 (PEP 552).
    fresh = [
        path.exists()
        and path.read_bytes()[8:16]
        == (int(source.stat().st_mtime) & 0xFFFFFFFF).to_bytes(4, "little")
        + source.stat().st_size.to_bytes(4, "little")
        for source, path in zip(sources, compiled)
    ]
    missing[name] = [len(sources), fresh.count(False)]
print(json.dumps(missing))
"""

# By owner and mode, since nothing at all can be written where the file system is read-only.
_REPLACEABLE = """
import json, os, stat
system = os.stat("/").st_dev
found = []
for folder, folders, files in os.walk("/"):
    folders[:] = [name for name in folders if os.lstat(f"{folder}/{name}").st_dev == system]
    for path in [folder, *(f"{folder}/{name}" for name in files)]:
        status = os.lstat(path)
        own = status.st_uid == os.getuid() and status.st_mode & stat.S_IWUSR
        anybody = status.st_mode & (stat.S_IWOTH | stat.S_ISVTX) == stat.S_IWOTH
        if not stat.S_ISLNK(status.st_mode) and (own or anybody):
            found.append(path)
print(json.dumps(found))
"""


def test_its_labels(engine: Engine, image: str) -> None:
    """SageMaker refuses Mode=MultiModel without the first, and names no port without the second."""
    labels = engine.described("image", image)["Config"]["Labels"]
    assert labels["com.amazonaws.sagemaker.capabilities.multi-models"] == "true"
    assert labels["com.amazonaws.sagemaker.capabilities.accept-bind-to-port"] == "true"


def test_what_it_runs_and_as_whom(engine: Engine, image: str) -> None:
    """The entrypoint with `serve`, which is what SageMaker adds; not as root."""
    config = engine.described("image", image)["Config"]
    assert config["Entrypoint"] == ["python", "/home/model-server/container/entrypoint.py"]
    assert config["Cmd"] == ["serve"]
    assert int(config["User"]) > 0


def test_it_is_for_the_machines_of_sagemaker(engine: Engine, image: str) -> None:
    """Whatever it was built on."""
    described = engine.described("image", image)
    assert f"{described['Os']}/{described['Architecture']}" == PLATFORM


def test_its_size(engine: Engine, image: str) -> None:
    """Each cold start waits for it."""
    assert engine.described("image", image)["Size"] < LARGEST_BYTES


def test_nothing_is_compiled_when_a_model_is_loaded(server: RunningContainer) -> None:
    """The user may write no .pyc, so that a missing one would cost time at every load."""
    found = json.loads(server.execute("python", "-c", _COMPILED))
    for name, (sources, stale) in found.items():
        assert sources > 10, name
        assert stale == 0, name


def test_its_user_can_replace_nothing(server: RunningContainer) -> None:
    """A model is a program: it finds nothing to write to but the folders that are everybody's."""
    assert json.loads(server.execute("python", "-c", _REPLACEABLE)) == []
