"""An HTTP API as SAM writes one: its routes, its events, its refusals, its answers."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.credentials import Credentials

from tests.local.conftest import ACCOUNT, LocalAws
from tests.local.stacks import SmallStack, call, function, get

CODE = """
import base64, json

def handler(event, context):
    path = event["rawPath"]
    if path == "/fail":
        raise RuntimeError("a secret of the function")
    if path == "/teapot":
        return {
            "statusCode": 418,
            "headers": {"Content-Type": "application/problem+json", "Retry-After": "7"},
            "body": json.dumps({"title": "I'm a teapot"}),
        }
    if path == "/bytes":
        body = base64.b64decode(event["body"])
        return {
            "statusCode": 200,
            "headers": {"Content-Type": "application/octet-stream"},
            "isBase64Encoded": True,
            "body": base64.b64encode(body[::-1]).decode(),
        }
    return {"statusCode": 200, "body": json.dumps(event)}
"""
ROUTES = {
    "List": ("GET", "/endpoints"),
    "Get": ("GET", "/endpoints/{name}"),
    "Wake": ("POST", "/endpoints/{name}/wake"),
    "Models": ("GET", "/endpoints/{name}/models"),
    "Upload": ("PUT", "/endpoints/{name}/models/{model+}"),
}
OUTPUTS = {"Url": get("Api", "ApiEndpoint"), "Api": {"Ref": "Api"}}


def resources(routes: dict[str, tuple[str, str]], *, catch_all: bool) -> dict[str, Any]:
    events: dict[str, Any] = {
        name: {
            "Type": "HttpApi",
            "Properties": {"ApiId": {"Ref": "Api"}, "Method": method, "Path": path},
        }
        for name, (method, path) in routes.items()
    }
    events["Open"] = {
        "Type": "HttpApi",
        "Properties": {
            "ApiId": {"Ref": "Api"},
            "Method": "ANY",
            "Path": "/open/{proxy+}",
            "Auth": {"Authorizer": "NONE"},
        },
    }
    if catch_all:
        events["Other"] = {"Type": "HttpApi", "Properties": {"ApiId": {"Ref": "Api"}}}
    return {
        "Api": {
            "Type": "AWS::Serverless::HttpApi",
            "Properties": {"Auth": {"EnableIamAuthorizer": True, "DefaultAuthorizer": "AWS_IAM"}},
        },
        "Function": function(CODE, Events=events),
    }


@pytest.fixture(scope="module")
def stack(aws: LocalAws) -> Iterator[SmallStack]:
    made = SmallStack(aws, "http-api")
    made.create(resources(ROUTES, catch_all=True), OUTPUTS)
    yield made
    made.delete()


@pytest.fixture
def url(stack: SmallStack) -> str:
    return stack.outputs()["Url"]


def test_the_output_is_an_address_that_answers(aws: LocalAws, stack: SmallStack, url: str) -> None:
    """On loopback, without a slash at its end, as AWS writes it."""
    assert url == f"{aws.url}/_aws/execute-api/{stack.outputs()['Api']}"
    assert call(f"{url}/endpoints").status == 200


@pytest.mark.parametrize(
    ("method", "path", "key", "parameters"),
    [
        ("GET", "/endpoints", "GET /endpoints", None),
        ("GET", "/endpoints/a-1", "GET /endpoints/{name}", {"name": "a-1"}),
        ("POST", "/endpoints/a-1/wake", "POST /endpoints/{name}/wake", {"name": "a-1"}),
        ("PUT", "/open/a/b", "ANY /open/{proxy+}", {"proxy": "a/b"}),
        ("GET", "/endpoints/a-1/models", "GET /endpoints/{name}/models", {"name": "a-1"}),
        (
            "PUT",
            "/endpoints/a-1/models/team/b.tar.gz",
            "PUT /endpoints/{name}/models/{model+}",
            {"name": "a-1", "model": "team/b.tar.gz"},
        ),
        ("GET", "/endpoints/a-1/models/b.tar.gz", "$default", None),
        ("GET", "/endpoints/a-1/wake", "$default", None),
        ("GET", "/elsewhere", "$default", None),
        ("GET", "/", "$default", None),
        ("GET", "", "$default", None),
    ],
)
def test_a_request_takes_its_route(
    url: str, method: str, path: str, key: str, parameters: dict[str, str] | None
) -> None:
    """Method and path decide, what nothing else fits is $default, and rawPath is the caller's."""
    event = call(url + path, method).json()
    assert (event["version"], event["routeKey"], event["rawPath"]) == ("2.0", key, path or "/")
    assert event.get("pathParameters") == parameters
    # Absent and not null, as on AWS.
    assert ("pathParameters" in event) == (parameters is not None)


def test_the_event_is_of_payload_format_two(stack: SmallStack, url: str) -> None:
    """With the query, the body, the caller, and the context that handlers log."""
    body = b'{"for": "2h"}'
    headers = {"Content-Type": "application/json", "X-Mixed-Case": "yes"}
    event = call(f"{url}/endpoints/a%20b/wake?x=1&x=2&y=%2F", "POST", body, headers).json()
    assert event["body"] == body.decode()
    assert event["isBase64Encoded"] is False
    assert event["headers"]["content-type"] == "application/json"
    assert event["headers"]["x-mixed-case"] == "yes"
    assert event["rawPath"] == "/endpoints/a b/wake"
    assert event["queryStringParameters"] == {"x": "1,2", "y": "/"}
    assert event["rawQueryString"] == "x=1&x=2&y=%2F"
    context = event["requestContext"]
    api_id = stack.outputs()["Api"]
    assert (context["apiId"], context["domainPrefix"], context["stage"]) == (
        api_id,
        api_id,
        "$default",
    )
    assert context["routeKey"] == "POST /endpoints/{name}/wake"
    assert context["accountId"] == ACCOUNT
    assert context["requestId"]
    assert context["http"]["method"] == "POST"
    assert context["http"]["path"] == "/endpoints/a b/wake"
    assert context["http"]["sourceIp"] == "127.0.0.1"
    assert context["authorizer"] == {
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


@pytest.mark.parametrize(
    ("service", "key"),
    [(None, ""), ("lambda", "test"), ("sagemaker", "test"), ("execute-api", "111122223333")],
    ids=["unsigned", "for Lambda", "for SageMaker", "of another account"],
)
def test_who_is_not_let_in_is_forbidden(url: str, service: str | None, key: str) -> None:
    """403 in API Gateway's words, on a route that is open too many; the open one lets in."""
    for path in ("/endpoints", "/elsewhere"):
        answer = call(url + path, service=service, credentials=Credentials(key, "secret"))
        assert (answer.status, answer.json()) == (403, {"message": "Forbidden"})
    if key != "111122223333":
        event = call(f"{url}/open/x", service=service).json()
        assert "authorizer" not in event["requestContext"]


def test_answers_pass(url: str) -> None:
    """Status, headers and body are the function's, bytes both ways."""
    answer = call(f"{url}/teapot")
    assert (answer.status, answer.headers["retry-after"]) == (418, "7")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {"title": "I'm a teapot"}
    body = bytes(range(256))
    answer = call(f"{url}/bytes", "POST", body, {"Content-Type": "application/octet-stream"})
    assert answer.content == body[::-1]
    assert answer.headers["content-type"] == "application/octet-stream"


def test_how_a_function_failed_is_no_business_of_the_caller(url: str) -> None:
    """500, and no word of the exception."""
    answer = call(f"{url}/fail")
    assert (answer.status, answer.json()) == (500, {"message": "Internal Server Error"})


def test_a_changed_body_changes_the_routes(aws: LocalAws) -> None:
    """New ones come, removed ones go, the address stays; what has no route is not found; and a
    change that is rolled back takes its routes along.
    """
    stack = SmallStack(aws, "http-api-changes")
    stack.create(resources(ROUTES, catch_all=False), OUTPUTS)
    before = stack.outputs()

    def found(*paths: str) -> list[bool]:
        answers = [call(before["Url"] + path) for path in paths]
        assert all(a.status == 200 or a.json() == {"message": "Not Found"} for a in answers)
        return [answer.status == 200 for answer in answers]

    paths = ("/endpoints", "/endpoints/a", "/models")
    assert found(*paths) == [True, True, False]
    changed = {"List": ROUTES["List"], "Models": ("GET", "/models")}
    stack.update(resources(changed, catch_all=False), OUTPUTS)
    assert stack.outputs() == before
    assert found(*paths) == [True, False, True]

    api = aws.client("apigatewayv2")
    keys = {row["RouteKey"] for row in api.get_routes(ApiId=before["Api"])["Items"]}
    assert keys == {"GET /endpoints", "GET /models", "ANY /open/{proxy+}"}
    assert len(api.get_integrations(ApiId=before["Api"])["Items"]) == 3

    broken = resources(ROUTES, catch_all=True) | {
        "Broken": {
            "Type": "AWS::SageMaker::EndpointConfig",
            "DependsOn": ["Api", "Function"],
            "Properties": {"ProductionVariants": []},
        },
    }
    stack.update(broken, OUTPUTS, "UPDATE_ROLLBACK_COMPLETE")
    assert found(*paths) == [True, False, True]
    stack.delete()
    assert json.loads(call(f"{before['Url']}/endpoints").content) == {"message": "Not Found"}
