"""The real entrypoint on a free loopback port, and HTTP calls to it."""

import http.client
import json
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from container.server_settings import HIGHEST_PORT
from tests.container.environments import ROOT, container_python

START_SECONDS = 60.0
CALL_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back over HTTP."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def content_type(self) -> str | None:
        """The header, if it was there."""
        return self.headers.get("Content-Type")

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A started server; `log` is all that it prints."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        content_type: str | None = None,
    ) -> Answer:
        """One request on a connection of its own; without `content_type` the header is not sent."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=CALL_SECONDS)
        try:
            headers = {} if content_type is None else {"Content-Type": content_type}
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def load(self, name: str, directory: Path) -> Answer:
        """As SageMaker asks for a model."""
        body = json.dumps({"model_name": name, "url": str(directory)}).encode()
        return self.call("POST", "/models", body, "application/json")

    def invoke(self, name: str, body: bytes, content_type: str | None = None) -> Answer:
        """As SageMaker passes an invocation on."""
        return self.call("POST", f"/models/{name}/invoke", body, content_type)

    def await_logged(self, text: str) -> None:
        """Until the log has `text`: what a worker prints arrives after its answer."""
        deadline = time.monotonic() + 20
        while text not in self.log.read_text():
            assert time.monotonic() < deadline, f"{text} is not in the log"
            time.sleep(0.05)

    def running(self, part: str) -> set[int]:
        """Those of its processes whose command line has `part`."""
        return {pid for pid in self.family() if part in command_line(pid)}

    def model_server(self) -> int:
        """multi-model-server's process: the front, too, has its name in the command line."""
        name = "com.amazonaws.ml.mms.ModelServer"
        [pid] = self.running(name) - self.running("container.front")
        return pid

    def family(self) -> set[int]:
        """The ids of the server's process and of all below it."""
        return family(self.process.pid)


@contextmanager
def server_process(
    arguments: Sequence[str], directory: Path, environ: Mapping[str, str]
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """The entrypoint in a session of its own, ended with the block; and the file of its output."""
    directory.mkdir(parents=True, exist_ok=True)
    log = directory / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [container_python(), ROOT / "container" / "entrypoint.py", *arguments],
            env={
                **os.environ,
                "SAGEMAKER_MULTI_MODEL": "true",
                # Models are anywhere; test_contract.py has what becomes of others.
                "SAGEMAKER_BASE_DIR": "/",
                "TMPDIR": str(directory / "tmp"),
                "DORMOUSE_BIND_HOST": "127.0.0.1",
                **environ,
            },
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process, log
    finally:
        end(process)


@contextmanager
def running_server(directory: Path, **environ: str) -> Iterator[RunningServer]:
    """A server that answers `GET /ping`."""
    port = free_port()
    variables = {"SAGEMAKER_BIND_TO_PORT": str(port), **environ}
    with server_process(["serve"], directory, variables) as (process, log):
        server = RunningServer(port, process, log)
        _await_ping(server)
        yield server


def end(process: subprocess.Popen[bytes]) -> int:
    """Ask the process to end, insist after 20 s; its status."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
    return process.wait(timeout=20)


def free_port() -> int:
    """A port nobody listens on now, below those that Linux hands out and the server refuses."""
    while True:
        port = random.randrange(20_000, HIGHEST_PORT + 1)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def family(pid: int) -> set[int]:
    """`pid` and its descendants, from /proc."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        parents[int(stat.parent.name)] = int(fields[1])
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def command_line(pid: int) -> str:
    """The arguments of a process, or nothing if there is none."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def alive(pids: set[int]) -> set[int]:
    """Those of `pids` that still run; a zombie does not."""
    return {pid for pid in pids if _state(pid) not in {None, "Z", "X"}}


def _state(pid: int) -> str | None:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return None


def _await_ping(server: RunningServer) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            break
        try:
            if server.call("GET", "/ping").status == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"No answer to /ping; the log: {server.log.read_text()}")
