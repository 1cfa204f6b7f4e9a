"""UpdateEndpoint and the tags of endpoints, as one deployment changes what another has made."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.local.conftest import ACCOUNT, LocalAws, wait_until
from tests.local.shapes import check_answer

ARN = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}"
FAILED_CHECK = (
    "The primary container for production variant AllTraffic did not pass the ping health check. "
    "Please check CloudWatch logs for this endpoint."
)


def describe(aws: LocalAws, name: str) -> dict[str, Any]:
    answer: dict[str, Any] = aws.client("sagemaker").describe_endpoint(EndpointName=name)
    check_answer("sagemaker", "DescribeEndpoint", answer)
    return answer


def refusal(call: Any, **request: Any) -> str:
    with pytest.raises(call.__self__.exceptions.ClientError) as refused:
        call(**request)
    error = refused.value.response["Error"]
    assert error["Code"] == "ValidationException"
    return str(error["Message"])


def test_an_update_names_the_former_config_until_it_is_done(unhurried_aws: LocalAws) -> None:
    """Updating, in which it can be neither changed nor deleted; then the new one, and the time of
    its last change moves on.
    """
    aws = unhurried_aws
    sagemaker = aws.client("sagemaker")
    aws.serve("updated")
    aws.put_config("updated-2", {"REVISION": "2"}, instance_type="ml.m5.large")
    before = describe(aws, "updated")

    answer = sagemaker.update_endpoint(EndpointName="updated", EndpointConfigName="updated-2")
    assert answer["EndpointArn"] == f"{ARN}:endpoint/updated"
    during = describe(aws, "updated")
    assert (during["EndpointStatus"], during["EndpointConfigName"]) == ("Updating", "updated")
    assert during["LastModifiedTime"] > before["LastModifiedTime"]
    assert during["CreationTime"] == before["CreationTime"]
    busy = f'Cannot update in-progress endpoint "{ARN}:endpoint/updated".'
    assert refusal(sagemaker.delete_endpoint, EndpointName="updated") == busy
    again = {"EndpointName": "updated", "EndpointConfigName": "updated"}
    assert refusal(sagemaker.update_endpoint, **again) == busy

    wait_until(lambda: aws.status("updated") == "InService")
    after = describe(aws, "updated")
    assert after["EndpointConfigName"] == "updated-2"
    assert after["LastModifiedTime"] > during["LastModifiedTime"]
    assert "FailureReason" not in after
    sagemaker.delete_endpoint(EndpointName="updated")


def test_an_update_to_a_config_that_is_not_there(aws: LocalAws) -> None:
    """Is refused by the config's ARN, and changes nothing."""
    sagemaker = aws.client("sagemaker")
    aws.serve("unchanged")
    wanted = {"EndpointName": "unchanged", "EndpointConfigName": "Nowhere"}
    assert refusal(sagemaker.update_endpoint, **wanted) == (
        f'Could not find endpoint configuration "{ARN}:endpoint-config/nowhere".'
    )
    assert describe(aws, "unchanged")["EndpointStatus"] == "InService"
    sagemaker.delete_endpoint(EndpointName="unchanged")


def test_an_update_whose_container_does_not_come_up(aws: LocalAws) -> None:
    """RollingBack, then InService with the former config and the reason; the former container has
    served all the time; and the next update works.
    """
    sagemaker, runtime = aws.client("sagemaker"), aws.client("sagemaker-runtime")
    target = aws.put_model("rolled-back")
    aws.serve("rolled-back")
    aws.put_config("rolled-back-2", image_tag="unhealthy")
    aws.put_config("rolled-back-3")

    def pid() -> int:
        answer = runtime.invoke_endpoint(EndpointName="rolled-back", TargetModel=target, Body=b"")
        return int(json.load(answer["Body"])["pid"])

    former = pid()
    sagemaker.update_endpoint(EndpointName="rolled-back", EndpointConfigName="rolled-back-2")
    wait_until(lambda: aws.status("rolled-back") == "RollingBack")
    assert pid() == former
    wait_until(lambda: aws.status("rolled-back") == "InService")
    assert pid() == former
    shown = describe(aws, "rolled-back")
    assert (shown["EndpointConfigName"], shown["FailureReason"]) == ("rolled-back", FAILED_CHECK)

    sagemaker.update_endpoint(EndpointName="rolled-back", EndpointConfigName="rolled-back-3")
    wait_until(lambda: aws.status("rolled-back") == "InService")
    shown = describe(aws, "rolled-back")
    assert shown["EndpointConfigName"] == "rolled-back-3"
    assert "FailureReason" not in shown
    assert pid() != former
    sagemaker.delete_endpoint(EndpointName="rolled-back")


def test_a_creation_whose_container_does_not_come_up(aws: LocalAws) -> None:
    """The same image: Failed, with the same reason."""
    aws.put_config("unhealthy", image_tag="unhealthy")
    sagemaker = aws.client("sagemaker")
    sagemaker.create_endpoint(EndpointName="unhealthy", EndpointConfigName="unhealthy")
    wait_until(lambda: aws.status("unhealthy") == "Failed")
    assert describe(aws, "unhealthy")["FailureReason"] == FAILED_CHECK
    sagemaker.delete_endpoint(EndpointName="unhealthy")


def test_the_tags_of_an_endpoint(aws: LocalAws) -> None:
    """Given at CreateEndpoint, kept by an update, changed by their owner, gone with the endpoint;
    and the tagging API finds endpoints by them, apart from configs.
    """
    sagemaker, tagging = aws.client("sagemaker"), aws.client("resourcegroupstaggingapi")
    arn = f"{ARN}:endpoint/tags"
    mark = [{"Key": "dormouse:stack", "Value": "tags"}]
    aws.put_config("Tags", Tags=mark)
    aws.put_config("Tags-2")

    def found(kind: str) -> list[str]:
        answer = tagging.get_resources(
            ResourceTypeFilters=[f"sagemaker:{kind}"],
            TagFilters=[{"Key": "dormouse:stack", "Values": ["tags"]}],
        )
        return [row["ResourceARN"] for row in answer["ResourceTagMappingList"]]

    def tags() -> dict[str, str]:
        answer = sagemaker.list_tags(ResourceArn=arn)
        check_answer("sagemaker", "ListTags", answer)
        return {tag["Key"]: tag["Value"] for tag in answer["Tags"]}

    assert refusal(sagemaker.list_tags, ResourceArn=arn).startswith("Could not find")
    sagemaker.create_endpoint(EndpointName="Tags", EndpointConfigName="Tags", Tags=mark)
    assert tags() == {"dormouse:stack": "tags"}
    assert (found("endpoint"), found("endpoint-config")) == ([arn], [f"{ARN}:endpoint-config/tags"])

    wait_until(lambda: aws.status("Tags") == "InService")
    sagemaker.update_endpoint(EndpointName="Tags", EndpointConfigName="Tags-2")
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "dormouse:adopted-by", "Value": "somebody"}])
    wait_until(lambda: aws.status("Tags") == "InService")
    assert tags() == {"dormouse:stack": "tags", "dormouse:adopted-by": "somebody"}
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["dormouse:stack"])
    assert (tags(), found("endpoint")) == ({"dormouse:adopted-by": "somebody"}, [])

    sagemaker.delete_endpoint(EndpointName="Tags")
    wait_until(lambda: aws.status("Tags") is None)
    assert refusal(sagemaker.list_tags, ResourceArn=arn).startswith("Could not find")


def test_two_endpoints_serve_at_once(aws: LocalAws) -> None:
    """Each with a container of its own, which the end of the other does not end."""
    runtime = aws.client("sagemaker-runtime")
    target = aws.put_model("parallel")
    names = [aws.put_config("parallel-1"), aws.put_config("parallel-2")]
    for name in names:
        aws.client("sagemaker").create_endpoint(EndpointName=name, EndpointConfigName=name)
    wait_until(lambda: [aws.status(name) for name in names] == ["InService"] * 2)

    def pid(name: str) -> int:
        answer = runtime.invoke_endpoint(EndpointName=name, TargetModel=target, Body=b"")
        return int(json.load(answer["Body"])["pid"])

    first, second = map(pid, names)
    assert first != second
    aws.client("sagemaker").delete_endpoint(EndpointName=names[0])
    wait_until(lambda: aws.status(names[0]) is None)
    assert pid(names[1]) == second
    aws.client("sagemaker").delete_endpoint(EndpointName=names[1])


def test_an_update_past_the_quota(start_local_aws: Any, tmp_path: Path) -> None:
    """Is refused by name, and the endpoint serves on."""
    aws: LocalAws = start_local_aws(tmp_path, instance_limit=1)
    try:
        sagemaker = aws.client("sagemaker")
        aws.serve("only")
        aws.put_config("two")
        variants = sagemaker.describe_endpoint_config(EndpointConfigName="two")[
            "ProductionVariants"
        ]
        sagemaker.create_endpoint_config(
            EndpointConfigName="three",
            ProductionVariants=[{**variants[0], "InitialInstanceCount": 2}],
        )
        with pytest.raises(sagemaker.exceptions.ResourceLimitExceeded):
            sagemaker.update_endpoint(EndpointName="only", EndpointConfigName="three")
        assert describe(aws, "only")["EndpointStatus"] == "InService"
        sagemaker.update_endpoint(EndpointName="only", EndpointConfigName="two")
        wait_until(lambda: describe(aws, "only")["EndpointConfigName"] == "two")
    finally:
        aws.stop()


def test_the_deployment_config_of_the_last_change(aws: LocalAws) -> None:
    """Given at CreateEndpoint or UpdateEndpoint, kept by an update only if that asks for it."""
    sagemaker = aws.client("sagemaker")
    rolling: dict[str, Any] = {
        "RollingUpdatePolicy": {
            "MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1},
            "WaitIntervalInSeconds": 60,
        }
    }
    all_at_once: dict[str, Any] = {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}
        }
    }
    for name in ("deployed", "deployed-2"):
        aws.put_config(name)
    sagemaker.create_endpoint(
        EndpointName="deployed", EndpointConfigName="deployed", DeploymentConfig=rolling
    )
    assert describe(aws, "deployed")["LastDeploymentConfig"] == rolling

    def update(**more: Any) -> Any:
        wait_until(lambda: aws.status("deployed") == "InService")
        sagemaker.update_endpoint(EndpointName="deployed", EndpointConfigName="deployed-2", **more)
        return describe(aws, "deployed").get("LastDeploymentConfig")

    assert update(RetainDeploymentConfig=True) == rolling
    assert update(DeploymentConfig=all_at_once) == all_at_once
    assert update() is None
    wait_until(lambda: aws.status("deployed") == "InService")
    sagemaker.delete_endpoint(EndpointName="deployed")
