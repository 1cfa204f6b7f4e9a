"""Which texts go through the model together."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from container.handler.batches import CALL_COST, MOST_TEXTS, MOST_TOKENS, batches

LENGTHS = st.lists(st.one_of(st.integers(0, 40), st.integers(0, 600)), max_size=100)


def cost(lengths: Sequence[int], found: Sequence[Sequence[int]]) -> int:
    """Of all calls, in tokens."""
    return sum(CALL_COST + len(batch) * max(lengths[index] for index in batch) for batch in found)


@given(LENGTHS)
def test_each_text_is_in_one_batch(lengths: list[int]) -> None:
    """And none is empty."""
    found = batches(lengths)
    assert sorted(index for batch in found for index in batch) == list(range(len(lengths)))
    assert all(found)


@given(LENGTHS)
def test_a_batch_is_bounded(lengths: list[int]) -> None:
    """Whatever the request: it is the memory of one call."""
    for batch in batches(lengths):
        assert len(batch) <= MOST_TEXTS
        assert len(batch) == 1 or len(batch) * max(map(lengths.__getitem__, batch)) <= MOST_TOKENS


@given(st.lists(st.integers(1, 120), min_size=1, max_size=MOST_TEXTS))
def test_no_simple_rule_is_cheaper(lengths: list[int]) -> None:
    """All together, each alone, or the sorted ones in two parts, wherever they are cut."""
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    least = cost(lengths, batches(lengths))
    assert least <= cost(lengths, [[index] for index in order])
    for cut in range(len(order) + 1):
        assert least <= cost(lengths, [part for part in (order[:cut], order[cut:]) if part])


def test_a_long_text_is_alone() -> None:
    """The others would pay for it, each with as much."""
    assert sorted(batches([9, 8, 200, 10, 9]), key=len) == [[2], [1, 0, 4, 3]]


def test_a_little_padding_is_cheaper_than_a_call() -> None:
    """For a model of any size."""
    assert batches([9, 12, 10]) == [[0, 2, 1]]
