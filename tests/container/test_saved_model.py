"""A plain SavedModel on the real server: every dtype, every signature, everything that can fail."""

import base64
import json
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from container.handler.tensor_json import DTYPES, INTEGERS
from tests.container.running_server import Answer, RunningServer

# Below 2**8, bfloat16 has all whole numbers.
FLOATS = {
    "float16": st.floats(width=16),
    "bfloat16": st.integers(-256, 256).map(float),
    "float32": st.floats(width=32),
    "float64": st.floats(),
}
ROW = {
    **{dtype: st.lists(values, min_size=2, max_size=2) for dtype, values in FLOATS.items()},
    **{
        dtype: st.lists(st.integers(*limits), min_size=2, max_size=2)
        for dtype, limits in INTEGERS.items()
    },
    "bool": st.lists(st.booleans(), min_size=2, max_size=2),
    "string": st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=2),
}


@pytest.fixture(scope="module")
def typed(server: RunningServer, typed_dir: Path) -> Iterator[RunningServer]:
    """The server with the model `typed`."""
    assert server.load("typed", typed_dir).status == 200, server.log.read_text()
    yield server
    assert server.call("DELETE", "/models/typed").status == 200


def asked(server: RunningServer, signature: str, **body: Any) -> Answer:
    """One invocation of one signature."""
    encoded = json.dumps({"signature_name": signature, **body}).encode()
    return server.invoke("typed", encoded, "application/json")


def outputs(server: RunningServer, signature: str, inputs: Any) -> Any:
    """What it answers in columns."""
    answer = asked(server, signature, inputs=inputs)
    assert (answer.status, answer.content_type) == (200, "application/json"), answer.body
    return answer.json["outputs"]


def refusal(answer: Answer) -> tuple[int, str]:
    """The status, and the sentence."""
    assert answer.content_type == "application/json"
    return answer.status, answer.json["error"]


def test_every_dtype_is_in_the_test() -> None:
    """Those that JSON can write."""
    assert set(ROW) == DTYPES


@settings(max_examples=50, deadline=None)
@given(st.lists(st.fixed_dictionaries(ROW), min_size=1, max_size=3))
def test_every_value_of_every_dtype_goes_in_and_out(
    typed: RunningServer, rows: list[dict[str, list[Any]]]
) -> None:
    """Unchanged, through TensorFlow and back, NaN and infinities included."""
    answer = asked(typed, "echo", instances=rows)
    assert answer.status == 200, answer.body
    for row, prediction in zip(rows, answer.json["predictions"], strict=True):
        for dtype, code in (("float16", "<2e"), ("float32", "<2f")):
            # Their digits tell one from all others of the dtype, not from all of Python's floats.
            packed = struct.pack(code, *prediction[dtype])
            prediction[dtype] = list(struct.unpack(code, packed))
        # By their text, since NaN is not equal to itself.
        assert {name: repr(value) for name, value in prediction.items()} == {
            name: repr(value) for name, value in row.items()
        }


@settings(max_examples=30, deadline=None)
@given(st.lists(st.binary(), min_size=1, max_size=3))
def test_any_bytes_go_in_and_out(typed: RunningServer, values: list[bytes]) -> None:
    """In base64, zeros at the end too."""
    encoded = [{"b64": base64.b64encode(value).decode()} for value in values]
    assert outputs(typed, "raw", encoded) == encoded


def test_floats_have_their_own_digits(typed: RunningServer) -> None:
    """And not those of the float64 between them and JSON."""
    answer = asked(typed, "any_shape", inputs=[0.05, 1, 1e-30, 19018404, 5e29])
    assert answer.body == b'{"outputs":[0.1,2.0,2e-30,38036808.0,1e+30]}'


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [(1.5, 3.0), ([], []), ([[], []], [[], []]), ([[[1]], [[2]]], [[[2.0]], [[4.0]]])],
)
def test_a_shape_that_the_signature_leaves_open(
    typed: RunningServer, inputs: object, expected: object
) -> None:
    """No dimension, an empty one, several."""
    assert outputs(typed, "any_shape", inputs) == expected


def test_an_input_called_inputs(typed: RunningServer) -> None:
    """As TensorFlow users call theirs; and an output without a name of its own."""
    assert outputs(typed, "any_shape", {"inputs": [1]}) == [2.0]
    assert asked(typed, "any_shape", instances=[{"inputs": 1}]).json == {"predictions": [2.0]}


def test_numbers_that_are_not_finite(typed: RunningServer) -> None:
    """As TensorFlow Serving writes them."""
    answer = asked(typed, "log", instances=[0, -1, float("inf")])
    assert answer.body == b'{"predictions":[-Infinity,NaN,Infinity]}'


def test_an_output_without_a_batch_goes_in_columns(typed: RunningServer) -> None:
    """Rows can't have it."""
    assert outputs(typed, "mean", [1, 2, 6]) == {"mean": 3.0, "beyond": [False, False, True]}
    assert refusal(asked(typed, "mean", instances=[1, 2, 6])) == (
        400,
        "The outputs can't be cut into predictions, since they share no first dimension "
        '("beyond" [3], "mean" []); send "inputs" instead of "instances".',
    )


def test_a_signature_without_inputs(typed: RunningServer) -> None:
    """It is asked with an empty object."""
    assert outputs(typed, "version", {}) == "1.0"


def test_there_is_no_default_here(typed: RunningServer) -> None:
    """A SavedModel without `serving_default` is served; its callers name what they want."""
    status, sentence = refusal(typed.invoke("typed", b'{"instances": [1]}'))
    assert status == 400
    assert sentence.startswith('The model has no signature "serving_default"; it has "any_shape", ')


def test_an_answer_that_would_not_pass(typed: RunningServer) -> None:
    """413, found by its length or, sooner, by its shape."""
    assert len(outputs(typed, "zeros", 1_000_000)) == 1_000_000
    assert refusal(asked(typed, "zeros", inputs=2_000_000)) == (
        413,
        "The answer has 8000013 bytes, 6000000 are allowed: send fewer instances.",
    )
    status, sentence = refusal(asked(typed, "zeros", inputs=50_000_000))
    assert (status, sentence) == (
        413,
        "The answer has at least 100000000 bytes, 6000000 are allowed: send fewer instances.",
    )


def test_what_json_can_not_write(typed: RunningServer) -> None:
    """500 for an answer, 400 for a request, each with its sentence; the model goes on."""
    assert refusal(asked(typed, "waves", instances=[1, 2])) == (
        500,
        'The output "waves" is complex64, which JSON can\'t write.',
    )
    assert refusal(asked(typed, "decoded", instances=["_w=="])) == (
        500,
        'The output "decoded" is not UTF-8; an output whose name ends in "_bytes" is answered in '
        "base64.",
    )
    assert refusal(asked(typed, "lengths", instances=[1])) == (
        400,
        '"instances" can\'t be given in JSON; the input "waves" takes complex64 [None].',
    )
    assert outputs(typed, "version", {}) == "1.0"


def test_another_error_in_the_model(typed: RunningServer) -> None:
    """503, as of a classifier, with the trace in the log; the model goes on."""
    assert asked(typed, "content", inputs=["/nowhere/at/all"]).status == 503
    typed.await_logged("NotFoundError")
    assert outputs(typed, "version", {}) == "1.0"


def test_an_invocation_that_needs_more_memory_than_there_is(typed: RunningServer) -> None:
    """507, by which SageMaker unloads other models; the model goes on."""
    assert asked(typed, "greedy", inputs=16).status == 507
    assert outputs(typed, "greedy", 0) == 0.0


@pytest.fixture
def warm_dir(typed_dir: Path, tmp_path: Path) -> Path:
    """A copy of the model, for a warm-up request of its own."""
    directory = tmp_path / "warm"
    shutil.copytree(typed_dir, directory)
    return directory


def test_a_warmup_request_is_sent_at_load(server: RunningServer, warm_dir: Path) -> None:
    """By any signature."""
    (warm_dir / "warmup.json").write_text('{"inputs": {}, "signature_name": "version"}')
    assert server.load("warm", warm_dir).status == 200
    assert server.call("DELETE", "/models/warm").status == 200


@pytest.mark.parametrize(
    ("warmup", "status", "reason"),
    [
        (
            '{"inputs": ["a"], "signature_name": "log"}',
            500,
            'BrokenModel: warmup.json: "inputs"[0] is a string; the input "x" takes float32 [',
        ),
        ('{"inputs": 16, "signature_name": "greedy"}', 507, "ResourceExhaustedError: "),
    ],
)
def test_a_warmup_request_that_does_not_fit(
    server: RunningServer, warm_dir: Path, warmup: str, status: int, reason: str
) -> None:
    """Is found out at load, not by the first caller."""
    (warm_dir / "warmup.json").write_text(warmup)
    assert server.load("warm", warm_dir).status == status
    assert f"Model in {warm_dir} could not be loaded: {reason}" in server.log.read_text()
