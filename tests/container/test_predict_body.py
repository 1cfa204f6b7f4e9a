"""The predict format of TensorFlow Serving's REST API, from bytes to tensors."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from container.handler.json_body import JSON_TYPES, BadRequest, UnsupportedContentType
from container.handler.predict_body import (
    DEFAULT_SIGNATURE,
    PredictRequest,
    Signature,
    batch_sizes,
    parse,
    tensors,
)
from container.handler.tensor_json import Tensor, TensorSpec, write

ONE = Signature("serving_default", {"x": TensorSpec("x", "float32", (None, 2))})
THREE = Signature(
    "serving_default",
    {
        "tag": TensorSpec("tag", "string", (None,)),
        "signal": TensorSpec("signal", "int64", (None, 3)),
        "sensor": TensorSpec("sensor", "float32", (None, None, 2)),
    },
)
TEXT = Signature("serving_default", {"text": TensorSpec("text", "string", (None,))})


def asked(body: object, signature: Signature) -> dict[str, Tensor]:
    """The tensors of a body, from its bytes on."""
    return tensors(parse(json.dumps(body).encode(), "application/json"), signature)


def test_the_examples_of_tensorflow_serving() -> None:
    """https://www.tensorflow.org/tfx/serving/api_rest#specifying_input_tensors_in_row_format"""
    assert asked({"instances": ["foo", "bar", "baz"]}, TEXT) == {
        "text": Tensor((3,), [b"foo", b"bar", b"baz"])
    }
    matrix = Signature("serving_default", {"m": TensorSpec("m", "int32", (None, 1, 2))})
    assert asked({"instances": [[[1, 2]], [[3, 4]]]}, matrix) == {
        "m": Tensor((2, 1, 2), [1, 2, 3, 4])
    }
    rows = asked(
        {
            "instances": [
                {"tag": "foo", "signal": [1, 2, 3], "sensor": [[1, 2], [3, 4]]},
                {"tag": "bar", "signal": [3, 4, 1], "sensor": [[4, 5], [6, 8]]},
            ]
        },
        THREE,
    )
    columns = asked(
        {
            "inputs": {
                "tag": ["foo", "bar"],
                "signal": [[1, 2, 3], [3, 4, 1]],
                "sensor": [[[1, 2], [3, 4]], [[4, 5], [6, 8]]],
            }
        },
        THREE,
    )
    assert rows == columns
    assert rows["tag"] == Tensor((2,), [b"foo", b"bar"])
    assert rows["sensor"] == Tensor((2, 2, 2), [1.0, 2.0, 3.0, 4.0, 4.0, 5.0, 6.0, 8.0])


def test_one_input_may_be_named_too() -> None:
    """In either format."""
    expected = {"x": Tensor((1, 2), [1.0, 2.0])}
    assert asked({"instances": [[1, 2]]}, ONE) == expected
    assert asked({"instances": [{"x": [1, 2]}]}, ONE) == expected
    assert asked({"inputs": [[1, 2]]}, ONE) == expected
    assert asked({"inputs": {"x": [[1, 2]]}}, ONE) == expected


def test_an_input_may_be_called_like_a_key() -> None:
    """`inputs` is what a tf.function's argument is called more often than not."""
    for name in ("inputs", "instances", "b64"):
        signature = Signature("s", {name: TensorSpec(name, "string", (None,))})
        expected = {name: Tensor((1,), [b"a"])}
        assert asked({"inputs": {name: ["a"]}}, signature) == expected
        assert asked({"instances": [{name: "a"}]}, signature) == expected
        assert asked({"inputs": ["a"]}, signature) == expected


def test_bytes_are_no_named_input() -> None:
    """An object of `b64` stands for a value, in rows and columns, in a list or alone."""
    assert asked({"instances": [{"b64": "AP8="}]}, TEXT) == {"text": Tensor((1,), [b"\0\xff"])}
    assert asked({"inputs": [{"b64": "AP8="}]}, TEXT) == {"text": Tensor((1,), [b"\0\xff"])}
    scalar = Signature("s", {"text": TensorSpec("text", "string", ())})
    assert asked({"inputs": {"b64": "AP8="}}, scalar) == {"text": Tensor((), [b"\0\xff"])}


def test_columns_need_not_be_of_one_length() -> None:
    """TensorFlow Serving's rule; but the caller is told, should the model not take them."""
    given_ = asked(
        {"inputs": {"tag": ["a"], "signal": [[1, 2, 3]] * 2, "sensor": [[[1, 2]]]}}, THREE
    )
    assert given_["tag"].shape == (1,)
    assert given_["signal"].shape == (2, 3)
    assert batch_sizes(given_, THREE) == (
        ' The batch sizes differ: "sensor" has 1, "signal" has 2, "tag" has 1.'
    )


def test_batch_sizes_that_do_not_differ_are_not_mentioned() -> None:
    """Nor is a first dimension that the signature fixes, or does not have."""
    assert batch_sizes(asked({"inputs": [[1, 2]]}, ONE), ONE) == ""
    signature = Signature(
        "s",
        {
            "x": TensorSpec("x", "float32", (None,)),
            "factor": TensorSpec("factor", "float32", ()),
            "pair": TensorSpec("pair", "float32", (2,)),
            "any": TensorSpec("any", "float32", None),
        },
    )
    given_ = asked({"inputs": {"x": [1, 2, 3], "factor": 2, "pair": [1, 2], "any": [1]}}, signature)
    assert batch_sizes(given_, signature) == ""


def test_a_signature_without_inputs() -> None:
    """It can be asked."""
    nothing = Signature("version", {})
    assert asked({"inputs": {}, "signature_name": "version"}, nothing) == {}
    assert asked({"instances": [{}]}, nothing) == {}


names = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)


@st.composite
def signatures_and_tensors(draw: st.DrawFn) -> tuple[Signature, dict[str, Tensor]]:
    """Any named inputs of one batch size, and tensors for them."""
    batch = draw(st.integers(1, 3))
    dtypes = {"int64": st.integers(-(2**63), 2**63 - 1), "string": st.binary(max_size=3)}
    specs, values = {}, {}
    for name in draw(st.lists(names, min_size=1, max_size=3, unique=True)):
        dtype = draw(st.sampled_from(sorted(dtypes)))
        shape = (batch, *draw(st.lists(st.integers(1, 2), max_size=2)))
        count = math.prod(shape)
        specs[name] = TensorSpec(name, dtype, (None, *shape[1:]))
        values[name] = Tensor(shape, draw(st.lists(dtypes[dtype], min_size=count, max_size=count)))
    return Signature(DEFAULT_SIGNATURE, specs), values


@given(signatures_and_tensors(), st.booleans())
def test_rows_and_columns_say_the_same(
    pair: tuple[Signature, dict[str, Tensor]], ascii_only: bool
) -> None:
    """The tensors come back from either, whatever the inputs are called."""
    signature, values = pair
    columns = {name: write(tensor, "_bytes") for name, tensor in values.items()}
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    for body in ({"inputs": columns}, {"instances": rows}):
        encoded = json.dumps(body, ensure_ascii=ascii_only).encode()
        assert tensors(parse(encoded, None), signature) == values


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["x", "tag", "signal", "sensor", "b64"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)
keys = st.sampled_from(["instances", "inputs", "signature_name", "other"])


@given(st.binary(), st.none() | st.sampled_from(sorted(JSON_TYPES)) | st.text())
def test_any_bytes_are_either_read_or_refused(body: bytes, content_type: str | None) -> None:
    """Nothing but BadRequest, which becomes a 400 or 415, may come out of a caller's bytes."""
    try:
        request = parse(body, content_type)
    except BadRequest as error:
        assert str(error).endswith(".")
    else:
        assert isinstance(request, PredictRequest)


@given(json_values | st.dictionaries(keys, json_values, max_size=2))
def test_any_json_is_either_read_or_refused(value: object) -> None:
    """As above, past the JSON parser, and by every kind of signature."""
    for signature in (ONE, THREE, TEXT):
        try:
            given_ = asked(value, signature)
        except BadRequest as error:
            assert str(error).endswith(".")
        else:
            assert set(given_) == set(signature.inputs)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b" ", 'The body is empty; send {"instances": […]}.'),
        (b"\xff", "The body is not UTF-8 at byte 0: invalid start byte."),
        (b'{"instances": [1', "Not valid JSON at line 1, character 17: Expecting ',' delimiter."),
        (b"[" * 100_000, "The JSON is nested too deeply."),
        (b'{"inputs": ' + b"9" * 5000 + b"}", "Not valid JSON: Exceeds the limit "),
        (b"[1]", "Expected a JSON object, got a list."),
        (b"{}", 'Expected one key, "instances" or "inputs"; found none.'),
        (
            b'{"instances": [1], "inputs": [1]}',
            'Expected one key, "instances" or "inputs"; found both.',
        ),
        (b'{"inputs": {"x": 1, "x": 2}}', 'The key "x" occurs twice.'),
        (
            b'{"input_text": "a"}',
            'Unknown key "input_text"; the keys are "instances" or "inputs", and '
            '"signature_name" if you like.',
        ),
        (
            b'{"instances": [1], "signature_name": null}',
            '"signature_name" must be a string, got null.',
        ),
        (b'{"instances": 1}', '"instances" must be a list, got a number.'),
        (b'{"instances": {"x": [1]}}', '"instances" must be a list, got an object.'),
        (b'{"instances": []}', '"instances" is an empty list.'),
    ],
)
def test_a_refusal_says_what_is_wrong(body: bytes, message: str) -> None:
    """Before the signature is looked at."""
    with pytest.raises(BadRequest) as refusal:
        parse(body, "application/json")
    assert str(refusal.value).startswith(message)
    assert refusal.value.status == 400


TAKES = (
    'the signature "serving_default" takes "sensor" (float32 [None, None, 2]), '
    '"signal" (int64 [None, 3]), "tag" (string [None]).'
)


@pytest.mark.parametrize(
    ("body", "signature", "message"),
    [
        (
            {"instances": [[1, 2], [1, "a"]]},
            ONE,
            '"instances"[1][1] is a string; the input "x" takes float32 [None, 2].',
        ),
        (
            {"instances": [1, 2]},
            ONE,
            '"instances" has the shape [2]; the input "x" takes float32 [None, 2].',
        ),
        (
            {"instances": [{"x": [1, 2]}, {"x": [1, 2, 3]}]},
            ONE,
            '"instances"[1]["x"] has the length 3, but "instances"[0]["x"] has 2; '
            'the input "x" takes float32 [None, 2].',
        ),
        (
            {"instances": [{"x": [1]}]},
            ONE,
            '"x" in "instances" has the shape [1, 1]; the input "x" takes float32 [None, 2].',
        ),
        (
            {"instances": [{"x": [1, 2]}, [1, 2]]},
            ONE,
            '"instances"[1] must be an object by input names, got a list; '
            'the signature "serving_default" takes "x" (float32 [None, 2]).',
        ),
        (
            {"instances": [[1, 2], {"x": [1, 2]}]},
            ONE,
            '"instances"[1] is an object among lists, which must all be as deep; '
            'the input "x" takes float32 [None, 2].',
        ),
        (
            {"inputs": {"y": [[1, 2]]}},
            ONE,
            '"inputs" has an unknown input "y"; the signature "serving_default" takes '
            '"x" (float32 [None, 2]).',
        ),
        ({"inputs": None}, ONE, '"inputs" has the shape []; the input "x" takes float32 '),
        (
            {"instances": ["a"]},
            THREE,
            f'"instances"[0] must be an object by input names, got a string; {TAKES}',
        ),
        (
            {"inputs": {"b64": "AA=="}},
            THREE,
            f'"inputs" must be an object by input names, got bytes; {TAKES}',
        ),
        (
            {"inputs": {"tag": ["a"], "signal": [[1, 2, 3]]}},
            THREE,
            '"inputs" lacks the input "sensor" (float32 [None, None, 2]).',
        ),
        (
            {"instances": [{"tag": "a", "signal": [1, 2, 3], "sensor": [], "more": 1}]},
            THREE,
            f'"instances"[0] has an unknown input "more"; {TAKES}',
        ),
        (
            {"inputs": {"tag": ["a"], "signal": [[1, 2, 3.5]], "sensor": [[[1, 2]]]}},
            THREE,
            '"inputs"["signal"][0][2] is 3.5, not an integer; '
            'the input "signal" takes int64 [None, 3].',
        ),
    ],
)
def test_a_refusal_names_the_input_and_what_it_takes(
    body: Any, signature: Signature, message: str
) -> None:
    """One sentence, with the place in the caller's own body."""
    with pytest.raises(BadRequest) as refusal:
        asked(body, signature)
    assert str(refusal.value).startswith(message)


def test_many_inputs_are_not_all_listed() -> None:
    """A sentence is to be read."""
    wide = Signature("s", {f"x{n:02}": TensorSpec(f"x{n:02}", "bool", ()) for n in range(30)})
    assert str(wide).endswith('"x19" (bool []), 10 more')
    assert str(Signature("s", {})) == 'the signature "s" takes no input'


@pytest.mark.parametrize(
    "content_type",
    ["text/csv", "application/jsonlines", "application/x-npy", "application/json; charset=latin-1"],
)
def test_other_content_types_are_refused_as_such(content_type: str) -> None:
    """415: the body may be fine, it is not looked at."""
    with pytest.raises(UnsupportedContentType) as refusal:
        parse(b'{"instances": [1]}', content_type)
    assert refusal.value.status == 415


def test_numbers_that_are_not_finite() -> None:
    """TensorFlow Serving's three words, which Python's `json.dumps` writes too."""
    vector = Signature("s", {"x": TensorSpec("x", "float32", (None,))})
    read = asked({"instances": [math.nan, math.inf, -math.inf]}, vector)["x"].values
    assert [str(value) for value in read] == ["nan", "inf", "-inf"]
