"""Accepted requests and what becomes of them, in memory: as faithful as the ports say, no more.

Each stand-in calls its `disturb` with the name of an operation before it is done and, with True,
after it: there a test may raise (AWS refused it, or the process died; or it was done and the answer
was lost), or let somebody else act in between.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from dormouse.domain.demand_history import DemandDay
from dormouse.domain.parked_request import ParkedRequest, Queue, model_key, queue_of
from dormouse.domain.usage import (
    LastUse,
    MinutePart,
    Tally,
    Usage,
    hottest,
    minute_of,
    usage_of,
)
from dormouse.domain.work import Work
from dormouse.errors import LocationError, MissingPayloadError
from dormouse.ports import DeadLetter

Disturb = Callable[[str, bool], None]


def undisturbed(operation: str, is_done: bool) -> None:
    """Let it happen."""


@contextmanager
def disturbed(disturb: Disturb, operation: str) -> Iterator[None]:
    """Let a test in before an operation and after it, unless the operation itself fails."""
    disturb(operation, False)
    yield
    disturb(operation, True)


@dataclass
class FakeRequestRecords:
    """Implements RequestRecords. `history` keeps every step that was written, in its order."""

    disturb: Disturb = undisturbed
    stored: dict[tuple[str, str], ParkedRequest] = field(default_factory=dict)
    history: list[ParkedRequest] = field(default_factory=list)

    def create(self, request: ParkedRequest) -> ParkedRequest | None:
        """Write it, unless its id is taken."""
        with disturbed(self.disturb, "records.create"):
            there = self.stored.get((request.endpoint, request.id))
            if there is None:
                self._write(request)
            return there

    def read(self, endpoint: str, request_id: str) -> ParkedRequest | None:
        """Return it as it is."""
        with disturbed(self.disturb, "records.read"):
            return self.stored.get((endpoint, request_id))

    def change(self, before: ParkedRequest, after: ParkedRequest) -> bool:
        """Write the step, on the condition of its revision."""
        assert (after.endpoint, after.id) == (before.endpoint, before.id)
        assert after.revision == before.revision + 1, "a change is one step"
        with disturbed(self.disturb, "records.change"):
            if not self._is_at(before):
                return False
            self._write(after)
            return True

    def delete(self, request: ParkedRequest) -> bool:
        """Remove it, on the condition of its revision."""
        with disturbed(self.disturb, "records.delete"):
            if not self._is_at(request):
                return False
            del self.stored[request.endpoint, request.id]
            return True

    def queued(
        self, endpoint: str, queue: Queue, at_most: int, target_model: str | None = None
    ) -> Sequence[ParkedRequest]:
        """List them in the order of the index's keys."""
        with disturbed(self.disturb, "records.queued"):
            return self._queued(endpoint, queue, target_model)[:at_most]

    def count(self, endpoint: str, queue: Queue, at_most: int) -> int:
        """Count them."""
        with disturbed(self.disturb, "records.count"):
            return min(len(self._queued(endpoint, queue, None)), at_most)

    def position(self, request: ParkedRequest) -> int:
        """Count those before it; 0 for one that stands in no queue."""
        with disturbed(self.disturb, "records.position"):
            queue = queue_of(request)
            if queue is None:
                return 0
            model = request.target_model if queue is Queue.RELEASED else None
            others = self._queued(request.endpoint, queue, model)
            return sum(_order(other) < _order(request) for other in others)

    def _is_at(self, request: ParkedRequest) -> bool:
        there = self.stored.get((request.endpoint, request.id))
        return there is not None and there.revision == request.revision

    def _write(self, request: ParkedRequest) -> None:
        self.stored[request.endpoint, request.id] = request
        self.history.append(request)

    def _queued(self, endpoint: str, queue: Queue, target_model: str | None) -> list[ParkedRequest]:
        return sorted(
            (
                one
                for one in self.stored.values()
                if one.endpoint == endpoint
                and queue_of(one) is queue
                and target_model in (None, one.target_model)
            ),
            key=_order,
        )


def _order(request: ParkedRequest) -> tuple[str, datetime, str]:
    is_released = queue_of(request) is Queue.RELEASED
    model = model_key(request.target_model) if is_released else ""
    return model, request.accepted_at, request.id


@dataclass
class FakePayloads:
    """Implements Payloads; `stored` has body and content type by key."""

    disturb: Disturb = undisturbed
    stored: dict[str, tuple[bytes, str]] = field(default_factory=dict)

    def put(self, key: str, body: bytes, content_type: str) -> None:
        """Keep it."""
        with disturbed(self.disturb, "payloads.put"):
            self.stored[key] = (body, content_type)

    def get(self, key: str) -> bytes:
        """Return the body."""
        with disturbed(self.disturb, "payloads.get"):
            if key not in self.stored:
                raise MissingPayloadError(f"there is no object {key}")
            return self.stored[key][0]

    def delete(self, key: str) -> None:
        """Forget it."""
        with disturbed(self.disturb, "payloads.delete"):
            self.stored.pop(key, None)


@dataclass
class FakeLocations:
    """Implements Locations; `objects` has body and content type by URI. What is fetched has to lie
    in one of the buckets that are named.
    """

    buckets: Sequence[str] = ("bucket",)
    disturb: Disturb = undisturbed
    objects: dict[str, tuple[bytes, str]] = field(default_factory=dict)

    def fetch(self, uri: str, at_most: int) -> bytes:
        """Return the body, where that is allowed."""
        with disturbed(self.disturb, "locations.fetch"):
            bucket = uri.removeprefix("s3://").partition("/")[0]
            if bucket not in self.buckets:
                raise LocationError(f"{uri} may not be read", is_forbidden=True)
            if uri not in self.objects:
                raise LocationError(f"there is no object {uri}")
            body = self.objects[uri][0]
            if len(body) > at_most:
                raise LocationError(f"{uri} has more than {at_most} bytes", is_too_large=True)
            return body

    def write(self, uri: str, body: bytes, content_type: str) -> None:
        """Keep it."""
        with disturbed(self.disturb, "locations.write"):
            self.objects[uri] = (body, content_type)


@dataclass
class FakeWorkQueue:
    """Implements WorkQueue; `sent` is what waits there, for a test to take, lose or double."""

    disturb: Disturb = undisturbed
    sent: list[Work] = field(default_factory=list)

    def send(self, work: Sequence[Work]) -> None:
        """Append it."""
        with disturbed(self.disturb, "work.send"):
            self.sent.extend(work)


@dataclass
class FakeDeadLetters:
    """Implements DeadLetters; `letters` are those that nobody has deleted."""

    disturb: Disturb = undisturbed
    letters: list[DeadLetter] = field(default_factory=list)
    reasons: list[str | None] = field(default_factory=list)
    _taken: set[str] = field(default_factory=set)

    def send(self, request: ParkedRequest) -> None:
        """Append it."""
        with disturbed(self.disturb, "dead letters.send"):
            self.reasons.append(request.reason)
            receipt = f"receipt-{len(self.reasons)}"
            self.letters.append(DeadLetter(request.endpoint, request.id, receipt))

    def receive(self) -> Sequence[DeadLetter]:
        """Take up to ten that nobody else has taken, as SQS does."""
        with disturbed(self.disturb, "dead letters.receive"):
            taken = [one for one in self.letters if one.receipt not in self._taken][:10]
            self._taken.update(one.receipt for one in taken)
            return taken

    def delete(self, letter: DeadLetter) -> None:
        """Remove it."""
        with disturbed(self.disturb, "dead letters.delete"):
            self.letters = [one for one in self.letters if one.receipt != letter.receipt]

    def put_back(self, letter: DeadLetter) -> None:
        """Let others take it."""
        with disturbed(self.disturb, "dead letters.put_back"):
            self._taken.discard(letter.receipt)


@dataclass
class FakeNotifications:
    """Implements Notifications; `published` are topic and message, in their order."""

    disturb: Disturb = undisturbed
    published: list[tuple[str, str]] = field(default_factory=list)

    def publish(self, topic_arn: str, message: str) -> None:
        """Keep it."""
        with disturbed(self.disturb, "notifications.publish"):
            self.published.append((topic_arn, message))


@dataclass
class FakeUsageLedger:
    """Implements UsageLedger; `parts` by minute and name, `last` uses by endpoint and model."""

    disturb: Disturb = undisturbed
    parts: dict[tuple[str, datetime, str], MinutePart] = field(default_factory=dict)
    last: dict[tuple[str, str], datetime] = field(default_factory=dict)
    kept_days: dict[tuple[str, date], DemandDay] = field(default_factory=dict)
    minutes_at_once: int = 10_000

    def record(self, parts: Sequence[MinutePart], last_uses: Sequence[LastUse]) -> None:
        """Keep them in the places of those that they follow."""
        with disturbed(self.disturb, "usage.record"):
            self.parts |= {(part.endpoint, part.minute, part.name): part for part in parts}
            self.last |= {(use.endpoint, use.model): use.at for use in last_uses}

    def usage(self, endpoint: str, since: datetime, until: datetime) -> Usage:
        """Add up the whole minutes."""
        with disturbed(self.disturb, "usage.usage"):
            end = minute_of(until - timedelta(microseconds=1)) + timedelta(minutes=1)
            return usage_of(self._of(endpoint), minute_of(since), end)

    def parts_of(
        self, endpoint: str, since: datetime, until: datetime
    ) -> tuple[Sequence[MinutePart], datetime]:
        """Read those of `minutes_at_once` minutes at the most."""
        with disturbed(self.disturb, "usage.parts"):
            asked = [part for part in self._of(endpoint) if since <= part.minute < until]
            minutes = sorted({part.minute for part in asked})
            if len(minutes) > self.minutes_at_once:
                until = minutes[self.minutes_at_once]
            read = [part for part in asked if part.minute < until]
            return sorted(read, key=lambda part: (part.minute, part.name)), until

    def days(self, endpoint: str, first: date) -> Sequence[DemandDay]:
        """Read those from one on."""
        with disturbed(self.disturb, "usage.days"):
            kept = sorted(day for name, day in self.kept_days if name == endpoint and day >= first)
            return [self.kept_days[endpoint, day] for day in kept]

    def keep_day(self, endpoint: str, day: DemandDay) -> bool:
        """Write it, unless another was written since."""
        with disturbed(self.disturb, "usage.keep_day"):
            there = self.kept_days.get((endpoint, day.day))
            if day.version != (0 if there is None else there.version):
                return False
            self.kept_days[endpoint, day.day] = replace(day, version=day.version + 1)
            return True

    def last_uses(self, endpoint: str) -> Mapping[str, datetime]:
        """Say when each model was last used."""
        with disturbed(self.disturb, "usage.last_uses"):
            return {model: at for (name, model), at in self.last.items() if name == endpoint}

    def hot_models(self, endpoint: str, since: datetime, at_most: int) -> Sequence[str]:
        """Name those of the minutes that had not ended then."""
        with disturbed(self.disturb, "usage.hot_models"):
            first = minute_of(since)
            return hottest([part for part in self._of(endpoint) if part.minute >= first], at_most)

    def use(self, endpoint: str, uses: Mapping[str, int], at: datetime) -> None:
        """Let models have been used so often, each by a container of its own."""
        for model, count in uses.items():
            name = f"container-{len(self.parts)}"
            tally = Tally(requests=count)
            part = MinutePart(endpoint, minute_of(at), name, {model: tally}, demand=count)
            self.record([part], [LastUse(endpoint, model, at)])

    def _of(self, endpoint: str) -> list[MinutePart]:
        return [part for part in self.parts.values() if part.endpoint == endpoint]


@dataclass
class FakeWarmUpPayloads:
    """Implements WarmUpPayloads; `payloads` are those that an owner has left, by model."""

    disturb: Disturb = undisturbed
    payloads: dict[str, tuple[bytes, str]] = field(default_factory=dict)

    def payload(self, target_model: str) -> tuple[bytes, str]:
        """Return it, or the usual one."""
        with disturbed(self.disturb, "warm-up payloads.payload"):
            return self.payloads.get(target_model, (b"{}", "application/json"))
