"""The handlers over stand-ins, with what they answer, log and count."""

import io
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dormouse.adapters.aliases import AliasesTable
from dormouse.adapters.invocations import AsynchronousInvocation, ReconcileTick
from dormouse.adapters.state import EndpointsTable
from dormouse.aliases import Aliases
from dormouse.ground_truths import GroundTruths
from dormouse.models import Models
from dormouse.recording import Recording
from dormouse.removal import Removal
from dormouse.tallying import Tallying
from tests.fakes.captures import FakeCaptures
from tests.fakes.clock import FakeClock
from tests.fakes.deployment import World
from tests.fakes.front_door import FrontDoor
from tests.fakes.models import FakeModelStore
from tests.fakes.requests import FakePayloads, FakeUsageLedger
from tests.fakes.world import config

# Powertools reads them when it is imported, as in Lambda.
os.environ |= {"POWERTOOLS_SERVICE_NAME": "test", "POWERTOOLS_METRICS_NAMESPACE": "Dormouse"}

EVENTS = Path(__file__).parents[2] / "events"


def golden(name: str) -> Any:
    """Read an event of events/."""
    return json.loads((EVENTS / name).read_text())


@dataclass
class Context:
    """Lambda's context, as far as the handlers and Powertools read it."""

    clock: FakeClock
    ends_at: datetime
    function_name: str = "f"
    memory_limit_in_mb: int = 256
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:f"
    aws_request_id: str = "r-1"

    def get_remaining_time_in_millis(self) -> int:
        """Tell how long Lambda lets it live."""
        return int((self.ends_at - self.clock()).total_seconds() * 1000)


class FakeLambda:
    """Lambda's client: `reconcile` is carried out at once, and what need not be waited for kept."""

    def __init__(self, reconcile: Callable[[Any], Any], clock: FakeClock) -> None:
        self.reconcile = reconcile
        self.clock = clock
        self.reconcile_takes = timedelta(0)
        self.sent: list[tuple[str, Any]] = []

    def invoke(
        self, *, FunctionName: str, InvocationType: str, Payload: bytes
    ) -> Mapping[str, Any]:
        """Invoke as Lambda does: an exception of the function is an answer."""
        event = json.loads(Payload)
        if InvocationType == "Event":
            self.sent.append((FunctionName, event))
            return {"StatusCode": 202}
        assert FunctionName == "reconcile"
        self.clock.now += self.reconcile_takes
        try:
            answer, failed = self.reconcile(event), False
        except Exception as error:  # noqa: BLE001 - as Lambda does
            answer, failed = {"errorMessage": str(error)}, True
        payload = io.BytesIO(json.dumps(answer).encode())
        return {"Payload": payload, **({"FunctionError": "Unhandled"} if failed else {})}


class Handlers:
    """All handlers over one deployment's stand-ins, and what they print.

    The stack's own endpoint, `dormouse`, is the only one that is claimed.
    """

    def __init__(
        self,
        table: EndpointsTable,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        from dormouse.handlers import cleanup, control, control_models, invoke, reconcile
        from dormouse.observability import logger

        # The logger took standard output when it was imported, before pytest replaced it.
        self.log = io.StringIO()
        monkeypatch.setattr(logger.registered_handler, "stream", self.log)
        self.capsys = capsys
        self.table = table
        self.world = World(table)
        self.clock = self.world.clock
        self.world.catalog.configs[:] = [config("dormouse")]
        self.door = FrontDoor(table, self.clock, nudge=self.world.nudge, catalog=self.world.catalog)
        self.captures, self.usage = FakeCaptures(), FakeUsageLedger()
        tallying = Tallying(self.usage, self.clock, "a container")
        self.recording = Recording(
            self.captures, tallying.note, tallying.note_arrival, by_model=False
        )
        self.seconds_to_live = 50.0
        self.reconcile = self._carry_out(reconcile.handler)
        self.invoke = self._carry_out(invoke.handler)
        self.control = self._carry_out(control.handler)
        self.cleanup = self._carry_out(cleanup.handler)
        self.lambdas = FakeLambda(self.reconcile, self.clock)
        client: Any = self.lambdas
        removal = Removal(
            table, ReconcileTick(client, "reconcile"), self.clock, timedelta(seconds=50)
        )
        self.store, self.truths = FakeModelStore(), FakePayloads()
        intents, pointed = self.world.intents, AliasesTable(table.client, table.table_name)
        models = Models(intents, self.store, pointed, self.world.usage, self.clock)
        aliases = Aliases(intents, self.store, pointed, self.clock)
        ground_truths = GroundTruths(intents, pointed, self.truths, self.clock)
        self.answers: list[tuple[Any, str, str | None]] = []
        for module, name, built in (
            (reconcile, "reconciler", self.world.reconciler),
            (reconcile, "intents", self.world.intents),
            (invoke, "proxy", self.door.proxy),
            (invoke, "async_invocations", self.door.async_invocations),
            (invoke, "inquiry", self.door.inquiry),
            (invoke, "recording", self.recording),
            (control, "control", self.world.control),
            (control_models, "models", models),
            (control_models, "aliases", aliases),
            (control_models, "ground_truths", ground_truths),
            (cleanup, "removal", removal),
            (cleanup, "answer_cloudformation", lambda *answer: self.answers.append(answer)),
            (cleanup, "invoke_again", AsynchronousInvocation(client)),
        ):
            monkeypatch.setattr(module, name, lambda built=built: built)
        monkeypatch.setattr(
            "dormouse.handlers.cleanup.time.sleep", lambda s: self.clock.advance(seconds=s)
        )

    def _carry_out(self, handler: Callable[..., Any]) -> Callable[[Any], Any]:
        """Invoke a handler with a life of its own; Powertools' decorators take its types away."""

        def invoke(event: Any) -> Any:
            ends_at = self.clock() + timedelta(seconds=self.seconds_to_live)
            return handler(event, Context(self.clock, ends_at))

        return invoke

    def printed(self) -> list[dict[str, Any]]:
        """Read the lines of JSON that were logged, and those of metrics since the last call."""
        lines = self.log.getvalue() + self.capsys.readouterr().out
        return [json.loads(line) for line in lines.splitlines()]

    def logged(self, level: str) -> list[dict[str, Any]]:
        """Read what was logged at a level."""
        lines = [json.loads(line) for line in self.log.getvalue().splitlines()]
        return [line for line in lines if line["level"] == level]

    def counts(self) -> dict[str, float]:
        """Read the metrics that were printed since the last call."""
        values: dict[str, float] = {}
        for line in self.printed():
            for directive in line.get("_aws", {}).get("CloudWatchMetrics", ()):
                assert directive["Dimensions"] == [["service"]]
                for metric in directive["Metrics"]:
                    values[metric["Name"]] = sum(line[metric["Name"]])
        return values


@pytest.fixture
def handlers(
    table: EndpointsTable, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Handlers:
    """Fresh stand-ins behind the handlers."""
    return Handlers(table, capsys, monkeypatch)
