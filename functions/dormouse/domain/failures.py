"""What is remembered of EndpointConfigs from which an endpoint could not be started or updated.

Each one is left alone for a while after it has failed, longer each time. Meanwhile the next one by
priority is tried; if there is none, nothing is started: the circuit is open.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

FIRST_BACKOFF = timedelta(minutes=2)
LONGEST_BACKOFF = timedelta(hours=1)
# With an hour between the last ones, that is after half a day of an image that can't start.
MOST_FAILURES = 10
SHORTEST_STAY = timedelta(hours=1)
"""How long an endpoint stays on a fall-back at least."""

# Of an EndpointConfig that is asked for no more. A while: what the tagging API leaves out of one
# answer may be in the next.
_REMEMBERED_FOR = timedelta(days=7)

_LONGEST_REASON = 500
_LONGEST_WORDS = 200


class FailureKind(StrEnum):
    """What went wrong, as far as SageMaker's words tell."""

    CAPACITY = "capacity"
    """AWS has no such instance at the moment."""
    QUOTA = "quota"
    """The account's limit for such instances is reached."""
    SERVICE = "service"
    """SageMaker itself has failed."""
    CONFIG_GONE = "config gone"
    """The EndpointConfig is not there, or not yet."""
    OTHER = "other"

    @property
    def mends_itself(self) -> bool:
        """Whether it may pass without anybody changing something here: then it is never given up,
        or a bad day of AWS would leave every endpoint to be resumed by hand.
        """
        return self in (FailureKind.CAPACITY, FailureKind.QUOTA, FailureKind.SERVICE)


# SageMaker models ResourceLimitExceeded alone; the others are told by their texts.
_TEXTS = (
    ("InsufficientInstanceCapacity", FailureKind.CAPACITY),
    ("Unable to provision requested ML compute capacity", FailureKind.CAPACITY),
    ("ResourceLimitExceeded", FailureKind.QUOTA),
    ("account-level service limit", FailureKind.QUOTA),
    ("Could not find endpoint configuration", FailureKind.CONFIG_GONE),
    ("InternalFailure", FailureKind.SERVICE),
    ("InternalServerError", FailureKind.SERVICE),
    ("ServiceUnavailable", FailureKind.SERVICE),
    ("Request to service failed", FailureKind.SERVICE),
)
_THROTTLING = re.compile(
    r"\b(Throttl(ing|ed)(Exception)?|RequestThrottled(Exception)?|TooManyRequests(Exception)?"
    r"|RequestLimitExceeded|Rate exceeded)\b"
)
_IN_PROGRESS = "Cannot update in-progress endpoint"


@dataclass(frozen=True, slots=True)
class Failure:
    """How often in a row an EndpointConfig has failed, and of the last time: when, what, why."""

    count: int
    at: datetime
    kind: FailureKind
    reason: str


@dataclass(frozen=True, slots=True)
class Choice:
    """The EndpointConfig to start from, and in words what speaks against those before it.

    `config_name` is None where all have failed too lately: until `until`, or, if that is None, for
    good.
    """

    config_name: str | None
    words: str
    until: datetime | None = None


def kind_of(reason: str) -> FailureKind:
    """Tell it by a FailureReason, or by the text of a refusal."""
    said = _unquoted(reason)
    return next((kind for text, kind in _TEXTS if text in said), FailureKind.OTHER)


def is_throttling(refusal: str) -> bool:
    """Whether a refusal says only that too much is asked at once: that is no failure."""
    return _THROTTLING.search(_unquoted(refusal)) is not None


def is_passing(refusal: str) -> bool:
    """Whether a refusal says only that this is not the moment, whatever the EndpointConfig: too
    much is asked at once, or another change has begun. That is no failure.
    """
    return is_throttling(refusal) or _IN_PROGRESS in _unquoted(refusal)


def failed_again(before: Failure | None, at: datetime, reason: str) -> Failure:
    """Add a failure to those that went before."""
    kind = kind_of(reason)
    count = 1 if before is None else before.count + 1
    if before is not None and before.kind.mends_itself and not kind.mends_itself:
        # Those before it said nothing against the config, and must not be what it is given up for.
        count = min(count, MOST_FAILURES // 2)
    return Failure(count, at, kind, reason[:_LONGEST_REASON])


def of_use(
    failures: Mapping[str, Failure], configs: Sequence[str], now: datetime
) -> Mapping[str, Failure]:
    """Leave out the failures of EndpointConfigs that are none of these, once they are old."""
    asked_for = {config.lower() for config in configs}
    return {
        config: failure
        for config, failure in failures.items()
        if config in asked_for or now < failure.at + _REMEMBERED_FOR
    }


def retry_at(failure: Failure) -> datetime | None:
    """Say when its EndpointConfig may be tried again; None: not before somebody says so."""
    if failure.count >= MOST_FAILURES and not failure.kind.mends_itself:
        return None
    # Doubled each time, though not without end: the ceiling is reached long before.
    backoff = FIRST_BACKOFF * (1 << min(failure.count - 1, 10))
    return failure.at + min(backoff, LONGEST_BACKOFF)


def choose(configs: Sequence[str], failures: Mapping[str, Failure], now: datetime) -> Choice:
    """Choose the first EndpointConfig, by priority, that may be tried now.

    `failures` has the names of configs in lower case.
    """
    passed_over: list[str] = []
    retries: list[datetime] = []
    for config in configs:
        failure = failures.get(config.lower())
        if failure is None:
            return Choice(config, "; ".join(passed_over))
        again_at = retry_at(failure)
        if again_at is not None and again_at <= now:
            return Choice(config, "; ".join(passed_over))
        retries += [] if again_at is None else [again_at]
        passed_over.append(_words(config, failure, again_at))
    return Choice(None, "; ".join(passed_over), min(retries, default=None))


def return_at(
    first: str, failures: Mapping[str, Failure], running_since: datetime
) -> datetime | None:
    """Say when an endpoint that runs on a fall-back since then may try the first EndpointConfig
    again; None: not before somebody says so.
    """
    stays_until = running_since + SHORTEST_STAY
    failure = failures.get(first.lower())
    if failure is None:
        return stays_until
    again_at = retry_at(failure)
    return None if again_at is None else max(stays_until, again_at)


def _unquoted(reason: str) -> str:
    """Cut it before the first name in quotation marks, which may be spelled like anything."""
    return reason.partition('"')[0]


def _words(config: str, failure: Failure, again_at: datetime | None) -> str:
    times = "once" if failure.count == 1 else f"{failure.count} times in a row"
    then = (
        "and is not tried again before it is resumed or another EndpointConfig is asked for"
        if again_at is None
        else f"and is tried again at {_clock(again_at)}"
    )
    why = failure.reason
    if len(why) > _LONGEST_WORDS:
        why = f"{why[:_LONGEST_WORDS]}…"
    return f"EndpointConfig {config} has failed {times} ({why}), {then}"


def _clock(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
