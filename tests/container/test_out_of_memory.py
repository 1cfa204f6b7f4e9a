"""Out of memory becomes the 507 by which SageMaker unloads other models: real TensorFlow errors."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.container.environments import ROOT, container_python
from tests.container.running_server import RunningServer, running_server


@pytest.fixture
def greedy_dir(model_dirs: dict[str, Path], tmp_path: Path) -> Path:
    """The sentiment model with another SavedModel: its warm-up call wants 16 TiB."""
    directory = tmp_path / "greedy"
    shutil.copytree(model_dirs["sentiment"], directory, ignore=shutil.ignore_patterns("0"))
    subprocess.run(
        [container_python(), Path(__file__).with_name("greedy_model.py"), directory],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"},
        cwd=ROOT,
        check=True,
        timeout=120,
    )
    return directory


def test_a_model_that_does_not_fit_is_a_507(server: RunningServer, greedy_dir: Path) -> None:
    """Each time; it is not there afterwards, and the others go on; the answer has the reason."""
    for _ in range(2):
        answer = server.load("greedy", greedy_dir)
        assert answer.status == 507
        assert "OOM when allocating tensor" in answer.json["message"]
        assert server.call("GET", "/models/greedy").status == 404
    assert server.invoke("sentiment", b'{"inputs": "good"}').status == 200


def test_no_room_for_a_library_is_a_507(model_dirs: dict[str, Path], tmp_path: Path) -> None:
    """The handler may have no more address space than it has already, which an import exceeds.

    The limit is set by a handler of this test, through the variable that names the handler.
    """
    (tmp_path / "limited_handler.py").write_text(
        "import resource\n"
        "from container.handler.model_handler import handle\n"
        "resource.setrlimit(resource.RLIMIT_AS, (400 << 20, 400 << 20))\n"
        "import sqlite3\n"
    )
    handler = f"{tmp_path}/limited_handler.py:handle"
    with running_server(tmp_path, SAGEMAKER_HANDLER=handler) as server:
        answer = server.load("sentiment", model_dirs["sentiment"])
        assert answer.status == 507
        assert "failed to map segment from shared object" in answer.json["message"]
        assert server.call("GET", "/models/sentiment").status == 404
