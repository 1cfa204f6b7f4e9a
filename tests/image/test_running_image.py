"""A container of the image under SageMaker's contract, without any network."""

from pathlib import Path

import pytest

from tests.image.conftest import Start
from tests.image.running_container import DEFAULT_PORT, RunningContainer

# The first build takes minutes.
pytestmark = pytest.mark.timeout(1800)

MODEL = "/opt/ml/models/{}/model"


def test_it_has_no_network(server: RunningContainer) -> None:
    """Whatever these tests see working was downloaded when the image was built."""
    lines = server.execute("cat", "/proc/net/dev").splitlines()[2:]
    assert [line.split(":")[0].strip() for line in lines] == ["lo"]


def test_all_of_it_runs_as_a_plain_user(server: RunningContainer) -> None:
    """Process 1, which is the entrypoint itself, and whatever it started."""
    assert int(server.execute("id", "-u")) > 0
    command = server.execute("cat", "/proc/1/cmdline").split("\0")
    assert command[:3] == ["python", "/home/model-server/container/entrypoint.py", "serve"]
    assert server.load("sentiment", MODEL.format("sentiment")).status == 200
    statuses = server.execute("sh", "-c", "cat /proc/[0-9]*/status")
    assert server.call("DELETE", "/models/sentiment").status == 200
    users = [line.split()[1:] for line in statuses.splitlines() if line.startswith("Uid:")]
    assert len(users) > 2
    assert {user for ids in users for user in ids} == {server.execute("id", "-u").strip()}


@pytest.mark.parametrize(
    ("name", "text", "label"),
    [
        ("sentiment", "I love it.", "positive"),
        ("sentiment", "I hate it.", "negative"),
        ("topic", "The team won the match in the last minute.", "sports"),
    ],
)
def test_a_model_is_loaded_answers_and_goes(
    server: RunningContainer, models: Path, name: str, text: str, label: str
) -> None:
    """From the directory where SageMaker puts it, which can only be read."""
    assert (models / name / "model").is_dir()
    url = MODEL.format(name)
    assert server.invoke(name, {"inputs": text}).status == 404
    loaded = server.load(name, url)
    assert loaded.status == 200, server.log()
    listed = server.call("GET", "/models").json["models"]
    assert [(model["modelName"], model["modelUrl"]) for model in listed] == [(name, url)]

    answer = server.invoke(name, {"inputs": text})
    assert answer.status == 200, answer.body
    [prediction] = answer.json["predictions"]
    assert prediction["label"] == label

    assert server.call("DELETE", f"/models/{name}").status == 200
    assert server.call("GET", f"/models/{name}").status == 404
    assert server.invoke(name, {"inputs": text}).status == 404
    assert server.call("GET", "/models").json["models"] == []


def test_sigterm_ends_it_with_status_0(start: Start) -> None:
    """With models loaded; a SIGKILL would make the status 137."""
    with start() as container:
        container.await_ping()
        for name in ("sentiment", "topic"):
            assert container.load(name, MODEL.format(name)).status == 200
        assert container.stop() == 0


def test_it_listens_where_sagemaker_says(start: Start) -> None:
    """On SAGEMAKER_BIND_TO_PORT, and not on the usual port beside it."""
    with start(port=9123, environ={"SAGEMAKER_BIND_TO_PORT": "9123"}) as container:
        container.await_ping()
        with pytest.raises(ConnectionRefusedError):
            container.call("GET", "/ping", port=DEFAULT_PORT)
        assert container.stop() == 0


def test_another_command_is_refused(start: Start) -> None:
    """`train` is what SageMaker runs for a training job."""
    with start(command=["train"]) as container:
        assert container.wait() == 2
        assert 'The only command is "serve", got train' in container.log()
