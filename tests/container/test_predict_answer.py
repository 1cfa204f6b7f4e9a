"""The answer of a plain SavedModel, as TensorFlow Serving's REST API writes it."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from container.handler.answer import MAX_BYTES, AnswerTooLarge
from container.handler.json_body import BadRequest
from container.handler.predict_answer import answer, check_size
from container.handler.tensor_json import Tensor, UnwritableOutput

ONE = {"y": Tensor((2, 2), [1.0, 2.0, 3.0, 4.0])}
TWO = {"score": Tensor((2,), [0.5, 0.25]), "label": Tensor((2,), [b"a", "é".encode()])}


def test_one_output_has_no_name() -> None:
    """In either format."""
    assert answer(ONE, rows=True) == (b'{"predictions":[[1.0,2.0],[3.0,4.0]]}', "application/json")
    assert answer(ONE, rows=False) == (b'{"outputs":[[1.0,2.0],[3.0,4.0]]}', "application/json")


def test_several_outputs_are_objects() -> None:
    """A list of objects for rows, an object of lists for columns; the text is UTF-8."""
    rows, _ = answer(TWO, rows=True)
    assert json.loads(rows) == {
        "predictions": [{"label": "a", "score": 0.5}, {"label": "é", "score": 0.25}]
    }
    columns, _ = answer(TWO, rows=False)
    assert json.loads(columns) == {"outputs": {"label": ["a", "é"], "score": [0.5, 0.25]}}
    assert "é".encode() in columns


def test_bytes_are_objects_by_the_name_of_the_output() -> None:
    """https://www.tensorflow.org/tfx/serving/api_rest#output_of_binary_values"""
    body, _ = answer({"image_bytes": Tensor((1,), [b"\xff"])}, rows=True)
    assert json.loads(body) == {"predictions": [{"b64": "/w=="}]}
    with pytest.raises(UnwritableOutput, match='The output "image" is not UTF-8') as refusal:
        answer({"image": Tensor((1,), [b"\xff"])}, rows=True)
    assert refusal.value.status == 500


def test_numbers_that_are_not_finite() -> None:
    """https://www.tensorflow.org/tfx/serving/api_rest#json_conformance"""
    body, _ = answer({"y": Tensor((3,), [math.nan, math.inf, -math.inf])}, rows=True)
    assert body == b'{"predictions":[NaN,Infinity,-Infinity]}'


@pytest.mark.parametrize(
    ("outputs", "shapes"),
    [
        ({"y": Tensor((), [1.0])}, '"y" []'),
        ({"y": Tensor((2,), [1, 2]), "loss": Tensor((), [1.0])}, '"loss" [], "y" [2]'),
        ({"y": Tensor((2,), [1, 2]), "z": Tensor((1,), [1])}, '"y" [2], "z" [1]'),
    ],
)
def test_what_is_no_rows_can_be_asked_for_in_columns(
    outputs: dict[str, Tensor], shapes: str
) -> None:
    """The caller is told so."""
    with pytest.raises(BadRequest) as refusal:
        answer(outputs, rows=True)
    assert str(refusal.value) == (
        "The outputs can't be cut into predictions, since they share no first dimension "
        f'({shapes}); send "inputs" instead of "instances".'
    )
    assert answer(outputs, rows=False)[0].startswith(b'{"outputs":')


def test_an_answer_that_would_not_pass_is_refused() -> None:
    """By its length, and before it is written where its shape alone is too much."""
    half = MAX_BYTES // 2
    with pytest.raises(AnswerTooLarge, match="send fewer instances") as refusal:
        answer({"y": Tensor((2,), [b"x" * half, b"x" * half])}, rows=True)
    assert refusal.value.status == 413
    check_size([(half,)])
    check_size([(1000, 1000), ()])
    for shapes in ([(half + 1,)], [(half,), ()], [(10**9, 10**9)], [(10**9, 0)]):
        with pytest.raises(AnswerTooLarge, match="at least"):
            check_size(shapes)


@given(st.lists(st.integers(0, 6), max_size=4).map(tuple))
def test_no_answer_is_refused_by_its_shape_that_would_pass(shape: tuple[int, ...]) -> None:
    """The least that a shape is taken for is no more than what its smallest values take."""
    tensor = Tensor(shape, [0] * math.prod(shape))
    body, _ = answer({"y": tensor}, rows=False)
    pieces = max(math.prod(shape[:rank]) for rank in range(len(shape) + 1))
    assert len(body) >= 2 * pieces
