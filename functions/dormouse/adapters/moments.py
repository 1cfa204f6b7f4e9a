"""Times as they are written to the table.

UTC, milliseconds, fixed width: text order is time order, and a person can read them in the console.
"""

from datetime import UTC, datetime


def write_moment(moment: datetime) -> str:
    """Write a moment that has a time zone, as in `2026-02-14T17:25:49.120Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_moment(text: str) -> datetime:
    """Read what `write_moment` wrote."""
    return datetime.fromisoformat(text)
