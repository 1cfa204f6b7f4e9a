"""One program, owned with all that it starts; run in the container's interpreter."""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.container.environments import ROOT, container_python
from tests.container.running_server import alive, end, family

RUN = """
import sys
from container.owned_process import run
ending = run(["/bin/sh", "-c", sys.argv[1]], {"PATH": "/usr/bin:/bin"}, float(sys.argv[2]))
print(ending.status, ending.asked, flush=True)
"""


@contextmanager
def owner(script: str, stop_seconds: float = 5) -> Iterator[subprocess.Popen[bytes]]:
    """A process that runs the shell's `script` as its own."""
    process = subprocess.Popen(
        [container_python(), "-c", RUN, script, str(stop_seconds)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            end(process)


def output(process: subprocess.Popen[bytes]) -> str:
    """All that it prints until it ends."""
    return process.communicate(timeout=30)[0].decode().strip()


def test_a_status_is_passed_on() -> None:
    """As it is, or as a shell gives a signal's."""
    with owner("exit 7") as process:
        assert output(process) == "7 False"
    with owner("kill -KILL $$") as process:
        assert output(process) == "137 False"


def test_a_signal_ends_it(tmp_path: Path) -> None:
    """SIGTERM and SIGINT both arrive as SIGTERM."""
    for number in (signal.SIGTERM, signal.SIGINT):
        ready = tmp_path / number.name
        with owner(f"trap 'exit 3' TERM; touch {ready}; while :; do sleep 0.05; done") as process:
            await_file(ready)
            process.send_signal(number)
            assert output(process) == "3 True"


def test_what_does_not_listen_is_killed(tmp_path: Path) -> None:
    """After the time that it is given."""
    ready = tmp_path / "ready"
    with owner(f"trap '' TERM; touch {ready}; while :; do sleep 0.05; done", 0.2) as process:
        await_file(ready)
        process.send_signal(signal.SIGTERM)
        assert output(process) == "137 True"


def test_orphans_are_ended_too(tmp_path: Path) -> None:
    """The shell ends by itself and leaves a process that ignores SIGTERM, in another session."""
    ready = tmp_path / "ready"
    orphan = f"setsid sh -c 'trap \"\" TERM; touch {ready}; sleep 1000' &"
    script = f"{orphan} while [ ! -e {ready} ]; do sleep 0.05; done; sleep 1; exit 4"
    with owner(script) as process:
        await_file(ready)
        started = family(process.pid)
        assert len(started) > 2
        assert output(process) == "4 False"
        assert alive(started) == set()


def test_orphans_are_reaped_while_it_runs(tmp_path: Path) -> None:
    """As process 1 must: what ends is not left behind as a zombie."""
    ready = tmp_path / "ready"
    with owner(f"(sleep 0.1 & exec true); touch {ready}; sleep 1000") as process:
        await_file(ready)
        deadline = time.monotonic() + 10
        while len(family(process.pid)) > 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.5)
        # The owner and the shell, and the shell's own `sleep` unless it has become it.
        assert len(family(process.pid)) <= 3


def await_file(path: Path) -> None:
    """Until the script has come that far."""
    deadline = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
