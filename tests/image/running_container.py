"""A container of the image without any network, and HTTP calls made inside it."""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.container.running_server import Answer
from tests.image.engine import Engine

# SageMaker gives up on a container that has not answered by then.
PING_SECONDS = 240.0
# From SIGTERM until SIGKILL, which would make the exit status 137.
STOP_SECONDS = 30
DEFAULT_PORT = 8080

# No port of the container can be reached from outside, so the caller is inside.
_CALLER = """
import base64, http.client, json, sys
call = json.load(sys.stdin)
connection = http.client.HTTPConnection("127.0.0.1", call["port"], timeout=90)
try:
    connection.request(call["method"], call["path"], call["body"].encode(), call["headers"])
except ConnectionRefusedError:
    print("null")
    raise SystemExit
response = connection.getresponse()
body = base64.b64encode(response.read()).decode()
json.dump([response.status, response.getheader("Content-Type"), body], sys.stdout)
"""


@dataclass(frozen=True, slots=True)
class RunningContainer:
    """A container that was started, and may have ended since."""

    engine: Engine
    name: str
    port: int

    def call(self, method: str, path: str, body: str = "", port: int | None = None) -> Answer:
        """One request to a port of the container, its own by default.

        Raises:
            ConnectionRefusedError: nobody listens there.
        """
        headers = {"Content-Type": "application/json"} if body else {}
        call = {"port": port or self.port, "method": method, "path": path}
        said = self.execute(
            "python",
            "-ISc",
            _CALLER,
            standard_input=json.dumps(call | {"body": body, "headers": headers}),
        )
        answer = json.loads(said)
        if answer is None:
            raise ConnectionRefusedError(f"nobody listens on port {call['port']} of {self.name}")
        status, content_type, encoded = answer
        return Answer(status, content_type, base64.b64decode(encoded))

    def load(self, name: str, url: str) -> Answer:
        """As SageMaker asks for a model."""
        return self.call("POST", "/models", json.dumps({"model_name": name, "url": url}))

    def invoke(self, name: str, body: object) -> Answer:
        """As SageMaker passes an invocation on."""
        return self.call("POST", f"/models/{name}/invoke", json.dumps(body))

    def execute(self, *command: str, standard_input: str = "") -> str:
        """Run a command in the container, as the image's own user."""
        arguments = ("exec", "--interactive", self.name, *command)
        return self.engine.run(*arguments, standard_input=standard_input)

    def stop(self) -> int:
        """Send SIGTERM to process 1, and SIGKILL if it does not end; its exit status."""
        self.engine.run("stop", "--time", str(STOP_SECONDS), self.name)
        return self.wait()

    def wait(self) -> int:
        """Until it has ended; its exit status."""
        return int(self.engine.run("wait", self.name))

    def log(self) -> str:
        """All that it has printed."""
        done = self.engine.attempt("logs", self.name)
        return done.stdout + done.stderr

    def await_ping(self) -> None:
        """Until `GET /ping` says 200, for as long as SageMaker waits for it."""
        deadline = time.monotonic() + PING_SECONDS
        while self._ping() != 200:
            state = self.engine.described("container", self.name)["State"]["Status"]
            assert state == "running", f"it is {state}; its log: {self.log()}"
            assert time.monotonic() < deadline, f"no 200 from /ping; the log: {self.log()}"
            time.sleep(0.2)

    def _ping(self) -> int | None:
        try:
            return self.call("GET", "/ping").status
        except ConnectionRefusedError:
            return None


@contextmanager
def started_container(
    engine: Engine,
    image: str,
    label: str,
    *,
    models: Path | None = None,
    port: int = DEFAULT_PORT,
    environ: Mapping[str, str] | None = None,
    command: Sequence[str] = (),
) -> Iterator[RunningContainer]:
    """A container with no network but its own loopback, and nothing to write to but /tmp.

    It is gone after the block. There is no init: process 1 is the image's own.
    """
    name = f"dormouse-{uuid.uuid4().hex[:12]}"
    arguments = ["--detach", "--name", name, "--label", label, "--network", "none"]
    arguments += ["--read-only", "--tmpfs", "/tmp"]
    if models is not None:
        arguments += ["--volume", f"{models}:/opt/ml/models:ro"]
    for variable, value in (environ or {}).items():
        arguments += ["--env", f"{variable}={value}"]
    try:
        engine.run("run", *arguments, image, *command)
        yield RunningContainer(engine, name, port)
    finally:
        engine.attempt("rm", "--force", name)
