"""Who a function is told has called: roles, users, other accounts, through both front doors."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.credentials import Credentials

from tests.local.conftest import ACCOUNT, LocalAws
from tests.local.stacks import Answer, SmallStack, call, function, get

ELSEWHERE = "111122223333"
CODE = """
import json

def handler(event, context):
    return {"statusCode": 200, "body": json.dumps(event["requestContext"]["authorizer"])}
"""
RESOURCES = {
    "Api": {
        "Type": "AWS::Serverless::HttpApi",
        "Properties": {"Auth": {"EnableIamAuthorizer": True, "DefaultAuthorizer": "AWS_IAM"}},
    },
    "Function": function(
        CODE,
        FunctionUrlConfig={"AuthType": "AWS_IAM"},
        Events={"All": {"Type": "HttpApi", "Properties": {"ApiId": {"Ref": "Api"}}}},
    ),
}
OUTPUTS = {"Url": get("FunctionUrl", "FunctionUrl"), "Api": get("Api", "ApiEndpoint")}
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)


@pytest.fixture(scope="module")
def doors(aws: LocalAws) -> Iterator[dict[str, str]]:
    stack = SmallStack(aws, "callers")
    stack.create(RESOURCES, OUTPUTS)
    yield stack.outputs()
    stack.delete()


def assumed(aws: LocalAws, role_arn: str, session: str) -> Credentials:
    """Credentials as sts.assume_role gives them."""
    answer = aws.client("sts").assume_role(RoleArn=role_arn, RoleSessionName=session)
    given = answer["Credentials"]
    return Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


def through(doors: dict[str, str], credentials: Credentials) -> tuple[Answer, Answer]:
    """Call the Function URL, and the HTTP API."""
    return (
        call(f"{doors['Url']}x", service="lambda", credentials=credentials),
        call(f"{doors['Api']}/x", service="execute-api", credentials=credentials),
    )


def test_an_assumed_role(aws: LocalAws, doors: dict[str, str]) -> None:
    """By role and session, as STS itself names it; the same through both doors."""
    role = aws.client("iam").create_role(RoleName="Caller", AssumeRolePolicyDocument=TRUST)["Role"]
    credentials = assumed(aws, role["Arn"], "somebody")
    who = f"arn:aws:sts::{ACCOUNT}:assumed-role/Caller/somebody"
    expected = {
        "iam": {
            "accessKey": credentials.access_key,
            "accountId": ACCOUNT,
            "callerId": f"{role['RoleId']}:somebody",
            "cognitoIdentity": None,
            "principalOrgId": None,
            "userArn": who,
            "userId": f"{role['RoleId']}:somebody",
        }
    }
    for answer in through(doors, credentials):
        assert answer.json() == expected
    session: Any = boto3.Session(
        credentials.access_key, credentials.secret_key, credentials.token, "us-east-1"
    )
    sts = session.client("sts", endpoint_url=aws.url)
    assert sts.get_caller_identity()["Arn"] == who
    sts.close()


def test_a_user(aws: LocalAws, doors: dict[str, str]) -> None:
    """By name and path."""
    iam = aws.client("iam")
    user = iam.create_user(UserName="jane", Path="/people/")["User"]
    key = iam.create_access_key(UserName="jane")["AccessKey"]
    for answer in through(doors, Credentials(key["AccessKeyId"], key["SecretAccessKey"])):
        iam_part = answer.json()["iam"]
        assert iam_part["userArn"] == f"arn:aws:iam::{ACCOUNT}:user/people/jane"
        assert (iam_part["accountId"], iam_part["userId"]) == (ACCOUNT, user["UserId"])


def test_another_account(aws: LocalAws, doors: dict[str, str]) -> None:
    """An access key of twelve digits is that account's root, and a role of that account may be
    assumed without being created. A Function URL tells; an HTTP API lets nobody else in.
    """
    role = assumed(aws, f"arn:aws:iam::{ELSEWHERE}:role/Guest", "visit")
    for credentials, who in (
        (Credentials(ELSEWHERE, "any"), f"arn:aws:iam::{ELSEWHERE}:root"),
        (role, f"arn:aws:sts::{ELSEWHERE}:assumed-role/Guest/visit"),
    ):
        told, refused = through(doors, credentials)
        assert told.json()["iam"]["userArn"] == who
        assert told.json()["iam"]["accountId"] == ELSEWHERE
        assert (refused.status, refused.json()) == (403, {"message": "Forbidden"})
