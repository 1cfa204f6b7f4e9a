"""Requests that find the endpoint asleep, end to end, as the README has callers send them: held,
parked, refused; asynchronous invocations; what is refused; the warm set; replays."""

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from benchmarks.deployed import Answer
from local import stack
from tests.e2e.deployments import (
    MODEL,
    QUESTION,
    Deployment,
    Json,
    LocalAws,
    at_once,
    wait_until,
)

OTHER_MODEL = "topic-tiny.tar.gz"
# Longer than a wake takes on a busy machine; no test is judged by it.
WAIT_SECONDS = 200
SOMEBODY_ELSE = "arn:aws:iam::000000000000:role/somebody-else"


@dataclass(frozen=True)
class Callers:
    """A deployment with what its callers have: a bucket, a topic, and a queue that hears of it."""

    deployment: Deployment
    bucket: str
    topic: str
    queue_url: str

    @property
    def path(self) -> str:
        """Where invocations go."""
        return f"/endpoints/{self.deployment.name}/invocations"

    def send(self, body: bytes = QUESTION, model: str = MODEL, **headers: str) -> Answer:
        """POST an invocation; a header's name is written with underscores."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.deployment.front(
            "POST",
            self.path,
            body,
            {
                "Content-Type": "application/json",
                "X-Amzn-SageMaker-Target-Model": model,
                **given,
            },
        )

    def park(self, body: bytes = QUESTION, model: str = MODEL, **headers: str) -> str:
        """Send one that is to be parked, and return its Location."""
        answer = self.send(body, model, Prefer="respond-async", **headers)
        assert answer.status == 202, answer
        return answer.headers["location"]

    def answer_of(self, location: str) -> Answer:
        """Ask at a Location until it is no longer pending."""
        wait_until(lambda: self.deployment.front("GET", location).status != 202, "answered")
        return self.deployment.front("GET", location)

    def stored(self) -> tuple[int, int]:
        """Count the records of requests, and the objects that belong to them."""
        client, names = self.deployment.client, self.deployment.resources
        records = client("dynamodb").scan(TableName=names["RequestsTable"], ConsistentRead=True)
        objects = client("s3").list_objects_v2(Bucket=names["RequestsBucket"])
        return records["Count"], objects["KeyCount"]

    def runtime(self, *hooks: tuple[str, Any]) -> Any:
        """A client of boto3 with further hooks, such as callers write."""
        client = self.deployment.runtime_of(Credentials("test", "test"))
        for event, hook in hooks:
            client.meta.events.register(event, hook)
        return client


@pytest.fixture(scope="module")
def callers(aws: LocalAws) -> Callers:
    """Deployed with the callers' bucket and topic."""
    aws.client("s3").create_bucket(Bucket="callers-inputs")
    topic = aws.client("sns").create_topic(Name="answers")["TopicArn"]
    queue_url = aws.client("sqs").create_queue(QueueName="answers")["QueueUrl"]
    attributes = aws.client("sqs").get_queue_attributes(
        QueueUrl=queue_url, AttributeNames=["QueueArn"]
    )["Attributes"]
    aws.client("sns").subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=attributes["QueueArn"],
        Attributes={"RawMessageDelivery": "true"},
    )
    deployment = aws.deploy(
        "dormouse",
        IdleTimeout="1h",
        S3Buckets="callers-inputs",
        CompletionTopicArns=topic,
    )
    deployment.upload_models()
    return Callers(deployment, "callers-inputs", topic, queue_url)


@pytest.fixture
def asleep(callers: Callers) -> Callers:
    """Nothing runs."""
    callers.deployment.sleep()
    return callers


@pytest.fixture
def awake(callers: Callers) -> Callers:
    """It serves."""
    callers.deployment.wake()
    callers.deployment.tick()
    return callers


def wait_for(seconds: int) -> tuple[str, Any]:
    """The hook by which boto3 sends Prefer."""
    return (
        "before-call.sagemaker-runtime.InvokeEndpoint",
        lambda params, **_: params["headers"].update(Prefer=f"wait={seconds}"),
    )


def label(body: bytes) -> str:
    """What a prediction says of the one text."""
    (prediction,) = json.loads(body)["predictions"]
    return str(prediction["label"])


def test_whoever_does_not_wait_is_told_when_to_come_again(asleep: Callers) -> None:
    """A 503 with Retry-After, and the cause in words."""
    answer = asleep.send()

    assert answer.status == 503
    assert int(answer.headers["retry-after"]) > 0
    assert "is being started" in answer.json()["Message"]


def test_a_hold_ends_with_the_prediction(asleep: Callers) -> None:
    """boto3 waits, the endpoint wakes, and the answer is the model's own."""
    answer = asleep.runtime(wait_for(WAIT_SECONDS)).invoke_endpoint(
        EndpointName=asleep.deployment.name,
        TargetModel=MODEL,
        ContentType="application/json",
        Body=QUESTION,
    )

    assert label(answer["Body"].read()) == "positive"
    assert asleep.deployment.status() == "InService"


def test_a_hold_that_ends_before_the_wake_is_a_503(asleep: Callers) -> None:
    """And with respond-async beside it, a 202 of a request that is answered later."""
    in_vain = asleep.send(Prefer="wait=1")
    parked = asleep.send(Prefer="wait=1, respond-async")

    assert (in_vain.status, parked.status) == (503, 202)
    assert "wait=1" in in_vain.headers["preference-applied"]
    assert int(in_vain.headers["retry-after"]) > 0
    assert "respond-async" in parked.headers["preference-applied"]
    assert asleep.answer_of(parked.headers["location"]).status == 200


def test_a_parked_request_is_answered_at_its_location(asleep: Callers) -> None:
    """Pending with its position, then the model's answer, as often as it is asked for."""
    first, second = asleep.park(), asleep.park(b'{"inputs": "a dull and boring film"}')

    assert first.startswith(f"{asleep.deployment.stack.invoke_url}/requests/")
    pending = [asleep.deployment.front("GET", location) for location in (first, second)]
    assert [answer.status for answer in pending] == [202, 202]
    assert pending[0].json()["status"] == "parked"
    assert [answer.json()["position"] for answer in pending] == [1, 2]
    assert int(pending[0].headers["retry-after"]) > 0

    answers = [asleep.answer_of(location) for location in (first, second)]
    assert [label(answer.body) for answer in answers] == ["positive", "negative"]
    assert answers[0].headers["content-type"] == "application/json"
    assert asleep.deployment.front("GET", first).body == answers[0].body


def test_a_cancelled_request_is_gone(asleep: Callers) -> None:
    """It says so, and is not executed; one that is answered can't be cancelled."""
    cancelled, kept = asleep.park(), asleep.park()

    answer = asleep.deployment.front("DELETE", cancelled)
    assert (answer.status, answer.json()["status"]) == (200, "cancelled")
    assert asleep.deployment.front("GET", cancelled).status == 410
    assert asleep.answer_of(kept).status == 200
    assert asleep.deployment.front("DELETE", kept).status == 409
    assert asleep.deployment.front("GET", cancelled).status == 410


def test_the_same_inference_id_is_one_request(asleep: Callers) -> None:
    """Sent twice, it has one Location; with another body it is refused."""
    inference_id = uuid.uuid4().hex

    first, again = (asleep.park(X_Amzn_SageMaker_Inference_Id=inference_id) for _ in range(2))
    other = asleep.send(
        b'{"inputs": "another text"}',
        Prefer="respond-async",
        X_Amzn_SageMaker_Inference_Id=inference_id,
    )

    assert first == again
    assert other.status == 409
    assert asleep.answer_of(first).status == 200


def test_a_storm_makes_one_endpoint(asleep: Callers) -> None:
    """Held, parked and refused ones alike; each is answered as it wanted."""

    # The standing shows the latest decisions only, so those of before are told by their time.
    before = asleep.deployment.standing()["decisions"][0]["at"]
    with at_once() as pool:
        held = [pool.submit(asleep.send, Prefer=f"wait={WAIT_SECONDS}") for _ in range(4)]
        parked = [pool.submit(asleep.send, Prefer="respond-async") for _ in range(4)]
        refused = [pool.submit(asleep.send) for _ in range(4)]
        assert {future.result().status for future in refused} <= {200, 503}
        assert {future.result().status for future in held} == {200}
        answers = [future.result() for future in parked]
        # What comes when it serves is answered at once; on a busy machine that may be all of them.
        assert {answer.status for answer in answers} <= {200, 202}
        locations = [answer.headers["location"] for answer in answers if answer.status == 202]
        assert all(asleep.answer_of(location).status == 200 for location in locations)

    decisions = asleep.deployment.standing()["decisions"]
    started = [one for one in decisions if one["action"] == "start" and one["at"] > before]
    assert len(started) == 1


@dataclass(frozen=True)
class Announced:
    """What invoke_endpoint_async has answered."""

    callers: Callers
    answer: Json

    def read(self, member: str) -> bytes | None:
        """Read the object that was announced; None as long as there is none."""
        bucket, _, key = self.answer[member].removeprefix("s3://").partition("/")
        client = self.callers.deployment.client("s3")
        try:
            content: bytes = client.get_object(Bucket=bucket, Key=key)["Body"].read()
        except client.exceptions.NoSuchKey:
            return None
        return content

    def wait(self, member: str) -> bytes:
        """Wait for it."""
        wait_until(lambda: self.read(member) is not None, f"written to its {member}")
        content = self.read(member)
        assert content is not None
        return content


def invoke_async(callers: Callers, *hooks: tuple[str, Any], **given: Any) -> Announced:
    """boto3's invoke_endpoint_async, which knows no TargetModel."""
    attributes = {"CustomAttributes": f"TargetModel={MODEL}"}
    answer = callers.runtime(*hooks).invoke_endpoint_async(
        EndpointName=callers.deployment.name,
        ContentType="application/json",
        **(attributes | given),
    )
    return Announced(callers, answer)


def messages(callers: Callers) -> Iterator[Json]:
    """Take what the topic has told."""
    client = callers.deployment.client("sqs")
    for message in client.receive_message(
        QueueUrl=callers.queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=1
    ).get("Messages", []):
        client.delete_message(QueueUrl=callers.queue_url, ReceiptHandle=message["ReceiptHandle"])
        yield json.loads(message["Body"])


def test_asynchronous_invocations_have_their_output_in_s3(asleep: Callers) -> None:
    """Of a body, and of an object in a bucket that the template names; a topic hears of it."""
    asleep.deployment.client("s3").put_object(
        Bucket=asleep.bucket, Key="inputs/one.json", Body=b'{"inputs": "a dull and boring film"}'
    )
    topic = (
        "before-call.sagemaker-runtime.InvokeEndpointAsync",
        lambda params, **_: params["headers"].update({"dormouse-completion-topic": asleep.topic}),
    )

    by_body = invoke_async(asleep, Body=QUESTION, InferenceId="by-body")
    by_location = invoke_async(
        asleep, topic, InputLocation=f"s3://{asleep.bucket}/inputs/one.json", InferenceId="by-s3"
    )

    assert by_body.answer["InferenceId"] == "by-body"
    assert by_body.answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert label(by_body.wait("OutputLocation")) == "positive"
    assert label(by_location.wait("OutputLocation")) == "negative"
    assert by_location.read("FailureLocation") is None
    told: list[Json] = []
    while not told:
        told += messages(asleep)
    (message,) = told
    assert message["inferenceId"] == "by-s3"
    assert message["invocationStatus"] == "Completed"
    location = message["responseParameters"]["outputLocation"]
    assert location == by_location.answer["OutputLocation"]


def test_a_failed_asynchronous_invocation_says_why(awake: Callers) -> None:
    """In the place that was announced for that; the output's place stays empty."""
    failed = invoke_async(awake, Body=b'{"inputs": 3}')

    document = json.loads(failed.wait("FailureLocation"))
    assert "must be a string or a list of strings" in document["failureReason"]
    assert failed.read("OutputLocation") is None


def test_the_target_model_travels_in_a_header_too(awake: Callers) -> None:
    """By a hook of one line, for those who need CustomAttributes for themselves."""
    header = (
        "before-call.sagemaker-runtime.InvokeEndpointAsync",
        lambda params, **_: params["headers"].update({"X-Amzn-SageMaker-Target-Model": MODEL}),
    )

    announced = invoke_async(awake, header, Body=QUESTION, CustomAttributes="trace=1")

    assert label(announced.wait("OutputLocation")) == "positive"


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"InputLocation": "s3://somebodys-bucket/one.json"}, 403),
        ({"InputLocation": "s3://callers-inputs/missing.json"}, 400),
        ({"InputLocation": "not-s3"}, 400),
        ({"Body": QUESTION, "CustomAttributes": "trace=1"}, 400),
    ],
    ids=["forbidden bucket", "missing object", "no location", "no TargetModel"],
)
def test_a_bad_asynchronous_invocation_is_refused(
    callers: Callers, given: Json, status: int
) -> None:
    """As an error of HTTP's own kind, and nothing is stored."""
    before = callers.stored()
    with pytest.raises(ClientError) as error:
        invoke_async(callers, **given)

    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert callers.stored() == before


def test_what_is_refused_is_not_stored(asleep: Callers) -> None:
    """A malformed Prefer, an unknown endpoint, a topic that is not listed."""
    before = asleep.stored()

    malformed = asleep.send(Prefer="wait=soon, respond-async")
    unlisted = asleep.send(Prefer="respond-async", dormouse_completion_topic=asleep.topic + "x")
    unknown = asleep.deployment.front(
        "POST", "/endpoints/nobody/invocations", QUESTION, {"Prefer": "respond-async"}
    )

    assert malformed.status == 400
    assert "whole number of seconds" in malformed.json()["Message"]
    assert unlisted.status in {400, 403}
    assert unknown.status == 400
    assert "Endpoint nobody of account" in unknown.json()["Message"]
    assert asleep.stored() == before


def test_a_request_belongs_to_who_has_sent_it(callers: Callers) -> None:
    """An id of somebody else's is forbidden, and one that never was is not there."""
    location = callers.park()
    somebody_else = callers.deployment.aws.credentials(SOMEBODY_ELSE)

    for method in ("GET", "DELETE"):
        answer = callers.deployment.front(method, location, credentials=somebody_else)
        assert answer.status == 403, answer
    base, _, request_id = location.rpartition("/")
    endpoint, _, token = request_id.partition(".")
    never = f"{base}/{endpoint}.{'0' * len(token)}"
    assert callers.deployment.front("GET", never).status == 404
    assert callers.answer_of(location).status == 200


def test_the_models_in_use_come_back_with_a_wake(awake: Callers) -> None:
    """Each is loaded again before anybody asks for it, and the standing counts them."""
    deployment = awake.deployment
    for model in (MODEL, OTHER_MODEL):
        assert awake.send(model=model).status == 200
    # Uses are written along with a request, every five seconds.
    time.sleep(5.5)
    assert awake.send().status == 200
    deployment.sleep()

    deployment.wake()

    standing = deployment.wait("warm", lambda seen: (seen["warm_up"] or {}).get("ended_at"))
    assert standing["warm_up"]["models"] == standing["warm_up"]["invoked"] == 2


def test_a_failed_request_can_be_replayed(asleep: Callers) -> None:
    """Once what it lacked is there: the dead letter goes, and the answer comes."""
    deployment = asleep.deployment
    location = asleep.park(model="late.tar.gz")
    failed = asleep.answer_of(location)
    assert failed.status == 400
    assert "Failed to download model data" in failed.json()["Message"]
    outputs = deployment.outputs()
    deployment.client("s3").upload_file(
        str(stack.TINY_MODELS / MODEL),
        outputs["ModelBucketName"],
        outputs["ModelPrefix"] + "late.tar.gz",
    )

    def replayed() -> bool:
        answer = deployment.ask("POST", f"/endpoints/{deployment.name}/replay", {})
        assert answer.status == 202, answer
        return bool(answer.json()["replayed"])

    wait_until(replayed, "replayed")

    assert label(asleep.answer_of(location).body) == "positive"
