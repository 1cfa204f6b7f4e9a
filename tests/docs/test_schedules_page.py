"""docs/schedules.md says what is really so."""

from datetime import UTC, datetime, timedelta

import pytest

from dormouse.domain.named_schedules import parse_named_schedules, parse_schedule
from dormouse.domain.schedule import ScheduleError
from tests.docs.page import REPOSITORY, Page

PAGE = Page(REPOSITORY / "docs" / "schedules.md")
NAMED = parse_named_schedules(next(text for kind, text in PAGE.blocks() if kind == "json"))

# Of 2026, both Sundays: the 29th of March and the 25th of October.
HOURS = {
    "Sun 01:00-05:00 Europe/Berlin": (3, 5),
    "Sun 02:30-05:00 Europe/Berlin": (2, 3.5),
    "Sun 01:00-02:30 Europe/Berlin": (1, 2.5),
    "Sun 02:15-02:45 Europe/Berlin": (0, 1.5),
    "Sat 22:00-06:00 Europe/Berlin": (7, 9),
}
WORDS = {
    0: "not at all",
    1: "one hour",
    1.5: "an hour and a half",
    2: "two hours",
    2.5: "two and a half hours",
    3: "three hours",
    3.5: "three and a half hours",
    5: "five hours",
    7: "seven hours",
    9: "nine hours",
}


def test_the_document_has_no_fault() -> None:
    """And all that it names."""
    assert not NAMED.faults
    assert set(NAMED.schedules) == {"office", "nights"}
    assert set(NAMED.calendars) == {"holidays", "inventory"}


def test_the_examples_are_schedules() -> None:
    """With the names of the page's own document; all fit into a tag."""
    rows = PAGE.table("schedule", "the endpoint is kept up (or, as a blackout, down)")
    for row in rows:
        (text,) = row.spans(0)
        schedule = parse_schedule(text, NAMED)
        # 2026-11-23 is a Monday; each has a window in that week.
        assert schedule.next_window(datetime(2026, 11, 22, tzinfo=UTC)) or schedule.window_at(
            datetime(2026, 11, 23, 12, tzinfo=UTC)
        )
        assert len(text) <= 256


def test_windows_on_switch_days_last_as_long_as_it_says() -> None:
    """In both columns."""
    rows = PAGE.table(
        "",
        "on the 29th of March, a Sunday: 02:00 to 03:00 is left out",
        "on the 25th of October, a Sunday: 02:00 to 03:00 comes twice",
    )
    assert [row.spans(0) for row in rows] == [[text] for text in HOURS]
    for row in rows:
        (text,) = row.spans(0)
        for column, month, day in ((1, 3, 29), (2, 10, 25)):
            # From Friday on; the next one of those is a week later.
            before = datetime(2026, month, day, tzinfo=UTC) - timedelta(days=2)
            window = parse_schedule(text).next_window(before)
            assert window is not None
            is_of_the_day = window.begins_at < before + timedelta(days=3)
            lasts = (window.ends_at - window.begins_at) / timedelta(hours=1) if is_of_the_day else 0
            assert lasts == HOURS[text][column - 1]
            assert row.cells[column].endswith(WORDS[lasts])


def test_the_refusal_is_the_one_that_is_given() -> None:
    """Word for word."""
    with pytest.raises(ScheduleError) as caught:
        parse_schedule("Mon-Fry 08:00-18:00")

    assert f"{caught.value}\n" in [text for _, text in PAGE.blocks()]
