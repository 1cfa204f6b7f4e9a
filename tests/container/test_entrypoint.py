"""The entrypoint's own words and its end: one sentence for what keeps it from starting."""

import os
import signal
import socket
import time
from pathlib import Path

import pytest

from tests.container.running_server import alive, free_port, running_server, server_process


def refusal(arguments: list[str], directory: Path, **environ: str) -> str:
    """What an entrypoint that cannot start prints; it must say it at once, with status 2."""
    with server_process(arguments, directory, environ) as (process, log):
        assert process.wait(timeout=30) == 2
        return log.read_text()


@pytest.mark.parametrize("arguments", [[], ["train"], ["serve", "now"]])
def test_serve_is_the_only_command(arguments: list[str], tmp_path: Path) -> None:
    """SageMaker runs `train` in training jobs, so somebody may try it."""
    given = " ".join(arguments) or "nothing"
    assert refusal(arguments, tmp_path) == (
        f'dormouse container: The only command is "serve", got {given}; '
        "usage: entrypoint.py serve.\n"
    )


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    """Before the JVM is started, which would print a trace."""
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        assert refusal(["serve"], tmp_path, SAGEMAKER_BIND_TO_PORT=str(port)) == (
            f"dormouse container: http://127.0.0.1:{port} cannot be listened on: "
            "Address already in use.\n"
        )


def test_no_java(tmp_path: Path) -> None:
    """Neither on PATH nor in JAVA_HOME."""
    port = str(free_port())
    said = refusal(["serve"], tmp_path, SAGEMAKER_BIND_TO_PORT=port, PATH="/nowhere", JAVA_HOME="")
    assert said == (
        "dormouse container: There is no java on PATH, and JAVA_HOME is not set; "
        "multi-model-server needs a JRE of 8 or later.\n"
    )
    said = refusal(["serve"], tmp_path, SAGEMAKER_BIND_TO_PORT=port, JAVA_HOME="/nowhere")
    assert said.startswith("dormouse container: There is no java in JAVA_HOME (/nowhere); ")


def test_a_wrong_variable(tmp_path: Path) -> None:
    """Ours, and one that sagemaker-inference reads."""
    said = refusal(["serve"], tmp_path, SAGEMAKER_BIND_TO_PORT="http")
    assert said.startswith("dormouse container: SAGEMAKER_BIND_TO_PORT is 'http', ")
    said = refusal(
        ["serve"],
        tmp_path,
        SAGEMAKER_BIND_TO_PORT=str(free_port()),
        SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS="soon",
    )
    assert said.startswith("dormouse container: SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS is 'soon', ")
    said = refusal(
        ["serve"],
        tmp_path,
        SAGEMAKER_BIND_TO_PORT=str(free_port()),
        SAGEMAKER_STARTUP_TIMEOUT="soon",
    )
    assert said.startswith("dormouse container: A SAGEMAKER_… variable is no number: ")


def test_a_temporary_directory_too_long_for_sockets(tmp_path: Path) -> None:
    """Said at the start; multi-model-server would fail at the first model."""
    said = refusal(
        ["serve"],
        tmp_path,
        SAGEMAKER_BIND_TO_PORT=str(free_port()),
        TMPDIR=str(tmp_path / ("long" * 25)),
    )
    assert "is too long a path: the sockets made in it may have 107 bytes.\n" in said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_all_that_it_started(number: signal.Signals, tmp_path: Path) -> None:
    """Within seconds, with status 0, and its temporary files are gone."""
    with running_server(tmp_path) as server:
        started = server.family()
        assert len(started) >= 2
        server.process.send_signal(number)
        asked_at = time.monotonic()
        assert server.process.wait(timeout=10) == 0
        assert time.monotonic() - asked_at < 5
        assert alive(started) == set()
        assert list((tmp_path / "tmp").iterdir()) == []


def test_its_process_group_can_be_killed_whole(tmp_path: Path) -> None:
    """The last resort of whoever started it: nothing that it started has left its group."""
    with running_server(tmp_path) as server:
        started = server.family()
        os.killpg(server.process.pid, signal.SIGKILL)
        server.process.wait(timeout=10)
        deadline = time.monotonic() + 10
        while alive(started) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert alive(started) == set()


def test_the_end_of_the_jvm_is_the_end(tmp_path: Path) -> None:
    """SageMaker restarts a container that ends; one that hangs without its server it does not."""
    with running_server(tmp_path) as server:
        os.kill(server.model_server(), signal.SIGKILL)
        assert server.process.wait(timeout=10) == 137
        assert "multi-model-server ended by itself with status 137." in server.log.read_text()


def test_the_end_of_the_front_is_the_end(tmp_path: Path) -> None:
    """Nothing that it started is left."""
    with running_server(tmp_path) as server:
        started = server.family()
        [front] = server.running("container.front")
        os.kill(front, signal.SIGKILL)
        assert server.process.wait(timeout=10) == 137
        assert "the front ended by itself with status 137." in server.log.read_text()
        assert alive(started) == set()
