"""Captures in memory."""

import json
from dataclasses import dataclass, field
from typing import Any

from dormouse.domain.capture import CaptureRecord
from dormouse.errors import AwsError
from dormouse.ports import Kept


@dataclass
class FakeCaptures:
    """Implements Captures. `fault` is raised by every call; `kept` is what is answered."""

    fault: Exception | None = None
    kept: Kept = field(default_factory=lambda: Kept(is_spilled=False))
    records: list[CaptureRecord] = field(default_factory=list)

    def keep(self, record: CaptureRecord) -> Kept:
        """Keep it."""
        if self.fault is not None:
            raise self.fault
        self.records.append(record)
        return self.kept

    @property
    def metadata(self) -> list[dict[str, Any]]:
        """What is said of each exchange, in its order."""
        return [json.loads(record.line)["eventMetadata"] for record in self.records]


UNREACHABLE = AwsError("PutRecord refused: ServiceUnavailableException; PutObject failed: timeout")
