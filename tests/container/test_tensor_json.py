"""One tensor between JSON and flat values; test_saved_model.py has TensorFlow's own."""

import base64
import json
import math
import struct
import sys
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from container.handler.json_body import BadRequest
from container.handler.tensor_json import (
    DTYPES,
    FLOATS,
    INTEGERS,
    Tensor,
    TensorSpec,
    UnwritableOutput,
    nested,
    read,
    write,
)

# Below, all that numpy can't tell from a list of fewer dimensions: no dimension is 0.
shapes = st.lists(st.integers(1, 3), max_size=3).map(tuple)


def place(indices: Sequence[int]) -> str:
    return f"it{list(indices)}"


def values_of(dtype: str) -> st.SearchStrategy[Any]:
    """What a tensor of `dtype` can hold."""
    if dtype in FLOATS:
        limit = sys.float_info.max if dtype == "float64" else math.nextafter(FLOATS[dtype], 0)
        numbers = st.floats(-limit, limit)
        return numbers | st.sampled_from([math.nan, math.inf, -math.inf])
    if dtype in INTEGERS:
        return st.integers(*INTEGERS[dtype])
    return st.booleans() if dtype == "bool" else st.binary()


@st.composite
def typed_tensors(draw: st.DrawFn) -> tuple[str, Tensor]:
    """A dtype, and a tensor that it can hold."""
    dtype = draw(st.sampled_from(sorted(DTYPES)))
    shape = draw(shapes)
    count = math.prod(shape)
    values = draw(st.lists(values_of(dtype), min_size=count, max_size=count))
    return dtype, Tensor(shape, values)


def same(one: Tensor, other: Tensor) -> bool:
    """Equal, where NaN equals itself."""
    return one.shape == other.shape and repr(one.values) == repr(other.values)


@given(typed_tensors(), st.data())
def test_what_is_written_is_read(typed: tuple[str, Tensor], data: st.DataObject) -> None:
    """Through JSON's own text, by a spec that knows all, some or none of the dimensions."""
    dtype, tensor = typed
    free = st.tuples(*(st.sampled_from([None, width]) for width in tensor.shape))
    spec = TensorSpec("x", dtype, data.draw(st.none() | free))
    written = json.loads(json.dumps(write(tensor, "x_bytes")))
    assert same(read(written, spec, place), tensor)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_text_stays_text(texts: list[str]) -> None:
    """UTF-8 for the model, the same text in the answer."""
    tensor = read(texts, TensorSpec("x", "string", (None,)), place)
    assert tensor.values == [text.encode() for text in texts]
    assert write(tensor, "x") == texts


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers()
    | st.text()
    | st.builds(lambda text: {"b64": text}, st.text()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=8,
)


@given(
    json_values,
    st.sampled_from(sorted(DTYPES | {"complex64", "resource"})),
    st.none() | st.lists(st.none() | st.integers(0, 3), max_size=3).map(tuple),
)
def test_any_json_is_either_read_or_refused(
    value: object, dtype: str, shape: tuple[int | None, ...] | None
) -> None:
    """Nothing but BadRequest comes out, which names the input, its dtype and its shape."""
    spec = TensorSpec("x", dtype, shape)
    try:
        tensor = read(value, spec, place)
    except BadRequest as error:
        assert str(error).startswith("it[")
        assert str(error).endswith(f'; the input "x" takes {spec.kind}.')
    else:
        assert len(tensor.values) == math.prod(tensor.shape)
        assert spec.admits(tensor.shape)


@given(shapes | st.lists(st.integers(0, 3), max_size=4).map(tuple))
def test_nested_lists_have_the_shape(shape: tuple[int, ...]) -> None:
    """Also where a dimension is 0, which leaves lists within lists and no value."""
    level: Any = [nested(list(range(math.prod(shape))), shape)]
    for width in shape:
        assert all(len(item) == width for item in level)
        level = [value for item in level for value in item]
    assert level == list(range(math.prod(shape)))


@pytest.mark.parametrize(
    ("value", "dtype", "shape", "fault"),
    [
        ([[1, 2]], "float32", (None, 3), "it[] has the shape [1, 2]"),
        ([1, 2, 3], "float32", (None, 3), "it[] has the shape [3]"),
        (1, "float32", (None,), "it[] has the shape []"),
        ([], "float32", (None, 3), "it[] has the shape [0]"),
        ([[1, 2], [3]], "float32", (None, 2), "it[1] has the length 1, but it[0] has 2"),
        (
            [[[1], [2]], [[3], 4]],
            "float32",
            None,
            "it[1, 1] is a number among lists, which must all be as deep",
        ),
        ([1.5, "2"], "float64", (None,), "it[1] is a string"),
        ([1.5, None], "float64", (None,), "it[1] is null"),
        ([True], "float32", (None,), "it[0] is a boolean"),
        ([{"b64": ""}], "float32", (None,), "it[0] is an object"),
        ([0.1, 1e39], "float32", (None,), "it[1] is 1e+39, too large for float32"),
        ([-65520], "float16", (None,), "it[0] is -65520, too large for float16"),
        (10**400, "float64", (), f"it[] is 1{'0' * 39}…, too large for float64"),
        ([[1, 2], [3, 4.5]], "int32", (None, 2), "it[1, 1] is 4.5, not an integer"),
        ([1.0], "int64", (None,), "it[0] is 1.0, not an integer"),
        ([math.nan], "int64", (None,), "it[0] is NaN, not an integer"),
        ([False], "int64", (None,), "it[0] is a boolean"),
        ([255, 256], "uint8", (None,), "it[1] is 256, not from 0 to 255"),
        (
            [2**63],
            "int64",
            (None,),
            "it[0] is 9223372036854775808, not from -9223372036854775808 to 9223372036854775807",
        ),
        ([0], "bool", (None,), "it[0] is a number"),
        (["a", 1], "string", (None,), "it[1] is a number"),
        (["ab\ud800"], "string", (None,), "it[0] has half a surrogate pair at character 3"),
        ([{"b64": "AA"}], "string", (None,), "it[0] is not base64"),
        ([{"b64": "é"}], "string", (None,), "it[0] is not base64"),
        ([{"b64": 1}], "string", (None,), 'it[0] is an object, but not {"b64": "…"}'),
        ([{}], "string", (None,), 'it[0] is an object, but not {"b64": "…"}'),
        ([1], "complex64", (None,), "it[] can't be given in JSON"),
    ],
)
def test_a_refusal_says_what_is_wrong_and_where(
    value: object, dtype: str, shape: tuple[int | None, ...] | None, fault: str
) -> None:
    """And then what would be right."""
    spec = TensorSpec("x", dtype, shape)
    with pytest.raises(BadRequest) as refusal:
        read(value, spec, place)
    assert str(refusal.value) == f'{fault}; the input "x" takes {spec.kind}.'


def test_what_a_spec_is_called() -> None:
    """The dtype is TensorFlow's word, the dimensions are JSON's, None is any."""
    assert TensorSpec("x", "float32", (None, 3)).kind == "float32 [None, 3]"
    assert TensorSpec("x", "string", ()).kind == "string []"
    assert TensorSpec("x", "int64", None).kind == "int64 of any shape"


def test_a_list_too_deep_to_be_a_tensor() -> None:
    """A limit of our own, before numpy's and TensorFlow's, which are not sentences."""
    value: Any = 1
    for _ in range(40):
        value = [value]
    with pytest.raises(BadRequest, match=r"it\[\] is nested more than 32 lists deep; "):
        read(value, TensorSpec("x", "int64", None), place)


@pytest.mark.parametrize(("dtype", "code"), [("float16", "<e"), ("float32", "<f")])
def test_the_largest_floats(dtype: str, code: str) -> None:
    """The limit is where IEEE 754's rounding arrives at infinity, as `struct` has it."""
    below = math.nextafter(FLOATS[dtype], 0)
    struct.pack(code, below)
    with pytest.raises(OverflowError):
        struct.pack(code, float(FLOATS[dtype]))
    spec = TensorSpec("x", dtype, ())
    assert read(below, spec, place).values == [below]
    for number in (float(FLOATS[dtype]), -FLOATS[dtype]):
        with pytest.raises(BadRequest, match="too large"):
            read(number, spec, place)


def test_a_whole_number_that_python_rounds_up_to_the_limit() -> None:
    """It would become infinity on the way to float32."""
    with pytest.raises(BadRequest, match="too large for float32"):
        read(FLOATS["float32"] - 1, TensorSpec("x", "float32", ()), place)


@given(st.integers(-(2**1025), 2**1025))
def test_integers_are_floats_too(number: int) -> None:
    """Up to where Python itself can't convert them."""
    try:
        expected = float(number)
    except OverflowError:
        with pytest.raises(BadRequest, match="too large for float64"):
            read(number, TensorSpec("x", "float64", ()), place)
    else:
        assert read(number, TensorSpec("x", "float64", ()), place).values == [expected]


@given(st.binary())
def test_bytes_that_are_no_text(value: bytes) -> None:
    """Base64 where the output's name says so; else text, or a sentence."""
    tensor = Tensor((1,), [value])
    assert write(tensor, "image_bytes") == [{"b64": base64.b64encode(value).decode()}]
    try:
        text = value.decode()
    except UnicodeDecodeError:
        with pytest.raises(UnwritableOutput, match=r'The output "image" is not UTF-8; '):
            write(tensor, "image")
    else:
        assert write(tensor, "image") == [text]
