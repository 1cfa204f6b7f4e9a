"""What the entrypoint makes of the environment."""

from pathlib import Path

import pytest

from container.server_settings import (
    DEFAULT_JVM_ARGUMENTS,
    HANDLER,
    StartError,
    server_environment,
    settings_from,
)
from tests.container.environments import ROOT


def test_an_empty_environment_is_the_image() -> None:
    """All addresses, SageMaker's port."""
    settings = settings_from({})
    assert settings.address == "http://0.0.0.0:8080"
    assert settings.temporary_dir == Path("/tmp")
    assert settings.models_root == Path("/opt/ml")
    assert settings.max_body_bytes == 6_553_500
    assert (settings.batch_size, settings.queue_size, settings.workers) == (32, 100, 1)
    assert (settings.timeout_seconds, settings.stop_seconds) == (60, 25)


def test_loopback() -> None:
    """As local/ starts it."""
    settings = settings_from(
        {
            "SAGEMAKER_MULTI_MODEL": "true",
            "SAGEMAKER_BIND_TO_PORT": "18080",
            "DORMOUSE_BIND_HOST": "127.0.0.1",
            "TMPDIR": "/somewhere/tmp",
        }
    )
    assert settings.address == "http://127.0.0.1:18080"
    assert settings.temporary_dir == Path("/somewhere/tmp")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SAGEMAKER_BIND_TO_PORT", "http"),
        ("SAGEMAKER_BIND_TO_PORT", "0"),
        ("SAGEMAKER_BIND_TO_PORT", "32767"),
        ("SAGEMAKER_BIND_TO_PORT", ""),
        ("SAGEMAKER_MULTI_MODEL", "false"),
        ("DORMOUSE_STOP_SECONDS", "soon"),
        ("DORMOUSE_STOP_SECONDS", "-1"),
        ("DORMOUSE_STOP_SECONDS", "nan"),
        ("DORMOUSE_BATCH_SIZE", "0"),
        ("DORMOUSE_BATCH_SIZE", "257"),
        ("DORMOUSE_QUEUE_SIZE", "many"),
        ("SAGEMAKER_MODEL_SERVER_WORKERS", "-1"),
        ("SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS", "1.5"),
        ("SAGEMAKER_MAX_PAYLOAD_IN_MB", "0"),
    ],
)
def test_a_wrong_variable_is_named(name: str, value: str) -> None:
    """With the value that it has."""
    with pytest.raises(StartError) as refusal:
        settings_from({name: value})
    assert str(refusal.value).startswith(f"{name} is '{value}'")


def test_another_handler_gets_single_requests() -> None:
    """It may know no others; whoever brings it can say that it does."""
    assert settings_from({"SAGEMAKER_HANDLER": "mine:handle"}).batch_size == 1
    environ = {"SAGEMAKER_HANDLER": "mine:handle", "DORMOUSE_BATCH_SIZE": "4"}
    assert settings_from(environ).batch_size == 4


def test_the_server_finds_the_handler() -> None:
    """The workers import it by name from the folder above `container`, which comes first."""
    environ = server_environment({"PYTHONPATH": "/theirs"})
    assert environ["SAGEMAKER_HANDLER"] == HANDLER
    assert environ["PYTHONPATH"] == f"{ROOT}:/theirs"
    assert server_environment({})["PYTHONPATH"] == str(ROOT)


def test_defaults_give_way() -> None:
    """But for the multi-model mode, which is all there is."""
    assert server_environment({})["SAGEMAKER_MODEL_SERVER_VMARGS"] == DEFAULT_JVM_ARGUMENTS
    environ = server_environment(
        {"SAGEMAKER_MODEL_SERVER_VMARGS": "-Xmx1g", "TF_NUM_INTRAOP_THREADS": "4"}
    )
    assert environ["SAGEMAKER_MODEL_SERVER_VMARGS"] == "-Xmx1g"
    assert environ["TF_NUM_INTRAOP_THREADS"] == "4"
    assert environ["TF_NUM_INTEROP_THREADS"] == "1"
    assert environ["SAGEMAKER_MULTI_MODEL"] == "true"
