"""A real fork server and real workers; the test is the front, and multi-model-server.

The shim is container/workers/model_server_home/mms/model_service_worker.py.
"""

import itertools
import json
import os
import select
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

from container.batch_frame import CONTENT_TYPE
from container.worker_events import Event, decode
from tests.container.environments import ROOT, container_python

SHIM = ROOT / "container/workers/model_server_home/mms/model_service_worker.py"
HANDLERS = Path(__file__).with_name("handlers.py")
SECONDS = 30.0

# As hand_over.py reads it.
HANDED_OVER: dict[str, Any] = {
    "model_name": "model",
    "model_path": "/",
    "handler": "handler",
    "tmp_dir": "/tmp",
    "parent_pid": 1,
}

_INT = struct.Struct("!i")
_PORTS = itertools.count(9000)


def text(value: str | bytes) -> bytes:
    """A length and a text, as multi-model-server writes it (codec/ModelRequestEncoder.java)."""
    raw = value.encode() if isinstance(value, str) else value
    return _INT.pack(len(raw)) + raw


@dataclass(frozen=True, slots=True)
class Answer:
    """To one request, as multi-model-server reads it (codec/ModelResponseDecoder.java)."""

    status: int
    content_type: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


@dataclass(slots=True)
class Connection:
    """multi-model-server's end of a connection to a worker."""

    socket: socket.socket
    stream: BinaryIO = field(init=False)

    def __post_init__(self) -> None:
        self.socket.settimeout(SECONDS)
        self.stream = cast(BinaryIO, self.socket.makefile("rb"))

    def load(
        self, directory: Path, handler: str, *, io_name: str = "io", name: str = "model"
    ) -> tuple[int, str]:
        """Ask for a model; code and message of the answer."""
        self.ask_to_load(directory, handler, io_name=io_name, name=name)
        return self.load_answer()

    def ask_to_load(
        self, directory: Path, handler: str, *, io_name: str = "io", name: str = "model"
    ) -> None:
        """And do not wait."""
        texts = text(name) + text(str(directory)) + _INT.pack(1) + text(handler)
        self.socket.sendall(b"L" + texts + _INT.pack(-1) + text(io_name))

    def load_answer(self) -> tuple[int, str]:
        """Code and message."""
        code, message = self._int(), self._text()
        assert self._int() == -1
        return code, message

    def predict(
        self,
        body: bytes,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request."""
        self.ask_to_predict({"request-1": body}, content_type, headers)
        return self.predict_answers()["request-1"]

    def ask_to_predict(
        self,
        bodies: Mapping[str, bytes],
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """A batch of multi-model-server's own, by the requests' ids; and do not wait."""
        message = b"I"
        if content_type == CONTENT_TYPE:
            # As multi-model-server hands on every header; here the others are what tests look at.
            headers = {"Content-Type": content_type, **(headers or {})}
        for request_id, body in bodies.items():
            message += text(request_id)
            for name, value in (headers or {}).items():
                message += text(name) + text(value)
            message += _INT.pack(-1)
            message += text("body") + text(content_type) + text(body) + _INT.pack(-1)
        self.socket.sendall(message + _INT.pack(-1))

    def predict_answers(self) -> dict[str, Answer]:
        """To each request, by its id; the code of the whole is 200."""
        assert self._int() == 200
        self._text()
        answers = {}
        while (length := self._int()) != -1:
            request_id = self._exactly(length).decode()
            content_type, status = self._text(), self._int()
            self._text()
            headers = {self._text(): self._text() for _ in range(self._int())}
            answers[request_id] = Answer(status, content_type, headers, self._exactly(self._int()))
        return answers

    def ended(self) -> bool:
        """Wait for the worker to close its end."""
        try:
            return self.stream.read(1) == b""
        except ConnectionResetError:  # it has not read all that was sent
            return True

    def close(self) -> None:
        """As multi-model-server does to unload a model."""
        self.stream.close()
        self.socket.close()

    def _int(self) -> int:
        (number,) = _INT.unpack(self._exactly(_INT.size))
        return int(number)

    def _text(self) -> str:
        return self._exactly(self._int()).decode()

    def _exactly(self, length: int) -> bytes:
        value = self.stream.read(length)
        assert len(value) == length
        return value


@dataclass(frozen=True, slots=True)
class Shim:
    """What multi-model-server starts for a model."""

    process: subprocess.Popen[bytes]
    path: Path

    def connect(self) -> Connection:
        """For another worker."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.connect(str(self.path))
        return Connection(connection)


@contextmanager
def shim(
    directory: Path,
    fork_socket: Path,
    handler: str = "handler",
    name: str = "model",
    path: Path | None = None,
) -> Iterator[Shim]:
    """Started as multi-model-server does, until it listens (on `path`); killed with the block."""
    tmp_dir = fork_socket.parent
    path = path or tmp_dir / f".mms.sock.{next(_PORTS)}"
    options: dict[str, str | Path] = {
        "--sock-type": "unix",
        "--sock-name": path,
        "--handler": handler,
        "--model-path": directory,
        "--model-name": name,
        "--preload-model": "false",
        "--tmp-dir": tmp_dir,
    }
    process = subprocess.Popen(
        [container_python(), SHIM, *itertools.chain(*options.items())],
        cwd=directory,
        env={**os.environ, "DORMOUSE_FORK_SOCKET": str(fork_socket)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"[PID] %d\n" % process.pid
            assert process.stdout.readline() == b"MMS worker started.\n"
            yield Shim(process, path)
        finally:
            process.kill()


class ForkServerProcess:
    """The fork server as the front starts it, and starts it anew; and the front's ends."""

    def __init__(self, directory: Path, *, imports: bool) -> None:
        """With TensorFlow (`imports`), or without, and then it is there at once."""
        self.directory = directory
        self.path = directory / "fork.sock"
        self.log = directory / "log"
        self._program = (
            ["-m", "container.workers.fork_server"]
            if imports
            else [str(Path(__file__).with_name("light_fork_server.py"))]
        )
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(self.path))
        self._listener.listen(512)
        self._events, self._events_end = os.pipe()
        self._lines = os.fdopen(self._events, "rb", buffering=0)
        self._connections: list[Connection] = []
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        """Another one, on the same socket and pipe."""
        descriptors = (self._listener.fileno(), self._events_end)
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [
                    container_python(),
                    *self._program,
                    *("--listen-fd", str(descriptors[0]), "--events-fd", str(descriptors[1])),
                ],
                cwd=self.directory,
                env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(self.directory)},
                pass_fds=descriptors,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        return self.process

    def event(self) -> Event:
        """The next one."""
        assert select.select([self._lines], [], [], SECONDS)[0], self.log.read_text()
        return decode(self._lines.readline())

    def close_events(self) -> None:
        """As when the front has died."""
        self._lines.close()
        os.close(self._events_end)

    def connect(self) -> socket.socket:
        """As model_service_worker.py does."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(SECONDS)
        connection.connect(str(self.path))
        return connection

    def hand_over(self, name: str = "model") -> Connection:
        """As well; multi-model-server's end of what is handed over."""
        ours, theirs = socket.socketpair()
        line = json.dumps({**HANDED_OVER, "tmp_dir": str(self.directory), "model_name": name})
        with self.connect() as connection, theirs:
            socket.send_fds(connection, [line.encode() + b"\n"], [theirs.fileno()])
        self._connections.append(Connection(ours))
        return self._connections[-1]

    def await_logged(self, line: str) -> None:
        """Until the log has it."""
        deadline = time.monotonic() + SECONDS
        while line not in self.log.read_text():
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)

    def close(self) -> None:
        """End it, if that has not happened."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(SECONDS)
        for connection in self._connections:
            connection.close()
        self._listener.close()
        if not self._lines.closed:
            self.close_events()


@contextmanager
def fork_server(*, imports: bool) -> Iterator[ForkServerProcess]:
    """One that says it is ready; killed with the block."""
    # Not pytest's folder: its path may be longer than that of a Unix socket may be.
    with ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="dormouse-"))
        server = ForkServerProcess(Path(directory), imports=imports)
        stack.callback(server.close)
        server.event()
        yield server
