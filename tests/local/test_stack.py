"""A SAM template with SageMaker's resources and a function behind a Function URL, deployed for
real.
"""

import io
import json
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.local.conftest import ACCOUNT, LocalAws, wait_until

CODE = """
import base64, json, os
import boto3

def handler(event, context):
    if event.get("fail"):
        boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody="tried")
        raise RuntimeError("as asked")
    headers = event["headers"]
    if headers.get("x-amzn-sagemaker-target-model") == "error":
        return {
            "statusCode": 424,
            "headers": {"Content-Type": "application/json", "x-amzn-ErrorType": "ModelError"},
            "body": json.dumps({"Message": "m", "OriginalStatusCode": 400}),
        }
    if headers.get("content-type") == "application/octet-stream":
        return {
            "statusCode": 200,
            "headers": {
                "Content-Type": "application/octet-stream",
                "X-Was": str(event["isBase64Encoded"]),
            },
            "isBase64Encoded": True,
            "body": base64.b64encode(base64.b64decode(event["body"])[::-1]).decode(),
        }
    event["endpoints"] = len(boto3.client("sagemaker").list_endpoints()["Endpoints"])
    return {
        "statusCode": 200,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps(event),
    }
"""
ASSUME = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


def template(revision: str, instance_type: str) -> str:
    return json.dumps(
        {
            "AWSTemplateFormatVersion": "2010-09-09",
            "Transform": "AWS::Serverless-2016-10-31",
            "Resources": {
                "Role": {
                    "Type": "AWS::IAM::Role",
                    "Properties": {"AssumeRolePolicyDocument": ASSUME},
                },
                "Model": {
                    "Type": "AWS::SageMaker::Model",
                    "Properties": {
                        "ExecutionRoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                        "PrimaryContainer": {
                            "Image": "image",
                            "Mode": "MultiModel",
                            "ModelDataUrl": "s3://bucket/models/",
                        },
                    },
                },
                "Config": {
                    "Type": "AWS::SageMaker::EndpointConfig",
                    "UpdateReplacePolicy": "Retain",
                    "Properties": {
                        "ProductionVariants": [
                            {
                                "VariantName": "AllTraffic",
                                "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
                                "InstanceType": instance_type,
                                "InitialInstanceCount": "1",
                            }
                        ],
                        "Tags": [{"Key": "revision", "Value": revision}],
                    },
                },
                "Queue": {"Type": "AWS::SQS::Queue"},
                "Function": {
                    "Type": "AWS::Serverless::Function",
                    "Properties": {
                        "Runtime": "python3.13",
                        "Handler": "app.handler",
                        "CodeUri": "s3://stack-code/code.zip",
                        "Timeout": 30,
                        "Environment": {"Variables": {"QUEUE": {"Ref": "Queue"}}},
                        "FunctionUrlConfig": {"AuthType": "AWS_IAM"},
                        "EventInvokeConfig": {"MaximumRetryAttempts": 0},
                    },
                },
            },
            "Outputs": {
                "Config": {"Value": {"Fn::GetAtt": ["Config", "EndpointConfigName"]}},
                "ConfigRef": {"Value": {"Ref": "Config"}},
                "Model": {"Value": {"Fn::GetAtt": ["Model", "ModelName"]}},
                "ModelRef": {"Value": {"Ref": "Model"}},
                "Function": {"Value": {"Ref": "Function"}},
                "Queue": {"Value": {"Ref": "Queue"}},
                "Url": {"Value": {"Fn::GetAtt": ["FunctionUrl", "FunctionUrl"]}},
            },
        }
    )


@dataclass
class Stack:
    aws: LocalAws
    cloudformation: Any

    def outputs(self) -> dict[str, str]:
        shown = self.cloudformation.describe_stacks(StackName="stack")["Stacks"][0]
        assert shown["StackStatus"] in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}, shown
        return {row["OutputKey"]: row["OutputValue"] for row in shown["Outputs"]}

    def settle(self, *statuses: str) -> None:
        def settled() -> bool:
            stack = self.cloudformation.describe_stacks(StackName="stack")["Stacks"][0]
            assert "FAILED" not in stack["StackStatus"], stack
            assert "ROLLBACK" not in stack["StackStatus"], stack
            return stack["StackStatus"] in statuses

        wait_until(settled, 60)

    def update(self, revision: str, instance_type: str) -> dict[str, str]:
        self.cloudformation.update_stack(
            StackName="stack",
            TemplateBody=template(revision, instance_type),
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        self.settle("UPDATE_COMPLETE")
        return self.outputs()

    def url_path(self) -> str:
        return self.outputs()["Url"].removeprefix(self.aws.url)

    def runtime(self) -> Any:
        """The design's one line of set-up: boto3 signs for `sagemaker`, a Function URL wants
        `lambda`.
        """
        client = self.aws.client("sagemaker-runtime", self.url_path())

        def sign_for_lambda(request: Any, **_: Any) -> None:
            request.context.setdefault("signing", {}).update(signing_name="lambda")

        client.meta.events.register("before-sign.sagemaker-runtime", sign_for_lambda)
        return client


@pytest.fixture(scope="module")
def stack(aws: LocalAws) -> Iterator[Stack]:
    s3, cloudformation = aws.client("s3"), aws.client("cloudformation")
    s3.create_bucket(Bucket="stack-code")
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", CODE)
    s3.put_object(Bucket="stack-code", Key="code.zip", Body=code.getvalue())
    cloudformation.create_stack(
        StackName="stack",
        TemplateBody=template("1", "ml.m5.xlarge"),
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    made = Stack(aws, cloudformation)
    made.settle("CREATE_COMPLETE")
    yield made
    cloudformation.delete_stack(StackName="stack")


def test_ref_is_the_arn_and_getatt_the_name(stack: Stack) -> None:
    """As the CloudFormation reference says of both types; a name that is not given is made up."""
    out = stack.outputs()
    arn = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}"
    assert out["Config"].startswith("stack-Config-")
    assert out["ConfigRef"] == f"{arn}:endpoint-config/{out['Config'].lower()}"
    assert out["ModelRef"] == f"{arn}:model/{out['Model'].lower()}"
    sagemaker = stack.aws.client("sagemaker")
    variant = sagemaker.describe_endpoint_config(EndpointConfigName=out["Config"])
    # A number that a template wrote as a string is a number.
    assert variant["ProductionVariants"][0]["InitialInstanceCount"] == 1


def test_tags_change_in_place_and_all_else_by_replacement(stack: Stack) -> None:
    """And UpdateReplacePolicy: Retain keeps what was replaced."""
    sagemaker = stack.aws.client("sagemaker")
    before = stack.outputs()
    tagged = stack.update("2", "ml.m5.xlarge")
    assert tagged["ConfigRef"] == before["ConfigRef"]
    tags = {
        t["Key"]: t["Value"] for t in sagemaker.list_tags(ResourceArn=tagged["ConfigRef"])["Tags"]
    }
    # And no tag of CloudFormation's own, which these types do not get.
    assert tags == {"revision": "2"}
    replaced = stack.update("2", "ml.m5.large")
    assert replaced["Config"] != before["Config"]
    for name, instance_type in (
        (before["Config"], "ml.m5.xlarge"),
        (replaced["Config"], "ml.m5.large"),
    ):
        shown = sagemaker.describe_endpoint_config(EndpointConfigName=name)
        assert shown["ProductionVariants"][0]["InstanceType"] == instance_type


def test_a_function_url_is_an_address_that_answers(stack: Stack) -> None:
    """On loopback, with the slash at its end that AWS writes."""
    url = stack.outputs()["Url"]
    url_id = stack.aws.client("lambda").get_function_url_config(
        FunctionName=stack.outputs()["Function"]
    )["FunctionUrl"]
    assert url == f"{stack.aws.url}/_aws/lambda-url/{url_id.split('/')[2].split('.')[0]}/"


def test_a_function_url_names_its_caller(stack: Stack) -> None:
    """The whole way of a request through an unmodified boto3: path, headers, caller; and back."""
    answer = stack.runtime().invoke_endpoint(
        EndpointName="e-1",
        TargetModel="a/b.tar.gz",
        ContentType="application/json",
        Body=b'{"x": 1}',
    )
    event = json.load(answer["Body"])
    assert event["rawPath"] == "/endpoints/e-1/invocations"
    assert (event["isBase64Encoded"], event["body"]) == (False, '{"x": 1}')
    assert event["headers"]["x-amzn-sagemaker-target-model"] == "a/b.tar.gz"
    assert event["requestContext"]["authorizer"] == {
        "iam": {
            "accessKey": "test",
            "accountId": ACCOUNT,
            "callerId": ACCOUNT,
            "cognitoIdentity": None,
            "principalOrgId": None,
            "userArn": f"arn:aws:iam::{ACCOUNT}:root",
            "userId": ACCOUNT,
        }
    }
    # The function's own boto3 found the local SageMaker without being told.
    assert isinstance(event["endpoints"], int)


def test_a_function_url_passes_bytes_and_errors(stack: Stack) -> None:
    """Binary both ways, and a status of its own that boto3 raises by name."""
    runtime = stack.runtime()
    body = bytes(range(256))
    answer = runtime.invoke_endpoint(
        EndpointName="e", ContentType="application/octet-stream", Body=body
    )
    assert answer["Body"].read() == body[::-1]
    assert answer["ResponseMetadata"]["HTTPHeaders"]["x-was"] == "True"
    with pytest.raises(runtime.exceptions.ModelError) as raised:
        runtime.invoke_endpoint(EndpointName="e", TargetModel="error", Body=b"")
    assert raised.value.response["OriginalStatusCode"] == 400


def test_a_function_url_refuses_who_does_not_sign(stack: Stack) -> None:
    """403, as AWS answers with AuthType AWS_IAM."""
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{stack.outputs()['Url']}endpoints/e", timeout=10)
    with refused.value:
        assert refused.value.code == 403
        assert json.load(refused.value) == {"Message": "Forbidden"}


def test_a_tick_that_failed_is_not_repeated(stack: Stack) -> None:
    """EventInvokeConfig with MaximumRetryAttempts 0: an asynchronous call is tried once."""
    functions, sqs = stack.aws.client("lambda"), stack.aws.client("sqs")
    out = stack.outputs()
    functions.invoke(
        FunctionName=out["Function"], InvocationType="Event", Payload=b'{"fail": true}'
    )
    tried = sqs.receive_message(QueueUrl=out["Queue"], WaitTimeSeconds=10)
    assert len(tried["Messages"]) == 1
    again = sqs.receive_message(QueueUrl=out["Queue"], WaitTimeSeconds=2)
    assert "Messages" not in again
