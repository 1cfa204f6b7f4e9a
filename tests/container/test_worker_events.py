"""What is told arrives, in a line that no other can be mixed with."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from container.worker_events import (
    MAX_BYTES,
    BadEvent,
    Ended,
    Event,
    Failed,
    Loaded,
    Ready,
    Started,
    decode,
    encode,
)

PIDS = st.integers(1, 4_194_304)
# As the front lets them in: 1,024 bytes, which JSON doubles at most (quotes, backslashes).
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=255)
EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(Ready, pid=PIDS),
    st.builds(Started, model=NAMES, pid=PIDS, parent_pid=PIDS),
    st.builds(Loaded, model=NAMES, pid=PIDS, seconds=st.floats(0, 600)),
    st.builds(Ended, model=NAMES, pid=PIDS, returncode=st.integers(-64, 255)),
)
PRINTED = st.text(st.characters(codec="utf-8"))


@given(EVENTS)
def test_events_arrive_as_they_were(event: Event) -> None:
    """In one line, short enough for one write."""
    line = encode(event)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert len(line) <= MAX_BYTES
    assert decode(line) == event


@given(NAMES, PRINTED, st.integers(1, 200))
def test_reasons_are_cut_to_what_fits(name: str, text: str, times: int) -> None:
    """From the end, and not more than needed to be short."""
    event = Failed(name, 1, 507, text * times)
    line = encode(event)
    assert len(line) <= MAX_BYTES
    decoded = decode(line)
    assert isinstance(decoded, Failed)
    assert decoded.model == name
    assert event.reason.startswith(decoded.reason)


def test_a_reason_of_half_a_character_is_told_all_the_same() -> None:
    """A file's name can hold what UTF-8 cannot write."""
    decoded = decode(encode(Failed("m", 1, 500, "no \udcff")))
    assert decoded == Failed("m", 1, 500, "no ?")


def test_a_name_that_leaves_no_room_is_refused() -> None:
    """Rather than a line that another could be mixed with."""
    with pytest.raises(ValueError, match="4096 are allowed"):
        encode(Ended("m" * 5000, 1, 0))


@given(st.binary())
def test_bytes_from_anywhere_are_an_event_or_refused(line: bytes) -> None:
    """No other error."""
    try:
        decode(line)
    except BadEvent as error:
        assert str(error)


@pytest.mark.parametrize(
    "line",
    [
        b"[]",
        b"{}",
        b'{"event": "ready"}',
        b'{"event": "ready", "pid": true}',
        b'{"event": "ready", "pid": 1, "model": "m"}',
        b'{"event": "gone", "pid": 1}',
        b'{"event": ["ready"], "pid": 1}',
    ],
)
def test_other_objects_are_refused(line: bytes) -> None:
    """Missing, mistyped and unknown fields."""
    with pytest.raises(BadEvent):
        decode(line)
