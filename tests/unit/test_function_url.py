"""The wire format of a Function URL: what comes in is read or refused, what goes out is exact."""

import base64
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse.domain.call import Ask, Cancel, Invoke, InvokeAsync
from dormouse.domain.invocation import BODY_LIMIT_BYTES, InvocationRequest, InvocationResponse
from dormouse.domain.prefer import Preferences
from dormouse.domain.principals import Caller
from dormouse.function_url import RESPONSE_LIMIT_BYTES, read_call, write_response
from dormouse.responses import Refused

EVENTS = Path(__file__).parents[2] / "events"


def event(path: str = "/endpoints/reviews/invocations", **changes: Any) -> dict[str, Any]:
    """Build the smallest event."""
    return {"rawPath": path, "requestContext": {"http": {"method": "POST"}}, **changes}


def read_request(event: dict[str, Any]) -> InvocationRequest:
    """Read an invocation."""
    call = read_call(event)
    assert isinstance(call, Invoke)
    return call.invocation


def test_the_golden_request() -> None:
    """Headers of the protocol pass, those that sign or route stay behind, the caller is known."""
    request = read_request(json.loads((EVENTS / "invoke-json.json").read_text()))

    assert request.endpoint == "dormouse"
    assert request.target_model is not None
    assert request.caller == Caller(
        "arn:aws:sts::123456789012:assumed-role/search-api/search-api", "123456789012"
    )
    assert set(request.runtime_headers) >= {"content-type", "x-amzn-sagemaker-target-model"}
    assert not {"authorization", "host", "x-amz-date"} & set(request.runtime_headers)


def test_the_callers_account_is_not_the_functions() -> None:
    """Lambda names both, and the function's own would let every caller in."""
    golden = json.loads((EVENTS / "invoke-json.json").read_text())
    other = {"userArn": "arn:aws:iam::210987654321:user/jo", "accountId": "210987654321"}
    golden["requestContext"]["authorizer"]["iam"] |= other

    assert golden["requestContext"]["accountId"] == "123456789012"
    assert read_request(golden).caller == Caller(other["userArn"], "210987654321")


@pytest.mark.parametrize(
    "authorizer",
    [
        {},
        {"authorizer": {}},
        {"authorizer": {"iam": {}}},
        {"authorizer": {"iam": {"userArn": None}}},
    ],
)
def test_a_caller_who_is_not_named_is_nobody(authorizer: dict[str, Any]) -> None:
    """He belongs to no account, so that no list permits him."""
    context = {"http": {"method": "POST"}, **authorizer}

    assert read_request(event(requestContext=context)).caller == Caller("", "")


@given(st.binary())
def test_a_binary_body_arrives_byte_for_byte(body: bytes) -> None:
    """Base64, as Lambda sends what is not text."""
    encoded = base64.b64encode(body).decode()

    assert read_request(event(body=encoded, isBase64Encoded=True)).body == body


@given(st.text())
def test_a_text_body_arrives_as_utf8(body: str) -> None:
    """Which is what it was before Lambda made it text."""
    assert read_request(event(body=body)).body == body.encode()


@pytest.mark.parametrize(
    "path",
    ["/", "/endpoints/x", "/endpoints//invocations", "/ping", "", "/requests", "/requests/a/b"],
)
def test_another_path_is_an_unknown_operation(path: str) -> None:
    """Named, with what would be known."""
    with pytest.raises(Refused) as refused:
        read_request(event(path))
    assert refused.value.response.status == 404
    assert path.encode() in refused.value.response.body


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/endpoints/reviews/invocations"),
        ("GET", "/endpoints/reviews/async-invocations"),
        ("POST", "/requests/reviews.1"),
    ],
)
def test_another_method_is_an_unknown_operation(method: str, path: str) -> None:
    """On a path that there is."""
    with pytest.raises(Refused) as refused:
        read_call(event(path, requestContext={"http": {"method": method}}))
    assert refused.value.response.status == 404


def test_what_a_caller_prefers_is_read() -> None:
    """Whatever the case of the header's name."""
    call = read_call(event(headers={"Prefer": "wait=9, respond-async"}))

    assert isinstance(call, Invoke)
    assert call.preferences == Preferences(timedelta(seconds=9), respond_async=True)


def test_a_malformed_prefer_is_refused() -> None:
    """400, with what it says."""
    with pytest.raises(Refused) as refused:
        read_call(event(headers={"prefer": "wait=soon"}))
    assert refused.value.response.status == 400
    assert b"'soon'" in refused.value.response.body


@pytest.mark.parametrize(
    ("headers", "name", "is_perhaps_repeated"),
    [
        ({}, None, True),
        ({"amz-sdk-invocation-id": "a"}, "a", True),
        ({"amz-sdk-invocation-id": "a", "amz-sdk-request": "attempt=1"}, "a", False),
        ({"amz-sdk-invocation-id": "a", "amz-sdk-request": "attempt=1; max=3"}, "a", False),
        ({"amz-sdk-invocation-id": "a", "amz-sdk-request": "ttl=2; attempt=1; max=3"}, "a", False),
        ({"amz-sdk-invocation-id": "a", "amz-sdk-request": "attempt=12; max=13"}, "a", True),
        ({"amz-sdk-invocation-id": "a", "amz-sdk-request": "nothing"}, "a", True),
    ],
)
def test_the_sdk_says_whether_it_sends_again(
    headers: dict[str, str], name: str | None, is_perhaps_repeated: bool
) -> None:
    """Whoever does not say so may."""
    call = read_call(event(headers=headers))

    assert isinstance(call, Invoke)
    assert (call.sdk_name, call.is_perhaps_repeated) == (name, is_perhaps_repeated)


def test_an_asynchronous_invocation_is_another_path() -> None:
    """Of the same endpoint."""
    call = read_call(event("/endpoints/reviews/async-invocations", body="{}"))

    assert isinstance(call, InvokeAsync)
    assert (call.invocation.endpoint, call.invocation.body) == ("reviews", b"{}")


def test_a_request_is_asked_for_and_cancelled_by_its_id() -> None:
    """By who has sent it."""
    iam = {"userArn": "arn:aws:iam::210987654321:user/jo", "accountId": "210987654321"}
    calls = [
        read_call(
            event(
                "/requests/reviews.1",
                requestContext={
                    "http": {"method": method},
                    "authorizer": {"iam": iam},
                    "domainName": "door.example",
                },
            )
        )
        for method in ("GET", "DELETE")
    ]

    jo = Caller(iam["userArn"], iam["accountId"])
    assert calls == [
        Ask("reviews.1", jo, "https://door.example"),
        Cancel("reviews.1", jo),
    ]


@pytest.mark.parametrize(
    ("domain", "base"),
    [
        ("x.lambda-url.eu-central-1.on.aws", "https://x.lambda-url.eu-central-1.on.aws"),
        ("127.0.0.1:4566/_aws/lambda-url/1", "http://127.0.0.1:4566/_aws/lambda-url/1"),
        ("localhost:80", "http://localhost:80"),
        ("127.0.0.1.example.com", "https://127.0.0.1.example.com"),
    ],
)
def test_its_own_address_is_what_lambda_says(domain: str, base: str) -> None:
    """Not what a caller's headers do."""
    context = {"http": {"method": "POST"}, "domainName": domain}
    headers = {"host": "evil", "x-forwarded-proto": "ftp", "x-forwarded-host": "evil"}

    call = read_call(event(requestContext=context, headers=headers))

    assert isinstance(call, Invoke)
    assert call.base_url == base


@pytest.mark.parametrize("path", ["invocations", "async-invocations"])
def test_a_body_over_the_limit_is_refused(path: str) -> None:
    """413, before anything is asked or stored."""
    largest = event(f"/endpoints/reviews/{path}", body="x" * BODY_LIMIT_BYTES)
    read_call(largest)

    with pytest.raises(Refused) as refused:
        read_call({**largest, "body": "x" * (BODY_LIMIT_BYTES + 1)})
    assert refused.value.response.status == 413
    assert str(BODY_LIMIT_BYTES).encode() in refused.value.response.body


@pytest.mark.parametrize("name", ["a_b", "-a", "a%2Fb", "x" * 64])
def test_a_bad_endpoint_name_is_quoted(name: str) -> None:
    """Before anything is asked or written."""
    with pytest.raises(Refused) as refused:
        read_request(event(f"/endpoints/{name}/invocations"))
    assert refused.value.response.status == 400


def test_broken_base64_is_refused() -> None:
    """Not cut off silently."""
    with pytest.raises(Refused) as refused:
        read_request(event(body="a?b", isBase64Encoded=True))
    assert b"not valid base64" in refused.value.response.body


@given(st.text() | st.text().map("/requests/{}".format), st.sampled_from(["GET", "POST", "DELETE"]))
def test_any_path_is_read_or_refused(path: str, method: str) -> None:
    """No other exception escapes."""
    try:
        read_call(event(path, requestContext={"http": {"method": method}}))
    except Refused:
        return
    assert path.startswith(("/endpoints/", "/requests/"))


@given(st.text())
def test_any_prefer_is_read_or_refused(text: str) -> None:
    """No other exception escapes."""
    try:
        read_call(event(headers={"prefer": text}))
    except Refused as refused:
        assert refused.response.status == 400


@given(st.binary() | st.text().map(lambda text: text.encode(errors="replace")))
def test_a_response_body_leaves_byte_for_byte(body: bytes) -> None:
    """Text as text, anything else as base64; each survives JSON."""
    written = json.loads(json.dumps(write_response(InvocationResponse(200, {}, body))))
    sent = written["body"]

    assert (base64.b64decode(sent) if written["isBase64Encoded"] else sent.encode()) == body


def test_headers_of_the_connection_are_left_to_lambda() -> None:
    """A wrong content-length would break the answer."""
    headers = {"content-type": "a/b", "content-length": "3", "connection": "close", "x-y": "z"}

    written = write_response(InvocationResponse(200, headers, b""))

    assert written["headers"] == {"content-type": "a/b", "x-y": "z"}


@pytest.mark.parametrize(
    "body",
    [b"x" * RESPONSE_LIMIT_BYTES, b"\xff" * 4_800_000, b"\0" * 4_800_000, b'"\n' * 2_400_000],
    ids=["text", "binary", "control characters", "quotes"],
)
def test_a_response_that_lambda_cannot_carry_says_so(body: bytes) -> None:
    """424, so that boto3 does not run the model again."""
    written = write_response(InvocationResponse(200, {}, body))

    assert written["statusCode"] == 424
    assert str(len(body)) in json.loads(written["body"])["Message"]


@pytest.mark.parametrize(
    ("body", "encoded"),
    [
        (b"x" * (RESPONSE_LIMIT_BYTES - 500), False),
        (b"\xff" * 4_700_000, True),
        (b"\0" * 4_700_000, True),
        (b'"a"' * 1_560_000, True),
    ],
    ids=["text", "binary", "control characters", "quotes"],
)
def test_what_fits_in_one_way_passes_in_that(body: bytes, encoded: bool) -> None:
    """Lambda counts the JSON around the body, in which quotes and control characters grow."""
    written = write_response(InvocationResponse(200, {}, body))

    assert (written["statusCode"], written["isBase64Encoded"]) == (200, encoded)
    assert len(json.dumps(written, ensure_ascii=False).encode()) <= RESPONSE_LIMIT_BYTES
