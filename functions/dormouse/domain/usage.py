"""The use of models: what is counted of each exchange, under which model, and how it adds up.

Whatever is counted merges by adding, in any order, so that many containers count side by side.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from dormouse.domain.exchange import Exchange
from dormouse.domain.latencies import Latencies

NO_MODEL = ""
"""What was not asked of a model, or of one that nobody but its caller knows."""

OTHERS = "others"
"""The callers beyond those that are counted one by one."""

# In bytes. A key of S3, and so a model's name, has 1,024 at the most, and one of DynamoDB's too,
# which has a few of our own before the name.
_LONGEST_MODEL = 1000

# In bytes: an IAM user's ARN, its path and its name at their longest.
_LONGEST_CALLER = 640

# 4xx that a model answers with which is there: its own error, and that it is being loaded.
_OF_A_MODEL = frozenset({424, 429})


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of a model's requests.

    `cold` are those that found the endpoint not serving, and `waited` is how long they were held or
    parked, together. `latency` has those that SageMaker was asked for.
    """

    requests: int = 0
    errors_4xx: int = 0
    errors_5xx: int = 0
    cold: int = 0
    waited: timedelta = timedelta(0)
    bytes_in: int = 0
    bytes_out: int = 0
    latency: Latencies = field(default_factory=Latencies)

    @property
    def uses(self) -> int:
        """How many requests the model has answered."""
        return self.requests - self.errors_4xx - self.errors_5xx

    def plus(self, other: "Tally") -> "Tally":
        """Add another."""
        return Tally(
            requests=self.requests + other.requests,
            errors_4xx=self.errors_4xx + other.errors_4xx,
            errors_5xx=self.errors_5xx + other.errors_5xx,
            cold=self.cold + other.cold,
            waited=self.waited + other.waited,
            bytes_in=self.bytes_in + other.bytes_in,
            bytes_out=self.bytes_out + other.bytes_out,
            latency=self.latency.plus(other.latency),
        )


@dataclass(frozen=True, slots=True)
class MinutePart:
    """What one container has counted of an endpoint in a minute, or a part of it.

    All parts of a minute, of all containers, add up to the minute. `name` is that of no other part;
    a later one of the same name has all that an earlier had, and stands in its place.

    A request counts for its model and its caller in the minute in which it has ended. `demand` is
    how many have arrived in this one, each once, whatever became of them then or later.
    """

    endpoint: str
    minute: datetime
    name: str
    models: Mapping[str, Tally] = field(default_factory=dict)
    callers: Mapping[str, int] = field(default_factory=dict)
    demand: int = 0

    @property
    def requests(self) -> int:
        """How many have ended."""
        return sum(tally.requests for tally in self.models.values())

    @property
    def invocations(self) -> int:
        """For how many of those SageMaker was asked."""
        return sum(sum(tally.latency.counts.values()) for tally in self.models.values())

    def plus_demand(self) -> "MinutePart":
        """Add one that has arrived."""
        return replace(self, demand=self.demand + 1)

    def plus(self, model: str, tally: Tally, caller: str) -> "MinutePart":
        """Add one request, or several of one model and one caller."""
        return replace(
            self,
            models=_added(self.models, model, tally),
            callers={**self.callers, caller: self.callers.get(caller, 0) + tally.requests},
        )


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request that was let in at `at`, and whose exchange somebody else tells of, or nobody."""

    endpoint: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LastUse:
    """When a model of an endpoint has last answered a request."""

    endpoint: str
    model: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Usage:
    """The use of an endpoint between two minutes: by model, and how often each caller asked.

    `since` is later than what was asked for where not all of that could be read.
    """

    since: datetime
    until: datetime
    models: Mapping[str, Tally] = field(default_factory=dict)
    callers: Mapping[str, int] = field(default_factory=dict)


def tally_of(exchange: Exchange) -> Tally:
    """Count one exchange."""
    status, latency = exchange.response.status, exchange.latency
    return Tally(
        requests=1,
        errors_4xx=int(400 <= status < 500),
        errors_5xx=int(status >= 500),
        cold=int(exchange.is_cold),
        waited=_whole_milliseconds(exchange.waited or timedelta(0)),
        bytes_in=len(exchange.body),
        bytes_out=len(exchange.response.body),
        latency=Latencies() if latency is None else Latencies.of(latency),
    )


def model_of(exchange: Exchange) -> str:
    """Say under which model it counts: the one that SageMaker was asked for, an alias's target.

    A name that SageMaker was not asked for, or has refused, may be its caller's invention, and
    counts as no model.
    """
    execution, status = exchange.response.execution, exchange.response.status
    if execution is None or (400 <= status < 500 and status not in _OF_A_MODEL):
        return NO_MODEL
    model = execution.target_model or NO_MODEL
    return model if _fits(model, _LONGEST_MODEL) else NO_MODEL


def caller_of(exchange: Exchange) -> str:
    """Say under which caller it counts."""
    return exchange.principal if _fits(exchange.principal, _LONGEST_CALLER) else OTHERS


def minute_of(moment: datetime) -> datetime:
    """Say when its minute began, in UTC."""
    return moment.astimezone(UTC).replace(second=0, microsecond=0)


def usage_of(parts: Iterable[MinutePart], since: datetime, until: datetime) -> Usage:
    """Add up the minutes that began at `since` or later, and before `until`."""
    models: dict[str, Tally] = {}
    callers: dict[str, int] = {}
    for part in parts:
        if since <= part.minute < until:
            for model, tally in part.models.items():
                models[model] = models.get(model, Tally()).plus(tally)
            for caller, count in part.callers.items():
                callers[caller] = callers.get(caller, 0) + count
    return Usage(since, until, models, callers)


def hottest(parts: Iterable[MinutePart], at_most: int) -> list[str]:
    """Name the models that have answered, the most used first; of equals the one that was used
    last, then by name.
    """
    uses: dict[str, int] = {}
    used_at: dict[str, datetime] = {}
    for part in parts:
        for model, tally in part.models.items():
            if model != NO_MODEL and tally.uses > 0:
                uses[model] = uses.get(model, 0) + tally.uses
                used_at[model] = max(used_at.get(model, part.minute), part.minute)
    by_name = sorted(uses)
    by_time = sorted(by_name, key=lambda model: used_at[model], reverse=True)
    return sorted(by_time, key=lambda model: -uses[model])[: max(at_most, 0)]


def _fits(name: str, longest: int) -> bool:
    try:
        return 0 < len(name.encode()) <= longest
    except UnicodeEncodeError:
        return False


def _whole_milliseconds(duration: timedelta) -> timedelta:
    """Round it to what is stored, so that sums are exact."""
    return timedelta(milliseconds=duration // timedelta(milliseconds=1))


def _added(models: Mapping[str, Tally], model: str, tally: Tally) -> dict[str, Tally]:
    return {**models, model: models.get(model, Tally()).plus(tally)}
