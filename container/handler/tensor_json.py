"""One tensor between JSON and flat values, as TensorFlow Serving writes it. Pure: no TensorFlow.

A tensor is nested lists, all of one shape, or a bare value where it has no dimension. By dtype:

* floats: a number, `NaN`, `Infinity` or `-Infinity`, which Python's JSON and JavaScript know, but
  not the standard; a finite number that the dtype can't hold is refused;
* integers: a number within the dtype's range, written without a point;
* bool: `true` or `false`;
* string: text, which is UTF-8 for the model, or `{"b64": "…"}` for any bytes. Out, text; base64
  where the output's name ends in `_bytes`.

https://www.tensorflow.org/tfx/serving/api_rest#json_mapping
"""

import base64
import binascii
import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from container.handler.json_body import BadRequest, kind, shown

# The least finite number that rounds to infinity, for each dtype: 2**e less half of a last digit.
FLOATS = {
    "float16": 2**16 - 2**4,
    "bfloat16": 2**128 - 2**119,
    "float32": 2**128 - 2**103,
    "float64": 2**1024 - 2**970,
}
INTEGERS = {
    **{f"int{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": (0, 2**bits - 1) for bits in (8, 16, 32, 64)},
}
DTYPES = frozenset({*FLOATS, *INTEGERS, "bool", "string"})

BASE64_KEY = "b64"
_BYTES_SUFFIX = "_bytes"
# What numpy and TensorFlow agree on is more; no model comes near.
_MOST_DIMENSIONS = 32

# Where a value stands in the body, in words, from its indices in the tensor.
Place = Callable[[Sequence[int]], str]


class UnwritableOutput(Exception):
    """The model answered what JSON has no words for; the message says what, for the caller."""

    status = 500


@dataclass(frozen=True, slots=True)
class Tensor:
    """`values` in row-major order: float, int, bool, or bytes for a string."""

    shape: tuple[int, ...]
    values: list[Any]


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """What a signature says of one input; None for an unknown dimension, or an unknown rank."""

    name: str
    dtype: str
    shape: tuple[int | None, ...] | None

    def __str__(self) -> str:
        """As an error message names it: `"x" (float32 [None, 3])`."""
        return f"{shown(self.name)} ({self.kind})"

    @property
    def kind(self) -> str:
        """The dtype and the shape: `float32 [None, 3]`."""
        return f"{self.dtype} {'of any shape' if self.shape is None else list(self.shape)}"

    def admits(self, shape: Sequence[int]) -> bool:
        """True if a tensor of `shape` is one of this spec's."""
        return self.shape is None or (
            len(self.shape) == len(shape)
            and all(asked in (None, got) for asked, got in zip(self.shape, shape, strict=True))
        )


def read(value: Any, spec: TensorSpec, place: Place) -> Tensor:
    """The tensor that `value`, of JSON, is by `spec`.

    Raises `BadRequest` with the place and the spec for anything else.
    """

    def refuse(fault: str) -> BadRequest:
        return BadRequest(f"{fault}; the input {shown(spec.name)} takes {spec.kind}.")

    if spec.dtype not in DTYPES:
        raise refuse(f"{place(())} can't be given in JSON")
    shape, leaves = _unnested(value, place, refuse)
    if not spec.admits(shape):
        raise refuse(f"{place(())} has the shape {list(shape)}")

    def refuse_leaf(index: int, fault: str) -> BadRequest:
        return refuse(f"{place(_indices(index, shape))} {fault}")

    return Tensor(shape, _values(leaves, spec.dtype, refuse_leaf))


def write(tensor: Tensor, name: str) -> Any:
    """`tensor` as JSON's values, for the output `name`; raises `UnwritableOutput`."""
    values = tensor.values
    if values and isinstance(values[0], bytes):
        encode = _base64 if name.endswith(_BYTES_SUFFIX) else _text
        values = [encode(value, name) for value in values]
    return nested(values, tensor.shape)


def nested(values: list[Any], shape: Sequence[int]) -> Any:
    """`values` as lists within lists; the bare value for the shape of no dimension."""
    for axis in range(len(shape) - 1, 0, -1):
        width = shape[axis]
        values = [values[at * width : (at + 1) * width] for at in range(math.prod(shape[:axis]))]
    return values if shape else values[0]


def _unnested(
    value: Any, place: Place, refuse: Callable[[str], BadRequest]
) -> tuple[tuple[int, ...], list[Any]]:
    """The shape and the leaves, found one dimension at a time."""
    shape: tuple[int, ...] = ()
    level = [value]
    while list in (kinds := set(map(type, level))):
        if len(kinds) > 1:
            odd = next(index for index, item in enumerate(level) if type(item) is not list)
            raise refuse(
                f"{place(_indices(odd, shape))} is {kind(level[odd])} among lists, which must all "
                "be as deep"
            )
        width = len(level[0])
        if len(set(map(len, level))) > 1:
            odd = next(index for index, item in enumerate(level) if len(item) != width)
            raise refuse(
                f"{place(_indices(odd, shape))} has the length {len(level[odd])}, but "
                f"{place(_indices(0, shape))} has {width}"
            )
        shape = (*shape, width)
        if len(shape) > _MOST_DIMENSIONS:
            raise refuse(f"{place(())} is nested more than {_MOST_DIMENSIONS} lists deep")
        level = list(itertools.chain.from_iterable(level))
    return shape, level


def _indices(index: int, shape: Sequence[int]) -> tuple[int, ...]:
    """Where the `index`-th value of a tensor of `shape` stands."""
    indices: list[int] = []
    for width in reversed(shape):
        index, place = divmod(index, width)
        indices.append(place)
    return tuple(reversed(indices))


def _values(leaves: list[Any], dtype: str, refuse: Callable[[int, str], BadRequest]) -> list[Any]:
    if dtype in FLOATS:
        _only(leaves, (int, float), refuse)
        # Python's own floats first: a whole number of any length can't be converted, and others
        # are rounded, which may lift them to the limit.
        _all(leaves, _below(leaves, FLOATS["float64"]), f"too large for {dtype}", refuse)
        numbers = list(map(float, leaves))
        _all(leaves, _below(numbers, FLOATS[dtype]), f"too large for {dtype}", refuse)
        return numbers
    if dtype in INTEGERS:
        _only(leaves, (int, float), refuse)
        _all(leaves, (type(leaf) is int for leaf in leaves), "not an integer", refuse)
        least, most = INTEGERS[dtype]
        within = (least <= leaf <= most for leaf in leaves)
        _all(leaves, within, f"not from {least} to {most}", refuse)
        return leaves
    if dtype == "bool":
        _only(leaves, (bool,), refuse)
        return leaves
    _only(leaves, (str, dict), refuse)
    return [_bytes(leaf, index, refuse) for index, leaf in enumerate(leaves)]


def _only(
    leaves: list[Any], types: tuple[type, ...], refuse: Callable[[int, str], BadRequest]
) -> None:
    # type() and not isinstance(): to Python, true is a number.
    if not set(map(type, leaves)) <= set(types):
        odd = next(index for index, leaf in enumerate(leaves) if type(leaf) not in types)
        raise refuse(odd, f"is {kind(leaves[odd])}")


def _all(
    leaves: list[Any],
    good: Iterable[bool],
    fault: str,
    refuse: Callable[[int, str], BadRequest],
) -> None:
    odd = next((index for index, is_good in enumerate(good) if not is_good), None)
    if odd is not None:
        raise refuse(odd, f"is {shown(leaves[odd])}, {fault}")


def _below(numbers: Iterable[float], limit: int) -> Iterable[bool]:
    """For each number whether it is below `limit`, or not finite, NaN included."""
    return (not (limit <= number < math.inf or -math.inf < number <= -limit) for number in numbers)


def _bytes(leaf: Any, index: int, refuse: Callable[[int, str], BadRequest]) -> bytes:
    if isinstance(leaf, str):
        try:
            return leaf.encode()
        except UnicodeEncodeError as error:
            # JSON can spell half of a surrogate pair ("\\ud800"), and UTF-8 can't.
            fault = f"has half a surrogate pair at character {error.start + 1}"
            raise refuse(index, fault) from error
    encoded = leaf.get(BASE64_KEY)
    if len(leaf) != 1 or not isinstance(encoded, str):
        raise refuse(index, f'is an object, but not {{"{BASE64_KEY}": "…"}}')
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise refuse(index, "is not base64") from error


def _text(value: bytes, name: str) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise UnwritableOutput(
            f"The output {shown(name)} is not UTF-8; an output whose name ends in "
            f'"{_BYTES_SUFFIX}" is answered in base64.'
        ) from error


def _base64(value: bytes, _name: str) -> dict[str, str]:
    return {BASE64_KEY: base64.b64encode(value).decode()}
