"""A request that was accepted before it could be answered, and the steps of its life.

Each step is a pure function from one record to the next. The store writes a step only if the record
is still at the revision that the step was computed from, so of two who take a step at once one
loses and looks again: this is what makes a result be recorded once.

    parked -> released -> answering -> answered | failed
       ^         |  ^         |
       +---------+  +---------+      and from parked or released: expired | cancelled
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """By which door it came."""

    RESPOND_ASYNC = "respond-async"
    ASYNC_INVOCATION = "async-invocation"
    HELD = "held"
    """Held by a caller who waits; recorded only so that its repetitions join it."""


class Status(StrEnum):
    """Where it is in its life."""

    PARKED = "parked"
    """Durable, and waiting for the endpoint to serve."""
    RELEASED = "released"
    """The endpoint serves; it waits for its turn."""
    ANSWERING = "answering"
    """Somebody has claimed it and asks the model."""
    ANSWERED = "answered"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing more becomes of it, unless it is replayed."""
        return self in _FINAL


_FINAL = frozenset({Status.ANSWERED, Status.FAILED, Status.EXPIRED, Status.CANCELLED})


@dataclass(frozen=True, slots=True)
class Result:
    """What is answered: the response of the model, or of SageMaker, or of Dormouse.

    The body lies under `body_key` among the payloads. It is of one claim alone, so that two who
    answered the same request never overwrite one another.
    """

    status: int
    headers: Mapping[str, str]
    body_key: str


@dataclass(frozen=True, slots=True)
class ParkedRequest:
    """One accepted request, as it is recorded.

    `id` is its name at the door, `<endpoint>.<token>`. `revision` counts the steps that were
    written. `headers` are those of the runtime's protocol, to be sent. `fingerprint` tells another
    request under the same InferenceId from the same one sent twice. It is cold if its endpoint did
    not serve when it was accepted. `tries` counts the times that
    it was claimed, less those that ended by no fault of its own. `completion_topic`,
    `output_location` and `failure_location` are what is told and written once it is final;
    `is_published` is whether that is done.
    """

    endpoint: str
    id: str
    kind: Kind
    status: Status
    principal: str
    headers: Mapping[str, str]
    body_key: str
    accepted_at: datetime
    expires_at: datetime
    fingerprint: str
    revision: int = 0
    is_cold: bool = False
    inference_id: str | None = None
    input_location: str | None = None
    output_location: str | None = None
    failure_location: str | None = None
    completion_topic: str | None = None
    tries: int = 0
    released_at: datetime | None = None
    claim: str | None = None
    claimed_until: datetime | None = None
    finished_at: datetime | None = None
    reason: str | None = None
    result: Result | None = None
    is_published: bool = False

    @property
    def target_model(self) -> str:
        """The model that is asked for; empty where none is named."""
        return self.headers.get("x-amzn-sagemaker-target-model", "")

    @property
    def wants_publishing(self) -> bool:
        """Whether it is final, and somebody is still to be told: its caller; of a failure, whoever
        looks through the dead letters; of what has expired, the capture.
        """
        if self.is_published or not self.status.is_final or self.status is Status.CANCELLED:
            return False
        if self.status in (Status.FAILED, Status.EXPIRED) and self.kind is not Kind.HELD:
            return True
        return self.output_location is not None or self.completion_topic is not None

    def is_expired(self, now: datetime) -> bool:
        """Whether its time to live has run out, and nobody is answering it."""
        waits = self.status is Status.PARKED or self.is_claimable(now)
        return waits and now >= self.expires_at

    def is_claimable(self, now: datetime) -> bool:
        """Whether it waits for its turn, or whoever had claimed it is gone."""
        if self.status is Status.RELEASED:
            return True
        return (
            self.status is Status.ANSWERING
            and self.claimed_until is not None
            and now >= self.claimed_until
        )


class Queue(StrEnum):
    """In which order of an endpoint's requests one is found."""

    PARKED = "parked"
    RELEASED = "released"
    """Waiting for its turn, or being answered; ordered by model, then by age."""
    PUBLISHING = "publishing"


def queue_of(request: ParkedRequest) -> Queue | None:
    """Say which queue it stands in; None where nobody has to find it."""
    if request.kind is Kind.HELD:
        return None
    match request.status:
        case Status.PARKED:
            return Queue.PARKED
        case Status.RELEASED | Status.ANSWERING:
            return Queue.RELEASED
        case _:
            return Queue.PUBLISHING if request.wants_publishing else None


def model_key(target_model: str) -> str:
    """Name a model in a few characters: names may have 1024, sort keys have to be short."""
    return hashlib.sha256(target_model.encode()).hexdigest()[:16]


def released(request: ParkedRequest, now: datetime) -> ParkedRequest:
    """Let a parked one take its turn; or a released one again, whose message may be lost."""
    return _step(request, status=Status.RELEASED, released_at=now)


def sent_again(request: ParkedRequest) -> ParkedRequest:
    """Note that it came once more, so that whoever could not accept it does not take it back."""
    return _step(request)


def claimed(request: ParkedRequest, claim: str, until: datetime) -> ParkedRequest:
    """Let somebody answer it, alone, until then. It counts as a try."""
    return _step(
        request,
        status=Status.ANSWERING,
        claim=claim,
        claimed_until=until,
        tries=request.tries + 1,
    )


def claim_extended(request: ParkedRequest, until: datetime) -> ParkedRequest:
    """Let whoever has claimed it go on until then. It is the same try."""
    return _step(request, claimed_until=until)


def given_back(request: ParkedRequest, now: datetime) -> ParkedRequest:
    """Let it take its turn again, by no fault of its own: the try does not count."""
    return _step(
        request,
        status=Status.RELEASED,
        released_at=now,
        claim=None,
        claimed_until=None,
        tries=request.tries - 1,
    )


def tried(request: ParkedRequest, now: datetime, reason: str) -> ParkedRequest:
    """Let it take its turn again after a failure, which counts."""
    return _step(
        request,
        status=Status.RELEASED,
        released_at=now,
        claim=None,
        claimed_until=None,
        reason=reason,
    )


def parked_again(request: ParkedRequest) -> ParkedRequest:
    """Let it wait for the endpoint, which is gone again: the try does not count."""
    return _step(
        request,
        status=Status.PARKED,
        released_at=None,
        claim=None,
        claimed_until=None,
        tries=request.tries - 1,
    )


def answered(request: ParkedRequest, result: Result, now: datetime) -> ParkedRequest:
    """End it with the model's answer."""
    return _ended(request, Status.ANSWERED, now, result=result, reason=None)


def failed(
    request: ParkedRequest, reason: str, now: datetime, result: Result | None = None
) -> ParkedRequest:
    """End it with a failure, and the response that stands for it if there was one."""
    return _ended(request, Status.FAILED, now, result=result, reason=reason)


def expired(request: ParkedRequest, now: datetime) -> ParkedRequest:
    """End it, since its time to live has run out."""
    reason = f"it was not answered within its time to live, which ended at {request.expires_at}"
    return _ended(request, Status.EXPIRED, now, reason=reason)


def cancelled(request: ParkedRequest, now: datetime) -> ParkedRequest:
    """End it, as its caller asks."""
    return _ended(request, Status.CANCELLED, now, reason="it was cancelled by its caller")


def published(request: ParkedRequest) -> ParkedRequest:
    """Note that everybody was told who wanted to be."""
    return _step(request, is_published=True)


def replayed(request: ParkedRequest, now: datetime, expires_at: datetime) -> ParkedRequest:
    """Let a failed or expired one wait once more, as if it had just come."""
    return _step(
        request,
        status=Status.PARKED,
        accepted_at=now,
        expires_at=expires_at,
        tries=0,
        released_at=None,
        claim=None,
        claimed_until=None,
        finished_at=None,
        reason=None,
        result=None,
        is_published=False,
    )


def _ended(
    request: ParkedRequest,
    status: Status,
    now: datetime,
    *,
    reason: str | None,
    result: Result | None = None,
) -> ParkedRequest:
    return _step(
        request,
        status=status,
        finished_at=now,
        reason=reason,
        result=result,
        claim=None,
        claimed_until=None,
    )


def _step(request: ParkedRequest, **changes: object) -> ParkedRequest:
    return replace(request, revision=request.revision + 1, **changes)  # type: ignore[arg-type]  # the steps above name fields
