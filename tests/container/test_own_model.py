"""docs/your-own-model.md, followed to the letter: its programs are run, its archives served."""

import json
import math
import os
import re
import shlex
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.container.environments import ROOT, container_python, models_python
from tests.container.running_server import Answer, RunningServer

DOCUMENT = (ROOT / "docs" / "your-own-model.md").read_text(encoding="utf-8")
TRIANGLES, PARCELS, CLASSIFIER = re.findall(r"^```python\n(.*?)^```", DOCUMENT, re.M | re.S)
COMMANDS = [
    shlex.split(line)
    for block in re.findall(r"^```sh\n(.*?)^```", DOCUMENT, re.M | re.S)
    for line in block.splitlines()
]
[PARCELS_BODY] = re.findall(r"^```json\n(.*?)^```", DOCUMENT, re.M | re.S)


def command(*beginning: str) -> list[str]:
    """The one command of the document that begins so."""
    [found] = [words for words in COMMANDS if tuple(words[: len(beginning)]) == beginning]
    return found


def run(python: Path, program: str, directory: Path) -> None:
    """A program of the document, in a folder of one's own."""
    subprocess.run(
        [python, "-c", program],
        cwd=directory,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"},
        check=True,
        timeout=300,
    )


def unpack(archive: Path, directory: Path) -> Path:
    """As SageMaker does before it asks for a load."""
    with tarfile.open(archive) as packed:
        packed.extractall(directory, filter="data")
    return directory


def files(directory: Path) -> dict[str, bytes]:
    """The content of every file by its path."""
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stranger's folder, in which the first two programs have run and the first is packed."""
    directory = tmp_path_factory.mktemp("stranger")
    run(container_python(), TRIANGLES, directory)
    run(container_python(), PARCELS, directory)
    name, *arguments = command("dormouse", "models", "build")
    assert name == "dormouse"
    subprocess.run(
        [sys.executable, "-m", "dormouse_cli", *arguments],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(ROOT / "client")},
        check=True,
        timeout=60,
    )
    return directory


@pytest.fixture(scope="module")
def served(
    server: RunningServer, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    """`my-model` from its archive, and `parcels`."""
    unpacked = unpack(folder / "my-model.tar.gz", tmp_path_factory.mktemp("my-model"))
    for name, directory in (("my-model", unpacked), ("parcels", folder / "parcels")):
        assert server.load(name, directory).status == 200, server.log.read_text()
    yield server
    for name in ("my-model", "parcels"):
        assert server.call("DELETE", f"/models/{name}").status == 200


def refused(answer: Answer) -> str:
    """The sentence of a 400."""
    assert (answer.status, answer.content_type) == (400, "application/json"), answer.body
    assert list(answer.json) == ["error"]
    return str(answer.json["error"])


def test_the_program_is_short() -> None:
    """The document promises a start, not a course."""
    assert len(TRIANGLES.splitlines()) <= 30


def test_the_model_answers_what_the_document_says(served: RunningServer) -> None:
    """The body is that of the document's own command; the triangles are right ones."""
    invoke = command("dormouse", "invoke")
    body = invoke[invoke.index("--body") + 1]
    assert invoke[invoke.index("--model") + 1] == command("dormouse", "models", "build")[-1]
    answer = served.invoke("my-model", body.encode(), "application/json")
    assert answer.status == 200, answer.body
    [[five], [thirteen]] = answer.json["predictions"]
    assert five == pytest.approx(5, abs=0.3)
    assert thirteen == pytest.approx(13, abs=1)  # one leg is longer than all that it has learned


def test_rows_and_columns_of_many(served: RunningServer) -> None:
    """In their order, and the same numbers in both formats, whether the input is named or not."""
    legs = [[float(a), float(b)] for a in range(1, 10) for b in range(1, 10)]
    bodies = [
        {"instances": legs},
        {"instances": [{"legs": pair} for pair in legs]},
        {"inputs": legs},
        {"inputs": {"legs": legs}, "signature_name": "serving_default"},
        {"inputs": legs, "signature_name": "serve"},  # Keras exports it under this name too
    ]
    answers = [served.invoke("my-model", json.dumps(body).encode()).json for body in bodies]
    [predictions] = {json.dumps(answer["predictions"]) for answer in answers[:2]}
    assert [answer["outputs"] for answer in answers[2:]] == [json.loads(predictions)] * 3
    for (a, b), [predicted] in zip(legs, json.loads(predictions), strict=True):
        assert predicted == pytest.approx(math.hypot(a, b), abs=0.5)


def test_tar_packs_the_same(folder: Path, tmp_path: Path) -> None:
    """What the document says for those who have no `dormouse`."""
    packed, own = tmp_path / "packed", tmp_path / "own"
    for directory in (packed, own):
        directory.mkdir()
    tar = command("tar")
    archive = tmp_path / tar[tar.index("-czf") + 1]
    tar[tar.index("-czf") + 1] = str(archive)
    subprocess.run(tar, cwd=folder, check=True, timeout=60)
    unpack(archive, packed)
    assert files(packed) == files(unpack(folder / "my-model.tar.gz", own))
    assert {"0/saved_model.pb", "warmup.json"} < set(files(packed))


def test_several_inputs_and_text(served: RunningServer) -> None:
    """The document's request and answer, byte for byte; and the same in columns."""
    answer = served.invoke("parcels", PARCELS_BODY.encode())
    assert answer.status == 200, answer.body
    [said] = re.findall(r"^answers `(.*)`\.$", DOCUMENT, re.M)
    assert answer.body.decode() == said
    inputs = {"country": ["fr", "zz"], "size_dm": [[1, 1, 1]] * 2, "pieces": [1, 3]}
    answer = served.invoke("parcels", json.dumps({"inputs": inputs}).encode())
    assert answer.json == {"outputs": {"label": ["fr: 1", "zz: 3"], "price": [0.75, 9.0]}}


@pytest.mark.parametrize(
    ("model", "body", "sentence"),
    [
        (
            "my-model",
            {"inputs": {"arms": [[3, 4]]}},
            '"inputs" has an unknown input "arms"; the signature "serving_default" takes '
            '"legs" (float32 [None, 2]).',
        ),
        (
            "my-model",
            {"instances": [[3, 4], [3]]},
            '"instances"[1] has the length 1, but "instances"[0] has 2; '
            'the input "legs" takes float32 [None, 2].',
        ),
        (
            "my-model",
            {"instances": [3, 4]},
            '"instances" has the shape [2]; the input "legs" takes float32 [None, 2].',
        ),
        (
            "my-model",
            {"instances": [[3, 4, 5]]},
            '"instances" has the shape [1, 3]; the input "legs" takes float32 [None, 2].',
        ),
        (
            "my-model",
            {"instances": [[3, "4"]]},
            '"instances"[0][1] is a string; the input "legs" takes float32 [None, 2].',
        ),
        (
            "my-model",
            {"instances": [[3, 4]], "signature_name": "train"},
            'The model has no signature "train"; it has "serve", "serving_default".',
        ),
        (
            "parcels",
            {"instances": [{"country": "de", "size_dm": [1, 1, 1]}]},
            '"instances"[0] lacks the input "pieces" (int64 [None]).',
        ),
        (
            "parcels",
            {"instances": [{"country": "de", "size_dm": [1, 1, 1], "pieces": 1.5}]},
            '"instances"[0]["pieces"] is 1.5, not an integer; '
            'the input "pieces" takes int64 [None].',
        ),
        (
            "parcels",
            {"instances": ["de"]},
            '"instances"[0] must be an object by input names, got a string; the signature '
            '"serving_default" takes "country" (string [None]), "pieces" (int64 [None]), '
            '"size_dm" (float32 [None, 3]).',
        ),
    ],
)
def test_a_bad_request_is_told_what_would_be_right(
    served: RunningServer, model: str, body: object, sentence: str
) -> None:
    """The sentence arrives, and the model goes on."""
    assert refused(served.invoke(model, json.dumps(body).encode())) == sentence
    assert served.invoke("parcels", PARCELS_BODY.encode()).status == 200


def test_what_the_model_refuses_is_the_callers_fault(served: RunningServer) -> None:
    """TensorFlow's first line; with the batch sizes, where those may be why."""
    instance = {"country": "de", "size_dm": [1, -1, 1], "pieces": 1}
    said = refused(served.invoke("parcels", json.dumps({"instances": [instance]}).encode()))
    assert said.startswith(
        "The model can't take these inputs: assertion failed: [size_dm must be positive"
    )
    assert "\n" not in said
    columns = {"country": ["de", "fr"], "size_dm": [[1, 1, 1]] * 2, "pieces": [1, 2, 3]}
    said = refused(served.invoke("parcels", json.dumps({"inputs": columns}).encode()))
    assert said == (
        "The model can't take these inputs: Input shapes do not match: [2] vs. [3]. "
        'The batch sizes differ: "country" has 2, "pieces" has 3, "size_dm" has 2.'
    )


def test_texts_are_not_what_a_plain_saved_model_takes(served: RunningServer) -> None:
    """Whoever confuses the two kinds is told."""
    said = refused(served.invoke("my-model", b'{"input_text": "a"}'))
    assert said.startswith('Unknown key "input_text"; the keys are "instances" or "inputs"')
    answer = served.invoke("my-model", b'{"instances": [[3, 4]]}', "application/jsonlines")
    assert (answer.status, answer.json) == (
        415,
        {"error": "The content type is 'application/jsonlines'; send application/json."},
    )


CHECKPOINT = """
import os
os.environ["TF_USE_LEGACY_KERAS"] = "1"
from transformers import BertConfig, BertTokenizerFast, TFBertForSequenceClassification

words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad"]
open("vocab.txt", "w").writelines(f"{word}\\n" for word in words)
BertTokenizerFast("vocab.txt", model_max_length=16).save_pretrained("my-checkpoint")
names = {0: "no", 1: "yes", 2: "perhaps"}
model = TFBertForSequenceClassification(
    BertConfig(
        vocab_size=len(words), hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=8, max_position_embeddings=16, id2label=names,
    )
)
model(model.dummy_inputs)
model.save_pretrained("my-checkpoint")
"""


def test_a_text_classifier_from_a_checkpoint(server: RunningServer, tmp_path: Path) -> None:
    """The document's third program, on a checkpoint that has learned nothing yet."""
    run(models_python(), CHECKPOINT, tmp_path)
    run(models_python(), CLASSIFIER, tmp_path)
    assert server.load("own-classifier", tmp_path / "my-classifier").status == 200
    try:
        [body] = re.findall(r"with `--body '(\{.*?\})'`", DOCUMENT)
        answer = server.invoke("own-classifier", body.encode())
        assert answer.status == 200, answer.body
        assert len(answer.json["predictions"]) == 2
        for prediction in answer.json["predictions"]:
            assert sorted(prediction["scores"]) == ["no", "perhaps", "yes"]
    finally:
        server.call("DELETE", "/models/own-classifier")
