"""The arithmetic of the proxy's benchmark, and what it measures with."""

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.environments import ROOT
from benchmarks.loopback import Services
from benchmarks.proxy import MODES, SETTINGS, FailedError, aws_calls, figures, percentile
from dormouse.settings import InvokeSettings


def test_the_figures_of_a_mode() -> None:
    """Medians are compared, in milliseconds; below 1 the handler is the faster."""
    handler = [0.001] * 60 + [0.004] * 40
    direct = [0.002] * 99 + [0.010]

    assert figures(handler, direct) == {
        "overhead_ratio_p50": 0.5,
        "overhead_ms_p50": -1.0,
        "p99": 4.0,
        "handler_ms_p50": 1.0,
        "boto3_ms_p50": 2.0,
        "boto3_ms_p99": 2.0,
        "calls": 100,
    }


@pytest.mark.parametrize(
    ("values", "percent", "value"),
    [([3.0], 99, 3.0), ([4.0, 1.0, 3.0, 2.0], 50, 2.0), (list(range(1, 101)), 99, 99)],
)
def test_a_percentile_is_one_of_the_values(values: list[float], percent: int, value: float) -> None:
    """The least that so many do not exceed."""
    assert percentile(values, percent) == value


def test_what_a_request_waits_for_besides_its_own_call() -> None:
    """Of the calls that arrived, one each way is InvokeEndpoint."""
    counts = {"InvokeEndpoint": 200, "PutRecord": 100, "UpdateItem": 2}
    assert aws_calls(counts, 100) == {"per_request": 1.02, "PutRecord": 1.0, "UpdateItem": 0.02}
    assert aws_calls({"InvokeEndpoint": 200}, 100) == {"per_request": 0.0}


@pytest.mark.parametrize("counts", [{}, {"InvokeEndpoint": 199}, {"InvokeEndpoint": 201}])
def test_a_run_in_which_a_request_got_lost_or_was_repeated_is_none(counts: dict[str, int]) -> None:
    """Its figures would be of something else."""
    with pytest.raises(FailedError, match="100 requests"):
        aws_calls(counts, 100)


def test_the_modes_add_one_thing_after_the_other() -> None:
    """Nothing; captures; and leases that are renewed while it runs."""
    off, capture, lease = MODES
    assert (off.percent, capture.percent, lease.percent) == (0, 100, 100)
    assert off.interval == capture.interval
    assert lease.interval == 1


def test_the_settings_are_all_that_the_function_wants() -> None:
    """Or the benchmark would end where it begins."""
    assert InvokeSettings.from_env(SETTINGS).captures_by_model is False


# ------------------------------------------------------------------------------------ the stand-ins


def _members(answer: bytes) -> Any:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    return json.loads(body)


def test_the_stand_ins_answer_what_a_warm_request_asks() -> None:
    """And count it."""
    services = Services()
    services.answer("POST", "/item", "", b'{"terms": {"M": {}}}')
    read = services.answer("POST", "/", "GetItem", b"{}")
    assert _members(read) == {"Item": {"terms": {"M": {}}}}
    update = {"ExpressionAttributeValues": {":lease_until": {"S": "later"}}}
    written = services.answer("POST", "/", "UpdateItem", json.dumps(update).encode())
    assert _members(written)["Attributes"] == {"terms": {"M": {}}, "lease_until": {"S": "later"}}
    invoked = services.answer("POST", "/endpoints/dormouse/invocations", "", b"{}")
    assert b"x-Amzn-Invoked-Production-Variant: AllTraffic" in invoked
    assert "predictions" in _members(invoked)
    services.answer("POST", "/", "PutRecord", b"{}")

    counts = {"GetItem": 1, "UpdateItem": 1, "InvokeEndpoint": 1, "PutRecord": 1}
    assert _members(services.answer("GET", "/counts", "", b"")) == counts
    assert _members(services.answer("GET", "/counts", "", b"")) == {}


def test_what_they_do_not_know_is_not_found() -> None:
    """It is no call of a warm request."""
    assert Services().answer("POST", "/", "Scan", b"{}").startswith(b"HTTP/1.1 404 ")


@pytest.fixture
def port() -> Iterator[int]:
    """Of the stand-ins in a process of their own."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.loopback"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.kill()


def test_they_serve_one_request_after_the_other_over_a_connection(port: int) -> None:
    """Also those that arrive in pieces."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    for _ in range(2):
        connection.putrequest("POST", "/endpoints/dormouse/invocations")
        connection.putheader("Content-Length", "4")
        connection.endheaders()
        connection.send(b"ab")
        connection.send(b"cd")
        answer = connection.getresponse()
        assert (answer.status, b"predictions" in answer.read()) == (200, True)
    connection.close()
