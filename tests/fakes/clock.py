"""A clock that stands still until it is told to go on."""

from datetime import UTC, datetime, timedelta


class FakeClock:
    """Implements Clock."""

    def __init__(self, now: datetime = datetime(2026, 2, 16, 9, 0, tzinfo=UTC)) -> None:  # a Monday
        self.now = now

    def __call__(self) -> datetime:
        """Return the time it stands at."""
        return self.now

    def advance(self, **duration: float) -> None:
        """Go on by `timedelta(**duration)`."""
        self.now += timedelta(**duration)
