"""SageMaker as the actors meet it: endpoints that come and go in time, and a model that answers.

What must never happen is written down as it happens, in `violations`.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dormouse.domain.activity import Measured, Unreadable
from dormouse.domain.endpoint import Absent, EndpointStatus, Present
from dormouse.domain.invocation import (
    Forwarded,
    InvocationRequest,
    InvocationResponse,
    NotServing,
    Unanswered,
)
from dormouse.domain.ledger import Ledger
from dormouse.ports import Window
from tests.fakes.endpoints import FakeEndpoints
from tests.fakes.ledger import FakeLedgers
from tests.state_machine.interleaving import Actor, Directive, Phase, Point, Stage

ENDPOINT = "reviews"
# Stands for one of the two models all the time.
ALIAS = "it@live"

# SageMaker's runtime ends a call after 60 s and the proxy reads for 70 s: nothing lasts longer.
READ_TIMEOUT = timedelta(seconds=70)
CONNECT_TIMEOUT = timedelta(seconds=3)
# A wake that a proxy or a tick was awake for takes longer than `reconcile` lives.
SHORTEST_WAKE = timedelta(seconds=60)


def answer_to(body: bytes) -> bytes:
    """Say what the model answers: each body its own answer."""
    return b"answer to " + hashlib.sha256(body).hexdigest()[:8].encode() + b" " + body[:40]


@dataclass(slots=True, eq=False)
class Run:
    """One execution of a request by the model."""

    body: bytes
    request_id: str
    actor: Actor | None
    began_at: datetime
    steps_before: int = 0
    """How many steps of requests had been recorded when it began."""
    ended_at: datetime | None = None
    is_good: bool = False
    """Whether the model answered with a prediction, and whoever had asked received it."""
    is_cut: bool = False

    @property
    def is_warm(self) -> bool:
        """Whether it was sent as it came: for the first time, and to an endpoint that serves."""
        is_first = self.is_from_door and self.request_id.endswith("-1")
        return is_first and self.actor is not None and not self.actor.has_slept

    @property
    def is_from_door(self) -> bool:
        """Whether its caller waited for it."""
        return self.request_id.startswith("lambda-")


@dataclass(frozen=True, slots=True)
class Creation:
    """One endpoint that was created, and what was known at that moment."""

    at: datetime
    ledger: Ledger


@dataclass
class Cloud(FakeEndpoints):
    """Endpoints, the runtime and CloudWatch."""

    stage: Stage = field(default_factory=Stage)
    ledgers: FakeLedgers = field(default_factory=FakeLedgers)
    creating: list[timedelta] = field(default_factory=list)
    """How long the next creations take, in turn."""
    deleting: list[timedelta] = field(default_factory=list)
    failures: int = 0
    """How many of the next creations fail."""
    not_ready: int = 0
    """How many of the next requests meet a model that is not loaded yet."""
    metrics_fail: bool = False
    count_steps: Callable[[], int] = lambda: 0
    metric_lag: timedelta = timedelta(seconds=60)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.runs: list[Run] = []
        self.under_way: list[Run] = []
        self.creations: list[Creation] = []
        self.violations: list[str] = []
        self.asked: list[str] = []
        """Every change that was asked for, whether it could be made or not."""
        self.status_changes: list[EndpointStatus | None] = []
        self.was_met = True
        """Whether the last endpoint that was created has been of use, or ended by itself."""
        self._status: EndpointStatus | None = None

    def violated(self, what: str) -> None:
        """Write down that something happened that must not."""
        self.violations.append(what)
        self.stage.note(f"VIOLATION: {what}")

    # ---------------------------------------------------------------------------- the control plane

    @property
    def status(self) -> EndpointStatus | None:
        """What the endpoint is now; None where it is not."""
        seen = self.observe(ENDPOINT)
        return None if isinstance(seen, Absent) else seen.status

    @property
    def is_serving(self) -> bool:
        """Whether the model can be asked."""
        return self.status is not None and self.status.is_serving

    def create(
        self,
        endpoint: str,
        config_name: str,
        tags: Mapping[str, str],
        deployment_config: str | None = None,
    ) -> None:
        """Begin to create it, unless it exists."""
        self.asked.append("create")
        is_new = isinstance(self.observe(endpoint), Absent)
        if not is_new:
            # As SageMakerEndpoints does with `Cannot create already existing endpoint`.
            return
        ledger = self.ledgers.read(endpoint)
        if not self.was_met:
            self.violated("a second endpoint was created for one wake")
        self.was_met = False
        self.creations.append(Creation(self.stage.now, ledger))
        self.create_takes = _next(self.creating, timedelta(seconds=90))
        self.fails_with = None
        if self.failures:
            self.failures -= 1
            self.fails_with = "InsufficientInstanceCapacity"
        super().create(endpoint, config_name, tags, deployment_config)

    def delete(self, endpoint: str) -> None:
        """Begin to delete it, where its status allows."""
        self.asked.append("delete")
        seen = self.observe(endpoint)
        if isinstance(seen, Present) and seen.status not in (
            EndpointStatus.CREATING,
            EndpointStatus.DELETING,
            EndpointStatus.SYSTEM_UPDATING,
        ):
            if not self.ledgers.read(endpoint).is_deleting:
                self.violated("an endpoint was deleted without the claim")
            if self.under_way:
                self.violated(f"requests were cut off: {[run.body for run in self.under_way]}")
            self._cut()
        self.delete_takes = _next(self.deleting, timedelta(seconds=20))
        super().delete(endpoint)

    def update(self, endpoint: str, config_name: str, *, retains_deployment: bool) -> None:
        """Begin to move it to another config, where its status allows."""
        self.asked.append("update")
        super().update(endpoint, config_name, retains_deployment=retains_deployment)

    def delete_by_hand(self) -> None:
        """Let somebody delete it in the console, whoever uses it."""
        if self.status is EndpointStatus.IN_SERVICE:
            self.was_met = True
            self._cut()
            self.delete_takes = timedelta(seconds=5)
            super().delete(ENDPOINT)
            self.look()

    def update_by_itself(self, takes: timedelta) -> None:
        """Let SageMaker patch it: it serves and can't be deleted."""
        seen = self.observe(ENDPOINT)
        if isinstance(seen, Present) and seen.status is EndpointStatus.IN_SERVICE:
            self.update_takes = takes
            self._updates[ENDPOINT] = seen.config_name
            self.put(ENDPOINT, EndpointStatus.UPDATING, tags=self._tags[seen.arn])
            self.look()

    def look(self) -> None:
        """Note what time has changed: SageMaker tells EventBridge of it."""
        status = self.status
        if status is not self._status:
            self.stage.note(f"the endpoint is {status or 'gone'}")
            self.status_changes.append(status)
            self._status = status
        if status in (EndpointStatus.FAILED, EndpointStatus.IN_SERVICE):
            self.was_met = True

    def next_change_at(self) -> datetime | None:
        """Say when its status changes by itself."""
        dues = [run.began_at + READ_TIMEOUT for run in self.under_way if _is_orphan(run)]
        seen = self._present.get(ENDPOINT)
        if seen is not None:
            takes = {
                EndpointStatus.CREATING: self.create_takes,
                EndpointStatus.UPDATING: self.update_takes,
                EndpointStatus.DELETING: self.delete_takes,
            }.get(seen.status)
            if takes is not None:
                dues.append(max(seen.last_modified_at + takes, self.stage.now))
        return min(dues, default=None)

    # ---------------------------------------------------------------------------------- the runtime

    def forward(self, request: InvocationRequest) -> Forwarded | NotServing | Unanswered:
        """Execute a request, if the endpoint serves at the moment at which it arrives."""
        if request.target_model == ALIAS:
            self.violated(f"SageMaker is asked for {ALIAS}, and not for what that stands for")
        stage = self.stage
        actor = stage.running
        in_steps = actor is not None and not stage.is_quiet
        if in_steps:
            point = Point(
                "runtime.forward",
                Phase.BEFORE,
                stage.now + CONNECT_TIMEOUT,
                lambda: self._arrive(request, None),
            )
            if stage.stop(point) is Directive.FAIL:
                return Unanswered("the connection was refused", may_have_run=False)
        arrived = self._arrive(request, actor)
        if isinstance(arrived, NotServing | Forwarded):
            return arrived
        if in_steps:
            point = Point("the model", Phase.UNDER_WAY, stage.now + READ_TIMEOUT)
            directive = stage.stop(point)
        else:
            directive = Directive.GO_ON
        self._leave(arrived)
        if arrived.is_cut or directive is Directive.FAIL:
            return Unanswered("the connection was closed", may_have_run=True)
        arrived.is_good = True
        if request.body.startswith(b"bad"):
            return Forwarded(_error(424, "ModelError", "the model raised ValueError"))
        headers = {"content-type": "text/plain"}
        return Forwarded(InvocationResponse(200, headers, answer_to(request.body)))

    def _arrive(
        self, request: InvocationRequest, actor: Actor | None
    ) -> NotServing | Forwarded | Run:
        if not self.is_serving:
            message = f"Endpoint {ENDPOINT} of account 123456789012 not found."
            return NotServing(_error(400, "ValidationError", message))
        ledger = self.ledgers.read(ENDPOINT)
        what = f"{request.body!r} by {actor.name if actor else 'a call that outlived its caller'}"
        if ledger.is_deleting:
            self.violated(f"sent while a teardown is claimed: {what}")
        if self.not_ready:
            self.not_ready -= 1
            return Forwarded(_error(429, "ModelNotReadyException", "the model is being loaded"))
        steps = self.count_steps()
        run = Run(request.body, request.request_id, actor, self.stage.now, steps)
        self.stage.note(f"the model executes {what}")
        self.runs.append(run)
        self.under_way.append(run)
        return run

    def _leave(self, run: Run) -> None:
        run.ended_at = self.stage.now
        if run in self.under_way:
            self.under_way.remove(run)

    def _cut(self) -> None:
        for run in list(self.under_way):
            run.is_cut = True
            self._leave(run)

    def end_orphans(self) -> None:
        """End the runs whose askers have died, when their time is over."""
        for run in list(self.under_way):
            if _is_orphan(run) and self.stage.now >= run.began_at + READ_TIMEOUT:
                self._leave(run)

    # ----------------------------------------------------------------------------------- CloudWatch

    def last_activity(
        self, windows: Sequence[Window], until: datetime
    ) -> Mapping[str, Measured | Unreadable]:
        """Find the latest minute with an invocation, as far as CloudWatch shows it by now."""
        return {window.endpoint: self._last_activity(window.since) for window in windows}

    def _last_activity(self, since: datetime) -> Measured | Unreadable:
        if self.metrics_fail:
            return Unreadable("GetMetricData refused: Throttling")
        shown = [r.began_at for r in self.runs if r.began_at <= self.stage.now - self.metric_lag]
        minutes = [at.replace(second=0, microsecond=0) + timedelta(minutes=1) for at in shown]
        return Measured(max((m for m in minutes if m >= since), default=None))


def _is_orphan(run: Run) -> bool:
    return run.actor is None or run.actor.is_dead


def _next(durations: list[timedelta], otherwise: timedelta) -> timedelta:
    return durations.pop(0) if durations else otherwise


def _error(status: int, error_type: str, message: str) -> InvocationResponse:
    body = f'{{"__type": "{error_type}", "Message": "{message}"}}'.encode()
    headers = {"content-type": "application/json", "x-amzn-errortype": error_type}
    return InvocationResponse(status, headers, body)
