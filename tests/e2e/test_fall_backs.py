"""An endpoint whose first EndpointConfig gets no instance, in the order of its tests: it falls back
on the second, tries the first again and keeps the second, and goes back when there is capacity."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from tests.e2e.deployments import Deployment, Json, LocalAws, local_aws, traffic, wait_until

SCARCE = "ml.g4dn.xlarge"
SECOND = "fall-back-by-hand"
# Longer than an endpoint stays on a fall-back, and than an EndpointConfig that has failed is left
# alone.
LONG = timedelta(hours=2)


@pytest.fixture(scope="module")
def aws(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """One that has no instance of a type."""
    with local_aws(tmp_path_factory.mktemp("aws"), no_capacity=SCARCE) as running_aws:
        yield running_aws


@dataclass
class Owner:
    """Who reads the notices that are put on the bus."""

    deployment: Deployment
    queue_url: str
    heard: list[Json] = field(default_factory=list)

    def has_heard(self, *kinds: str) -> bool:
        """Whether these were told so far, each as often as it is named."""
        sqs = self.deployment.client("sqs")
        answer = sqs.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10)
        for message in answer.get("Messages", []):
            self.heard.append(json.loads(message["Body"])["detail"])
            sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])
        told = [notice["kind"] for notice in self.heard]
        return all(told.count(kind) >= kinds.count(kind) for kind in kinds)

    def last(self, kind: str) -> Json:
        """The latest notice of a kind, which must have been heard."""
        return max((n for n in self.heard if n["kind"] == kind), key=lambda notice: notice["at"])


@pytest.fixture(scope="module")
def scarce(aws: LocalAws) -> Deployment:
    """A deployment whose template wants the type that there is none of, and a second config that
    somebody has made for the same endpoint.
    """
    deployed = aws.deploy("scarce", EndpointName="scarce", InstanceType=SCARCE, IdleTimeout="12h")
    deployed.upload_models()
    deployed.tag_a_config(SECOND, {"dormouse:endpoint": "scarce", "dormouse:priority": "2"})
    return deployed


@pytest.fixture(scope="module")
def owner(scarce: Deployment) -> Owner:
    """A queue behind a rule on the bus."""
    sqs, events = scarce.client("sqs"), scarce.client("events")
    url = sqs.create_queue(QueueName="owner")["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    bus = scarce.outputs()["NoticeBusName"]
    events.put_rule(Name="all", EventBusName=bus, EventPattern='{"source": ["dormouse"]}')
    events.put_targets(
        Rule="all",
        EventBusName=bus,
        Targets=[{"Id": "owner", "Arn": attributes["Attributes"]["QueueArn"]}],
    )
    return Owner(scarce, url)


def let_time_pass(deployment: Deployment) -> None:
    """Have what is remembered of the endpoint happen long ago: since when it serves, and when which
    EndpointConfig has failed. Nobody can wait for hours here.
    """
    item = deployment.item()
    failures = {
        config: {"M": {**failure["M"], "at": {"S": _earlier(failure["M"]["at"]["S"])}}}
        for config, failure in item["failures"]["M"].items()
    }
    deployment.client("dynamodb").update_item(
        TableName=deployment.stack.endpoints_table,
        Key={"endpoint": {"S": deployment.name}},
        UpdateExpression="SET serving_since = :since, failures = :failures",
        ExpressionAttributeValues={
            ":since": {"S": _earlier(item["serving_since"]["S"])},
            ":failures": {"M": failures},
        },
    )


def _earlier(moment: str) -> str:
    earlier = datetime.fromisoformat(moment) - LONG
    return earlier.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def running_config(deployment: Deployment) -> str:
    """The EndpointConfig that its endpoint runs on, by SageMaker itself."""
    described = deployment.aws.endpoint(deployment.name)
    assert described is not None
    return str(described["EndpointConfigName"])


def failures(standing: Json) -> dict[str, int]:
    """How often which EndpointConfig has failed for want of capacity."""
    assert {failure["kind"] for failure in standing["failures"]} <= {"capacity"}, standing
    return {each["endpoint_config"]: each["count"] for each in standing["failures"]}


def test_it_is_started_from_the_second_config(scarce: Deployment, owner: Owner) -> None:
    """After SageMaker has tried the first for as long as it does; a request is answered then, and
    its owner hears why.
    """
    standing = scarce.standing()
    first = standing["endpoint_config"]
    assert standing["fall_backs"] == [SECOND]

    scarce.wake()

    assert running_config(scarce) == SECOND
    assert scarce.invoke()["predictions"][0]["label"] == "positive"
    standing = scarce.wait("serving", lambda standing: standing["state"] == "serving")
    assert (standing["endpoint_config"], standing["running_config"]) == (first, SECOND)
    assert failures(standing) == {first: 1}
    wait_until(lambda: owner.has_heard("failed", "fallen back", "serving"), "told")
    for kind in ("failed", "fallen back"):
        assert "InsufficientInstanceCapacity" in owner.last(kind)["detail"]
    assert owner.last("failed")["endpoint_config"] == first
    assert owner.last("fallen back")["endpoint_config"] == SECOND


def test_the_first_is_not_tried_again_at_once(scarce: Deployment) -> None:
    """Nor is the first asked for while the endpoint serves: it says when it will be."""
    outcome = scarce.tick()[scarce.name]
    assert outcome["action"] == "stay up"
    assert f"it runs on EndpointConfig {SECOND}" in outcome["reason"]
    assert "it is tried at" in outcome["reason"]
    assert running_config(scarce) == SECOND


def test_the_first_is_tried_again_after_a_while(scarce: Deployment, owner: Owner) -> None:
    """Without capacity SageMaker rolls that back: every request is answered all the while, and the
    second config is kept.
    """
    first = scarce.standing()["endpoint_config"]
    let_time_pass(scarce)

    with traffic(scarce) as sent:
        assert scarce.tick()[scarce.name]["action"] == "update"
        standing = scarce.wait("failed twice", lambda standing: failures(standing).get(first) == 2)

    assert sent.failures == []
    assert "Updating" in sent.answered_in
    assert (scarce.status(), running_config(scarce)) == ("InService", SECOND)
    assert scarce.tick()[scarce.name]["action"] == "stay up"
    assert "InsufficientInstanceCapacity" in str(standing)
    assert standing["running_config"] == SECOND
    # Its owner was told when it failed first, and is not told again of the same trouble.
    assert not owner.has_heard("rollout failed")


def test_it_goes_back_when_there_is_capacity(scarce: Deployment, owner: Owner) -> None:
    """While it serves; then nothing is remembered against the first."""
    first = scarce.standing()["endpoint_config"]
    scarce.aws.settings.no_capacity_path.unlink()
    let_time_pass(scarce)

    with traffic(scarce) as sent:
        assert scarce.tick()[scarce.name]["action"] == "update"
        scarce.wait("on its first config", lambda standing: standing["running_config"] == first)
        standing = scarce.wait("forgotten", lambda standing: not failures(standing))

    assert sent.failures == []
    assert standing["running_config"] == first
    assert running_config(scarce) == first
    assert scarce.aws.instance_type(first) == SCARCE
    wait_until(lambda: owner.has_heard("returned"), "told")
    assert owner.last("returned")["endpoint_config"].lower() == first.lower()


def test_the_next_wake_is_on_the_first(scarce: Deployment, owner: Owner) -> None:
    """As if nothing had ever happened."""
    first = scarce.standing()["endpoint_config"]
    scarce.sleep()
    scarce.wake()
    assert running_config(scarce) == first
    assert scarce.aws.endpoints() == [scarce.name]
    assert [n["kind"] for n in owner.heard].count("fallen back") == 1
