"""A clock that stands still until somebody sleeps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from dormouse_cli.waiting import Clock


class StillClock:
    """It counts what was slept."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.clock = Clock(now=self._now, monotonic=lambda: self.seconds, sleep=self._sleep)

    def _now(self) -> datetime:
        return datetime(2026, 11, 22, 16, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def _sleep(self, seconds: float) -> None:
        self.seconds += seconds
