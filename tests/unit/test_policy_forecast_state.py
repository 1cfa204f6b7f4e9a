"""What a forecast remembers: small, readable again, and refused where it was not written by it."""

import json
from base64 import b85encode
from random import Random
from zlib import compress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dormouse_policy.forecast import Forecast
from dormouse_policy.forecast_state import ForecastState
from dormouse_policy.policy import Situation, Stakes
from dormouse_policy.slots import DAY, DAYS_KEPT

# Minutes and what comes after them, up to a pause of weeks.
pauses = st.lists(
    st.tuples(st.one_of(st.integers(1, 12), st.integers(1, 30 * DAY)), st.integers(1, 10_000_000)),
    max_size=60,
)


def learned(steps: list[tuple[int, int]], begin: int = 29_000_000) -> ForecastState:
    """One that has seen a request after each of these pauses."""
    state, minute = ForecastState(), begin
    for pause, count in steps:
        minute += pause
        state.learn(minute, count)
    return state


@given(pauses)
def test_what_is_written_reads_back(steps: list[tuple[int, int]]) -> None:
    """And is written as it was."""
    state = learned(steps)
    written = state.write()
    again = ForecastState.parse(written)
    assert again.write() == written
    assert (again.first, again.last, again.days) == (
        state.first,
        state.last,
        {day: slots for day, slots in state.days.items() if any(slots)},
    )


@given(pauses, st.integers(1, 12), st.integers(1, 100))
def test_learning_goes_on_from_what_is_read(
    steps: list[tuple[int, int]], pause: int, count: int
) -> None:
    """As if it had never been written, but for digits that nobody needs."""
    state = learned(steps)
    again = ForecastState.parse(state.write())
    minute = (state.last or 29_000_000) + pause
    state.learn(minute, count)
    again.learn(minute, count)
    assert (again.days, again.recent, again.bout_began) == (
        state.days,
        state.recent,
        state.bout_began,
    )
    assert again.shares == pytest.approx(state.shares, abs=1e-5)
    assert again.delayed_minutes == pytest.approx(state.delayed_minutes, rel=1e-4)


@settings(max_examples=300)
@given(st.text(max_size=200))
def test_whatever_it_has_not_written_is_refused(text: str) -> None:
    """With ValueError, and nothing else."""
    with pytest.raises(ValueError, match=r"."):
        ForecastState.parse(text)


@settings(max_examples=300)
@given(pauses, st.data())
def test_what_was_changed_is_refused_or_read(
    steps: list[tuple[int, int]], data: st.DataObject
) -> None:
    """Never is there another error, and what is read can be asked, and learned from."""
    document = json.loads(learned(steps).write())
    name = data.draw(st.sampled_from(sorted(document)))
    document[name] = data.draw(
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
            lambda inner: st.lists(inner, max_size=6),
            max_leaves=8,
        )
    )
    try:
        state = ForecastState.parse(json.dumps(document))
    except ValueError:
        return
    state.write()
    last = 29_000_000 if state.last is None else state.last
    forecast = Forecast(Stakes(5, 60.0))
    for is_on in (True, False):
        forecast.advise(state, Situation(last + 7, state.last, is_on))
    forecast.learn(state, last + 90, 1)


@pytest.mark.parametrize(
    ("name", "absurd"),
    [
        ("last", 10**400),
        ("bout", -5),
        ("shares", [-1.0] * 5),
        ("shares", [2.0] * 5),
        ("recent", [[29_000_010, -3]]),
        ("recent", []),
        ("day", 0),
        ("delays", [40.0, 0.0]),
        ("delays", [-40.0, 20.0]),
        ("hour", ""),
        ("left", "much"),
        ("ready", [True, 1]),
    ],
)
def test_what_no_demand_comes_to_is_refused(name: str, absurd: object) -> None:
    """A question would be answered with nonsense."""
    document = json.loads(learned([(10, 1)]).write())
    document[name] = absurd
    with pytest.raises(ValueError, match=r"."):
        ForecastState.parse(json.dumps(document))


def test_a_text_that_unpacks_to_far_more_is_refused() -> None:
    """It is not unpacked in full."""
    document = json.loads(ForecastState().write())
    document["slots"] = b85encode(compress(bytes(200_000_000), 9)).decode()
    with pytest.raises(ValueError, match="it has more than"):
        ForecastState.parse(json.dumps(document))


def test_four_weeks_are_kept() -> None:
    """And not a day more."""
    state = learned([(DAY, 1)] * 100)
    assert len(state.days) == DAYS_KEPT + 1
    assert len(ForecastState.parse(state.write()).days) == DAYS_KEPT + 1


def test_the_most_irregular_history_is_small() -> None:
    """An item of DynamoDB is paid for by the KB: every minute of four weeks is drawn by a coin."""
    draw = Random(11)
    minutes = [minute for minute in range(30 * DAY) if draw.random() < 0.5]
    state = ForecastState()
    for minute in minutes:
        state.learn(29_000_000 + minute, draw.randrange(1, 10**6))
    assert len(state.write()) <= 4000


@pytest.mark.parametrize(("minute", "count"), [(100, 1), (99, 1), (101, 0)])
def test_what_does_not_come_later_is_not_learned(minute: int, count: int) -> None:
    """A minute once, in order, with requests."""
    state = ForecastState()
    state.learn(100, 1)
    before = state.write()
    with pytest.raises(ValueError, match=str(minute)):
        state.learn(minute, count)
    assert state.write() == before
