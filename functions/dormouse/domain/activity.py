"""What CloudWatch knows of an endpoint's use, and the two ways of not knowing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class NotMeasured:
    """CloudWatch has not been asked: asking costs money, so the plan says when it is worth it."""


@dataclass(frozen=True, slots=True)
class Measured:
    """CloudWatch answered in full for the whole window that was asked for.

    `last_active_at` is the end of the latest minute with an invocation, None where there is none.
    `minutes` are how many there were in each minute that had any, also of some time before that.
    """

    last_active_at: datetime | None
    minutes: Mapping[datetime, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """CloudWatch could not be read, or not in full. It is no evidence of idleness."""

    why: str


Activity = NotMeasured | Measured | Unreadable
