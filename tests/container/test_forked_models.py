"""The fork server as it is, with TensorFlow: real models in its workers."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from container.batch_frame import CONTENT_TYPE, Invocation, pack_invocations, unpack_replies
from container.server_settings import HANDLER
from container.worker_events import Ended, Loaded, Started
from tests.container.environments import ROOT, container_python
from tests.container.forked_workers import ForkServerProcess, fork_server


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServerProcess]:
    """As the front starts it."""
    with fork_server(imports=True) as server:
        yield server


@pytest.fixture(scope="module")
def plain(model_dirs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same SavedModel without labels: a plain one."""
    directory = tmp_path_factory.mktemp("plain")
    shutil.copytree(model_dirs["sentiment"] / "0", directory / "0")
    return directory


def test_two_models_at_once(
    server: ForkServerProcess, model_dirs: dict[str, Path], plain: Path
) -> None:
    """Of both kinds, each in a process of its own; a batch with a bad one in it."""
    texts, tensors = server.hand_over("texts"), server.hand_over("tensors")
    assert texts.load(model_dirs["sentiment"], HANDLER)[0] == 200
    assert tensors.load(plain, HANDLER, io_name="other")[0] == 200
    bodies = [b'{"inputs": "I love it."}', b'{"inputs": 1}', b'{"inputs": "I hate it."}']
    frame = pack_invocations([Invocation({}, body) for body in bodies])
    replies = unpack_replies(texts.predict(frame, CONTENT_TYPE).body)
    assert [reply.status for reply in replies] == [200, 400, 200]
    labels = [json.loads(reply.body)["predictions"][0]["label"] for reply in replies[::2]]
    assert labels == ["positive", "negative"]
    inputs = {name: [[1, 1]] for name in ("input_ids", "attention_mask", "token_type_ids")}
    answer = tensors.predict(json.dumps({"inputs": inputs}).encode())
    assert answer.status == 200, answer.body
    for connection in (texts, tensors):
        connection.close()
    events = [server.event() for _ in range(6)]
    assert (
        sorted(type(event).__name__ for event in events)
        == ["Ended"] * 2 + ["Loaded"] * 2 + ["Started"] * 2
    )


def test_what_a_worker_has_of_its_own(
    server: ForkServerProcess, model_dirs: dict[str, Path]
) -> None:
    """A small part of what TensorFlow takes; most is the fork server's."""
    connection = server.hand_over()
    assert connection.load(model_dirs["topic"], HANDLER)[0] == 200
    started = server.event()
    assert isinstance(started, Started)
    assert memory(started.pid, "Private_Dirty") < memory(server.process.pid, "Rss") / 5
    connection.close()
    assert [type(server.event()) for _ in range(2)] == [Loaded, Ended]


def test_control_c_is_not_for_them(server: ForkServerProcess, model_dirs: dict[str, Path]) -> None:
    """It reaches every process of a terminal; the entrypoint decides what follows."""
    connection = server.hand_over()
    assert connection.load(model_dirs["topic"], HANDLER)[0] == 200
    started, loaded = server.event(), server.event()
    assert isinstance(started, Started)
    assert isinstance(loaded, Loaded)
    for pid in (server.process.pid, started.pid):
        os.kill(pid, signal.SIGINT)
    assert connection.predict(b'{"inputs": "a"}').status == 200
    connection.close()
    ended = server.event()
    assert isinstance(ended, Ended)
    assert ended.returncode == 0


def test_a_load_imports_nothing(model_dirs: dict[str, Path], plain: Path) -> None:
    """Of what all workers need, all is there before they are forked."""
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from container.workers.preload import preload\n"
        "from container.server_settings import HANDLER\n"
        "preload(HANDLER)\n"
        "before = set(sys.modules)\n"
        "from container.handler import model_handler\n"
        "for directory in sys.argv[1:]:\n"
        "    model_handler._model(directory)\n"
        "print(*sorted(set(sys.modules) - before))\n"
    )
    done = subprocess.run(
        [container_python(), "-c", program, model_dirs["sentiment"], plain],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert done.stdout.split() == []


def test_a_process_with_threads_does_not_fork(tmp_path: Path) -> None:
    """A fork of it would wait for threads that it has not; it ends, and says why."""
    program = (
        "import sys, threading\n"
        "from container.workers import fork_server\n"
        "threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
        "sys.exit(fork_server.main(['--listen-fd', '0', '--events-fd', '0']))\n"
    )
    done = subprocess.run(
        [container_python(), "-c", program],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "There are 2 threads after the imports; one is expected." in done.stdout


def memory(pid: int, kind: str) -> int:
    """Of a process, as /proc has it, in kB."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith(f"{kind}:"):
            return int(line.split()[1])
    raise AssertionError(kind)
