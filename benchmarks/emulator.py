"""Functions in Lambda's Runtime Interface Emulator, a plain program that the sam CLI ships for its
containers; and how they start in it.
"""

import json
import os
import platform
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.environments import ROOT, MissingEnvironmentError

_START_SECONDS = 30
_MACHINES = {"x86_64": "x86_64", "aarch64": "arm64"}

_INIT = re.compile(r"INIT REPORT\(durationMs: ([0-9.]+)\)")
_REQUEST = re.compile(r"INVOKE RTDONE\(status: success, [^)]*duration: ([0-9.]+)ms\)")


@dataclass(frozen=True, slots=True)
class ColdStart:
    """A fresh process: how long its init phase took, its first request and its second."""

    init_ms: float
    request_ms: float
    second_request_ms: float
    answer: Any


def emulator() -> Path:
    """Find it.

    Raises:
        MissingEnvironmentError: the sam CLI is not installed where the Makefile does it.
    """
    sam = Path(os.environ.get("DORMOUSE_SAM", ROOT / ".venvs/sam/bin/sam"))
    name = f"aws-lambda-rie-{_MACHINES.get(platform.machine(), platform.machine())}"
    for found in sam.parents[1].glob(f"lib/python3*/site-packages/samcli/local/rapid/{name}"):
        return found
    raise MissingEnvironmentError(f"There is no {name}: `make bench-proxy` installs the sam CLI.")


@dataclass(frozen=True, slots=True)
class Function:
    """A function's process behind the emulator. One event at a time: more at once make it crash."""

    process: subprocess.Popen[bytes]
    port: int

    def invoke(self, event: Any) -> Any:
        """Invoke, once the emulator listens."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/2015-03-31/functions/function/invocations",
            data=json.dumps(event).encode(),
        )
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    return json.loads(answer.read())
            except urllib.error.URLError as error:
                refused = isinstance(error.reason, ConnectionRefusedError)
                has_ended = self.process.poll() is not None
                if not refused or has_ended or time.monotonic() > deadline:
                    raise
            time.sleep(0.05)

    def end(self) -> None:
        """End it, at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=10)


def start(
    rie: Path, python: str | Path, handler: str, environment: Mapping[str, str], log: Path
) -> Function:
    """Start a function's process; the environment says where its artefact is (LAMBDA_TASK_ROOT)."""
    front, runtime_api = _free_ports(2)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                rie,
                *("--runtime-interface-emulator-address", f"127.0.0.1:{front}"),
                *("--runtime-api-address", f"127.0.0.1:{runtime_api}"),
                *(python, "-m", "awslambdaric", handler),
            ],
            cwd=environment["LAMBDA_TASK_ROOT"],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            # The emulator starts the runtime client, and both have to end.
            start_new_session=True,
        )
    return Function(process, front)


def cold_start(
    rie: Path, python: Path, environment: Mapping[str, str], event: Any, log: Path
) -> ColdStart:
    """Start a process of `invoke`, as the environment tells it, and invoke it twice."""
    function = start(rie, python, "dormouse.handlers.invoke.handler", environment, log)
    try:
        answer = function.invoke(event)
        function.invoke(event)
        text = _written(log, requests=2)
    finally:
        function.end()
    (init,) = _INIT.findall(text)
    first, second = _REQUEST.findall(text)
    return ColdStart(float(init), float(first), float(second), answer)


def _written(log: Path, requests: int) -> str:
    """Read the log once the reports of so many requests stand in it."""
    deadline = time.monotonic() + _START_SECONDS
    while True:
        text = log.read_text(encoding="utf-8", errors="replace")
        if len(_REQUEST.findall(text)) >= requests:
            return text
        if time.monotonic() > deadline:
            raise TimeoutError(f"the emulator reports nothing: {text}")
        time.sleep(0.05)


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now, each another one."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports: list[int] = [listening.getsockname()[1] for listening in sockets]
    for listening in sockets:
        listening.close()
    return ports
