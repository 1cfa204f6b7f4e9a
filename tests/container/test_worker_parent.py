"""model_service_worker.py, as multi-model-server starts it; the test is the fork server."""

import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from container.workers.hand_over import HandOver, decode
from tests.container.environments import container_python
from tests.container.forked_workers import SECONDS, SHIM, shim


@pytest.fixture
def directory() -> Iterator[Path]:
    """A short path, as that of a Unix socket has to be."""
    with tempfile.TemporaryDirectory(prefix="dormouse-") as name:
        yield Path(name)


def listening(directory: Path) -> socket.socket:
    """The fork server's socket."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.settimeout(SECONDS)
    listener.bind(str(directory / "fork.sock"))
    listener.listen()
    return listener


def handed_over(listener: socket.socket) -> tuple[HandOver, socket.socket]:
    """The next one."""
    client, _ = listener.accept()
    with client:
        line, descriptors, _, _ = socket.recv_fds(client, 65_536, 8)
        assert client.recv(1) == b""
    [descriptor] = descriptors
    return decode(line.removesuffix(b"\n")), socket.socket(fileno=descriptor)


def ended(process: subprocess.Popen[bytes]) -> int:
    """Its status, once it has one."""
    return process.wait(SECONDS)


@pytest.mark.parametrize("name", ["sentiment", 'a "b" \\ 🐭 \u2028', "n" * 500])
def test_each_connection_is_handed_over(directory: Path, name: str) -> None:
    """The first, and that of a worker's successor; bytes go through to whoever has it."""
    with (
        listening(directory) as listener,
        shim(directory, directory / "fork.sock", "a.module:handle", name) as parent,
    ):
        for _ in range(2):
            connection = parent.connect()
            task, theirs = handed_over(listener)
            assert task == HandOver(
                name, str(directory), "a.module:handle", str(directory), parent.process.pid
            )
            with theirs:
                connection.socket.sendall(b"to the worker")
                assert theirs.recv(100) == b"to the worker"
                theirs.sendall(b"b")
                assert connection.stream.read(1) == b"b"
            # Nobody else holds it: the end of the worker is the end of the connection.
            assert connection.ended()
            connection.close()


def test_a_fork_server_that_is_late(directory: Path) -> None:
    """Is waited for."""
    with shim(directory, directory / "fork.sock") as parent:
        connection = parent.connect()
        with listening(directory) as listener:
            _, theirs = handed_over(listener)
            theirs.close()
        connection.close()


def test_a_fork_server_that_does_not_come(directory: Path) -> None:
    """The connection is closed, so that multi-model-server tries again; and then it may succeed."""
    with shim(directory, directory / "fork.sock") as parent:
        connection = parent.connect()
        assert connection.ended()
        connection.close()
        assert parent.process.stderr is not None
        assert b"The fork server can't be reached: " in parent.process.stderr.readline()
        with listening(directory) as listener:
            connection = parent.connect()
            _, theirs = handed_over(listener)
            theirs.close()
            connection.close()


def test_a_socket_of_a_dead_predecessor(directory: Path) -> None:
    """Is taken over: multi-model-server starts it again under the same name."""
    with listening(directory) as listener, shim(directory, directory / "fork.sock") as first:
        first.process.kill()
        ended(first.process)
        with shim(directory, directory / "fork.sock", path=first.path) as second:
            connection = second.connect()
            handed_over(listener)[1].close()
            connection.close()


def test_it_ends_with_multi_model_server(directory: Path) -> None:
    """Which alone reads what it prints, also while nothing comes."""
    with shim(directory, directory / "fork.sock") as parent:
        assert parent.process.stdout is not None
        parent.process.stdout.close()
        assert ended(parent.process) == 0


def test_it_imports_next_to_nothing() -> None:
    """There is one for each model."""
    program = f"import sys; exec(open({str(SHIM)!r}).read(), {{}}); print(*sys.modules)"
    done = subprocess.run(
        [container_python(), "-S", "-c", program], stdout=subprocess.PIPE, text=True, check=True
    )
    imported = set(done.stdout.split())
    assert "_socket" in imported
    assert not imported & {"socket", "json", "re", "enum", "argparse", "logging", "pathlib"}
