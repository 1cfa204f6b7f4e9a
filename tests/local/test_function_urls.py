"""What reaches a function by its URL, and what of its answer reaches the caller."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from tests.local.conftest import LocalAws, wait_until
from tests.local.stacks import Answer, SmallStack, call, function, get

# Echoes; or waits until as many wait as are said to come, each in a process of its own.
CODE = """
import json, os, pathlib, time

def handler(event, context):
    wanted = int(event["headers"].get("wait-for", "0"))
    if wanted:
        folder = pathlib.Path(event["headers"]["folder"])
        (folder / str(os.getpid())).touch()
        while len(list(folder.iterdir())) < wanted:
            time.sleep(0.05)
    return {
        "statusCode": 202,
        "headers": {"Location": "there", "X-Left": str(context.get_remaining_time_in_millis())},
        "body": json.dumps(event),
    }
"""
AT_ONCE = 4


@pytest.fixture(scope="module")
def url(aws: LocalAws) -> Iterator[str]:
    stack = SmallStack(aws, "function-urls")
    resources = {"Function": function(CODE, FunctionUrlConfig={"AuthType": "AWS_IAM"}, Timeout=900)}
    stack.create(resources, {"Url": get("FunctionUrl", "FunctionUrl")})
    yield stack.outputs()["Url"].rstrip("/")
    stack.delete()


def test_the_event_names_the_host_that_was_called(url: str) -> None:
    """So a function can write an absolute URL of its own, and it can be followed."""
    context = call(f"{url}/requests", service="lambda").json()["requestContext"]
    assert f"http://{context['domainName']}" == url
    again = call(f"http://{context['domainName']}/requests/1", service="lambda").json()
    assert again["rawPath"] == "/requests/1"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_every_method_arrives(url: str, method: str) -> None:
    """With the path and the query, and no body where there is none."""
    event = call(f"{url}/requests/a.b%2Fc?x=1&y=2", method, service="lambda").json()
    assert event["requestContext"]["http"]["method"] == method
    assert event["queryStringParameters"] == {"x": "1", "y": "2"}
    assert event["rawQueryString"] == "x=1&y=2"
    assert "body" not in event


def test_headers_arrive_in_lower_case_and_leave_as_they_are(url: str) -> None:
    """Also those that boto3 and RFC 7240 write in capitals."""
    sent = {"Prefer": "respond-async, wait=10", "X-Amzn-SageMaker-Inference-Id": "Some-Id"}
    answer = call(f"{url}/x", "POST", b"{}", sent, service="lambda")
    told = answer.json()["headers"]
    assert told["prefer"] == "respond-async, wait=10"
    assert told["x-amzn-sagemaker-inference-id"] == "Some-Id"
    assert list(told) == [name.lower() for name in told]
    assert (answer.status, answer.headers["location"]) == (202, "there")


def test_a_function_may_take_its_whole_timeout(url: str) -> None:
    """A quarter of an hour, as on AWS."""
    answer = call(f"{url}/x", service="lambda")
    assert 0 < 900_000 - int(answer.headers["x-left"]) < 10_000


def test_those_who_wait_hold_up_nobody(url: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each invocation has a process of its own: all wait at once, and others are answered."""
    folder = tmp_path_factory.mktemp("waiting")
    together = Barrier(AT_ONCE)

    def wait() -> Answer:
        together.wait()
        headers = {"wait-for": str(AT_ONCE + 1), "folder": str(folder)}
        return call(f"{url}/x", headers=headers, service="lambda")

    with ThreadPoolExecutor(AT_ONCE) as pool:
        waiting = [pool.submit(wait) for _ in range(AT_ONCE)]
        wait_until(lambda: len(list(folder.iterdir())) == AT_ONCE)
        assert call(f"{url}/x", service="lambda").status == 202
        assert not [answer for answer in waiting if answer.done()]
        (folder / "end").touch()
        assert {answer.result().status for answer in waiting} == {202}
