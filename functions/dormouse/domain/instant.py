"""Moments as they come from outside."""

from datetime import UTC, datetime


def read_instant(text: str) -> datetime | None:
    """Read a moment with its zone, such as `2026-11-24T08:00:00Z`, in UTC; None: it is none."""
    try:
        moment = datetime.fromisoformat(text)
        return None if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
