"""How many models fit into 4 GiB, what the load that does not fit is told, and what comes after."""

import http.client
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

from benchmarks.container.cgroup import memory_cgroup
from benchmarks.container.models import Model
from benchmarks.progress import say
from benchmarks.server import Answer, Server, ServerError
from benchmarks.sides import Start

LIMIT_BYTES = 4 << 30
_LOAD_SECONDS = 120.0
_CALL_SECONDS = 30.0
# A server that is out of its mind lets each of them wait for its time limit.
_MOST_SILENT = 3

# An HTTP status, or in words why there is none.
Status: TypeAlias = int | str

# A 200 that is none: there was no room, and the kernel made some by killing.
BY_KILLING = "200, and the kernel killed a process"
ALL_LOADED = "all loaded"


@dataclass(frozen=True, slots=True)
class Fill:
    """What happened, in this order."""

    models: int
    # Of the first load that did not fit; ALL_LOADED if there was none.
    refusal: Status
    # Of those that were loaded, how many still answer then.
    answering: int
    # One is unloaded, the refused one loaded again, and another one invoked.
    eviction: Status
    reload: Status
    invocation: Status
    # How often the kernel killed a process for want of memory.
    killed: int


def fill(start: Start, directory: Path, model: Model, models_root: Path, most: int) -> Fill:
    """Load models under the limit until one does not fit, or `most`; raises `NoCgroupError`.

    One that does not fit is not answered 200, or the kernel kills for it.
    """
    with memory_cgroup(LIMIT_BYTES) as cgroup, start(models_root, (cgroup.procs_file,)) as server:
        loaded: list[str] = []
        refusal: Status = ALL_LOADED
        for number in range(most):
            name = f"model-{number}"
            answered = status(server, partial(server.load, name, directory, _LOAD_SECONDS))
            if answered != 200 or cgroup.killed():
                refusal = BY_KILLING if answered == 200 else answered
                break
            loaded.append(name)
            if len(loaded) % 5 == 0:
                say(f"{server.name}: {len(loaded)} models loaded")
        say(f"{server.name}: {len(loaded)} models loaded, then: {refusal}")
        if not loaded:
            raise ServerError(f"{server.name} has no room for one model in 4 GiB: {refusal}")
        body = model.bodies[0]
        answering = _answering(server, loaded, body)
        first, last = loaded[0], loaded[-1]
        eviction = status(server, lambda: server.unload(first, _CALL_SECONDS))
        # The refused one; one that was answered 200 would be a conflict.
        again = f"model-{len(loaded) + (refusal == BY_KILLING)}"
        reload = status(server, lambda: server.load(again, directory, _LOAD_SECONDS))
        invocation = status(server, lambda: server.invoke(last, body, _CALL_SECONDS))
        return Fill(len(loaded), refusal, answering, eviction, reload, invocation, cgroup.killed())


def status(server: Server, call: Callable[[], Answer]) -> Status:
    """The status of an answer, or what came instead of one."""
    try:
        return call().status
    except TimeoutError:
        return "timeout"
    except (OSError, http.client.HTTPException) as error:
        # What ended the connection may be about to end the server.
        time.sleep(1)
        if server.process.poll() is not None:
            return "server died"
        return "connection reset" if isinstance(error, ConnectionError) else type(error).__name__


def _answering(server: Server, loaded: list[str], body: bytes) -> int:
    answering, silent = 0, 0
    for name in loaded:
        answered = status(server, partial(server.invoke, name, body, _CALL_SECONDS))
        answering += answered == 200
        silent += answered == "timeout"
        if silent == _MOST_SILENT:
            break
    return answering
