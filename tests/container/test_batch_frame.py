"""What goes in comes out, and what is no frame is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from container.batch_frame import (
    BadFrame,
    Invocation,
    Reply,
    pack_invocations,
    pack_replies,
    unpack_invocations,
    unpack_replies,
)

HEADERS = st.dictionaries(st.text(), st.text(), max_size=3)
INVOCATIONS = st.lists(st.builds(Invocation, headers=HEADERS, body=st.binary()), max_size=4)
REPLIES = st.lists(
    st.builds(Reply, status=st.integers(0, 599), headers=HEADERS, body=st.binary()), max_size=4
)


@given(INVOCATIONS)
def test_invocations_arrive_as_they_were(invocations: list[Invocation]) -> None:
    """Any headers, any bytes, also none."""
    assert unpack_invocations(pack_invocations(invocations)) == invocations


@given(REPLIES)
def test_replies_arrive_as_they_were(replies: list[Reply]) -> None:
    """In their order."""
    assert unpack_replies(pack_replies(replies)) == replies


@given(INVOCATIONS, st.data())
def test_a_frame_that_is_cut_off_is_refused(
    invocations: list[Invocation], data: st.DataObject
) -> None:
    """At any byte."""
    frame = pack_invocations(invocations)
    with pytest.raises(BadFrame):
        unpack_invocations(frame[: data.draw(st.integers(0, len(frame) - 1))])


@given(st.binary())
def test_bytes_from_anywhere_are_a_frame_or_refused(frame: bytes) -> None:
    """No other error."""
    for unpack in (unpack_invocations, unpack_replies):
        try:
            unpack(frame)
        except BadFrame as error:
            assert str(error)


@pytest.mark.parametrize(
    "head", [b"7", b"[1]", b'[{"a": 1}]', b'[{"status": "200", "headers": {}}]', b"[{}, {}]"]
)
def test_a_head_of_another_shape_is_refused(head: bytes) -> None:
    """It is JSON, but not a list with what belongs to each body."""
    frame = len(head).to_bytes(4, "big") + head + bytes(4)
    with pytest.raises(BadFrame):
        unpack_replies(frame)
