"""The end of a process is heard of, whoever's child it is."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

from container.front.pidfd import WatchedProcess


def test_an_end_is_heard_once() -> None:
    """When it comes."""

    async def story() -> None:
        ends: list[str] = []
        process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        watched = WatchedProcess(process.pid, lambda: ends.append("ended"))
        await asyncio.sleep(0.1)
        assert (watched.alive, ends) == (True, [])
        watched.kill()
        while not ends:
            await asyncio.sleep(0.01)
        watched.kill()
        assert process.wait() == -signal.SIGKILL
        assert (watched.alive, ends) == (False, ["ended"])

    asyncio.run(story())


def test_one_that_has_ended_before() -> None:
    """Or could not be started at all, which is told as process 0."""

    async def story() -> None:
        process = subprocess.Popen([sys.executable, "-c", ""])
        process.wait()
        for pid in (process.pid, 0):
            ended = asyncio.Event()
            watched = WatchedProcess(pid, ended.set)
            await ended.wait()
            assert not watched.alive

    asyncio.run(story())


def test_one_that_is_forgotten() -> None:
    """Nothing is heard of it any more, and no descriptor is left."""

    async def story() -> None:
        before = len(list(Path("/proc/self/fd").iterdir()))
        ends: list[str] = []
        process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        watched = WatchedProcess(process.pid, lambda: ends.append("ended"))
        watched.forget()
        process.kill()
        process.wait()
        await asyncio.sleep(0.05)
        assert ends == []
        assert len(list(Path("/proc/self/fd").iterdir())) == before

    asyncio.run(story())
