"""Whether the container leaks: `python -m benchmarks.soak --cycles 1000`, `make soak`.

Fifty models are loaded, each is invoked, half of them are unloaded and loaded again. While they
stay, a model is loaded, invoked and unloaded again and again, and the server must be after the last
of these cycles what it was after the first few: the same processes, no more open descriptors, no
more files and sockets in its TMPDIR, no more private memory than leaks.py allows. At last all are
unloaded, and it must be what it was before the first. Prints one JSON object as the last line of
stdout; the status is 1 if something leaked, and what it is stands in the object and on stderr.
"""

import argparse
import http.client
import json
import shutil
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.environments import ROOT, MissingEnvironmentError
from benchmarks.leaks import Snapshot, leaks, snapshot
from benchmarks.program import be_interruptible, positive
from benchmarks.progress import say
from benchmarks.server import Server, ServerError
from benchmarks.sides import running_ours

ARCHIVE = ROOT / ".build" / "models" / "tiny" / "sentiment-tiny.tar.gz"
_BODY = b'{"input_text": "What a wonderful, exciting film."}'
# Time for what is tidied up later than the answer is sent: files of workers, kept-alive sockets.
_SETTLE_SECONDS = 40.0
# Unchanged for so long: a worker's files are swept some seconds after its end.
_REST_SECONDS = 12.0
_CYCLED = "cycled"


def main(arguments: Sequence[str]) -> int:
    """Soak and print; the exit status."""
    options = _options(arguments)
    be_interruptible()
    try:
        with tempfile.TemporaryDirectory(prefix="dormouse-soak-") as folder:
            root = Path(folder)
            directories = _directories(root, options.archive, options.models)
            with running_ours(root) as server:
                result = _soaked(server, directories, options.cycles)
    except KeyboardInterrupt:
        say("Interrupted; nothing is left running.")
        return 130
    except (ServerError, MissingEnvironmentError, http.client.HTTPException) as error:
        print(f"dormouse soak: {error}", file=sys.stderr)
        return 1
    for sentence in result["leaks"]:
        print(f"dormouse soak: {sentence}", file=sys.stderr)
    print(json.dumps(result), flush=True)
    return 1 if result["leaks"] else 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.soak", description="Whether the container leaks."
    )
    parser.add_argument("--cycles", type=positive, default=1000, help="default: 1000")
    parser.add_argument("--models", type=positive, default=50, help="that stay; default: 50")
    parser.add_argument("--archive", type=Path, default=ARCHIVE, help="of the model")
    return parser.parse_args(arguments)


def _directories(root: Path, archive: Path, models: int) -> list[Path]:
    """A directory for each model that stays and one for the cycles, as SageMaker unpacks them."""
    first = root / "models" / _CYCLED
    with tarfile.open(archive) as packed:
        packed.extractall(first, filter="data")
    directories = [root / "models" / f"model-{number}" for number in range(models)]
    for directory in directories:
        shutil.copytree(first, directory)
    return [first, *directories]


def _soaked(server: Server, directories: Sequence[Path], cycles: int) -> dict[str, Any]:
    cycled, *staying = directories
    _cycles(server, cycled, 2)
    empty = _at_rest(server)

    say(f"loading {len(staying)} models")
    for directory in staying:
        _load(server, directory)
    half = staying[::2]
    say(f"unloading {len(half)} of them, and loading these again")
    for directory in half:
        server.must(server.unload(directory.name))
    for directory in half:
        _load(server, directory)
    for directory in staying:
        server.must(server.invoke(directory.name, _BODY))

    warm_up = warm_up_cycles(cycles)
    _cycles(server, cycled, warm_up)
    full = _at_rest(server)
    _cycles(server, cycled, cycles - warm_up)
    found, end = _settled(server, lambda now: leaks(full, now))
    found = [f"After {cycles - warm_up} cycles {sentence}" for sentence in found]

    say("unloading all")
    for directory in staying:
        server.must(server.invoke(directory.name, _BODY))
        server.must(server.unload(directory.name))
    # Its memory is not compared: a heap keeps what it once had for fifty models.
    at_last, bare = _settled(server, lambda now: leaks(empty, now, with_memory=False))
    found += [f"With all models unloaded {sentence}" for sentence in at_last]
    say("no leak" if not found else "leaked")
    return {
        "cycles": cycles,
        "models": len(staying),
        "leaks": found,
        "processes": {
            "empty": len(empty.processes),
            "full": len(full.processes),
            "end": len(bare.processes),
        },
        "descriptors": {"begin": full.descriptors, "end": end.descriptors},
        "files": {"begin": len(full.files), "end": len(end.files)},
        "private_dirty_mb": {"begin": full.dirty_mb, "end": end.dirty_mb},
    }


def warm_up_cycles(cycles: int) -> int:
    """How many of the cycles go before the state that the end is compared with.

    Heaps and pools grow to their working size in them.
    """
    return min(cycles // 5, 100)


def _cycles(server: Server, directory: Path, cycles: int) -> None:
    said_at = time.monotonic()
    for number in range(1, cycles + 1):
        _load(server, directory)
        server.must(server.unload(directory.name))
        server.await_gone(directory.name)
        if number == cycles or time.monotonic() > said_at + 15:
            say(f"cycle {number} of {cycles}")
            said_at = time.monotonic()


def _load(server: Server, directory: Path) -> None:
    server.must(server.load(directory.name, directory))
    server.must(server.invoke(directory.name, _BODY))


def _at_rest(server: Server) -> Snapshot:
    """The state of the server once it no longer changes: neither its processes nor its files."""
    deadline = time.monotonic() + _SETTLE_SECONDS
    now, since = snapshot(server), time.monotonic()
    while (moment := time.monotonic()) < deadline and moment < since + _REST_SECONDS:
        time.sleep(1)
        later = snapshot(server)
        if (later.processes.keys(), later.files) != (now.processes.keys(), now.files):
            since = time.monotonic()
        now = later
    return now


def _settled(
    server: Server, compare: Callable[[Snapshot], list[str]]
) -> tuple[list[str], Snapshot]:
    """What `compare` finds once the server has come to rest, and the state in which it does."""
    deadline = time.monotonic() + _SETTLE_SECONDS
    while True:
        now = snapshot(server)
        found = compare(now)
        if not found or time.monotonic() > deadline:
            return found, now
        time.sleep(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
