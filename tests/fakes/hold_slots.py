"""The places of those who wait at the door, in memory."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass
class FakeHoldSlots:
    """Implements HoldSlots."""

    total: int
    taken: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def take(self, endpoint: str, holder: str, now: datetime, until: datetime) -> bool:
        """Take a place, unless all, or half of them by this endpoint, are taken."""
        others = [key for key in self.holders(now) if key != (endpoint, holder)]
        of_endpoint = [key for key in others if key[0] == endpoint]
        if len(others) >= self.total or len(of_endpoint) >= (self.total + 1) // 2:
            return False
        self.taken[endpoint, holder] = until
        return True

    def give_up(self, endpoint: str, holder: str) -> None:
        """Leave it."""
        self.taken.pop((endpoint, holder), None)

    def holders(self, now: datetime) -> list[tuple[str, str]]:
        """Name those whose places have not expired."""
        return [key for key, until in self.taken.items() if until >= now]
