"""No request is lost: `python -m benchmarks.chaos`, `make chaos`.

On a local AWS of its own, with the real container: callers send requests of all kinds while the
endpoint is put to sleep again and again, and `reconcile`, `drain` and the model server are killed
at random. Every answer is matched with its question, every record is read at the end. Prints a
table, and one JSON object as the last line of stdout; the status is 1 if anything was lost or
answered twice, and what it is stands in both.
"""

import argparse
import json
import random
import secrets
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from benchmarks.arrivals import VARIABLE, Arrivals, listening
from benchmarks.chaos.callers import Callers, Outcome
from benchmarks.chaos.disasters import Killer
from benchmarks.chaos.questions import MODELS, Kind, Question, questions
from benchmarks.chaos.report import FINAL, Seen, summary, table
from benchmarks.deployed import (
    SENDERS,
    Deployed,
    FailedError,
    affine_models,
    deployed,
    lease_of,
)
from benchmarks.environments import MissingEnvironmentError
from benchmarks.program import be_interruptible, positive
from benchmarks.progress import say
from local.running import NotStartedError
from local.stack import DeployError

_PARAMETERS = {
    "MetricLagSeconds": "5",
    "ExpectedWakeSeconds": "7",
    "IdleTimeout": "1h",
    # One endpoint may have half of them.
    "HoldSlots": "40",
}
_CREATE_SECONDS = 2.0
_LEASE_SECONDS = 15
# A tick comes each minute by itself, and by events; here more often, to be killed more often.
_TICK_SECONDS = 4.0
_LOOK_SECONDS = 0.5
# For a wake, or a sleep, on a busy machine; nothing is measured by it.
_PATIENCE_SECONDS = 300.0


def main(arguments: Sequence[str]) -> int:
    """Run and print; the exit status."""
    options = _options(arguments)
    be_interruptible()
    chance = random.Random(options.seed)
    say(f"seed {options.seed}")
    try:
        with tempfile.TemporaryDirectory(prefix="dormouse-chaos-") as folder:
            archives = affine_models(Path(folder), MODELS)
            with (
                deployed(
                    _PARAMETERS | lease_of(_LEASE_SECONDS), archives, _CREATE_SECONDS
                ) as stack,
                listening(stack.settings.port) as (address, arrivals),
            ):
                stack.set_environment(SENDERS, **{VARIABLE: address})
                told = _run(stack, arrivals, options, chance)
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
        print(f"dormouse chaos: {error}", file=sys.stderr)
        return 1
    if not options.json:
        print(table(told))
    print(json.dumps({"seed": options.seed, **told}), flush=True)
    return 1 if told["problems"] else 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.chaos",
        description="Whether a request is lost while processes are killed.",
    )
    parser.add_argument("--requests", type=positive, default=500, help="default: 500")
    parser.add_argument("--callers", type=positive, default=50, help="default: 50")
    parser.add_argument("--sleeps", type=positive, default=5, help="default: 5")
    parser.add_argument(
        "--spread",
        type=float,
        default=30.0,
        help="seconds in which the requests between two sleeps are sent; default: 30",
    )
    parser.add_argument(
        "--pause",
        type=float,
        nargs=2,
        default=(2.0, 8.0),
        metavar="SECONDS",
        help="least and longest between two kills; default: 2 8",
    )
    parser.add_argument(
        "--limit",
        type=float,
        default=1500.0,
        help="seconds in which all must have an end; default: 1500",
    )
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("--json", action="store_true", help="print the object alone")
    return parser.parse_args(arguments)


def _run(
    stack: Deployed, arrivals: Arrivals, options: argparse.Namespace, chance: random.Random
) -> dict[str, Any]:
    began = time.monotonic()
    asked = questions(options.requests, secrets.token_hex(4), chance)
    callers = Callers(stack, began + options.limit)
    # Clients are made one at a time; afterwards threads may share them.
    for service in ("sagemaker", "lambda", "s3", "dynamodb"):
        stack.client(service)
    killer = Killer(stack, random.Random(chance.random()), tuple(options.pause))
    life = Life(stack)
    threads = [threading.Thread(target=run) for run in (killer.run, life.watch, life.tick)]
    pool = ThreadPoolExecutor(options.callers, "caller")
    for thread in threads:
        thread.start()
    try:
        sent: list[Future[Outcome]] = []
        rounds = options.sleeps + 1
        for index in range(rounds):
            part = asked[index * len(asked) // rounds : (index + 1) * len(asked) // rounds]
            sent += _send(pool, callers, part, options.spread, chance)
            if index < options.sleeps:
                _put_to_sleep(stack, life, index + 1)
        say("the last requests are sent")
        outcomes = [future.result() for future in sent]
        say("all have an end for their callers")
        killer.stop()
        statuses = _settled(stack)
    finally:
        killer.stop()
        life.over.set()
        pool.shutdown(wait=False, cancel_futures=True)
        for thread in threads:
            thread.join()
    executions = Counter(
        arrival.inference_id for arrival in arrivals.all() if arrival.status == 200
    )
    seconds = time.monotonic() - began
    return summary(
        outcomes, Seen(statuses, executions, life.wakes, life.sleeps, killer.kills, seconds)
    )


def _send(
    pool: ThreadPoolExecutor,
    callers: Callers,
    asked: Sequence[Question],
    spread: float,
    chance: random.Random,
) -> list[Future[Outcome]]:
    """Send them within so many seconds, and return when the last is on its way."""
    # Some while it sleeps, some as it wakes, some as it serves, some as it is put to sleep.
    times = sorted(chance.uniform(0, spread) for _ in asked)
    began = time.monotonic()
    sent = []
    for moment, question in zip(times, asked, strict=True):
        time.sleep(max(0.0, began + moment - time.monotonic()))
        sent.append(pool.submit(callers.ask, question))
    kinds = Counter(question.kind for question in asked)
    say(f"{len(asked)} requests are sent: " + ", ".join(f"{k} {kinds[k]}" for k in Kind))
    return sent


def _put_to_sleep(stack: Deployed, life: "Life", number: int) -> None:
    """Have the endpoint deleted, once it serves, whoever uses it."""
    life.wait_until(lambda: life.serves, "InService")
    sleeps = life.sleeps
    times = 0

    def is_gone() -> bool:
        nonlocal times
        # It holds until somebody asks for the endpoint again, and somebody always does: unless a
        # tick comes between the two, nothing comes of it.
        if life.sleeps == sleeps and not stack.is_closing():
            with suppress(FailedError):
                stack.intend("sleep")
                times += 1
            time.sleep(_TICK_SECONDS)
        return life.sleeps > sleeps

    say(f"sleep {number} is asked for")
    life.wait_until(is_gone, "gone")
    say(f"sleep {number}: the endpoint is gone; that was asked for {times} times")


@dataclass
class Life:
    """The endpoint's life, as it is seen by asking SageMaker."""

    stack: Deployed
    wakes: int = 0
    sleeps: int = 0
    serves: bool = False
    over: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> None:
        """Count its wakes and sleeps until it is over; to be called by a thread."""
        created: object = None
        while not self.over.wait(_LOOK_SECONDS):
            # A machine that is busy may not answer in time.
            with suppress(BotoCoreError, ClientError):
                described = self.stack.described()
                now = None if described is None else described["CreationTime"]
                self.serves = described is not None and described["EndpointStatus"] == "InService"
                self.wakes += now not in {None, created}
                self.sleeps += created not in {None, now}
                created = now

    def tick(self) -> None:
        """Have ticks begin until it is over; to be called by a thread."""
        while not self.over.wait(_TICK_SECONDS):
            with suppress(BotoCoreError, ClientError):
                self.stack.tick()

    def wait_until(self, seen: Any, what: str) -> None:
        """Wait until it is so.

        Raises:
            FailedError: it takes too long.
        """
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not seen():
            if time.monotonic() > deadline:
                raise FailedError(f"the endpoint was not {what} within {_PATIENCE_SECONDS:.0f} s")
            time.sleep(_LOOK_SECONDS)


def _settled(stack: Deployed) -> dict[str, str]:
    """The status of every accepted request's record, once all are final or time is up."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        statuses = _statuses(stack)
        if FINAL.issuperset(statuses.values()) or time.monotonic() > deadline:
            return statuses
        time.sleep(2)


def _statuses(stack: Deployed) -> dict[str, str]:
    # Of one who was held only that it is so is recorded, by some; those answer to their caller.
    pages = (
        stack.client("dynamodb")
        .get_paginator("scan")
        .paginate(TableName=stack.resources["RequestsTable"], ConsistentRead=True)
    )
    return {
        item["id"]["S"]: item["status"]["S"]
        for page in pages
        for item in page["Items"]
        if item.get("kind", {}).get("S") in {"respond-async", "async-invocation"}
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
