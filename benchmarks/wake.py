"""How soon a parked request is sent once its endpoint serves: `python -m benchmarks.wake --json`,
`make bench-wake`.

On a local AWS of its own, with the real container: a request is parked at an endpoint that sleeps,
which wakes it. What is measured is the time from the moment in which SageMaker says InService
(LastModifiedTime) to the InvokeEndpoint of that request, as it leaves the function that sends it.
First with SageMaker's events; then with the rule for them switched off, as if each was lost, where
only the next tick can find out. Prints one JSON object as the last line of stdout.
"""

import argparse
import json
import math
import statistics
import sys
import time
import uuid
from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError

from benchmarks.arrivals import VARIABLE, Arrivals, listening
from benchmarks.deployed import SENDERS, Deployed, FailedError, deployed, lease_of
from benchmarks.environments import MissingEnvironmentError
from benchmarks.program import be_interruptible, positive
from benchmarks.progress import say
from local.running import NotStartedError
from local.stack import TINY_MODELS, DeployError

_PARAMETERS = {"MetricLagSeconds": "5", "ExpectedWakeSeconds": "7", "IdleTimeout": "1h"}
_MODEL = "sentiment-tiny.tar.gz"
_QUESTION = b'{"inputs": "a wonderful film and a great story"}'
# SageMaker's own least time is minutes; the container itself takes some seconds here.
_CREATE_SECONDS = 2.0
# Enough for a tiny model to be fetched, loaded and asked on a busy machine.
_LEASE_SECONDS = 10
# For a wake, or a sleep, on a busy machine; nothing is measured by it.
_PATIENCE_SECONDS = 300.0
# The rule by which SageMaker's events make a tick come sooner.
_RULE = "ReconcileFunctionEndpointChanged"


def main(arguments: Sequence[str]) -> int:
    """Measure and print; the exit status."""
    options = _options(arguments)
    be_interruptible()
    archives = sorted(TINY_MODELS.glob("*.tar.gz"))
    try:
        with (
            deployed(_PARAMETERS | lease_of(_LEASE_SECONDS), archives, _CREATE_SECONDS) as stack,
            listening(stack.settings.port) as (address, arrivals),
        ):
            stack.set_environment(SENDERS, **{VARIABLE: address})
            by_event = _wakes(stack, arrivals, options.wakes, "with events")
            stack.client("events").disable_rule(Name=stack.resources[_RULE].split("|")[-1])
            by_tick = _wakes(stack, arrivals, options.no_event_wakes, "without events")
    except KeyboardInterrupt:
        say("Interrupted; nothing is left running.")
        return 130
    except (
        FailedError,
        NotStartedError,
        DeployError,
        MissingEnvironmentError,
        BotoCoreError,
        ClientError,
    ) as error:
        print(f"dormouse wake: {error}", file=sys.stderr)
        return 1
    result = {
        "event_p50_s": round(statistics.median(by_event), 3),
        "event_p99_s": round(_percentile(by_event, 99), 3),
        "no_event_max_s": round(max(by_tick), 3),
        "wakes": len(by_event),
        "no_event_wakes": len(by_tick),
        "event_s": [round(seconds, 3) for seconds in by_event],
        "no_event_s": [round(seconds, 3) for seconds in by_tick],
    }
    if not options.json:
        print(
            f"From InService to the first parked request's InvokeEndpoint, {len(by_event)} wakes "
            f"with events: median {result['event_p50_s']} s, 99th percentile "
            f"{result['event_p99_s']} s; {len(by_tick)} without: {result['no_event_max_s']} s at "
            "most."
        )
    print(json.dumps(result), flush=True)
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.wake",
        description="How soon a parked request is sent once its endpoint serves.",
    )
    parser.add_argument("--wakes", type=positive, default=30, help="with events; default: 30")
    parser.add_argument(
        "--no-event-wakes", type=positive, default=8, help="without events; default: 8"
    )
    parser.add_argument("--json", action="store_true", help="print the object alone")
    return parser.parse_args(arguments)


def _wakes(stack: Deployed, arrivals: Arrivals, number: int, how: str) -> list[float]:
    """The seconds of so many wakes."""
    found = []
    for wake in range(1, number + 1):
        _sleep(stack)
        seconds = _wake(stack, arrivals)
        say(f"wake {wake} of {number} {how}: sent {seconds:.3f} s after InService")
        found.append(seconds)
    return found


def _wake(stack: Deployed, arrivals: Arrivals) -> float:
    """Park a request, and say how long after InService it was sent."""
    inference_id = uuid.uuid4().hex
    answer = stack.ask(
        "POST",
        f"/endpoints/{stack.endpoint}/invocations",
        _QUESTION,
        {
            "Content-Type": "application/json",
            "Prefer": "respond-async",
            "X-Amzn-SageMaker-Target-Model": _MODEL,
            "X-Amzn-SageMaker-Inference-Id": inference_id,
        },
    )
    if answer.status != 202:
        raise FailedError(
            f"the request was not parked but answered {answer.status}: {answer.body!r}"
        )
    # Nothing is asked of Dormouse meanwhile: that could make a tick come sooner. The door itself
    # may have sent it before, and been told that there is no such endpoint.
    sent = arrivals.wait_for(
        lambda each: each.inference_id == inference_id and each.status == 200, _PATIENCE_SECONDS
    )
    if sent is None:
        raise FailedError(f"the request was not sent within {_PATIENCE_SECONDS:.0f} s")
    described = stack.described()
    if described is None or described["EndpointStatus"] != "InService":
        raise FailedError(f"the request was sent, but the endpoint is not InService: {described}")
    since: float = described["LastModifiedTime"].timestamp()
    return sent.at - since


def _sleep(stack: Deployed) -> None:
    """Have the endpoint deleted, and return once it is gone."""
    if stack.described() is None:
        return
    stack.intend("sleep")
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while stack.described() is not None:
        if time.monotonic() > deadline:
            raise FailedError(f"the endpoint was not deleted within {_PATIENCE_SECONDS:.0f} s")
        stack.tick()
        time.sleep(1)
    # Noted as gone by a tick of its own, or the next request would have to wait for that.
    stack.tick()
    time.sleep(1)


def _percentile(values: Sequence[float], percent: int) -> float:
    """The least value that so many percent do not exceed."""
    ranked = sorted(values)
    return ranked[math.ceil(len(ranked) * percent / 100) - 1]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
