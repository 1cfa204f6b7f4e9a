"""The warm set: the models that are loaded again after a wake, before somebody asks for them."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class WarmUp:
    """The warm-up since the endpoint last began to serve.

    `models` are asked for once each, the most used first; `invoked` are those that have been, by
    the warm-up. It ends at `ended_at`, or at `until` at the latest.
    """

    models: tuple[str, ...]
    invoked: frozenset[str]
    began_at: datetime
    until: datetime
    ended_at: datetime | None = None

    def end(self, now: datetime) -> datetime | None:
        """Say when it ended, None while it goes on."""
        if self.ended_at is not None:
            return self.ended_at
        return self.until if now >= self.until else None

    @property
    def left(self) -> tuple[str, ...]:
        """The models that are still to be invoked, in their order."""
        return tuple(model for model in self.models if model not in self.invoked)
