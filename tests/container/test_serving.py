"""The real multi-model-server with the real TensorFlow, over HTTP, as SageMaker calls it."""

import json
from pathlib import Path
from typing import Any

import pytest

from container.models.labelled import read
from tests.container.running_server import Answer, RunningServer, alive, running_server

SENTENCES = {name: read(f"{name}-tiny") for name in ("sentiment", "topic")}


def labels(answer: Answer) -> list[str]:
    """The label of each text of a JSON answer."""
    assert answer.status == 200, answer.body
    assert answer.content_type == "application/json"
    return [prediction["label"] for prediction in answer.json["predictions"]]


def test_ping(server: RunningServer) -> None:
    """SageMaker's health check."""
    assert server.call("GET", "/ping").status == 200


def test_loaded_models_are_listed(server: RunningServer, model_dirs: dict[str, Path]) -> None:
    """All of them, and each by itself; the path is the one that was given."""
    listed = server.call("GET", "/models").json["models"]
    assert listed == [
        {"modelName": name, "modelUrl": str(model_dirs[name])} for name in ("sentiment", "topic")
    ]
    described = server.call("GET", "/models/topic").json
    [model] = described if isinstance(described, list) else [described]
    assert model["modelName"] == "topic"
    assert model["modelUrl"] == str(model_dirs["topic"])


def test_a_second_load_is_a_conflict(server: RunningServer, model_dirs: dict[str, Path]) -> None:
    """409, which SageMaker takes for success."""
    assert server.load("topic", model_dirs["topic"]).status == 409


@pytest.mark.parametrize("name", ["sentiment", "topic"])
def test_sentences_never_seen_in_training(server: RunningServer, name: str) -> None:
    """The models know something: at least seven of eight are right, each with its scores."""
    expected = [example.label for example in SENTENCES[name].held_out]
    texts = [example.text for example in SENTENCES[name].held_out]
    answer = server.invoke(name, json.dumps({"inputs": texts}).encode(), "application/json")
    right = sum(got == wanted for got, wanted in zip(labels(answer), expected, strict=True))
    assert right >= len(texts) * 7 / 8
    for prediction in answer.json["predictions"]:
        assert sorted(prediction["scores"]) == sorted(SENTENCES[name].labels)
        assert sum(prediction["scores"].values()) == pytest.approx(1, abs=1e-5)
        assert prediction["score"] == max(prediction["scores"].values())


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        # As the seed of this project sends it: the SageMaker runtime's default, or no type at all.
        (b'{"input_text": "What a wonderful, exciting film."}', None, ["positive"]),
        (
            b'{"input_text": "What a wonderful, exciting film."}',
            "application/octet-stream",
            ["positive"],
        ),
        (
            b'{"input_text": ["I hate the noise.", "I love the view."]}',
            "application/json",
            ["negative", "positive"],
        ),
        (
            b'{"inputs": "The soup was awful."}',
            "application/json; charset=utf-8",
            ["negative"],
        ),
        (
            b'{"inputs": ["I love it.", "I hate it."]}',
            "application/json",
            ["positive", "negative"],
        ),
    ],
)
def test_bodies_in_json(
    server: RunningServer, body: bytes, content_type: str | None, expected: list[str]
) -> None:
    """One text or many, under either key; always a list of predictions."""
    assert labels(server.invoke("sentiment", body, content_type)) == expected


def test_bodies_in_json_lines(server: RunningServer) -> None:
    """A line for each line, and in it a prediction for each text."""
    body = b'{"inputs": ["I love it.", "I hate it."]}\n{"input_text": "A lovely hotel."}\n'
    answer = server.invoke("sentiment", body, "application/jsonlines")
    assert (answer.status, answer.content_type) == (200, "application/jsonlines")
    lines = [json.loads(line) for line in answer.body.splitlines()]
    assert [[prediction["label"] for prediction in line["predictions"]] for line in lines] == [
        ["positive", "negative"],
        ["positive"],
    ]


def test_texts_of_any_length(server: RunningServer) -> None:
    """Nothing at all, no known word, and far more words than the model takes."""
    texts = ["", "日本語 🐭", "This is a wonderful hotel. " + "so " * 5000, "bad"]
    answer = server.invoke("sentiment", json.dumps({"inputs": texts}).encode())
    got = labels(answer)
    assert len(got) == 4
    assert got[2:] == ["positive", "negative"]


def test_more_texts_than_one_batch(server: RunningServer) -> None:
    """In the order of the texts, whatever the batches."""
    texts = ["A lovely view.", "A dirty room.", "A dirty room."] * 25
    answer = server.invoke("sentiment", json.dumps({"inputs": texts}).encode())
    assert labels(answer) == ["positive", "negative", "negative"] * 25


@pytest.mark.parametrize(
    ("body", "content_type", "status", "error"),
    [
        (b"", None, 400, 'The body is empty; send {"inputs": "some text"}.'),
        (b"\xff{}", None, 400, "The body is not UTF-8 at byte 0: invalid start byte."),
        (
            b'{"inputs": "a"',
            "application/json",
            400,
            "Not valid JSON at line 1, character 15: Expecting ',' delimiter.",
        ),
        (b'{"inputs": []}', "application/json", 400, '"inputs" is an empty list.'),
        (
            b'{"text": "a"}',
            "application/json",
            400,
            'Unknown key "text"; the key is "inputs" or "input_text".',
        ),
        (
            b'{"inputs": ["a", 1]}',
            "application/json",
            400,
            '"inputs"[1] must be a string, got a number.',
        ),
        (
            b'{"inputs": "a"}\n{"inputs": 1}',
            "application/jsonlines",
            400,
            'Line 2: "inputs" must be a string or a list of strings, got a number.',
        ),
        (
            b"inputs=a",
            "application/x-www-form-urlencoded",
            415,
            "The content type is 'application/x-www-form-urlencoded'; "
            "send application/json or application/jsonlines.",
        ),
    ],
)
def test_a_bad_body_is_the_callers_fault(
    server: RunningServer, body: bytes, content_type: str | None, status: int, error: str
) -> None:
    """The status and the sentence arrive, and the worker goes on."""
    answer = server.invoke("sentiment", body, content_type)
    assert (answer.status, answer.content_type) == (status, "application/json")
    assert answer.json == {"error": error}
    assert labels(server.invoke("sentiment", b'{"inputs": "good"}')) == ["positive"]


def test_an_unknown_model_is_not_found(server: RunningServer) -> None:
    """In all three calls that name one."""
    for method, path in [
        ("GET", "/models/none"),
        ("DELETE", "/models/none"),
        ("POST", "/models/none/invoke"),
    ]:
        assert server.call(method, path).status == 404


def test_a_broken_model_is_refused(server: RunningServer, tmp_path: Path) -> None:
    """500, not 507, with the reason; nothing stays behind, so it can be tried again."""
    for _ in range(2):
        answer = server.load("broken", tmp_path)
        assert answer.status == 500
        assert answer.json["message"] == "The archive is empty."
        assert server.call("GET", "/models/broken").status == 404


def test_two_servers_side_by_side(
    server: RunningServer, model_dirs: dict[str, Path], tmp_path: Path
) -> None:
    """The other has its own models, which come and go; its end is not this one's."""
    with running_server(tmp_path) as other:
        assert other.call("GET", "/models").json == {"models": []}
        assert other.load("mine", model_dirs["topic"]).status == 200
        assert labels(other.invoke("mine", _topic("It will rain."))) == ["weather"]
        workers = other.family()
        assert server.call("POST", "/models/mine/invoke").status == 404
        assert other.call("DELETE", "/models/mine").status == 200
        assert other.call("POST", "/models/mine/invoke").status == 404
        assert other.call("GET", "/models").json == {"models": []}
        assert other.load("again", model_dirs["topic"]).status == 200
        started = other.family() | workers
        # The entrypoint, the front, the JVM, the fork server, and two for the model.
        assert len(other.family()) == 6
    assert alive(started) == set()
    assert labels(server.invoke("topic", _topic("The bank raised the rate."))) == ["money"]


def _topic(text: str) -> bytes:
    body: dict[str, Any] = {"inputs": text}
    return json.dumps(body).encode()
