"""The bucket of models in memory."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from dormouse.domain.stored_model import Stock, StoredModel, Upload
from dormouse.errors import MissingModelError

UPLOADED_AT = datetime(2026, 2, 1, 12, 0, tzinfo=UTC)


@dataclass
class FakeModelStore:
    """Implements ModelStore."""

    models: dict[str, StoredModel] = field(default_factory=dict)
    retired: set[str] = field(default_factory=set)

    def put(self, names: Iterable[str], at: datetime = UPLOADED_AT) -> None:
        """Let models have been uploaded."""
        self.models |= {name: StoredModel(name, 1000 + len(name), at) for name in names}

    def stock(self, at_most: int) -> Stock:
        """List them, and stop at so many."""
        models = [self.models[name] for name in sorted(self.models)]
        return Stock(models[:at_most], is_complete=len(models) <= at_most)

    def has(self, model: str) -> bool:
        """Whether one lies there."""
        return model in self.models

    def has_retired(self, model: str) -> bool:
        """Whether one of this name was retired."""
        return model in self.retired

    def upload(self, model: str, now: datetime, validity: timedelta) -> Upload:
        """Give leave to upload one."""
        url = f"https://models.example/models/{model}"
        return Upload(url, "PUT", {"If-None-Match": "*"}, now + validity)

    def retire(self, model: str) -> str:
        """Move one."""
        if self.models.pop(model, None) is None:
            raise MissingModelError(f"there is no model {model}")
        self.retired.add(model)
        return f"retired/{model}"
