"""What multi-model-server sends is read as its own worker reads it; and so are the answers.

Its answers to a predict are read by Connection in forked_workers.py, after
codec/ModelResponseDecoder.java.
"""

import io
import json
import os
import struct
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from container.batch_frame import Reply
from container.workers.model_server_protocol import (
    BrokenStream,
    Load,
    Parameter,
    Predict,
    Request,
    load_answer,
    predict_answer,
    read_command,
)
from tests.container.environments import ROOT, container_python
from tests.container.forked_workers import Answer, Connection, text

# What UTF-8 can write.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
PARAMETERS = st.builds(Parameter, TEXT, TEXT, st.binary(max_size=200))
REQUESTS = st.builds(
    Request, TEXT, st.dictionaries(TEXT, TEXT, max_size=3), st.lists(PARAMETERS, max_size=3)
)
LOADS = st.builds(
    Load, TEXT, TEXT, st.integers(1, 2**31 - 1), TEXT, st.none() | st.integers(0, 100), TEXT
)
COMMANDS = LOADS | st.builds(Predict, st.lists(REQUESTS, max_size=3))
# As HTTP has them: no name twice, whatever its case.
REPLIES = st.dictionaries(
    TEXT,
    st.builds(
        Reply,
        st.integers(200, 599),
        st.dictionaries(st.just("content-type") | TEXT, TEXT, max_size=3),
        st.binary(max_size=200),
    ),
    max_size=3,
)


class StockWorker:
    """multi-model-server's own reading of messages (stock_protocol.py)."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [container_python(), ROOT / "tests/container/stock_protocol.py"],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def read(self, raw: bytes) -> Any:
        """What it finds in `raw`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(raw.hex().encode() + b"\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        """End it."""
        self._process.communicate()


@pytest.fixture(scope="module")
def stock() -> Iterator[StockWorker]:
    """One for all."""
    worker = StockWorker()
    yield worker
    worker.close()


def encoded(command: Load | Predict) -> bytes:
    """As codec/ModelRequestEncoder.java does."""
    match command:
        case Load(name, path, batch_size, handler, gpu, io_name):
            return b"".join(
                [
                    b"L",
                    text(name),
                    text(path),
                    number(batch_size),
                    text(handler),
                    number(-1 if gpu is None else gpu),
                    text(io_name),
                ]
            )
        case Predict(requests):
            return b"I" + b"".join(map(encoded_request, requests)) + number(-1)


def encoded_request(request: Request) -> bytes:
    """One of a batch."""
    pieces = [text(request.request_id)]
    for name, value in request.headers.items():
        pieces += [text(name), text(value)]
    pieces.append(number(-1))
    for parameter in request.parameters:
        pieces += [text(parameter.name), text(parameter.content_type), text(parameter.value)]
    return b"".join([*pieces, number(-1)])


def number(value: int) -> bytes:
    """A length, or a count."""
    return struct.pack("!i", value)


def as_stock(command: Load | Predict) -> Any:
    """As multi-model-server's own worker has it, its bytes in hexadecimal."""
    match command:
        case Load(name, path, batch_size, handler, gpu, io_name):
            texts = {
                "modelName": name,
                "modelPath": path,
                "handler": handler,
                "ioFileDescriptor": io_name,
            }
            content = {key: value.encode().hex() for key, value in texts.items()}
            numbers = {"batchSize": batch_size} | ({} if gpu is None else {"gpu": gpu})
            return ["L", content | numbers]
        case Predict(requests):
            return ["I", [stock_request(request) for request in requests]]


def stock_request(request: Request) -> Mapping[str, Any]:
    """One of a batch."""
    return {
        "requestId": request.request_id.encode().hex(),
        "headers": [
            {"name": name.encode().hex(), "value": value.encode().hex()}
            for name, value in request.headers.items()
        ],
        "parameters": [
            {
                "name": parameter.name,
                "contentType": parameter.content_type,
                "value": parameter.value.hex(),
            }
            for parameter in request.parameters
        ],
    }


@given(st.lists(COMMANDS, max_size=3))
def test_commands_are_read_one_after_another(commands: Sequence[Load | Predict]) -> None:
    """To the end of the stream."""
    stream = io.BytesIO(b"".join(map(encoded, commands)))
    assert [read_command(stream) for _ in commands] == commands
    assert read_command(stream) is None


@settings(deadline=None)
@given(command=COMMANDS)
def test_a_command_is_read_as_the_stock_worker_does(
    stock: StockWorker, command: Load | Predict
) -> None:
    """Nothing more, nothing less."""
    assert stock.read(encoded(command)) == as_stock(command)


@given(COMMANDS, st.data())
def test_a_command_that_is_cut_off(command: Load | Predict, data: st.DataObject) -> None:
    """At any byte but the first."""
    raw = encoded(command)
    cut = data.draw(st.integers(1, len(raw) - 1))
    with pytest.raises(BrokenStream):
        read_command(io.BytesIO(raw[:cut]))


@settings(deadline=None)
@given(raw=st.binary(min_size=1) | st.binary().map(b"I".__add__) | st.binary().map(b"L".__add__))
def test_bytes_from_anywhere(stock: StockWorker, raw: bytes) -> None:
    """Are a command to both, or to neither."""
    try:
        command = read_command(io.BytesIO(raw))
    except BrokenStream:
        assert stock.read(raw) is None
    else:
        assert command is not None
        assert stock.read(raw) == as_stock(command)


@given(st.integers(0, 599), TEXT)
def test_the_answer_to_a_load(code: int, message: str) -> None:
    """A code and a text."""
    assert Received(load_answer(code, message)).load_answer() == (code, message)


@given(REPLIES)
def test_the_answer_to_a_predict(replies: Mapping[str, Reply]) -> None:
    """Each reply under its request's id; the content type has a place of its own."""
    expected = {}
    for request_id, reply in replies.items():
        headers = dict(reply.headers)
        content_type = headers.pop("content-type", "")
        expected[request_id] = Answer(reply.status, content_type, headers, reply.body)
    assert Received(predict_answer(replies)).predict_answers() == expected


def test_what_comes_before_a_body_is_short() -> None:
    """multi-model-server reads at least so much at once, when every answer is as long as this."""
    request_id = "4b1bbbd5-54c8-4bd5-a1c8-9d0c1c1f1f1f"
    answer = predict_answer({request_id: Reply(200, {"content-type": "application/json"}, b"body")})
    assert answer.index(b"body") == 84
    assert Received(answer).predict_answers()[request_id].body == b"body"


class Received(Connection):
    """A connection on which `raw` has come."""

    def __init__(self, raw: bytes) -> None:
        self.stream = io.BytesIO(raw)
