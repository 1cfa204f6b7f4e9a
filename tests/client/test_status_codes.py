"""HTTP statuses as users ask for them."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dormouse_cli.status_codes import StatusRange, parse_statuses


@pytest.mark.parametrize(
    ("text", "ranges"),
    [
        ("424", [(424, 424)]),
        ("5xx", [(500, 599)]),
        ("2XX", [(200, 299)]),
        ("200-299", [(200, 299)]),
        ("4xx, 500-503,202", [(400, 499), (500, 503), (202, 202)]),
    ],
)
def test_statuses(text: str, ranges: list[tuple[int, int]]) -> None:
    """One, a hundred of them, from one to another, several."""
    assert parse_statuses(text) == tuple(StatusRange(*bounds) for bounds in ranges)


@pytest.mark.parametrize(
    "text",
    ["", "5", "6xx", "0xx", "99", "600", "5x", "200-", "-299", "4xx-5xx", "٤٢٤", "424,", "4x x"],
)
def test_what_is_no_status_is_quoted(text: str) -> None:
    """With what would be one."""
    part = text.rpartition(",")[2]
    with pytest.raises(ValueError, match="is no status: write 424, 5xx or 200-299") as error:
        parse_statuses(text)
    assert repr(part) in str(error.value)


def test_a_range_has_a_direction() -> None:
    """Or it would match nothing, in silence."""
    with pytest.raises(ValueError, match="'299-200' ends before it begins"):
        parse_statuses("299-200")


@given(st.integers(100, 599), st.integers(100, 599), st.integers(100, 599))
def test_a_range_has_both_its_ends(one: int, other: int, status: int) -> None:
    """And what lies between, and nothing else."""
    first, last = sorted((one, other))
    (found,) = parse_statuses(f"{first}-{last}")
    assert (status in found) == (first <= status <= last)


@given(st.text(alphabet="0123456789xX-, ") | st.text())
@example("100-599")
def test_any_text_is_ranges_within_bounds_or_is_refused(text: str) -> None:
    """There is no third way."""
    try:
        ranges = parse_statuses(text)
    except ValueError:
        return
    assert ranges
    for found in ranges:
        assert 100 <= found.first <= found.last <= 599
