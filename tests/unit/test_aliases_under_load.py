"""An alias is switched while many containers send: nothing is lost, and nothing misrouted."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import Event, Lock
from typing import Any

import pytest

from dormouse.domain.alias import ALIAS_INTERVAL
from dormouse.domain.invocation import Forwarded, InvocationRequest, InvocationResponse
from dormouse.domain.ledger import Decision, Ledger
from dormouse.domain.principals import Caller
from dormouse.sending import Sender
from tests.fakes.deployment import LEASE_TERMS
from tests.fakes.ledger import FakeLedgers

CALLER = Caller("arn:aws:iam::123456789012:user/jo", "123456789012")
LIVE, OTHER = "sentiment@live", "topics@live"
ONE, TWO, TOPICS = "sentiment-1.tar.gz", "sentiment-2.tar.gz", "topics-1.tar.gz"
CONTAINERS = 12
# How long each target stands at least, and how many requests come while it does: containers that a
# busy machine keeps from running must still meet each.
STANDS = timedelta(seconds=15)
MEANWHILE = 20 * CONTAINERS
# So much faster than ours the story's clock runs.
PACE = 60


class FastClock:
    """Implements Clock."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __call__(self) -> datetime:
        """Tell the time of the story."""
        passed = (time.monotonic() - self._began) * PACE
        return datetime(2026, 2, 16, 9, 0, tzinfo=UTC) + timedelta(seconds=passed)


class LockedLedgers(FakeLedgers):
    """The ledgers, of which each method is one step for threads too."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = Lock()

    def _locked(self, act: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        with self._lock:
            return act(*arguments, **named)

    def take_lease(self, *arguments: Any, **named: Any) -> Any:
        """Write the lease."""
        return self._locked(super().take_lease, *arguments, **named)

    def set_alias(self, *arguments: Any, **named: Any) -> Any:
        """Let an alias stand for a model."""
        return self._locked(super().set_alias, *arguments, **named)


@dataclass(slots=True)
class RecordingRuntime:
    """Implements Runtime; `models` says to which each body was sent."""

    models: dict[bytes, list[str | None]] = field(default_factory=dict)
    lock: Any = field(default_factory=Lock)

    def forward(self, request: InvocationRequest) -> Forwarded:
        """Answer the body, by the model."""
        with self.lock:
            self.models.setdefault(request.body, []).append(request.target_model)
        answer = f"{request.target_model} answers {request.body.decode()}"
        return Forwarded(InvocationResponse(200, {}, answer.encode()))


@dataclass(frozen=True, slots=True)
class SentOne:
    """A request, when it was sent, and the answer."""

    body: bytes
    alias: str
    began_at: datetime
    ended_at: datetime
    answer: bytes


@pytest.mark.parametrize("switches", [(TWO,), (TWO, ONE, TWO)])
def test_each_request_goes_to_the_old_or_the_new_and_then_to_the_new_alone(
    switches: tuple[str, ...],
) -> None:
    """Five seconds after a switch has answered, no container follows the old target any more."""
    clock, ledgers, runtime, numbers = FastClock(), LockedLedgers(), RecordingRuntime(), count()
    over = Event()
    ledgers.record_decision("reviews", Decision("stay up", "hold", "held"), clock(), Ledger())
    ledgers.set_alias("reviews", LIVE, ONE, clock(), 9)
    ledgers.set_alias("reviews", OTHER, TOPICS, clock(), 9)

    def container() -> list[SentOne]:
        sender, sent = Sender(runtime, ledgers, clock, LEASE_TERMS), []
        while not over.is_set():
            number = next(numbers)
            body, alias = str(number).encode(), OTHER if number % 3 == 0 else LIVE
            headers = {"x-amzn-sagemaker-target-model": alias}
            began_at = clock()
            answer = sender.send(InvocationRequest("reviews", headers, body, CALLER))
            assert isinstance(answer, Forwarded)
            sent.append(SentOne(body, alias, began_at, clock(), answer.response.body))
            time.sleep(0.001)
        assert sender.problems == []
        return sent

    def stand() -> None:
        until, answers = clock() + STANDS, len(runtime.models) + MEANWHILE
        while clock() < until or len(runtime.models) < answers:
            assert not any(future.done() for future in running), "a container has failed"
            time.sleep(0.01)

    # Which targets a request may have, by when it was begun and had ended.
    moves = [(clock(), clock(), ONE)]
    with ThreadPoolExecutor(CONTAINERS) as pool:
        running = [pool.submit(container) for _ in range(CONTAINERS)]
        try:
            for target in switches:
                stand()
                asked_at = clock()
                ledgers.set_alias("reviews", LIVE, target, clock(), 9)
                moves.append((asked_at, clock() + ALIAS_INTERVAL, target))
            stand()
        finally:
            over.set()
        sent = [one for future in running for one in future.result()]

    assert {len(models) for models in runtime.models.values()} == {1}
    assert len(sent) == len(runtime.models) >= MEANWHILE
    reached: Counter[str] = Counter()
    for one in sent:
        (model,) = runtime.models[one.body]
        assert one.answer == f"{model} answers {one.body.decode()}".encode()
        allowed = {TOPICS} if one.alias == OTHER else _allowed(one, moves)
        assert model in allowed
        reached[str(model)] += 1
    assert min(reached[model] for model in (ONE, TWO, TOPICS)) > 0


def _allowed(one: SentOne, moves: list[tuple[datetime, datetime, str]]) -> set[str]:
    """Name what the alias may have stood for: all from the last that everybody follows since before
    it was begun, up to the last that was asked for before it ended.
    """
    followed = [number for number, (_, at, _) in enumerate(moves) if at <= one.began_at]
    asked = [number for number, (at, _, _) in enumerate(moves) if at <= one.ended_at]
    return {target for _, _, target in moves[max(followed, default=0) : max(asked) + 1]}
