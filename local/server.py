"""Start the local AWS and end all of it.

    python -m local.server --port 4566 --state-dir .local

Three processes, so that nothing can outlive the one you started: this one, which you may interrupt
or kill in any way; the tether below it; and the emulator below that, under which the functions' and
the endpoints' processes run. See local/tether.py for why that holds even against SIGKILL. Nothing
is kept from one run to the next.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO

from local import settings as settings_module
from local import tethered
from local.settings import HOST, LocalSettings, SettingsError

# A predecessor that was killed needs this long at most to end its processes before the lock is
# free.
LOCK_SECONDS = 30.0
GRACE_SECONDS = 15.0
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "JAVA_HOME", "LD_LIBRARY_PATH")


class StartError(RuntimeError):
    """The local AWS cannot start; the message says what to do."""


@contextmanager
def locked(path: Path) -> Iterator[IO[str]]:
    """Hold the state directory. The tether inherits the lock, so it is free only once the last
    process has ended.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as lock:
        deadline = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    lock.seek(0)
                    raise StartError(
                        f"Another local AWS (process {lock.read().strip() or 'unknown'}) uses "
                        f"{path.parent}. End it, or name another --state-dir."
                    ) from None
                time.sleep(0.2)
        lock.seek(0)
        lock.truncate()
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield lock


def child_environment(settings: LocalSettings) -> dict[str, str]:
    """Compose what the emulator and, through it, every function sees."""
    # An allow-list: nothing of the caller's own AWS set-up may reach a function that talks to the
    # local one, and PYTHONDONTWRITEBYTECODE, which some shells set, would have each function
    # compile boto3 anew at every start.
    environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
    scratch = settings.run_dir / "tmp"
    return environment | {
        **settings_module.environment_of(settings),
        "TMPDIR": str(scratch),
        "PYTHONUNBUFFERED": "1",
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(settings.port),
        "MINISTACK_HOST": "localhost",
        "MINISTACK_ACCOUNT_ID": settings.account_id,
        "MINISTACK_REGION": settings.region,
        "AWS_ENDPOINT_URL": settings.endpoint_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": settings.region,
        "AWS_DEFAULT_REGION": settings.region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "LAMBDA_EXECUTOR": "local",
        # Listeners that ministack would open on ports of their own.
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "DOCKER_HOST": "unix:///nonexistent",
    }


def prepare(settings: LocalSettings) -> None:
    """Wipe what an earlier run left, however it ended."""
    shutil.rmtree(settings.run_dir, ignore_errors=True)
    (settings.run_dir / "tmp").mkdir(parents=True)
    (settings.run_dir / "logs").mkdir()
    settings.no_capacity_path.write_text(f"{settings.no_capacity}\n")


def run(settings: LocalSettings) -> int:
    """Run the emulator below a tether until it ends or somebody ends us. Returns its status."""
    ending: list[int] = []

    def end(signum: int, _frame: FrameType | None) -> None:
        ending.append(signum)

    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, end)
    with locked(settings.lock_path) as lock:
        prepare(settings)
        log = settings.log_file.open("ab") if settings.log_file else None
        try:
            emulator = tethered.start(
                # -P: the working directory is not ours to import from.
                [sys.executable, "-P", "-m", "local.emulator"],
                environment=child_environment(settings)
                | {"PYTHONPATH": str(settings_module.REPOSITORY)},
                output=log.fileno() if log else None,
                grace_seconds=GRACE_SECONDS,
                keep_open=[lock.fileno()],
            )
        finally:
            if log:
                log.close()
        announced = False
        try:
            while not ending and emulator.exit_status() is None and not _is_orphan(settings):
                if not announced and settings.ready_path.exists():
                    announced = True
                    print(f"local AWS ready at {settings.endpoint_url}", flush=True)
                time.sleep(0.1)
        finally:
            emulator.end()
        return 0 if ending else (emulator.exit_status() or 0)


def _is_orphan(settings: LocalSettings) -> bool:
    return settings.parent_pid != 0 and os.getppid() != settings.parent_pid


def main(arguments: list[str]) -> int:
    """Read the settings and run."""
    try:
        return run(settings_module.parse(arguments))
    except (SettingsError, StartError) as error:
        print(f"local AWS: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
