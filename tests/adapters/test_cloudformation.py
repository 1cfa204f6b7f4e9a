"""The answer to CloudFormation, put to a real HTTP server as to a presigned URL."""

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from botocore.httpsession import URLLib3Session

from dormouse.adapters.cloudformation import ATTEMPTS, CustomResourceAnswer
from dormouse.errors import AwsError


@dataclass
class Bucket:
    """An HTTP server in S3's place: it gives the prepared statuses in turn, and then 200."""

    statuses: list[int] = field(default_factory=list)
    received: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""

    def answers(self) -> list[Any]:
        """Read the bodies that were put."""
        return [json.loads(body) for _, _, body in self.received]


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    """Run it on loopback."""
    prepared = Bucket()

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            prepared.received.append((self.path, headers, body))
            self.send_response(prepared.statuses.pop(0) if prepared.statuses else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    prepared.url = f"http://127.0.0.1:{httpd.server_port}/a%2Fb?X-Amz-Signature=s%2Bt%3D&a=1"
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield prepared
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def put(url: str, failure: str | None = None) -> None:
    """Answer one request."""
    request = {
        "RequestType": "Delete",
        "ResponseURL": url,
        "StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/dormouse/id",
        "RequestId": "request-1",
        "LogicalResourceId": "Cleanup",
        "ResourceProperties": {"ServiceToken": "arn"},
    }
    session = URLLib3Session(timeout=5)
    try:
        CustomResourceAnswer(session)(request, "dormouse-cleanup", failure)
    finally:
        session.close()


def test_success(bucket: Bucket) -> None:
    """Every field that CloudFormation asks for, and no other."""
    put(bucket.url)

    assert bucket.answers() == [
        {
            "Status": "SUCCESS",
            "Reason": "done",
            "PhysicalResourceId": "dormouse-cleanup",
            "StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/dormouse/id",
            "RequestId": "request-1",
            "LogicalResourceId": "Cleanup",
        }
    ]


@pytest.mark.parametrize("failure", ["Still there: reviews: it is Creating.", ""])
def test_failure_with_its_reason(bucket: Bucket, failure: str) -> None:
    """Even an empty one is a failure."""
    put(bucket.url, failure)

    (answer,) = bucket.answers()
    assert (answer["Status"], answer["Reason"]) == ("FAILED", failure)
    assert answer["PhysicalResourceId"] == "dormouse-cleanup"


def test_the_url_is_used_as_it_is_signed(bucket: Bucket) -> None:
    """With an empty content type, for which it is signed, and its escapes untouched."""
    put(bucket.url)

    ((path, headers, body),) = bucket.received
    assert bucket.url.endswith(path)
    assert headers["content-type"] == ""
    assert headers["content-length"] == str(len(body))
    assert "authorization" not in headers


@pytest.mark.parametrize(
    "reason",
    ["x" * 10_000, '"' * 10_000, "é" * 10_000, "\U0001f987" * 10_000, "\n" * 10_000],
    ids=["text", "quotes", "accents", "bats", "lines"],
)
def test_a_long_reason_is_cut_so_that_the_answer_is_taken(bucket: Bucket, reason: str) -> None:
    """CloudFormation takes 4096 bytes, however they are written."""
    put(bucket.url, reason)

    ((_, _, body),) = bucket.received
    (answer,) = bucket.answers()
    assert 3500 < len(body) <= 4096
    assert reason.startswith(answer["Reason"])
    assert answer["Status"] == "FAILED"


def test_a_reason_that_fits_is_whole(bucket: Bucket) -> None:
    """To its last sentence, which says what to do."""
    reason = "x" * 3000 + " Delete what costs money by hand."
    put(bucket.url, reason)

    assert bucket.answers()[0]["Reason"] == reason


@pytest.mark.parametrize("failures", range(1, ATTEMPTS))
def test_a_fault_is_tried_again(bucket: Bucket, failures: int) -> None:
    """Without an answer CloudFormation waits for an hour."""
    bucket.statuses = [503] * failures

    put(bucket.url)

    assert [answer["Status"] for answer in bucket.answers()] == ["SUCCESS"] * (failures + 1)


@pytest.mark.parametrize("status", [403, 503])
def test_what_cannot_be_delivered_is_an_error(bucket: Bucket, status: int) -> None:
    """So that the invocation fails, and Lambda tries it again."""
    bucket.statuses = [status] * 10

    with pytest.raises(AwsError, match=f"CloudFormation could not be answered: status {status}"):
        put(bucket.url)
    assert len(bucket.received) == ATTEMPTS


def test_where_nobody_listens_is_an_error() -> None:
    """Of our own."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(AwsError, match="could not be answered: Could not connect"):
            put(f"http://127.0.0.1:{unused.getsockname()[1]}/nobody")
