"""A model server as a process of the benchmark: started, asked over HTTP, and ended with all of it.

Whatever happens, nothing is left: the server is ended with the block; if the benchmark is killed,
the kernel tells the server (launch.py).
"""

import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks import memory, processes
from benchmarks.environments import clean

START_SECONDS = 120.0
CALL_SECONDS = 120.0
_STOP_SECONDS = 30.0
_GONE_SECONDS = 60.0
_LAUNCH = Path(__file__).with_name("launch.py")


class ServerError(Exception):
    """The server did not start, or not answer as it should; the message has the end of its log."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back over HTTP."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Server:
    """A running server. `directory` is its own: TMPDIR and the log are in it."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    directory: Path

    @property
    def temporary_dir(self) -> Path:
        """Its TMPDIR."""
        return self.directory / "tmp"

    def call(
        self, method: str, path: str, body: bytes | None = None, seconds: float = CALL_SECONDS
    ) -> Answer:
        """One request on a connection of its own; raises what `http.client` raises."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        try:
            headers = {} if body is None else {"Content-Type": "application/json"}
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return Answer(response.status, response.read())
        finally:
            connection.close()

    def load(self, model: str, directory: Path, seconds: float = CALL_SECONDS) -> Answer:
        """As SageMaker asks for a model."""
        body = json.dumps({"model_name": model, "url": str(directory)}).encode()
        return self.call("POST", "/models", body, seconds)

    def invoke(self, model: str, body: bytes, seconds: float = CALL_SECONDS) -> Answer:
        """As SageMaker passes an invocation on."""
        return self.call("POST", f"/models/{model}/invoke", body, seconds)

    def unload(self, model: str, seconds: float = CALL_SECONDS) -> Answer:
        """As SageMaker makes room."""
        return self.call("DELETE", f"/models/{model}", None, seconds)

    def must(self, answer: Answer) -> Answer:
        """The answer if it is a 200; raises `ServerError` otherwise."""
        if answer.status != 200:
            raise ServerError(
                f"{self.name} answered {answer.status}: {answer.body[:500]!r}\n{self.log_end()}"
            )
        return answer

    def await_gone(self, model: str, population: int | None = None) -> None:
        """Until `model` is gone, and the server has at most `population` processes if one is given.

        Else the end of one model would be measured as part of the next one's beginning.
        """
        deadline = time.monotonic() + _GONE_SECONDS
        while not self._is_gone(model, population):
            if time.monotonic() > deadline:
                raise ServerError(f"{self.name} does not get rid of {model}.\n{self.log_end()}")
            time.sleep(0.05)

    def tree(self) -> list[processes.Process]:
        """All its processes."""
        return processes.tree(self.process.pid)

    def population(self) -> int:
        """How many processes it has."""
        return len(self.tree())

    def memory(self) -> memory.Memory:
        """Of all its processes, once they have come to rest."""
        return memory.settled(lambda: memory.of_tree(self.process.pid))

    def _is_gone(self, model: str, population: int | None) -> bool:
        if self.call("GET", f"/models/{model}").status != 404:
            return False
        return population is None or self.population() <= population

    def log_end(self) -> str:
        """The last lines that it printed."""
        lines = (self.directory / "log").read_text(errors="replace").splitlines()
        return "\n".join(lines[-15:])


@contextmanager
def running(
    name: str,
    command: Sequence[str | Path],
    environ: Mapping[str, str],
    procs_files: Sequence[Path] = (),
) -> Iterator[Server]:
    """A server that answers `GET /ping`, within the cgroups of `procs_files`.

    `command` reads SAGEMAKER_BIND_TO_PORT and TMPDIR; of the benchmark's own environment it gets
    what `clean` leaves, and `environ`.
    """
    # Not below the repository: a socket's path may have 107 bytes.
    with tempfile.TemporaryDirectory(
        prefix=f"dormouse-{name}-", ignore_cleanup_errors=True
    ) as folder:
        server = _started(name, command, environ, procs_files, Path(folder))
        try:
            _await_ping(server)
            yield server
        except OSError as error:
            # It hung up or fell silent: why can only stand in its log, which goes with the block.
            raise ServerError(f"{name}: {error!r}\n{server.log_end()}") from error
        finally:
            _end(server)


def free_port() -> int:
    """A port nobody listens on, below those that Linux hands out and multi-model-server refuses."""
    while True:
        port = random.randrange(20_000, 32_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def _started(
    name: str,
    command: Sequence[str | Path],
    environ: Mapping[str, str],
    procs_files: Sequence[Path],
    directory: Path,
) -> Server:
    port = free_port()
    (directory / "tmp").mkdir()
    launcher: list[str | Path] = [
        sys.executable,
        "-I",
        "-S",
        _LAUNCH,
        str(os.getpid()),
        *procs_files,
        "--",
    ]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [*launcher, *command],
            env={
                **clean(os.environ),
                "SAGEMAKER_BIND_TO_PORT": str(port),
                "TMPDIR": str(directory / "tmp"),
                **environ,
            },
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Server(name, port, process, directory)


def _await_ping(server: Server) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.process.poll() is None:
        with suppress(OSError, http.client.HTTPException):
            if server.call("GET", "/ping", seconds=5).status == 200:
                return
        time.sleep(0.05)
    raise ServerError(f"{server.name} does not answer /ping.\n{server.log_end()}")


def _end(server: Server) -> None:
    """Ask it to end, insist after a while; then whatever it left behind."""
    family = server.tree()
    server.process.send_signal(signal.SIGTERM)
    try:
        server.process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.process.kill()
        server.process.wait()
    finally:
        processes.kill(family)
