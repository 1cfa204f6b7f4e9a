"""`make up` and `make down`, as a user types them, mistakes included."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from local import running
from local.deployment import bring_up
from local.settings import REPOSITORY, LocalSettings
from local.terminal import Terminal

PYTHON = os.environ.get("DORMOUSE_LOCAL_PYTHON", str(REPOSITORY / ".venvs/local/bin/python"))


def run(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one of the two to its end."""
    return subprocess.run(
        [PYTHON, "-m", module, *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )


@pytest.fixture
def where(tmp_path: Path) -> list[str]:
    """A folder and a port of this test's own."""
    return ["--state-dir", str(tmp_path / "state"), "--port", str(running.free_port())]


def test_up_leaves_it_running_and_down_ends_it(where: list[str]) -> None:
    """What scripts read is written; a second up and a second down say so."""
    state_dir = Path(where[1])
    try:
        up = run("local.up", *where)
        assert up.returncode == 0, up.stdout + up.stderr
        stack = json.loads((state_dir / "stack.json").read_text())
        assert stack["aws_endpoint_url"] == f"http://127.0.0.1:{where[3]}"
        assert stack["invoke_url"].startswith(stack["aws_endpoint_url"])
        assert stack["region"] == "us-east-1"
        assert stack["endpoint_name"] == "dormouse"
        assert stack["models"] == ["sentiment.tar.gz", "topic.tar.gz"]
        assert stack["invoke_url"] in up.stdout
        assert "before-sign.sagemaker-runtime" in up.stdout

        # What it prints to try is a whole program: run it, and it waits while the endpoint wakes.
        _, _, printed = up.stdout.partition("import boto3")
        program = "import boto3" + printed.partition("Or by the command line")[0]
        tried = subprocess.run(
            [PYTHON, "-c", program], capture_output=True, text=True, check=False, timeout=240
        )
        assert tried.returncode == 0, tried.stderr
        assert json.loads(tried.stdout.splitlines()[-1])["predictions"][0]["label"] == "positive"

        again = run("local.up", *where)
        assert again.returncode == 0
        assert "Already running" in again.stdout
    finally:
        down = run("local.down", *where)
    assert down.returncode == 0
    assert "Ended." in down.stdout
    assert not (state_dir / "stack.json").exists()
    assert running.is_free(int(where[3]))
    assert "Nothing is running." in run("local.down", *where).stdout


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_up_leaves_nothing_and_can_be_repeated(
    where: list[str], signum: signal.Signals
) -> None:
    """Ctrl-C half-way, or a terminal that is closed."""
    settings = LocalSettings(state_dir=Path(where[1]))
    up = subprocess.Popen(
        [PYTHON, "-m", "local.up", *where], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )
    with up:
        assert up.stdout is not None
        for line in up.stdout:
            if "Starting a local AWS" in line:
                break
        assert running.running_pid(settings) is not None
        up.send_signal(signum)
        rest = up.stdout.read()
    assert up.returncode == 130
    assert "nothing is left running" in rest
    assert running.running_pid(settings) is None


def test_a_bad_setting_is_one_sentence(where: list[str]) -> None:
    """Before anything starts."""
    bad = run("local.up", *where[:2], "--port", "many")

    assert bad.returncode == 1
    assert "--port must be a whole number, not 'many'" in bad.stdout
    assert "Traceback" not in bad.stdout + bad.stderr


def test_a_second_program_does_not_end_the_first_ones(where: list[str]) -> None:
    """Two demos in one clone: the second says that there is a first."""
    settings = LocalSettings(port=int(where[3]), state_dir=Path(where[1]))
    server = running.start(settings, detached=False)
    try:
        with pytest.raises(running.NotStartedError, match=f"process {server.pid}"):
            bring_up(Terminal(), settings, {}, [], detached=False)
        assert server.poll() is None
    finally:
        running.end(server)


def test_what_was_started_for_a_program_ends_with_it_however_it_ends(tmp_path: Path) -> None:
    """The demo is killed: no local AWS may go on without it."""
    settings = LocalSettings(port=running.free_port(), state_dir=tmp_path / "state")
    program = (
        "import sys, time; from pathlib import Path; from local import running;"
        "from local.settings import LocalSettings;"
        "server = running.start("
        "LocalSettings(port=int(sys.argv[1]), state_dir=Path(sys.argv[2])), detached=False);"
        "print('up', flush=True); time.sleep(600)"
    )
    command = [PYTHON, "-c", program, str(settings.port), str(settings.state_dir)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "up\n"
        assert running.running_pid(settings) is not None
        parent.kill()

    deadline = time.monotonic() + 60
    while running.running_pid(settings) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert running.is_free(settings.port)
