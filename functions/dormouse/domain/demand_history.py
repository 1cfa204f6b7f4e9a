"""The history of demand: when an endpoint was asked for, as an idle policy learns it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class DemandHistory:
    """What an idle policy has learned of an endpoint, in the policy's own writing, which is text:
    all demand before `folded_until`, a whole minute, and nothing later.
    """

    folded_until: datetime
    forecast: str
