"""`make demo`: the whole story on a local AWS, with the real model server and real models.

A request finds the endpoint asleep and wakes it, another one is kept and answered when it serves.
Two models answer, what was asked and answered is captured and counted, nobody calls any more, and
the endpoint is torn down with its reason. Each step is checked; the first that fails ends it with
status 1.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local import running, stack
from local.caller import models, prefer, result, runtime_client, standing
from local.deployment import LEASE, bring_up
from local.settings import LocalSettings, SettingsError, parse
from local.terminal import Step, Terminal

CREATE_SECONDS = 10.0
PARAMETERS = {"IdleTimeout": "60s", "MetricLagSeconds": "5", "ExpectedWakeSeconds": "20", **LEASE}
POLL_SECONDS = 0.5
WAKE_LIMIT_SECONDS = 90.0
# Idle timeout, a minute until CloudWatch's minute is over, a minute until the next tick, and some.
SLEEP_LIMIT_SECONDS = 240.0

OK, ACCEPTED = 200, 202

# Rough list price in us-east-1 of the template's default instance type.
INSTANCE_TYPE, DOLLARS_AN_HOUR = "ml.m5.xlarge", 0.23

SENTIMENT, TOPIC = "sentiment.tar.gz", "topic.tar.gz"
QUESTIONS = {
    SENTIMENT: (
        ("The staff were lovely and the food was excellent.", "positive"),
        ("What a dull film, I want my two hours back.", "negative"),
    ),
    TOPIC: (
        ("She scored twice in the second half and won the match.", "sports"),
        ("The central bank raised interest rates again.", "business"),
    ),
}


class UnexpectedError(Exception):
    """A step did not go as the story says; the message tells what was seen instead."""


@dataclass(slots=True)
class Story:
    """The world that the demo watches."""

    terminal: Terminal
    settings: LocalSettings
    deployed: stack.Stack
    client: Callable[[str], Any]
    runtime: Any
    began_at: float
    kept_at: str = ""
    up_since: float = 0.0
    up_until: float = 0.0

    @property
    def endpoint(self) -> str:
        """The managed endpoint's name."""
        return self.deployed.endpoint_name

    def invoke(self, model: str, body: bytes) -> Any:
        """Send one request through the front door and return the parsed answer."""
        answer = self.runtime.invoke_endpoint(
            EndpointName=self.endpoint,
            TargetModel=model,
            ContentType="application/json",
            Body=body,
        )
        return json.loads(answer["Body"].read())

    def status(self) -> str | None:
        """Ask SageMaker, not Dormouse; None where there is no endpoint."""
        try:
            described = self.client("sagemaker").describe_endpoint(EndpointName=self.endpoint)
        except ClientError as error:
            if "Could not find endpoint" in str(error):
                return None
            raise
        return str(described["EndpointStatus"])

    def remembered(self, field: str) -> str:
        """Read a text that Dormouse keeps of the endpoint, empty where there is none."""
        item = self.client("dynamodb").get_item(
            TableName=self.deployed.endpoints_table, Key={"endpoint": {"S": self.endpoint}}
        )
        return str(item.get("Item", {}).get(field, {}).get("S", ""))

    def reason(self) -> str:
        """Ask the control API why the endpoint stands as it does."""
        decision = standing(self.deployed).get("decision")
        return str(decision["reason"]) if decision else "no decision yet"

    def wait(self, step: Step, limit_seconds: float, done: Callable[[str | None], bool]) -> None:
        """Wait for a status, showing it and Dormouse's reason meanwhile."""
        deadline = time.monotonic() + limit_seconds
        while not done(status := self.status()):
            if time.monotonic() > deadline:
                raise UnexpectedError(
                    f"after {limit_seconds:.0f} s it is still {status or 'absent'}: {self.reason()}"
                )
            step.update(f"{status or 'absent'}: {self.reason()}")
            time.sleep(POLL_SECONDS)


def first_request(story: Story) -> None:
    """A request for an endpoint that does not exist: 503, and its wake begins."""
    with story.terminal.step("A first request finds the endpoint asleep") as step:
        if (status := story.status()) is not None:
            raise UnexpectedError(f"the endpoint should not exist yet, but is {status}")
        body = json.dumps({"inputs": QUESTIONS[SENTIMENT][0][0]}).encode()
        try:
            answer = story.invoke(SENTIMENT, body)
        except ClientError as error:
            refused = error
        else:
            raise UnexpectedError(f"nothing runs, and yet there is an answer: {answer}")
        code = refused.response["Error"]["Code"]
        headers = refused.response["ResponseMetadata"]["HTTPHeaders"]
        if code != "ServiceUnavailable" or "retry-after" not in headers:
            raise UnexpectedError(f"it should be a 503 with Retry-After, but is {refused}")
        step.note(f"503 {code}, Retry-After: {headers['retry-after']}")
        step.note(refused.response["Error"]["Message"])


def kept_request(story: Story) -> None:
    """A request that prefers to be answered later: 202, and where to ask."""
    with story.terminal.step("A second one asks to be kept (Prefer: respond-async)") as step:
        text, _ = QUESTIONS[SENTIMENT][0]
        client = runtime_client(story.deployed)
        prefer(client, "respond-async")
        answer = client.invoke_endpoint(
            EndpointName=story.endpoint,
            TargetModel=SENTIMENT,
            ContentType="application/json",
            Body=json.dumps({"inputs": text}).encode(),
        )["ResponseMetadata"]
        if answer["HTTPStatusCode"] != ACCEPTED:
            raise UnexpectedError(f"it should be a 202, but is {answer['HTTPStatusCode']}")
        story.kept_at = answer["HTTPHeaders"]["location"]
        step.note(f"202 Accepted, Location: …/requests/{story.kept_at.rpartition('/')[2]}")


def kept_answer(story: Story) -> None:
    """What was kept is answered, without having been sent again."""
    with story.terminal.step("The one that was kept is answered") as step:
        text, expected = QUESTIONS[SENTIMENT][0]
        deadline = time.monotonic() + WAKE_LIMIT_SECONDS
        while (told := result(story.deployed, story.kept_at))[0] == ACCEPTED:
            if time.monotonic() > deadline:
                raise UnexpectedError(f"after {WAKE_LIMIT_SECONDS:.0f} s it is still {told[1]}")
            step.update(f"{told[1]['status']}, position {told[1]['position']}")
            time.sleep(POLL_SECONDS)
        status, body = told
        if status != OK or body["predictions"][0]["label"] != expected:
            raise UnexpectedError(f"{text!r} is {expected}, and not {status} {body}")
        (prediction,) = body["predictions"]
        step.note(f"{text!r}: {prediction['label']} ({prediction['score']:.2f})")


def wake(story: Story) -> None:
    """The endpoint comes up, without another request."""
    with story.terminal.step("That wakes it: the real model server starts") as step:
        story.wait(step, WAKE_LIMIT_SECONDS, lambda status: status is not None)
        story.up_since = time.monotonic()
        step.note(f"why: {story.reason()}")
        story.wait(step, WAKE_LIMIT_SECONDS, lambda status: status == "InService")
        step.note(f"InService; next: {standing(story.deployed)['next']}")


def answers(story: Story) -> None:
    """Both models answer, each loaded by its first request, and they are right."""
    for model, questions in QUESTIONS.items():
        with story.terminal.step(f"{model} answers (its first request loads it)") as step:
            body = json.dumps({"inputs": [text for text, _ in questions]}).encode()
            predictions = story.invoke(model, body)["predictions"]
            for (text, expected), prediction in zip(questions, predictions, strict=True):
                if prediction["label"] != expected:
                    raise UnexpectedError(f"{text!r} is {expected}, and not {prediction}")
                step.note(f"{text!r}: {prediction['label']} ({prediction['score']:.2f})")


def mistakes(story: Story) -> None:
    """What callers do wrong reaches them as the exceptions that they know from SageMaker."""
    with story.terminal.step("Mistakes raise what they raise at SageMaker") as step:
        for what, model, body, expected in (
            ("a model that is not there", "nobody.tar.gz", b'{"inputs": "x"}', "ValidationError"),
            ("a body that is no question", TOPIC, b'{"inputs": 3}', "ModelError"),
        ):
            try:
                answer = story.invoke(model, body)
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code != expected:
                    raise UnexpectedError(f"{what} should raise {expected}, not {error}") from error
                step.note(f"{what}: {code}")
            else:
                raise UnexpectedError(f"{what} should raise {expected}, but is answered: {answer}")


def captured(story: Story) -> None:
    """Each request is captured with its answer, and counted for its model."""
    with story.terminal.step("Each request was captured, and counted for its model") as step:
        s3, bucket = story.client("s3"), story.deployed.capture_bucket
        listed = s3.list_objects_v2(Bucket=bucket, Prefix=f"captures/{story.endpoint}/")
        keys = [entry["Key"] for entry in listed.get("Contents", [])]
        for key in keys:
            record = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
            noted = record["eventMetadata"]
            if noted["status"] == OK and noted["targetModel"] == TOPIC:
                break
        else:
            raise UnexpectedError(f"no answer of {TOPIC} is among the {len(keys)} captures")
        step.note(f"{len(keys)} captures in S3, such as …/{key.split('/', 2)[2][:24]}…jsonl:")
        step.note(f"{TOPIC}, {noted['latencyMs']:.0f} ms, was asked by {noted['principal']}:")
        step.note(record["captureData"]["endpointInput"]["data"][:72] + "…")
        rows = {row["model"]: row for row in models(story.deployed).get("models", [])}
        if not rows.get(SENTIMENT, {}).get("requests"):
            raise UnexpectedError(f"{SENTIMENT} was asked, but what is counted is {rows}")
        step.note(f"the ledger's requests of {SENTIMENT} so far: {rows[SENTIMENT]['requests']}")


def sleep(story: Story) -> None:
    """Nobody calls any more: it is deleted, on evidence and with a reason."""
    with story.terminal.step("Nobody calls: it is torn down") as step:
        story.wait(step, SLEEP_LIMIT_SECONDS, lambda status: status != "InService")
        story.up_until = time.monotonic()
        reason = story.remembered("stop_reason")
        if not reason.startswith("no request for"):
            raise UnexpectedError(f"it went for another reason than idleness: {reason!r}")
        story.wait(step, SLEEP_LIMIT_SECONDS, lambda status: status is None)
        step.note(f"why: {reason}")
        step.note("SageMaker says that it does not exist, and its process has ended")


def summary(story: Story) -> None:
    """What happened, and what was saved."""
    total = time.monotonic() - story.began_at
    up = story.up_until - story.up_since
    say = story.terminal.say
    say(
        f"""
What happened: a request woke a real multi-model endpoint, one that had been kept was answered, two
models answered on it, each request was captured, and it was torn down by itself. It existed for
{up:.0f} of {total:.0f} s.

What it saves: asleep, the endpoint costs nothing. An {INSTANCE_TYPE} that is always on is about
${DOLLARS_AN_HOUR * 730:.0f} a month (us-east-1, at about ${DOLLARS_AN_HOUR} an hour); \
up for two hours each working day it is about ${DOLLARS_AN_HOUR * 2 * 21:.0f}.

Compressed, by settings alone: IdleTimeout {PARAMETERS["IdleTimeout"]} (default: a wake, and 15m), \
MetricLagSeconds {PARAMETERS["MetricLagSeconds"]} (default 300),
a lease of {sum(map(int, LEASE.values()))} s (default 110), \
and LOCAL_CREATE_SECONDS {CREATE_SECONDS:.0f}, where SageMaker takes 5 to 12 minutes.

Next: `make up` leaves one running for you to call."""
    )


def tell(terminal: Terminal, settings: LocalSettings) -> None:
    """Tell the whole story; whatever happens, nothing is left running."""
    began_at = time.monotonic()
    archives = [stack.MODELS / name for name in QUESTIONS]
    server, deployed = bring_up(terminal, settings, PARAMETERS, archives, detached=False)
    try:
        story = Story(
            terminal,
            settings,
            deployed,
            stack.clients(settings),
            runtime_client(deployed),
            began_at,
        )
        for chapter in (
            first_request,
            kept_request,
            wake,
            kept_answer,
            answers,
            mistakes,
            captured,
            sleep,
        ):
            chapter(story)
    finally:
        with terminal.step("Ending the local AWS"):
            running.end(server)
    summary(story)


def main(arguments: list[str]) -> int:
    """Run the demo on a port and in a folder of its own, so that `make up` may run beside it."""
    terminal = Terminal()
    try:
        settings = parse(arguments)
    except SettingsError as error:
        terminal.console.print(f"dormouse: {error}", style="red", markup=False)
        return 1
    settings = replace(
        settings,
        port=running.free_port(),
        state_dir=settings.state_dir / "demo",
        create_seconds=CREATE_SECONDS,
    )
    try:
        tell(terminal, settings)
    except KeyboardInterrupt:
        terminal.say("Interrupted; nothing is left running.")
        return 130
    except (running.NotStartedError, stack.DeployError, UnexpectedError) as error:
        terminal.console.print(f"dormouse: {error}", style="red", markup=False)
        return 1
    except (BotoCoreError, ClientError) as error:
        said = f"a call failed that should not: {error} (the log: {running.log_path(settings)})"
        terminal.console.print(f"dormouse: {said}", style="red", markup=False)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
