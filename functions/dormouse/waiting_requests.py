"""The accepted requests of an endpoint, as an operator sees them: which wait, and which failed and
are to be tried once more.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dormouse.domain.asker import asker
from dormouse.domain.parked_request import Kind, ParkedRequest, Queue, Status, replayed
from dormouse.domain.waiting import Waiting
from dormouse.ports import Clock, DeadLetter, DeadLetters, ProxyState, RequestRecords

LISTED_AT_MOST = 100
COUNTED_AT_MOST = 1000
# The function that replays is cut off after 29 s, and a letter takes three calls.
_BATCHES_AT_MOST = 20
_CHANGES_AT_MOST = 3
_REPLAYED_BY_ID_AT_MOST = 100
_ID = re.compile(r"[a-zA-Z0-9-]{1,63}\.[0-9a-f]{32}", re.ASCII)


class ReplayError(ValueError):
    """What is to be replayed is not said as it has to be; the message names the bad part."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many wait, each number up to `COUNTED_AT_MOST`, and since when the oldest does.

    `released` are those that have their turn, the ones that are being answered among them.
    """

    parked: int
    released: int
    oldest_at: datetime


@dataclass(frozen=True, slots=True)
class Replay:
    """What became of a replay.

    `replayed` wait once more. `skipped` says, of requests that were asked for by their ids, why
    they don't. `left` are failed ones of this endpoint that were found and stay as they are. Where
    it is not `is_complete`, there was no time to look through all that have failed.
    """

    replayed: tuple[str, ...]
    skipped: Mapping[str, str]
    left: int
    is_complete: bool


def read_replay(body: object) -> frozenset[str] | None:
    """Read which requests are to be replayed: `{"requests": [id, …]}`; None for all that failed.

    Raises:
        ReplayError: it has another form; the message names the part.
    """
    if not isinstance(body, Mapping):
        raise ReplayError(f"the body must be a JSON object, not {type(body).__name__}")
    unknown = sorted(str(key) for key in body if key != "requests")
    if unknown:
        raise ReplayError(f"{unknown[0]!r:.100} is not known here: requests is")
    if "requests" not in body:
        return None
    ids = body["requests"]
    if not isinstance(ids, list) or not 0 < len(ids) <= _REPLAYED_BY_ID_AT_MOST:
        raise ReplayError(
            f'"requests" must be a list of 1 to {_REPLAYED_BY_ID_AT_MOST} ids of requests'
        )
    for one in ids:
        if not isinstance(one, str) or _ID.fullmatch(one) is None:
            raise ReplayError(f'"requests" must be ids of requests, and {one!r:.200} is none')
    return frozenset(ids)


@dataclass(frozen=True, slots=True)
class WaitingRequests:
    """Looks at the records of requests, and puts failed ones back among those that wait.

    Every method raises AwsError where the records, the ledger or the queue can't be reached.
    """

    records: RequestRecords
    letters: DeadLetters
    state: ProxyState
    clock: Clock
    time_to_live: timedelta

    def backlog(self, endpoint: str) -> Backlog | None:
        """Count those that wait; None where there are none."""
        released = self.records.queued(endpoint, Queue.RELEASED, COUNTED_AT_MOST)
        oldest = [*self.records.queued(endpoint, Queue.PARKED, 1), *released]
        if not oldest:
            return None
        return Backlog(
            parked=self.records.count(endpoint, Queue.PARKED, COUNTED_AT_MOST),
            released=len(released),
            oldest_at=min(request.accepted_at for request in oldest),
        )

    def look(self, endpoint: str) -> Waiting:
        """Find what waits, as a tick does, and change nothing: not even what has expired."""
        return Waiting(
            parked=tuple(self.records.queued(endpoint, Queue.PARKED, COUNTED_AT_MOST)),
            released=tuple(self.records.queued(endpoint, Queue.RELEASED, COUNTED_AT_MOST)),
        )

    def waiting(self, endpoint: str) -> Sequence[ParkedRequest]:
        """List those that wait, the oldest first, and at most a hundred."""
        found = [
            *self.records.queued(endpoint, Queue.PARKED, LISTED_AT_MOST),
            # They come by model and then by age, so that the oldest may be the last.
            *self.records.queued(endpoint, Queue.RELEASED, COUNTED_AT_MOST),
        ]
        return sorted(found, key=lambda one: (one.accepted_at, one.id))[:LISTED_AT_MOST]

    def replay(self, endpoint: str, ids: Collection[str] | None, by: str | None = None) -> Replay:
        """Let failed requests wait once more, with a new time to live: all, or those of these ids,
        which may also have expired. `by` is who asks for that.

        A request is put back before its demand is raised, and that before its dead letter is
        removed: whoever is cut off in between finds the letter again, and does the rest then.
        """
        outcome = _Outcome(asker(by))
        for request_id in sorted(ids or ()):
            self._once_more(endpoint, request_id, outcome)
        self._raise_demand(endpoint, outcome)
        others: list[DeadLetter] = []
        is_complete = False
        for _ in range(_BATCHES_AT_MOST):
            batch = self.letters.receive()
            if not batch:
                is_complete = True
                break
            settled = []
            for letter in batch:
                is_ours = letter.endpoint == endpoint
                if is_ours and self._is_settled(letter, outcome, takes_all=ids is None):
                    settled.append(letter)
                else:
                    outcome.left += is_ours
                    others.append(letter)
            self._raise_demand(endpoint, outcome)
            for letter in settled:
                self.letters.delete(letter)
        # Not before, or they would be received again and again.
        for letter in others:
            self.letters.put_back(letter)
        return Replay(tuple(outcome.replayed), outcome.skipped, outcome.left, is_complete)

    def _is_settled(self, letter: DeadLetter, outcome: "_Outcome", *, takes_all: bool) -> bool:
        """Do what a dead letter is there for, and say whether it may go."""
        request = self.records.read(letter.endpoint, letter.request_id)
        if request is not None and request.status is Status.FAILED:
            return takes_all and self._change(request, outcome)
        # It was replayed, and whoever did that may not have come to raise its demand.
        outcome.is_demand_due |= request is not None and not request.status.is_final
        return True

    def _once_more(self, endpoint: str, request_id: str, outcome: "_Outcome") -> None:
        """Let one wait once more that was asked for by its id, or note why it does not."""
        for _ in range(_CHANGES_AT_MOST):
            request = self.records.read(endpoint, request_id)
            if request is None:
                outcome.skipped[request_id] = f"there is no such request of {endpoint}"
                return
            if request.kind is Kind.HELD:
                outcome.skipped[request_id] = "its caller was waiting for it, and is gone"
                return
            if request.status not in (Status.FAILED, Status.EXPIRED):
                outcome.is_demand_due |= not request.status.is_final
                outcome.skipped[request_id] = f"it has neither failed nor expired: {request.status}"
                return
            if self._change(request, outcome):
                return
        outcome.skipped[request_id] = "others change it just now"

    def _change(self, request: ParkedRequest, outcome: "_Outcome") -> bool:
        now = self.clock()
        if not self.records.change(request, replayed(request, now, now + self.time_to_live)):
            return False
        outcome.replayed.append(request.id)
        outcome.is_demand_due = True
        return True

    def _raise_demand(self, endpoint: str, outcome: "_Outcome") -> None:
        if outcome.is_demand_due:
            now = self.clock()
            self.state.raise_demand(endpoint, now, now, has_requests=True, by=outcome.by)
            outcome.is_demand_due = False


class _Outcome:
    """What a replay has done so far, and for whom."""

    def __init__(self, by: str | None) -> None:
        self.by = by
        self.replayed: list[str] = []
        self.skipped: dict[str, str] = {}
        self.left = 0
        self.is_demand_due = False
