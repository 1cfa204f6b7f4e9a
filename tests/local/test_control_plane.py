"""The control plane's answers: against botocore's model of them and against AWS's own words."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from tests.local.conftest import ACCOUNT, LocalAws, wait_until
from tests.local.shapes import check_answer, undated

GOLDEN = Path(__file__).with_name("golden")
ARN = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}"


def golden(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.json").read_text())


def refusal(call: Any, **request: Any) -> tuple[str, str]:
    """The code and the message with which a call is refused."""
    with pytest.raises(call.__self__.exceptions.ClientError) as refused:
        call(**request)
    error = refused.value.response["Error"]
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return error["Code"], error["Message"]


def test_answers_fit_the_model_and_the_documentation(aws: LocalAws) -> None:
    """Every operation once, in the order of an endpoint's life."""
    sagemaker = aws.client("sagemaker")
    aws.put_config("Golden", {"KEY": "value"}, Tags=[{"Key": "dormouse:endpoint", "Value": "g"}])
    for operation, request, name in (
        ("DescribeModel", {"ModelName": "Golden"}, "describe_model"),
        ("DescribeEndpointConfig", {"EndpointConfigName": "Golden"}, "describe_endpoint_config"),
        ("ListTags", {"ResourceArn": f"{ARN}:endpoint-config/golden"}, "list_tags"),
        ("ListModels", {"NameContains": "golden"}, "list_models"),
        ("ListEndpointConfigs", {"NameContains": "golden"}, "list_endpoint_configs"),
        (
            "CreateEndpoint",
            {"EndpointName": "Golden", "EndpointConfigName": "Golden"},
            "create_endpoint",
        ),
        ("DescribeEndpoint", {"EndpointName": "Golden"}, "describe_endpoint_creating"),
    ):
        answer = sagemaker._make_api_call(operation, request)
        check_answer("sagemaker", operation, answer)
        assert undated(answer) == golden(name), operation
    wait_until(lambda: aws.status("Golden") == "InService")
    for operation, request, name in (
        ("DescribeEndpoint", {"EndpointName": "Golden"}, "describe_endpoint_in_service"),
        ("ListEndpoints", {"NameContains": "golden"}, "list_endpoints"),
    ):
        answer = sagemaker._make_api_call(operation, request)
        check_answer("sagemaker", operation, answer)
        assert undated(answer) == golden(name), operation


def test_what_is_absent_is_named_by_its_arn(aws: LocalAws) -> None:
    """In lower case, as SageMaker writes ARNs."""
    sagemaker = aws.client("sagemaker")
    no_endpoint = ("ValidationException", f'Could not find endpoint "{ARN}:endpoint/nope".')
    no_config = (
        "ValidationException",
        f'Could not find endpoint configuration "{ARN}:endpoint-config/nope".',
    )
    assert refusal(sagemaker.describe_endpoint, EndpointName="Nope") == no_endpoint
    assert refusal(sagemaker.delete_endpoint, EndpointName="Nope") == no_endpoint
    assert (
        refusal(sagemaker.update_endpoint, EndpointName="Nope", EndpointConfigName="Nope")
        == no_endpoint
    )
    assert refusal(sagemaker.describe_endpoint_config, EndpointConfigName="Nope") == no_config
    assert refusal(sagemaker.delete_endpoint_config, EndpointConfigName="Nope") == no_config
    assert (
        refusal(sagemaker.create_endpoint, EndpointName="x", EndpointConfigName="Nope") == no_config
    )


def test_changes_are_refused_while_one_is_under_way(unhurried_aws: LocalAws) -> None:
    """Creating refuses everything; Deleting refuses to be created again, whatever the case."""
    aws = unhurried_aws
    sagemaker = aws.client("sagemaker")
    aws.put_config("Busy")
    sagemaker.create_endpoint(EndpointName="Busy", EndpointConfigName="Busy")
    exists = (
        "ValidationException",
        f'Cannot create already existing endpoint "{ARN}:endpoint/busy".',
    )
    busy = ("ValidationException", f'Cannot update in-progress endpoint "{ARN}:endpoint/busy".')
    create = {"EndpointName": "bUSY", "EndpointConfigName": "Busy"}
    assert aws.status("Busy") == "Creating"
    assert refusal(sagemaker.create_endpoint, **create) == exists
    assert refusal(sagemaker.delete_endpoint, EndpointName="Busy") == busy
    assert (
        refusal(sagemaker.update_endpoint, EndpointName="Busy", EndpointConfigName="Busy") == busy
    )
    wait_until(lambda: aws.status("Busy") == "InService")
    sagemaker.delete_endpoint(EndpointName="Busy")
    assert aws.status("Busy") == "Deleting"
    assert refusal(sagemaker.create_endpoint, **create) == exists
    assert refusal(sagemaker.delete_endpoint, EndpointName="Busy") == busy
    wait_until(lambda: aws.status("Busy") is None)


def test_a_request_is_held_against_the_model(aws: LocalAws) -> None:
    """With parameter validation switched off in boto3, as other clients would send it."""
    sagemaker = aws.client("sagemaker", parameter_validation=False)
    code, message = refusal(sagemaker.create_endpoint, EndpointName="under_score")
    assert code == "ValidationException"
    assert message == (
        "2 validation errors detected: Value null at 'endpointConfigName' failed to satisfy "
        "constraint: Member must not be null; Value 'under_score' at 'endpointName' failed to "
        "satisfy constraint: Member must satisfy regular expression pattern: "
        "[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"
    )
    code, message = refusal(sagemaker.list_endpoints, StatusEquals="Asleep", MaxResults=101)
    assert "Member must satisfy enum value set: [OutOfService, Creating" in message
    assert "Value '101' at 'maxResults' failed to satisfy constraint" in message


def test_endpoints_are_listed_by_status_and_in_pages(aws: LocalAws) -> None:
    """NextToken leads through all of them once."""
    sagemaker = aws.client("sagemaker")
    aws.put_config("paged", {"FAKE_BOOT": "silent"})
    for number in range(3):
        sagemaker.create_endpoint(EndpointName=f"paged-{number}", EndpointConfigName="paged")
    pages = [
        [endpoint["EndpointName"] for endpoint in page["Endpoints"]]
        for page in sagemaker.get_paginator("list_endpoints").paginate(
            NameContains="PAGED-",
            SortBy="Name",
            StatusEquals="Creating",
            PaginationConfig={"PageSize": 2},
        )
    ]
    assert pages == [["paged-0", "paged-1"], ["paged-2"]]
    listed = sagemaker.list_endpoints(NameContains="paged-", StatusEquals="InService")
    assert listed["Endpoints"] == []


def test_tags(aws: LocalAws) -> None:
    """They are added, listed, taken away, and found by the tagging API in pages."""
    sagemaker, tagging = aws.client("sagemaker"), aws.client("resourcegroupstaggingapi")
    arns = []
    for number in range(3):
        name = aws.put_config(f"tagged-{number}", Tags=[{"Key": "team", "Value": f"t{number}"}])
        arns.append(f"{ARN}:endpoint-config/{name}")
    only = {"ResourceTypeFilters": ["sagemaker:endpoint-config"]}
    first = tagging.get_resources(**only, TagFilters=[{"Key": "team"}], ResourcesPerPage=2)
    rest = tagging.get_resources(
        **only,
        TagFilters=[{"Key": "team"}],
        ResourcesPerPage=2,
        PaginationToken=first["PaginationToken"],
    )
    check_answer("resourcegroupstaggingapi", "GetResources", first)
    found = first["ResourceTagMappingList"] + rest["ResourceTagMappingList"]
    assert (len(first["ResourceTagMappingList"]), rest["PaginationToken"]) == (2, "")
    assert [row["ResourceARN"] for row in found] == arns
    one = tagging.get_resources(**only, TagFilters=[{"Key": "team", "Values": ["t1"]}])
    assert [row["ResourceARN"] for row in one["ResourceTagMappingList"]] == [arns[1]]
    none = tagging.get_resources(
        ResourceTypeFilters=["sagemaker:endpoint"], TagFilters=[{"Key": "team"}]
    )
    assert none["ResourceTagMappingList"] == []
    sagemaker.delete_tags(ResourceArn=arns[1], TagKeys=["team"])
    sagemaker.add_tags(ResourceArn=arns[1], Tags=[{"Key": "x", "Value": "y"}])
    assert sagemaker.list_tags(ResourceArn=arns[1])["Tags"] == [{"Key": "x", "Value": "y"}]


def test_the_quota_is_an_error_of_its_own(start_local_aws: Any, tmp_path: Path) -> None:
    """ResourceLimitExceeded is modelled, so boto3 raises it by name."""
    aws: LocalAws = start_local_aws(tmp_path, instance_limit=0)
    try:
        sagemaker = aws.client("sagemaker")
        aws.put_config("limited")
        with pytest.raises(
            sagemaker.exceptions.ResourceLimitExceeded,
            match=r"^.*'ml\.m5\.xlarge for endpoint usage' is 0 Instances, with current util",
        ):
            sagemaker.create_endpoint(EndpointName="limited", EndpointConfigName="limited")
    finally:
        aws.stop()


def test_capture_is_refused_for_multi_model_endpoints(aws: LocalAws) -> None:
    """As SageMaker does, which is why captures are Dormouse's own."""
    sagemaker = aws.client("sagemaker")
    aws.put_config("capture")
    refused = refusal(
        sagemaker.create_endpoint_config,
        EndpointConfigName="capture-2",
        ProductionVariants=[
            {"VariantName": "v", "ModelName": "capture", "InitialInstanceCount": 1}
        ],
        DataCaptureConfig={
            "EnableCapture": True,
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": "s3://b/p",
            "CaptureOptions": [{"CaptureMode": "Input"}],
        },
    )
    assert refused[1] == "DataCapture feature is not supported with MultiModel mode."


def test_state_changes_are_told(aws: LocalAws) -> None:
    """As events of aws.sagemaker, in order, and no other source of that name is let in."""
    events, sqs = aws.client("events"), aws.client("sqs")
    queue = sqs.create_queue(QueueName="changes")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    pattern = {"source": ["aws.sagemaker"], "detail": {"EndpointName": ["Told"]}}
    events.put_rule(Name="told", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="told", Targets=[{"Id": "q", "Arn": arn["QueueArn"]}])
    before = dt.datetime.now(dt.UTC).timestamp() * 1000
    aws.put_config("Told")
    sagemaker = aws.client("sagemaker")
    tags = [{"Key": "dormouse:stack", "Value": "s"}]
    sagemaker.create_endpoint(EndpointName="Told", EndpointConfigName="Told", Tags=tags)
    wait_until(lambda: aws.status("Told") == "InService")
    sagemaker.delete_endpoint(EndpointName="Told")
    told: list[Any] = []

    def all_told() -> bool:
        answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
        for message in answer.get("Messages", []):
            told.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return len(told) >= 4

    wait_until(all_told)
    told.sort(key=lambda event: event["detail"]["LastModifiedTime"])
    statuses = [event["detail"]["EndpointStatus"] for event in told]
    assert sorted(statuses) == ["CREATING", "DELETED", "DELETING", "IN_SERVICE"]
    created = next(event for event in told if event["detail"]["EndpointStatus"] == "CREATING")
    for name in ("CreationTime", "LastModifiedTime"):
        assert before - 1 <= created["detail"][name] <= before + 60_000
        created["detail"][name] = "<time>"
    for name in ("id", "time"):
        created[name] = f"<{name}>"
    assert created == golden("state_change_event")


def test_endpoints_are_listed_by_the_hundred(start_local_aws: Any, tmp_path: Path) -> None:
    """A hundred a page at most, ten by default; each with the times that DescribeEndpoint shows, to
    the millisecond.
    """
    # None of them gets an instance, and so none a process.
    aws: LocalAws = start_local_aws(
        tmp_path, instance_limit=200, no_capacity="ml.m5.xlarge", create_seconds=600
    )
    try:
        sagemaker = aws.client("sagemaker")
        aws.put_config("many")
        names = [f"many-{number:03}" for number in range(101)]
        for name in names:
            sagemaker.create_endpoint(EndpointName=name, EndpointConfigName="many")
        assert len(sagemaker.list_endpoints()["Endpoints"]) == 10
        pages = [
            page["Endpoints"]
            for page in sagemaker.get_paginator("list_endpoints").paginate(
                SortBy="Name", PaginationConfig={"PageSize": 100}
            )
        ]
        assert [len(page) for page in pages] == [100, 1]
        listed = [endpoint for page in pages for endpoint in page]
        assert [endpoint["EndpointName"] for endpoint in listed] == names
        for endpoint in (listed[0], listed[-1]):
            shown = sagemaker.describe_endpoint(EndpointName=endpoint["EndpointName"])
            for member in ("CreationTime", "LastModifiedTime", "EndpointStatus", "EndpointArn"):
                assert shown[member] == endpoint[member]
    finally:
        aws.stop()
