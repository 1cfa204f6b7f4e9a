"""Times as text: their order is the order of time."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from dormouse.adapters.moments import read_moment, write_moment


@given(
    st.lists(
        st.datetimes(
            min_value=datetime(1970, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
            max_value=datetime(9000, 1, 1),  # noqa: DTZ001
            timezones=st.timezones(),
        ),
        min_size=2,
        max_size=2,
    )
)
def test_moments_in_order_of_text_are_in_order_of_time(moments: list[datetime]) -> None:
    """To the millisecond, in whatever zone they came: conditions compare the texts."""
    first, second = moments
    if write_moment(first) < write_moment(second):
        assert first < second
    assert abs(read_moment(write_moment(first)) - first) < timedelta(milliseconds=1)
