"""What goes wrong meanwhile: processes are killed, each by its id and only those of this run."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from benchmarks.deployed import Deployed

RECONCILE, DRAIN, MODEL_SERVER = "reconcile", "drain", "model server"
# Of a wake's time the functions need a small part: chance must come often to meet them in it.
_SHARES = (RECONCILE,) * 3 + (DRAIN,) * 3 + (MODEL_SERVER,) * 2
# The JVM, without which no model answers; SageMaker starts the container anew.
_JVM = "java"


@dataclass
class Killer:
    """Kills processes at times of chance until it is stopped."""

    stack: Deployed
    chance: random.Random
    pause_seconds: tuple[float, float]
    kills: Counter[str] = field(default_factory=Counter)
    _over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Go on until stopped; to be called by a thread."""
        while not self._over.wait(self.chance.uniform(*self.pause_seconds)):
            self._kill(self.chance.choice(_SHARES))

    def stop(self) -> None:
        """Kill no more."""
        self._over.set()

    def _kill(self, whom: str) -> None:
        victims = self._victims(whom)
        if not victims:
            return
        with suppress(ProcessLookupError):
            os.kill(self.chance.choice(victims), signal.SIGKILL)
            self.kills[whom] += 1

    def _victims(self, whom: str) -> list[int]:
        run = str(self.stack.settings.run_dir)
        if whom == MODEL_SERVER:
            # One that is Creating would become Failed: a wake that takes long, and no more.
            return self._model_servers() if self._serves() else []
        name = {RECONCILE: "ReconcileFunction", DRAIN: "DrainFunction"}[whom]
        function = f"AWS_LAMBDA_FUNCTION_NAME={self.stack.resources[name]}"
        return processes_with(run, function)

    def _model_servers(self) -> list[int]:
        containers = self.stack.settings.run_dir / "containers" / self.stack.endpoint
        return [pid for pid in processes_with(f"={containers}-") if _name(pid) == _JVM]

    def _serves(self) -> bool:
        with suppress(ClientError, BotoCoreError):
            described = self.stack.described()
            return described is not None and described["EndpointStatus"] == "InService"
        return False


def processes_with(*marks: str) -> list[int]:
    """Find the processes with all of this in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            environment = (process / "environ").read_bytes()
            if all(mark.encode() in environment for mark in marks):
                found.append(int(process.name))
    return found


def _name(pid: int) -> str:
    with suppress(OSError):
        return (Path("/proc") / str(pid) / "comm").read_text().strip()
    return ""
