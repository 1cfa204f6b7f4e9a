"""The handlers: an event in, the outcome and its log and metrics out."""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dormouse.adapters.state import EndpointsTable
from dormouse.domain.activity import Unreadable
from dormouse.domain.claims import OwnEndpoint, TaggedConfig
from dormouse.domain.endpoint import EndpointStatus
from dormouse.domain.intent import IntentError
from dormouse.domain.invocation import Forwarded, InvocationResponse, NotServing
from dormouse.domain.plan import Timing
from dormouse.errors import UnmanagedEndpointError
from dormouse.proxy import Proxy
from dormouse.reconciler import Reconciler
from tests.fakes.clock import FakeClock
from tests.fakes.endpoints import FakeEndpoints
from tests.fakes.world import FakeCatalog, FakeMetrics, FakeNudge, FakeRuntime

EVENTS = Path(__file__).parents[2] / "events"


@dataclass
class Context:
    """Lambda's context, as far as Powertools reads it."""

    function_name: str = "f"
    memory_limit_in_mb: int = 256
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:f"
    aws_request_id: str = "r-1"
    remaining_milliseconds: int = 50_000

    def get_remaining_time_in_millis(self) -> int:
        """Tell how long Lambda lets it live."""
        return self.remaining_milliseconds


def golden(name: str) -> Any:
    """Read an event of events/."""
    return json.loads((EVENTS / name).read_text())


class Handlers:
    """Both handlers over stand-ins, and what they print."""

    def __init__(
        self,
        table: EndpointsTable,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "test")
        monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Dormouse")
        from dormouse.handlers import invoke, reconcile
        from dormouse.observability import logger

        # The logger took standard output when it was imported, before pytest replaced it.
        self.log = io.StringIO()
        monkeypatch.setattr(logger.registered_handler, "stream", self.log)
        self.capsys = capsys
        self.context = Context()
        self.table = table
        self.clock = FakeClock()
        self.catalog = FakeCatalog([TaggedConfig("c", {"dormouse:endpoint": "dormouse"})])
        self.endpoints = FakeEndpoints(self.clock)
        self.metrics = FakeMetrics()
        self.runtime = FakeRuntime(Forwarded(InvocationResponse(200, {}, b"[1]")))
        self.nudge = FakeNudge()
        timing = Timing(timedelta(minutes=5), timedelta(seconds=30), timedelta(hours=1))
        reconciler = Reconciler(
            self.catalog,
            self.endpoints,
            self.metrics,
            table,
            self.clock,
            timing,
            OwnEndpoint("dormouse", "c"),
            "stack",
        )
        proxy = Proxy(
            self.runtime,
            self.catalog,
            table,
            self.nudge,
            self.clock,
            timedelta(minutes=8),
            timedelta(seconds=30),
            "dormouse",
        )
        monkeypatch.setattr(reconcile, "reconciler", lambda: reconciler)
        monkeypatch.setattr(invoke, "proxy", lambda: proxy)
        # Powertools' decorators take the types away.
        self.reconcile: Callable[[Any], Any] = lambda event: reconcile.handler(event, self.context)
        self.invoke: Callable[[Any], Any] = lambda event: invoke.handler(event, Context())

    def printed(self) -> list[dict[str, Any]]:
        """Read the lines of JSON that were logged, and those of metrics since the last call."""
        lines = self.log.getvalue() + self.capsys.readouterr().out
        return [json.loads(line) for line in lines.splitlines()]

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
) -> Iterator[Handlers]:
    """Fresh stand-ins behind the handlers."""
    yield Handlers(table, capsys, monkeypatch)


@pytest.mark.parametrize(
    "file",
    ["reconcile-scheduled.json", "reconcile-nudge.json", "reconcile-endpoint-state-change.json"],
)
def test_each_trigger_makes_a_tick(handlers: Handlers, file: str) -> None:
    """The entry of an endpoint holds its plan in words."""
    (entry,) = handlers.reconcile(golden(file))

    assert entry == {
        "endpoint": "dormouse",
        "action": "stay down",
        "rule": "otherwise down",
        "reason": "it does not exist and nobody needs it",
        "next_look_at": None,
        "problem": None,
    }
    assert handlers.counts() == {"Ticks": 1}


def test_a_wake_records_a_hold_and_starts(handlers: Handlers) -> None:
    """In the same invocation; the answer is JSON."""
    (entry,) = handlers.reconcile(golden("reconcile-wake-for.json"))

    assert json.loads(json.dumps(entry)) == {
        "endpoint": "dormouse",
        "action": "start",
        "rule": "hold",
        "reason": "needed until 2026-02-16 11:00:00 UTC: it is held",
        "next_look_at": "2026-02-16T11:00:00+00:00",
        "problem": None,
    }
    assert handlers.counts()["Starts"] == 1


def test_unreadable_metrics_raise_the_alarm_metric(handlers: Handlers) -> None:
    """The template's alarm stands on it."""
    handlers.endpoints.put("dormouse", EndpointStatus.IN_SERVICE)
    handlers.clock.advance(hours=1)
    handlers.metrics.answer = Unreadable("throttled")

    (entry,) = handlers.reconcile(golden("reconcile-scheduled.json"))

    assert entry["action"] == "stay up"
    assert handlers.counts()["MetricsUnreadable"] == 1


def test_a_problem_is_logged_as_an_error_and_counted(handlers: Handlers) -> None:
    """With the endpoint as a field, never as a dimension."""
    handlers.endpoints.unreadable = "DescribeEndpoint failed: timeout"

    (entry,) = handlers.reconcile(golden("reconcile-scheduled.json"))

    assert entry["problem"] == "DescribeEndpoint failed: timeout"
    lines = handlers.printed()
    assert any(
        line.get("level") == "ERROR"
        and line["message"] == "DescribeEndpoint failed: timeout"
        and line["endpoint"] == "dormouse"
        for line in lines
    )
    assert any(line.get("Problems") == [1.0] for line in lines)


def test_a_tick_ends_before_lambda_ends_it(handlers: Handlers) -> None:
    """Killed, it would lose its metrics, and with them the alarm that says why it was slow."""
    handlers.catalog.configs.append(TaggedConfig("d", {"dormouse:endpoint": "reviews"}))
    handlers.context.remaining_milliseconds = 19_999

    assert len(handlers.reconcile(golden("reconcile-scheduled.json"))) == 1
    assert handlers.counts() == {"TicksCutShort": 1, "Ticks": 1}


def test_a_nudge_carries_the_id_of_the_request_into_the_log_of_the_tick(
    handlers: Handlers,
) -> None:
    """The logs of both functions can be put together."""
    handlers.reconcile({**golden("reconcile-nudge.json"), "id": "request-1"})

    assert {line["correlation_id"] for line in handlers.printed() if "level" in line} == {
        "request-1"
    }


def test_a_bad_event_does_nothing_and_names_the_part(handlers: Handlers) -> None:
    """The invocation fails, which an operator sees."""
    with pytest.raises(IntentError, match="'dance'"):
        handlers.reconcile({"action": "dance"})
    with pytest.raises(UnmanagedEndpointError, match="nobody"):
        handlers.reconcile({"action": "wake", "endpoint": "nobody"})


@pytest.mark.parametrize(
    "file", ["invoke-json.json", "invoke-jsonlines.json", "invoke-binary.json"]
)
def test_an_invocation_is_forwarded_and_logged(handlers: Handlers, file: str) -> None:
    """One line with what a person would look for, and the request's id."""
    answer = handlers.invoke(golden(file))

    assert (answer["statusCode"], answer["body"]) == (200, "[1]")
    (log,) = [line for line in handlers.printed() if line.get("message") == "forwarded"]
    assert log["endpoint"] == "dormouse"
    assert log["target_model"].endswith(".tar.gz")
    assert log["principal"].startswith("arn:aws:")
    assert log["correlation_id"]


def test_a_cold_request_is_a_503_with_retry_after(handlers: Handlers) -> None:
    """And counted."""
    handlers.runtime.answer = NotServing(InvocationResponse(400, {}, b""))

    answer = handlers.invoke(golden("invoke-json.json"))

    assert answer["statusCode"] == 503
    assert answer["headers"]["retry-after"] == "480"
    assert handlers.nudge.sent == ["dormouse"]
    assert handlers.counts() == {"ColdRequests": 1}


def test_another_path_is_a_404_before_anything_else(handlers: Handlers) -> None:
    """Nothing is forwarded."""
    answer = handlers.invoke(golden("invoke-unknown-path.json"))

    assert answer["statusCode"] == 404
    assert handlers.runtime.requests == []
    assert handlers.counts() == {"Refused": 1}
