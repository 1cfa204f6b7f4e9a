"""How long a load takes: from the request to its 200, as SageMaker waits for it."""

import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.progress import say
from benchmarks.server import Server

Times = dict[str, list[float]]


def load_seconds(
    servers: Mapping[str, Server], directories: Mapping[str, Path], body: bytes, loads: int
) -> Times:
    """The seconds of each of `loads` loads on each side, in turn.

    Each is a model of a new name, invoked once and unloaded before the other side's turn. One load
    on each side before is not counted: it finds the files of the model and of TensorFlow on disk.
    """
    times: Times = {side: [] for side in servers}
    for number in range(loads + 1):
        for side in in_turn(servers, number):
            seconds = _one(servers[side], f"load-{number}", directories[side], body)
            if number:
                times[side].append(seconds)
        say(f"load {number} of {loads}: {_last(times)}" if number else "first loads, not counted")
    return times


def in_turn(servers: Mapping[str, Server], number: int) -> list[str]:
    """The sides, the other one first each time: none always follows the other."""
    sides = list(servers)
    return sides if number % 2 == 0 else sides[::-1]


def _one(server: Server, name: str, directory: Path, body: bytes) -> float:
    population = server.population()
    began_at = time.perf_counter()
    answer = server.load(name, directory)
    seconds = time.perf_counter() - began_at
    server.must(answer)
    server.must(server.invoke(name, body))
    server.must(server.unload(name))
    server.await_gone(name, population)
    return seconds


def _last(times: Times) -> str:
    return ", ".join(f"{side} {seconds[-1]:.2f} s" for side, seconds in times.items())
