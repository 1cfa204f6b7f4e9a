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
    assert settings.stop_seconds == 10


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
    ],
)
def test_a_wrong_variable_is_named(name: str, value: str) -> None:
    """With the value that it has."""
    with pytest.raises(StartError) as refusal:
        settings_from({name: value})
    assert str(refusal.value).startswith(f"{name} is '{value}'")


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
