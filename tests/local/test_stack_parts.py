"""The parts of a template that schedules and notices need: a parameter, an event bus, a topic; and
which stack a resource belongs to.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.conftest import ACCOUNT, LocalAws, wait_until
from tests.local.shapes import check_answer
from tests.local.stacks import SmallStack, get

VALUE = '{"schedules": {}, "calendars": {}}'


def resources(description: str = "first") -> dict[str, Any]:
    return {
        "Parameter": {
            "Type": "AWS::SSM::Parameter",
            "DeletionPolicy": "Retain",
            "Properties": {"Type": "String", "Value": VALUE, "Description": description},
        },
        "Bus": {
            "Type": "AWS::Events::EventBus",
            "Properties": {"Name": {"Fn::Sub": "${AWS::StackName}-notices"}},
        },
        "Topic": {"Type": "AWS::SNS::Topic"},
        "Model": {
            "Type": "AWS::SageMaker::Model",
            "Properties": {
                "ExecutionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/any",
                "PrimaryContainer": {
                    "Image": "i",
                    "Mode": "MultiModel",
                    "ModelDataUrl": "s3://b/m",
                },
            },
        },
    }


OUTPUTS = {
    "Parameter": {"Ref": "Parameter"},
    "Bus": {"Ref": "Bus"},
    "BusArn": get("Bus", "Arn"),
    "Topic": {"Ref": "Topic"},
    "Model": {"Ref": "Model"},
}


@pytest.fixture(scope="module")
def parts(aws: LocalAws) -> Iterator[SmallStack]:
    """A stack that has them."""
    stack = SmallStack(aws, "parts")
    stack.create(resources(), OUTPUTS)
    yield stack
    stack.delete()


def queue(aws: LocalAws, name: str) -> tuple[str, str]:
    """A queue's URL and ARN."""
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    return url, attributes["QueueArn"]


def received(aws: LocalAws, url: str) -> Any:
    """The one message that comes."""
    answer = wait_until(
        lambda: aws.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages")
    )
    (message,) = answer
    return json.loads(message["Body"])


def test_a_parameter_is_its_owners_after_it_was_made(aws: LocalAws, parts: SmallStack) -> None:
    """Its name is made up; what somebody else has put there stays as long as the template's own
    line does not change.
    """
    ssm = aws.client("ssm")
    name = parts.outputs()["Parameter"]
    assert name.startswith("CFN-Parameter-")
    read = ssm.get_parameter(Name=name)
    check_answer("ssm", "GetParameter", read)
    assert read["Parameter"]["Value"] == VALUE

    ssm.put_parameter(Name=name, Value="mine", Overwrite=True)
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "changed"}}
    parts.update({**resources(), "Topic": topic}, OUTPUTS)
    assert parts.outputs()["Parameter"] == name
    assert ssm.get_parameter(Name=name)["Parameter"]["Value"] == "mine"


def test_a_retained_parameter_is_in_nobodys_way(aws: LocalAws) -> None:
    """A stack of the same name makes another one."""
    stack = SmallStack(aws, "parts-again")
    only = {"Parameter": resources()["Parameter"]}
    names = []
    for _ in range(2):
        stack.create(only, {"Parameter": {"Ref": "Parameter"}})
        names.append(stack.outputs()["Parameter"])
        stack.delete()
    assert names[0] != names[1]
    for name in names:
        assert aws.client("ssm").get_parameter(Name=name)["Parameter"]["Value"] == VALUE


def test_a_parameter_that_is_not_there(aws: LocalAws) -> None:
    """Is an error of its own."""
    ssm = aws.client("ssm")
    with pytest.raises(ssm.exceptions.ParameterNotFound):
        ssm.get_parameter(Name="nowhere")


def test_events_on_a_bus_reach_its_rules_alone(aws: LocalAws, parts: SmallStack) -> None:
    """By the bus's name or its ARN; a rule of the same pattern on the default bus sees none."""
    events = aws.client("events")
    out = parts.outputs()
    ours, other = queue(aws, "parts-notices"), queue(aws, "parts-default")
    pattern = json.dumps({"source": ["dormouse"], "detail": {"endpoint": ["e"]}})
    for bus, (_, arn) in ((out["Bus"], ours), ("default", other)):
        events.put_rule(Name="parts", EventBusName=bus, EventPattern=pattern)
        events.put_targets(Rule="parts", EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
    for bus in (out["Bus"], out["BusArn"]):
        put = events.put_events(
            Entries=[
                {
                    "EventBusName": bus,
                    "Source": "dormouse",
                    "DetailType": "Dormouse Notice",
                    "Detail": json.dumps({"endpoint": endpoint}),
                }
                for endpoint in ("not-this", "e")
            ]
        )
        check_answer("events", "PutEvents", put)
        assert put["FailedEntryCount"] == 0
        event = received(aws, ours[0])
        assert (event["source"], event["detail"]) == ("dormouse", {"endpoint": "e"})
        aws.client("sqs").purge_queue(QueueUrl=ours[0])
    nothing = aws.client("sqs").receive_message(QueueUrl=other[0], WaitTimeSeconds=1)
    assert "Messages" not in nothing
    events.remove_targets(Rule="parts", EventBusName=out["Bus"], Ids=["queue"])
    events.delete_rule(Name="parts", EventBusName=out["Bus"])


def test_a_topic_delivers(aws: LocalAws, parts: SmallStack) -> None:
    """What is published, with its subject and its attributes; to a topic that is not there nothing
    can be published.
    """
    sns = aws.client("sns")
    topic = parts.outputs()["Topic"]
    url, arn = queue(aws, "parts-topic")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    published = sns.publish(
        TopicArn=topic,
        Subject="e is up",
        Message="because",
        MessageAttributes={"endpoint": {"DataType": "String", "StringValue": "e"}},
    )
    check_answer("sns", "Publish", published)
    message = received(aws, url)
    assert (message["Subject"], message["Message"]) == ("e is up", "because")
    assert message["MessageAttributes"] == {"endpoint": {"Type": "String", "Value": "e"}}
    with pytest.raises(sns.exceptions.NotFoundException):
        sns.publish(TopicArn=f"{topic}-not", Message="x")


def test_a_resource_names_its_stack(aws: LocalAws, parts: SmallStack) -> None:
    """By its physical id, with all resources of the stack."""
    cloudformation = aws.client("cloudformation")
    model = parts.outputs()["Model"]
    answer = cloudformation.describe_stack_resources(PhysicalResourceId=model)
    check_answer("cloudformation", "DescribeStackResources", answer)
    assert {row["StackName"] for row in answer["StackResources"]} == {"parts"}
    assert {row["LogicalResourceId"] for row in answer["StackResources"]} == set(resources())
    assert model in [row["PhysicalResourceId"] for row in answer["StackResources"]]


def test_a_resource_of_no_stack(aws: LocalAws, parts: SmallStack) -> None:
    """Is refused by name; so is one of a stack that is gone, and a question with two answers."""
    cloudformation = aws.client("cloudformation")

    def refused(**request: str) -> tuple[str, str]:
        with pytest.raises(ClientError) as raised:
            cloudformation.describe_stack_resources(**request)
        error = raised.value.response["Error"]
        return error["Code"], error["Message"]

    nobody = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:endpoint/nobody"
    assert refused(PhysicalResourceId=nobody) == (
        "ValidationError",
        f"Stack for {nobody} does not exist",
    )
    gone = SmallStack(aws, "parts-gone")
    gone.create({"Topic": resources()["Topic"]}, {"Topic": {"Ref": "Topic"}})
    topic = gone.outputs()["Topic"]
    gone.delete()
    assert refused(PhysicalResourceId=topic)[1] == f"Stack for {topic} does not exist"
    both = refused(StackName="parts", PhysicalResourceId=parts.outputs()["Model"])
    assert both == (
        "ValidationError",
        "You must specify either StackName or PhysicalResourceId, but not both",
    )


def test_several_types_are_searched_at_once(aws: LocalAws) -> None:
    """GetResources with several ResourceTypeFilters: any of them, and no other type of the same
    service.
    """
    tags = [{"Key": "several", "Value": "yes"}]
    aws.put_config("several", Tags=tags)
    arn = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}"
    aws.client("sagemaker").add_tags(ResourceArn=f"{arn}:model/several", Tags=tags)
    aws.client("sagemaker").create_endpoint(
        EndpointName="several", EndpointConfigName="several", Tags=tags
    )
    topic = aws.client("sns").create_topic(Name="several", Tags=tags)["TopicArn"]

    def found(*types: str) -> set[str]:
        answer = aws.client("resourcegroupstaggingapi").get_resources(
            ResourceTypeFilters=list(types), TagFilters=[{"Key": "several", "Values": ["yes"]}]
        )
        return {row["ResourceARN"] for row in answer["ResourceTagMappingList"]}

    config, endpoint = f"{arn}:endpoint-config/several", f"{arn}:endpoint/several"
    assert found("sagemaker:endpoint-config", "sagemaker:endpoint") == {config, endpoint}
    assert found("sagemaker:endpoint", "sns") == {endpoint, topic}
    assert found("sagemaker:endpoint-config") == {config}
    wait_until(lambda: aws.status("several") == "InService")
    aws.client("sagemaker").delete_endpoint(EndpointName="several")


def test_an_endpoint_in_a_template(aws: LocalAws) -> None:
    """It serves when the stack is complete, is updated to another config, is found by its ARN, and
    is gone when the stack is.
    """
    aws.put_config("declared-1")
    aws.put_config("declared-2")
    aws.put_config("declared-3", image_tag="unhealthy")
    stack = SmallStack(aws, "declaring")

    def endpoint(config: str) -> dict[str, Any]:
        properties = {
            "EndpointName": "Declared",
            "EndpointConfigName": config,
            "Tags": [{"Key": "team", "Value": "ml"}],
        }
        return {"Endpoint": {"Type": "AWS::SageMaker::Endpoint", "Properties": properties}}

    outputs = {"Arn": {"Ref": "Endpoint"}, "Name": get("Endpoint", "EndpointName")}
    stack.create(endpoint("declared-1"), outputs)
    arn = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:endpoint/declared"
    assert stack.outputs() == {"Arn": arn, "Name": "Declared"}
    assert aws.status("Declared") == "InService"
    tags = aws.client("sagemaker").list_tags(ResourceArn=arn)["Tags"]
    assert tags == [{"Key": "team", "Value": "ml"}]
    found = aws.client("cloudformation").describe_stack_resources(PhysicalResourceId=arn)
    assert [row["StackName"] for row in found["StackResources"]] == ["declaring"]

    def config() -> str:
        shown = aws.client("sagemaker").describe_endpoint(EndpointName="Declared")
        assert shown["EndpointStatus"] == "InService"
        return str(shown["EndpointConfigName"])

    stack.update(endpoint("declared-2"), outputs)
    assert config() == "declared-2"
    stack.update(endpoint("declared-3"), outputs, "UPDATE_ROLLBACK_COMPLETE")
    assert config() == "declared-2"
    assert any("ping health check" in reason for _, _, reason in stack.events())
    stack.delete()
    assert aws.status("Declared") is None
