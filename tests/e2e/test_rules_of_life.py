"""The rules of an endpoint's life, in the order of the tests, of which most beat what the one
before has made of it: named schedules, a blackout, a hold, a suspension, a budget, max-up. The
owner hears of it by an SNS topic.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby

import pytest

from tests.e2e.deployments import Deployment, Json, LocalAws, as_tags, local_aws, wait_until

ALWAYS = "daily 00:00-24:00 UTC"
OWNER = "ml-team@example.com"


@pytest.fixture(scope="module")
def aws(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """One for all of the story."""
    with local_aws(tmp_path_factory.mktemp("aws")) as running_aws:
        yield running_aws


@dataclass
class Owner:
    """Who has subscribed to a topic."""

    aws: LocalAws
    topic: str
    queue_url: str
    heard: list[Json] = field(default_factory=list)

    def listen(self) -> list[str]:
        """Say which kinds of notices were told so far."""
        sqs = self.aws.client("sqs")
        answer = sqs.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10)
        for message in answer.get("Messages", []):
            self.heard.append(json.loads(json.loads(message["Body"])["Message"]))
            sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])
        return [str(notice["kind"]) for notice in self.heard]

    def wait_for(self, kind: str, words: str) -> Json:
        """Wait for a notice with a reason of these words."""

        def found() -> list[Json]:
            self.listen()
            return [n for n in self.heard if n["kind"] == kind and words in n["reason"]]

        wait_until(found, f"told {kind}: {words}, but only {self.heard}")
        return found()[-1]


@pytest.fixture(scope="module")
def owner(aws: LocalAws) -> Owner:
    """A queue that listens to a topic, which is there before the stack is."""
    sns, sqs = aws.client("sns"), aws.client("sqs")
    topic = sns.create_topic(Name="owner")["TopicArn"]
    url = sqs.create_queue(QueueName="owner")["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    arn = attributes["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return Owner(aws, topic, url)


@pytest.fixture(scope="module")
def ruled(aws: LocalAws, owner: Owner) -> Deployment:
    """A deployment whose endpoint is kept up and down by names that mean nothing so far."""
    deployed = aws.deploy(
        "ruled",
        EndpointName="ruled",
        IdleTimeout="12h",
        Schedule="@hours",
        Blackout="@closed",
        Owner=OWNER,
        NotificationTopicArn=owner.topic,
    )
    deployed.upload_models()
    return deployed


def name_schedules(deployment: Deployment, closed: str, holidays: tuple[str, ...] = ()) -> None:
    """Say what the names mean: up at all hours, and down as `closed` says."""
    document = {
        "schedules": {"hours": ALWAYS, "closed": closed},
        "calendars": {"holidays": list(holidays)},
    }
    deployment.client("ssm").put_parameter(
        Name=deployment.outputs()["SchedulesParameterName"],
        Value=json.dumps(document),
        Overwrite=True,
    )


def tag(deployment: Deployment, **tags: str) -> None:
    """Tag the EndpointConfig that its template has made."""
    sagemaker = deployment.client("sagemaker")
    config = sagemaker.describe_endpoint_config(
        EndpointConfigName=deployment.outputs()["EndpointConfigName"]
    )
    written = as_tags({f"dormouse:{key.replace('_', '-')}": value for key, value in tags.items()})
    sagemaker.add_tags(ResourceArn=config["EndpointConfigArn"], Tags=written)


def wait_until_ruled(deployment: Deployment, rule: str, status: str | None) -> Json:
    """Have ticks until its endpoint has an EndpointStatus, None for none, by this rule."""

    def is_so() -> bool:
        decided = deployment.tick()[deployment.name]
        return (decided["rule"], deployment.status()) == (rule, status)

    wait_until(is_so, f"{status or 'gone'}: {rule}")
    return deployment.standing()


def days_from_yesterday() -> tuple[str, ...]:
    """Yesterday, today and tomorrow, since the tests may go on over midnight."""
    today = datetime.now(UTC).date()
    return tuple((today + timedelta(days=days)).isoformat() for days in (-1, 0, 1))


def test_a_name_that_is_not_there(ruled: Deployment) -> None:
    """It is refused by name, and nothing is started."""
    outcome = ruled.tick()["ruled"]
    assert (outcome["action"], outcome["rule"]) == ("wait", "refused")
    assert "hours" in outcome["problem"]
    assert "dormouse:schedule" in outcome["problem"]
    assert ruled.standing()["problem"] == outcome["problem"]
    assert ruled.status() is None


def test_it_is_up_in_a_named_window(ruled: Deployment, owner: Owner) -> None:
    """From the tick after the name was written on. The blackout drops the days of its calendar."""
    name_schedules(ruled, closed=f"{ALWAYS} - @holidays", holidays=days_from_yesterday())

    standing = wait_until_ruled(ruled, "keep-up window", "InService")

    assert standing["problem"] is None
    assert standing["schedule"]["text"] == "@hours"
    now = datetime.now(UTC).isoformat()
    assert standing["schedule"]["window"]["begins_at"] <= now
    assert standing["schedule"]["window"]["ends_at"] > now
    assert standing["blackout"]["window"] is None
    assert ruled.invoke()["predictions"][0]["label"] == "positive"
    waking = owner.wait_for("waking", "a keep-up window (@hours)")
    assert (waking["owner"], waking["endpoint_config"]) == (OWNER, standing["endpoint_config"])
    assert owner.wait_for("serving", "")["endpoint"] == "ruled"


def test_a_blackout_beats_the_window(ruled: Deployment, owner: Owner) -> None:
    """And whoever asks: they hear until when."""
    name_schedules(ruled, closed=ALWAYS)

    standing = wait_until_ruled(ruled, "blackout window", None)

    assert "a blackout window (@closed)" in standing["kept_down"]["reason"]
    refused = ruled.refusal()
    assert refused["Error"]["Code"] == "ServiceUnavailable"
    assert "a blackout window (@closed)" in refused["Error"]["Message"]
    assert int(refused["ResponseMetadata"]["HTTPHeaders"]["retry-after"]) > 0
    assert ruled.tick()["ruled"]["action"] == "stay down"
    assert owner.wait_for("asleep", "a blackout window (@closed)")["endpoint"] == "ruled"


def test_a_hold_beats_the_blackout(ruled: Deployment, owner: Owner) -> None:
    """It is answered in the middle of it, and whoever holds it is told."""
    ruled.post("hold", {"for": "2h"})
    wait_until_ruled(ruled, "hold", "InService")
    assert ruled.invoke()["predictions"][0]["label"] == "positive"
    assert owner.wait_for("waking", "it is held")["by"].startswith("arn:aws:")


def test_a_suspension_beats_the_hold(ruled: Deployment, owner: Owner) -> None:
    """No wake starts it, and no request; what it would do is told without doing it."""
    ruled.post("suspend")
    standing = wait_until_ruled(ruled, "suspended", None)
    assert standing["suspended_by"].startswith("arn:aws:")
    assert standing["suspended_at"] is not None

    ruled.post("wake")
    outcome = ruled.tick()["ruled"]
    assert (outcome["action"], outcome["rule"]) == ("stay down", "suspended")
    assert ruled.refusal()["Error"]["Code"] == "ServiceUnavailable"
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    planned = ruled.ask("GET", f"/endpoints/ruled/plan?at={tomorrow}").json()
    assert (planned["action"], planned["rule"]) == ("stay down", "suspended")
    applies = {row["rule"]: row["applies"] for row in planned["rules"]}
    assert applies["suspended"]
    assert applies["blackout window"]
    # It is over by then.
    assert not applies["hold"]
    assert ruled.status() is None
    assert "suspended" in owner.wait_for("asleep", "suspended")["reason"]


def test_after_a_resume_the_hold_counts_again(ruled: Deployment) -> None:
    """As it was said; released, the blackout does."""
    ruled.post("resume")
    standing = wait_until_ruled(ruled, "hold", "InService")
    assert (standing["suspended_at"], standing["suspended_by"]) == (None, None)
    ruled.post("release")
    wait_until_ruled(ruled, "blackout window", None)
    name_schedules(ruled, closed=f"{ALWAYS} - @holidays", holidays=days_from_yesterday())
    wait_until_ruled(ruled, "keep-up window", "InService")


def test_a_spent_budget_beats_even_a_hold(ruled: Deployment, owner: Owner) -> None:
    """Until the month ends: it has been up for longer than 36 seconds in this one."""
    tag(ruled, budget="0.01h")
    ruled.post("hold", {"for": "2h"})

    standing = wait_until_ruled(ruled, "budget spent", None)

    assert standing["spent"]["budget"] == "0.01h"
    assert standing["spent"]["share"] >= 1
    assert standing["hold_until"] is not None
    assert ruled.tick()["ruled"]["action"] == "stay down"
    refused = ruled.refusal()
    assert "budget" in refused["Error"]["Message"]
    assert owner.wait_for("budget spent", "is spent")["endpoint"] == "ruled"


def test_a_larger_budget_lets_it_up(ruled: Deployment) -> None:
    """Of dollars, as the price list has them; what it costs is said to be an estimate."""
    tag(ruled, budget="1000USD")

    standing = wait_until_ruled(ruled, "hold", "InService")

    assert standing["spent"]["budget"] == "1000USD"
    estimate = standing["spent"]["estimate"]
    assert estimate.startswith("estimated $")
    assert "1 x ml.m5.xlarge at $0.23 an hour, list price of" in estimate
    ruled.post("release")
    wait_until_ruled(ruled, "keep-up window", "InService")


def test_max_up_puts_it_to_sleep(ruled: Deployment, owner: Owner) -> None:
    """Though its window goes on and it is used; the next who asks has it again."""
    tag(ruled, max_up="10m")
    long_ago = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    ruled.client("dynamodb").update_item(
        TableName=ruled.stack.endpoints_table,
        Key={"endpoint": {"S": "ruled"}},
        UpdateExpression="SET serving_since = :since",
        ExpressionAttributeValues={":since": {"S": long_ago}},
    )

    standing = wait_until_ruled(ruled, "sleep", None)

    assert "max-up is 10m" in standing["decision"]["reason"]
    assert "max-up is 10m" in owner.wait_for("asleep", "max-up")["reason"]
    ruled.wake()
    wait_until_ruled(ruled, "keep-up window", "InService")


def test_all_of_it_can_be_read_again(ruled: Deployment, owner: Owner) -> None:
    """Page by page, in the order in which it was decided; nothing was told to have gone wrong."""
    decided: list[Json] = []
    query = "limit=4"
    while True:
        page = ruled.ask("GET", f"/endpoints/ruled/decisions?{query}").json()
        decided += page["decisions"]
        if page["before"] is None:
            break
        query = f"limit=4&before={page['before']}"
    down = ("blackout window", "suspended", "blackout window", "budget spent", "max-up reached")
    rules = [row["rule"] for row in reversed(decided) if row["rule"] in down]
    assert tuple(rule for rule, _ in groupby(rules)) == down
    told = owner.listen()
    assert not {"failed", "stuck", "circuit open", "rollout failed", "fallen back"} & set(told)
