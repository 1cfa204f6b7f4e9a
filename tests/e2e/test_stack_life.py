"""The life of a stack, in the order of its tests: changed while its endpoint serves, changed while
it is asleep, a change that fails and is rolled back, and its end, in whatever status that comes."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from local.stack import DeployError
from tests.e2e.deployments import (
    POLL_SECONDS,
    Deployment,
    Json,
    LocalAws,
    at_once,
    local_aws,
    traffic,
    wait_until,
)

FIRST, SECOND, THIRD, FOURTH = "ml.m5.xlarge", "ml.m5.2xlarge", "ml.c5.xlarge", "ml.c5.2xlarge"
ADOPTED = "adopted"


@pytest.fixture(scope="module")
def aws(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """One on which an endpoint is Creating for long enough to delete its stack meanwhile."""
    with local_aws(tmp_path_factory.mktemp("aws"), create_seconds=8.0) as running_aws:
        yield running_aws


@pytest.fixture(scope="module")
def life(aws: LocalAws) -> Deployment:
    """The stack that lives through all of it."""
    deployed = aws.deploy("life", EndpointName="lived", InstanceType=FIRST)
    deployed.upload_models()
    return deployed


def config_in_use(deployment: Deployment) -> str:
    """The EndpointConfig that its endpoint runs on, by SageMaker itself."""
    described = deployment.aws.endpoint(deployment.name)
    assert described is not None
    return str(described["EndpointConfigName"])


def wait_for_config(deployment: Deployment, config_name: str) -> Json:
    """Wait until its endpoint is InService on an EndpointConfig."""
    return deployment.wait(
        f"InService on {config_name}",
        lambda standing: (
            (standing["status"], config_in_use(deployment)) == ("InService", config_name)
        ),
    )


def created_at(deployment: Deployment) -> object:
    """When its endpoint was created: whoever deletes it and creates it anew changes that."""
    described = deployment.aws.endpoint(deployment.name)
    assert described is not None
    return described["CreationTime"]


def check_that_it_answers(deployment: Deployment) -> None:
    """The HTTP API's routes and the Function URL, whether its endpoint is up or not."""
    listed = deployment.ask("GET", "/endpoints")
    assert listed.status == 200, listed
    assert deployment.name in [entry["name"] for entry in listed.json()["endpoints"]]
    assert deployment.standing()["endpoint_config"].startswith("life-EndpointConfig-")
    assert deployment.post("release")["hold_until"] is None
    assert deployment.ask("GET", "/nowhere").status == 404
    assert deployment.ask("POST", "/endpoints/nobody/wake").status == 404
    unknown = deployment.refusal("nobody")
    assert unknown["Error"]["Code"] == "ValidationError"


def test_it_is_woken_over_http(life: Deployment) -> None:
    """And serves as it was deployed."""
    assert life.status() is None
    check_that_it_answers(life)

    standing = life.wake()

    assert standing["state"] == "serving"
    assert standing["endpoint_config"] == config_in_use(life)
    assert life.aws.instance_type(config_in_use(life)) == FIRST
    assert life.invoke()["predictions"][0]["label"] == "positive"
    check_that_it_answers(life)


def test_a_change_while_it_serves_is_an_update(life: Deployment) -> None:
    """Its requests are answered all the while, and it is never down."""
    former, was_created_at = config_in_use(life), created_at(life)

    with traffic(life) as sent:
        life.change(InstanceType=SECOND)
        config = life.standing()["endpoint_config"]
        life.tick()
        standing = wait_for_config(life, config)

    assert sent.failures == []
    assert set(sent.answered_in) == {"InService", "Updating"}
    assert [row["action"] for row in standing["decisions"]].count("update") == 1
    assert created_at(life) == was_created_at
    assert life.aws.instance_type(config) == SECOND
    # What serves may need the former config until the update is done.
    assert life.aws.instance_type(former) == FIRST
    assert life.invoke()["predictions"][0]["label"] == "positive"
    check_that_it_answers(life)


def test_a_change_while_it_is_asleep_waits_for_the_next_wake(life: Deployment) -> None:
    """Which then is on the new config."""
    life.post("sleep")
    life.wait_for_status(None)

    life.change(InstanceType=THIRD)

    assert life.tick()[life.name]["action"] == "stay down"
    check_that_it_answers(life)
    assert life.status() is None
    config = life.standing()["endpoint_config"]
    assert life.refusal()["Error"]["Code"] == "ServiceUnavailable"
    life.wait_for_status("InService")
    assert config_in_use(life) == config
    assert life.aws.instance_type(config) == THIRD
    assert life.invoke()["predictions"][0]["label"] == "positive"
    check_that_it_answers(life)


def test_a_broken_change_is_rolled_back(life: Deployment) -> None:
    """Ticks go on meanwhile; afterwards all is as it was, and nothing was torn down."""
    config, was_created_at = config_in_use(life), created_at(life)
    instance_type = life.aws.instance_type(config)
    schedules = life.client("scheduler").list_schedules()["Schedules"]

    with traffic(life) as sent:
        with at_once() as pool:
            changing = pool.submit(
                life.change, InstanceType=FOURTH, WakeCron="cron(99 99 ? * MON *)"
            )
            while not changing.done():
                life.tick()
                time.sleep(POLL_SECONDS)
            with pytest.raises(DeployError):
                changing.result()
        assert life.aws.stack_status("life") == "UPDATE_ROLLBACK_COMPLETE"
        life.tick()
        wait_for_config(life, config)

    events = life.client("cloudformation").describe_stack_events(StackName="life")["StackEvents"]
    reasons = [event.get("ResourceStatusReason", "") for event in events]
    assert any("Invalid Schedule Expression cron(99 99 ? * MON *)" in why for why in reasons)
    assert sent.failures == []
    assert created_at(life) == was_created_at
    assert life.standing()["endpoint_config"] == config
    assert life.aws.instance_type(config) == instance_type
    assert life.client("scheduler").list_schedules()["Schedules"] == schedules
    check_that_it_answers(life)


@dataclass(frozen=True)
class Deleted:
    """A deployment that there was, and what CloudFormation said of it then."""

    deployment: Deployment
    stack_id: str
    outputs: dict[str, str]


@pytest.fixture(scope="module")
def deleted(life: Deployment) -> dict[str, Deleted]:
    """Three stacks deleted at once: one serves, one is asleep, one is Creating. The first has
    adopted an endpoint that was created by hand."""
    aws = life.aws
    life.tag_a_config("by-hand", {"dormouse:endpoint": ADOPTED})
    life.hand_over(ADOPTED, "by-hand")
    with at_once() as pool:
        others = pool.map(lambda name: aws.deploy(name, EndpointName=name), ("slept", "started"))
        slept, started = others
        life.tick()
        life.wait_for_status("InService", ADOPTED)
        stacks = {
            status: Deleted(deployment, deployment.described()["StackId"], deployment.outputs())
            for status, deployment in (("serving", life), ("asleep", slept), ("Creating", started))
        }
        assert (life.status(), slept.status(), started.status()) == ("InService", None, None)
        started.post("wake")
        started.wait_for_status("Creating")
        life.client("cloudformation").delete_stack(StackName="started")
        # By the CLI, which takes longer to begin than the local SageMaker to create an endpoint.
        for deletion in [pool.submit(life.delete), pool.submit(slept.delete)]:
            deletion.result()
    gone = ("DELETE_COMPLETE", "DELETE_FAILED")
    wait_until(lambda: aws.stack_status(stacks["Creating"].stack_id) in gone, "deleted")
    return stacks


def decisions(deleted: Deleted) -> list[Json]:
    """What was decided about the endpoint of a stack that is gone, the latest first."""
    items = deleted.deployment.client("dynamodb").query(
        TableName=deleted.outputs["DecisionsTableName"],
        KeyConditionExpression="endpoint = :endpoint",
        ExpressionAttributeValues={":endpoint": {"S": deleted.deployment.name}},
        ScanIndexForward=False,
    )["Items"]
    return [{key: next(iter(value.values())) for key, value in item.items()} for item in items]


@pytest.mark.parametrize("status", ["asleep", "Creating", "serving"])
def test_nothing_runs_after_the_deletion(deleted: dict[str, Deleted], status: str) -> None:
    """No endpoint, no process; the models and what was decided are still there."""
    gone = deleted[status]
    aws, name = gone.deployment.aws, gone.deployment.stack.name

    assert aws.stack_status(gone.stack_id) == "DELETE_COMPLETE"
    assert gone.deployment.name not in aws.endpoints()
    assert aws.containers(gone.deployment.name) == []
    # The last function may be about to end.
    wait_until(lambda: aws.functions(name) == [], "without a function's process")
    functions = aws.client("lambda").list_functions()["Functions"]
    assert not [row for row in functions if row["FunctionName"].startswith(f"{name}-")]
    schedules = aws.client("scheduler").list_schedules()["Schedules"]
    assert not [row for row in schedules if row["Name"].startswith(f"{name}-")]

    aws.client("s3").head_bucket(Bucket=gone.outputs["ModelBucketName"])
    for table in ("EndpointsTableName", "DecisionsTableName"):
        aws.client("dynamodb").describe_table(TableName=gone.outputs[table])
    assert decisions(gone)[0]["rule"] == "removal"


def test_each_was_deleted_in_the_status_that_is_meant(deleted: dict[str, Deleted]) -> None:
    """By what was decided from the moment on that the deletion began."""
    actions = {
        status: [
            (row["action"], row["rule"])
            for row in decisions(gone)
            if f"the stack {gone.deployment.stack.name} is being deleted" in row["reason"]
        ]
        for status, gone in deleted.items()
    }
    assert actions["asleep"] == [("stay down", "removal")]
    assert actions["Creating"][-1] == ("wait", "in transition")
    assert ("stop", "removal") in actions["Creating"]
    assert actions["serving"][-1] == ("stop", "removal")


def test_what_was_only_handed_over_goes_on(deleted: dict[str, Deleted]) -> None:
    """It is its owner's again, and answers."""
    life = deleted["serving"].deployment
    assert life.aws.endpoints() == [ADOPTED]
    assert life.aws.containers(ADOPTED)
    direct = life.client("sagemaker-runtime")
    assert life.invoke(ADOPTED, direct)["predictions"][0]["label"] == "positive"


def test_a_stack_of_the_same_name_begins_anew(deleted: dict[str, Deleted]) -> None:
    """Though the former one has left EndpointConfigs behind that claim its endpoint."""
    aws = deleted["serving"].deployment.aws

    again = aws.deploy("life", EndpointName="lived")

    assert again.tick()["lived"]["action"] == "stay down"
    standing = again.standing()
    assert (standing["state"], standing["problem"]) == ("asleep", None)
    assert standing["endpoint_config"] != deleted["serving"].outputs["EndpointConfigName"]
    check_that_it_answers(again)
