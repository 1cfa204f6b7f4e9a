"""The fork server, without TensorFlow: who is let in, who is not, and whose end is whose."""

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from container.worker_events import Ended, Failed, Loaded, Ready, Started
from tests.container.forked_workers import (
    HANDED_OVER,
    HANDLERS,
    SECONDS,
    ForkServerProcess,
    fork_server,
)
from tests.container.running_server import alive

TOLD = f"{HANDLERS}:told"


@pytest.fixture(scope="module")
def shared() -> Iterator[ForkServerProcess]:
    """One for the tests that leave it as it was."""
    with fork_server(imports=False) as server:
        yield server


@pytest.fixture
def server() -> Iterator[ForkServerProcess]:
    """One for the tests that do not."""
    with fork_server(imports=False) as server:
        yield server


def line(**fields: object) -> bytes:
    """What model_service_worker.py says, with other `fields`."""
    return json.dumps({**HANDED_OVER, **fields}).encode() + b"\n"


def is_dropped(connection: socket.socket) -> bool:
    """Wait until the server has closed it."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def state(pid: int) -> str | None:
    """Of a process, as ps shows it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return None


def test_a_worker_from_start_to_end(shared: ForkServerProcess, tmp_path: Path) -> None:
    """Each step is told, with the worker's process and the one that asked for it."""
    connection = shared.hand_over("a")
    started = shared.event()
    assert isinstance(started, Started)
    assert started == Started("a", started.pid, HANDED_OVER["parent_pid"])
    assert connection.load(tmp_path, TOLD) == (200, f"[PID]:{started.pid}")
    loaded = shared.event()
    assert isinstance(loaded, Loaded)
    assert (loaded.model, loaded.pid) == ("a", started.pid)
    assert loaded.seconds >= 0
    assert connection.predict(b"hello").json["bodies"] == ["hello"]
    connection.close()
    assert shared.event() == Ended("a", started.pid, 0)
    assert state(started.pid) is None


def test_a_killed_worker_is_reaped(shared: ForkServerProcess) -> None:
    """And told with its signal; its connection is closed."""
    connections = [shared.hand_over(name) for name in "ab"]
    pids = {}
    for _ in connections:
        started = shared.event()
        assert isinstance(started, Started)
        pids[started.model] = started.pid
    os.kill(pids["b"], signal.SIGKILL)
    assert shared.event() == Ended("b", pids["b"], -signal.SIGKILL)
    assert connections[1].ended()
    assert state(pids["b"]) is None
    connections[0].close()
    assert shared.event() == Ended("a", pids["a"], 0)


def test_a_worker_has_nothing_of_the_server(shared: ForkServerProcess) -> None:
    """No descriptor but its own, the default signals, and a process of one model alone."""
    bystander = shared.connect()
    other = shared.hand_over("other")
    assert isinstance(shared.event(), Started)
    connection = shared.hand_over()
    started = shared.event()
    assert isinstance(started, Started)
    process = Path(f"/proc/{started.pid}")
    deadline = time.monotonic() + SECONDS
    while len(list((process / "task").iterdir())) < 2:  # the one that looks at the connection
        assert time.monotonic() < deadline
    kinds = sorted(str(path.readlink()).partition(":")[0] for path in (process / "fd").iterdir())
    standard = ["/dev/null", str(shared.log), str(shared.log)]
    assert kinds == sorted([*standard, "pipe", "socket"])
    caught = next(
        int(line.split()[1], 16)
        for line in (process / "status").read_text().splitlines()
        if line.startswith("SigCgt")
    )
    for number in (signal.SIGTERM, signal.SIGCHLD):
        assert not caught & 1 << number - 1
    for end in (bystander, other, connection):
        end.close()
    assert {type(shared.event()) for _ in range(2)} == {Ended}


def test_what_is_said_in_pieces_is_understood(shared: ForkServerProcess) -> None:
    """The descriptor comes with the first byte, the line with the last."""
    ours, theirs = socket.socketpair()
    whole = line()
    with shared.connect() as connection, theirs:
        socket.send_fds(connection, [whole[:1]], [theirs.fileno()])
        for byte in whole[1:]:
            connection.sendall(bytes([byte]))
    assert isinstance(shared.event(), Started)
    ours.close()
    assert isinstance(shared.event(), Ended)


@pytest.mark.parametrize(
    ("message", "descriptors", "why"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 1, "more than a line"),
        (b"\xff\n", 1, "not JSON"),
        (b"[" * 60_000 + b"\n", 1, "not JSON"),
        (b"{}\n", 1, "not an object of model_name"),
        (line(more=1), 1, "not an object of model_name"),
        (line(parent_pid="1"), 1, "'parent_pid'"),
        (line(model_name="n" * 1025), 1, "1024 bytes"),
        (line(), 0, "hands over no connection"),
        (line(), 2, "more than one connection"),
        (line() + b"more", 1, "more than a line"),
        (line()[:-1], 1, "ended within its message"),
        (b"", 0, "ended within its message"),
        (b"x" * 70_000, 1, "does not end"),
    ],
)
def test_nonsense_is_dropped(
    shared: ForkServerProcess, message: bytes, descriptors: int, why: str
) -> None:
    """With a line in the log; no descriptor of it stays, and the next one is served."""
    own = len(list(Path(f"/proc/{shared.process.pid}/fd").iterdir()))
    ours, theirs = socket.socketpair()
    with shared.connect() as connection, theirs:
        with suppress(BrokenPipeError, ConnectionResetError):
            if message and descriptors:
                sent = socket.send_fds(connection, [message], [theirs.fileno()] * descriptors)
                connection.sendall(message[sent:])
            else:
                connection.sendall(message)
            connection.shutdown(socket.SHUT_WR)
        assert is_dropped(connection)
    with ours:
        ours.settimeout(SECONDS)
        assert is_dropped(ours)
    shared.await_logged(why)
    shared.hand_over().close()
    assert isinstance(shared.event(), Started)
    assert isinstance(shared.event(), Ended)
    assert len(list(Path(f"/proc/{shared.process.pid}/fd").iterdir())) == own


def test_a_file_is_no_connection(shared: ForkServerProcess, tmp_path: Path) -> None:
    """Dropped as well."""
    (tmp_path / "file").touch()
    with shared.connect() as connection, (tmp_path / "file").open() as file:
        socket.send_fds(connection, [line()], [file.fileno()])
        assert is_dropped(connection)
    shared.await_logged("is no connection")


def test_who_says_nothing_delays_nobody_and_is_dropped(shared: ForkServerProcess) -> None:
    """After a while; and half a message is no better."""
    with shared.connect() as silent, shared.connect() as halfway:
        halfway.sendall(b'{"model_name": ')
        shared.hand_over().close()
        assert isinstance(shared.event(), Started)
        assert isinstance(shared.event(), Ended)
        assert is_dropped(silent)
        assert is_dropped(halfway)


def test_of_too_many_the_oldest_is_dropped(shared: ForkServerProcess) -> None:
    """So that they can't use up the server's descriptors."""
    with ExitStack() as stack:
        crowd = [stack.enter_context(shared.connect()) for _ in range(200)]
        shared.await_logged("Too many others")
        assert is_dropped(crowd[0])
        shared.hand_over().close()
        assert isinstance(shared.event(), Started)
        assert isinstance(shared.event(), Ended)


def test_one_that_is_dropped_as_it_speaks(server: ForkServerProcess) -> None:
    """It and the one for which it is dropped are seen at the same moment."""
    descriptors = Path(f"/proc/{server.process.pid}/fd")
    own = len(list(descriptors.iterdir()))
    with ExitStack() as stack:
        crowd = [stack.enter_context(server.connect()) for _ in range(64)]
        deadline = time.monotonic() + SECONDS
        while len(list(descriptors.iterdir())) < own + len(crowd):
            assert time.monotonic() < deadline
        server.process.send_signal(signal.SIGSTOP)
        while state(server.process.pid) != "T":
            assert time.monotonic() < deadline
        stack.enter_context(server.connect())
        crowd[0].sendall(b"too late")
        server.process.send_signal(signal.SIGCONT)
        assert is_dropped(crowd[0])
        server.hand_over()
        assert isinstance(server.event(), Started)


def test_no_process_can_be_started(server: ForkServerProcess) -> None:
    """Told as 507, the connection is closed, and the next one is tried again."""
    (server.directory / "unforkable").touch()
    connection = server.hand_over("a")
    failed = server.event()
    assert isinstance(failed, Failed)
    assert (failed.model, failed.pid, failed.status) == ("a", 0, 507)
    assert failed.reason == (
        "No process could be started for the model: Resource temporarily unavailable."
    )
    assert connection.ended()
    (server.directory / "unforkable").unlink()
    server.hand_over().close()
    assert isinstance(server.event(), Started)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_its_end_is_not_that_of_its_workers(
    server: ForkServerProcess, tmp_path: Path, number: signal.Signals
) -> None:
    """They go on; what is handed over until there is a new one waits for that."""
    connection = server.hand_over()
    started = server.event()
    assert connection.load(tmp_path, TOLD)[0] == 200
    assert isinstance(server.event(), Loaded)
    server.process.send_signal(number)
    assert server.process.wait(SECONDS) == -number
    assert connection.predict(b"still here").json["bodies"] == ["still here"]
    waiting = server.hand_over("waiting")
    server.start()
    assert isinstance(server.event(), Ready)
    assert isinstance(started, Started)
    second = server.event()
    assert isinstance(second, Started)
    assert second.model == "waiting"
    connection.close()
    waiting.close()
    await_gone(started.pid)


def test_it_ends_when_nobody_hears_it(server: ForkServerProcess) -> None:
    """The front is gone, and with it everything."""
    server.close_events()
    assert server.process.wait(SECONDS) == 0


def test_a_worker_that_nobody_hears_ends(server: ForkServerProcess) -> None:
    """It does not load a model for nobody."""
    server.process.send_signal(signal.SIGSTOP)
    connection = server.hand_over()
    server.close_events()
    server.process.send_signal(signal.SIGCONT)
    assert connection.ended()


def test_many_at_once(shared: ForkServerProcess) -> None:
    """Each gets a worker; all are reaped."""
    threads = [threading.Thread(target=lambda: shared.hand_over().close()) for _ in range(40)]
    for thread in threads:
        thread.start()
    events = [shared.event() for _ in range(80)]
    for thread in threads:
        thread.join()
    started = {event.pid for event in events if isinstance(event, Started)}
    ended = {event.pid for event in events if isinstance(event, Ended)}
    assert len(started) == 40
    assert started == ended


def await_gone(pid: int) -> None:
    """Until the process has ended."""
    deadline = time.monotonic() + SECONDS
    while alive({pid}):
        assert time.monotonic() < deadline
        time.sleep(0.01)
