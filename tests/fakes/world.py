"""The small remaining stand-ins: the catalog, CloudWatch, the nudge and the runtime."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from dormouse.domain.activity import Measured, Unreadable
from dormouse.domain.claims import TaggedConfig
from dormouse.domain.invocation import Forwarded, InvocationRequest, NotServing, Unanswered
from dormouse.domain.spec import ENDPOINT_TAG
from dormouse.errors import AwsError
from dormouse.ports import Window


def config(endpoint: str, name: str | None = None, **tags: str) -> TaggedConfig:
    """Tag an EndpointConfig, `<endpoint>-config` unless told, for an endpoint; further tags of ours
    are written without their prefix and with underscores.
    """
    ours = {f"dormouse:{key.replace('_', '-')}": value for key, value in tags.items()}
    return TaggedConfig(name or f"{endpoint}-config", {ENDPOINT_TAG: endpoint, **ours})


@dataclass
class FakeCatalog:
    """Implements Catalog."""

    configs: list[TaggedConfig] = field(default_factory=list)
    unreadable: str | None = None
    asked: list[str | None] = field(default_factory=list)

    def tagged_configs(self, endpoint: str | None = None) -> Sequence[TaggedConfig]:
        """List them, or those that name one endpoint."""
        self.asked.append(endpoint)
        if self.unreadable is not None:
            raise AwsError(self.unreadable)
        return [c for c in self.configs if endpoint in (None, c.tags[ENDPOINT_TAG])]


@dataclass
class FakeMetrics:
    """Implements Metrics; remembers which windows were asked for."""

    answer: Measured | Unreadable = field(default_factory=lambda: Measured(None))
    asked: list[tuple[str, tuple[str, ...], datetime, datetime]] = field(default_factory=list)

    def last_activity(
        self, windows: Sequence[Window], until: datetime
    ) -> Mapping[str, Measured | Unreadable]:
        """Give the answer that was prepared, for each."""
        self.asked += [(each.endpoint, each.variant_names, each.since, until) for each in windows]
        return {each.endpoint: self.answer for each in windows}


@dataclass
class FakeNudge:
    """Implements Nudge."""

    fails_with: str | None = None
    sent: list[str] = field(default_factory=list)

    def __call__(self, endpoint: str, request_id: str) -> None:
        """Remember that it was sent."""
        if self.fails_with is not None:
            raise AwsError(self.fails_with)
        self.sent.append(endpoint)


@dataclass
class FakeRuntime:
    """Implements Runtime; every request gets the answer that was prepared."""

    answer: Forwarded | NotServing | Unanswered
    requests: list[InvocationRequest] = field(default_factory=list)
    on_request: Callable[[], None] = field(default=lambda: None)

    def forward(self, request: InvocationRequest) -> Forwarded | NotServing | Unanswered:
        """Remember the request, let others act, and answer it."""
        self.requests.append(request)
        self.on_request()
        return self.answer
