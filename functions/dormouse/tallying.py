"""Counting what models are asked for, in this container, and writing the counts down now and then.

They are written with the first exchange and then at most every 5 seconds, with the exchange that
comes then: a container that is frozen, and never woken again, takes the last 5 seconds with it.
One exchange waits for one batch at the most, so what an outage has left is written bit by bit.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from dormouse.domain.exchange import Exchange, Way
from dormouse.domain.usage import (
    NO_MODEL,
    OTHERS,
    Arrival,
    LastUse,
    MinutePart,
    caller_of,
    minute_of,
    model_of,
    tally_of,
)
from dormouse.errors import AwsError
from dormouse.ports import Clock, UsageLedger

_INTERVAL = timedelta(seconds=5)

# What DynamoDB takes in a batch; of it, at least so many are last uses, if there are.
_WRITTEN_AT_ONCE = 25
_LAST_USES_AT_ONCE = 5

# A model's last use is written down anew when it is so much later than the one that stands there:
# else it would cost as much as the counts.
_LAST_USE_INTERVAL = timedelta(minutes=5)

# What a part holds, so that its item stays far below the 400 KB that DynamoDB takes, and a model
# that is used does not cost that many others are written again.
_MODELS_OF_A_PART = 25

# Further models count as none, further callers as others: principals are cheap to make.
_MODELS_OF_A_MINUTE = 1000
_CALLERS_OF_A_MINUTE = 50

# What can't be written is kept for the next time: the newest so many.
_PARTS_KEPT = 200
_LAST_USES_KEPT = 1000

# Of how many models it is remembered when their last use was written; then it is forgotten of all.
_LAST_USES_REMEMBERED = 5000


@dataclass(slots=True)
class _Minute:
    """A minute of an endpoint that is being counted."""

    at: datetime
    parts: list[MinutePart] = field(default_factory=list)
    part_of: dict[str, int] = field(default_factory=dict)
    callers: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Tallying:
    """Keeps the counts of this container, which `writer` names: no other ever has that name."""

    ledger: UsageLedger
    clock: Clock
    writer: str
    _minutes: dict[str, _Minute] = field(default_factory=dict, init=False)
    _earlier: dict[str, MinutePart] = field(default_factory=dict, init=False)
    """Of a minute before that, what has arrived in it and ended later."""
    _unwritten: dict[str, MinutePart] = field(default_factory=dict, init=False)
    """By name, the one that was changed last at the end."""
    _last_uses: dict[tuple[str, str], LastUse] = field(default_factory=dict, init=False)
    _last_uses_written: dict[tuple[str, str], datetime] = field(default_factory=dict, init=False)
    _parts_begun: int = field(default=0, init=False)
    _written_at: datetime | None = field(default=None, init=False)

    def note(self, exchange: Exchange) -> tuple[str, ...]:
        """Count an exchange, and write down what is not yet, if it is time.

        Never raises for what AWS does; returns the faults on the way.
        """
        number = self._count(exchange)
        # One that was accepted first is counted as having arrived when that was.
        if exchange.way in (Way.DIRECT, Way.HELD):
            self._count_arrival(Arrival(exchange.endpoint, exchange.arrived_at), number)
        return self._write()

    def note_arrival(self, arrival: Arrival) -> tuple[str, ...]:
        """Count a request as having arrived, and write that down like an exchange."""
        self._count_arrival(arrival)
        return self._write()

    def _write(self) -> tuple[str, ...]:
        now = self.clock()
        # A clock that goes back makes it time.
        if self._written_at is not None and self._written_at <= now < self._written_at + _INTERVAL:
            return ()
        self._written_at = now
        self._minutes = {
            endpoint: minute
            for endpoint, minute in self._minutes.items()
            if minute.at == minute_of(now)
        }
        reserved = min(len(self._last_uses), _LAST_USES_AT_ONCE)
        parts = tuple(islice(self._unwritten.values(), _WRITTEN_AT_ONCE - reserved))
        uses = tuple(islice(self._last_uses.values(), _WRITTEN_AT_ONCE - len(parts)))
        try:
            self.ledger.record(parts, uses)
        except AwsError as error:
            # It is tried again with the next exchange after the interval.
            return str(error), *self._forget()
        if len(self._last_uses_written) > _LAST_USES_REMEMBERED:
            self._last_uses_written.clear()
        for part in parts:
            del self._unwritten[part.name]
        for use in uses:
            key = (use.endpoint, use.model)
            del self._last_uses[key]
            self._last_uses_written[key] = use.at
        return self._forget()

    def _count(self, exchange: Exchange) -> int:
        """Count one, and return the number of the part of its minute that it is counted in."""
        endpoint, at = exchange.endpoint, minute_of(exchange.ended_at)
        minute = self._minute(endpoint, at)
        model, tally = model_of(exchange), tally_of(exchange)
        number = self._part_of(model, minute)
        if number is None:
            model, number = NO_MODEL, 0
        if number == len(minute.parts):
            minute.parts.append(self._new_part(endpoint, at))
        part = minute.parts[number].plus(model, tally, _counted_as(caller_of(exchange), minute))
        minute.parts[number] = part
        self._keep(part)
        if model != NO_MODEL and tally.uses:
            self._note_use(LastUse(endpoint, model, exchange.ended_at))
        return number

    def _count_arrival(self, arrival: Arrival, number: int = 0) -> None:
        endpoint, at = arrival.endpoint, minute_of(arrival.at)
        present = self._minutes.get(endpoint)
        if present is not None and at < present.at:
            # It was held since then, or had just come when the minute ended.
            part = self._earlier.get(endpoint)
            if part is None or part.minute != at:
                part = self._new_part(endpoint, at)
            self._earlier = {endpoint: part.plus_demand()}
            self._keep(self._earlier[endpoint])
            return
        minute = self._minute(endpoint, at)
        if not minute.parts:
            minute.parts.append(self._new_part(endpoint, at))
        minute.parts[number] = minute.parts[number].plus_demand()
        self._keep(minute.parts[number])

    def _minute(self, endpoint: str, at: datetime) -> _Minute:
        minute = self._minutes.get(endpoint)
        if minute is None or minute.at != at:
            # Also where a clock has gone back: what is counted then adds up with what was before.
            minute = self._minutes[endpoint] = _Minute(at)
        return minute

    def _keep(self, part: MinutePart) -> None:
        """Have it written, in the place of what was to be."""
        self._unwritten.pop(part.name, None)
        self._unwritten[part.name] = part

    def _part_of(self, model: str, minute: _Minute) -> int | None:
        """Find the part that a model's requests are counted in; None where there is no room."""
        if model == NO_MODEL:
            return 0
        number = minute.part_of.get(model)
        if number is None and len(minute.part_of) < _MODELS_OF_A_MINUTE:
            number = minute.part_of[model] = len(minute.part_of) // _MODELS_OF_A_PART
        return number

    def _new_part(self, endpoint: str, minute: datetime) -> MinutePart:
        """Begin a part under a name that was never used, so that it replaces none."""
        self._parts_begun += 1
        return MinutePart(endpoint, minute, f"{self.writer}-{self._parts_begun}")

    def _note_use(self, use: LastUse) -> None:
        key = (use.endpoint, use.model)
        written_at = self._last_uses_written.get(key)
        if written_at is None or use.at >= written_at + _LAST_USE_INTERVAL:
            self._last_uses[key] = use

    def _forget(self) -> tuple[str, ...]:
        """Let go of what can't be kept any longer, the oldest first; say what is lost."""
        for key in list(self._last_uses)[:-_LAST_USES_KEPT]:
            del self._last_uses[key]
        names = list(self._unwritten)[:-_PARTS_KEPT]
        lost = [self._unwritten.pop(name) for name in names]
        requests = sum(tally.requests for part in lost for tally in part.models.values())
        return (f"requests that will not be counted: {requests}",) if lost else ()


def _counted_as(caller: str, minute: _Minute) -> str:
    """Say under which name a caller counts, if no more than so many have one of their own."""
    if caller not in minute.callers and len(minute.callers) == _CALLERS_OF_A_MINUTE:
        return OTHERS
    minute.callers.add(caller)
    return caller
