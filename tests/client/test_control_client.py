"""The client of the control API: what it asks, what it repeats, and how it takes a refusal."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from botocore.credentials import Credentials
from botocore.httpsession import URLLib3Session
from hypothesis import given
from hypothesis import strategies as st

from dormouse_cli.control_client import ControlClient, is_endpoint_name
from dormouse_cli.errors import CliError
from dormouse_cli.exit_codes import ExitCode
from tests.client.fake_aws import REGION, FakeAws

PROBLEM = {"Content-Type": "application/problem+json"}


@pytest.fixture
def slept() -> list[float]:
    """The pauses between tries, which nobody waits for."""
    return []


@pytest.fixture
def control(aws: FakeAws, slept: list[float]) -> Iterator[ControlClient]:
    """A client with credentials that are right."""
    http = URLLib3Session(timeout=30)
    credentials = Credentials("test", "test").get_frozen_credentials
    yield ControlClient(f"{aws.url}/control/", REGION, credentials, http, slept.append)
    http.close()


INTENTS: list[tuple[Callable[[ControlClient], object], str, object]] = [
    (lambda control: control.wake("dormouse", None), "wake", None),
    (lambda control: control.wake("dormouse", "2h"), "wake", {"for": "2h"}),
    (
        lambda control: control.hold("dormouse", {"until": "2026-11-23T18:00:00Z"}),
        "hold",
        {"until": "2026-11-23T18:00:00Z"},
    ),
    (lambda control: control.release("dormouse"), "release", None),
    (lambda control: control.sleep("dormouse"), "sleep", None),
]


@pytest.mark.parametrize(("intend", "verb", "body"), INTENTS)
def test_an_intent_is_one_signed_post(
    aws: FakeAws,
    control: ControlClient,
    intend: Callable[[ControlClient], object],
    verb: str,
    body: object,
) -> None:
    """Which the server checks as AWS does; without a body where there is nothing to say."""
    intend(control)
    assert aws.world.calls("POST") == [f"/endpoints/dormouse/{verb}"]
    sent = aws.world.body_of_last("POST")
    assert sent == (b"" if body is None else json.dumps(body).encode())


def test_all_and_one_are_read(aws: FakeAws, control: ControlClient) -> None:
    """By name; only one comes with its decisions."""
    aws.world.add("another")
    assert [endpoint.name for endpoint in control.endpoints()] == ["another", "dormouse"]
    assert control.endpoints()[0].decisions == ()
    assert len(control.endpoint("dormouse").decisions) == 1


def test_another_s_credentials_are_refused(aws: FakeAws) -> None:
    """API Gateway says Forbidden, and the CLI says what is missing."""
    http = URLLib3Session()
    wrong = Credentials("test", "wrong").get_frozen_credentials
    url = f"{aws.url}/control"
    with pytest.raises(CliError, match="need execute-api:Invoke on") as error:
        ControlClient(url, REGION, wrong, http).endpoints()
    http.close()
    assert error.value.exit_code == ExitCode.NOT_PERMITTED
    assert error.value.details == {"status": 403}
    assert len(aws.world.requests) == 1, "nobody repeats that"


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_read_is_repeated_twice(
    aws: FakeAws, control: ControlClient, slept: list[float], status: int
) -> None:
    """Its failure says what the last try said."""
    aws.world.canned += [(status, {}, b"")] * 2
    assert control.endpoint("dormouse").name == "dormouse"
    assert slept == [0.5, 2.0]
    aws.world.canned += [(status, PROBLEM, b'{"detail": "AWS is away"}')] * 3
    with pytest.raises(CliError, match="The control API fails: AWS is away") as error:
        control.endpoint("dormouse")
    assert error.value.exit_code == ExitCode.UNAVAILABLE


def test_an_intent_is_never_repeated(aws: FakeAws, control: ControlClient) -> None:
    """Nobody knows whether it was taken."""
    aws.world.canned.append((503, {}, b""))
    with pytest.raises(CliError, match="Service Unavailable"):
        control.wake("dormouse", None)
    assert len(aws.world.calls("POST")) == 1


def test_an_address_where_nobody_is(slept: list[float]) -> None:
    """Named, after all tries."""
    http = URLLib3Session()
    credentials = Credentials("test", "test").get_frozen_credentials
    control = ControlClient("http://127.0.0.1:1", REGION, credentials, http, slept.append)
    with pytest.raises(CliError, match=r"can't be reached: .*127\.0\.0\.1:1") as error:
        control.endpoints()
    http.close()
    assert error.value.exit_code == ExitCode.UNAVAILABLE
    assert len(slept) == 2


@pytest.mark.parametrize(
    ("answer", "exit_code", "message"),
    [
        ((400, PROBLEM, {"detail": "'x' is bad."}), ExitCode.USAGE, "'x' is bad."),
        ((404, PROBLEM, {"detail": "Nobody."}), ExitCode.NOT_FOUND, "Nobody."),
        ((404, {}, {"message": "Not Found"}), ExitCode.NOT_FOUND, "There is no control API at"),
        ((405, PROBLEM, {"detail": "Not so."}), ExitCode.FAILED, "Not so."),
        ((409, PROBLEM, {"detail": "Refused."}), ExitCode.FAILED, "Refused."),
        ((429, {}, {"message": "Too Many"}), ExitCode.TRY_AGAIN, "too many callers: Too Many"),
        ((401, {}, {"message": "Unauthorized"}), ExitCode.NOT_PERMITTED, "Unauthorized"),
        ((302, {}, {}), ExitCode.FAILED, "Found"),
    ],
)
def test_a_refusal_says_what_the_server_says(
    aws: FakeAws,
    control: ControlClient,
    answer: tuple[int, dict[str, str], object],
    exit_code: ExitCode,
    message: str,
) -> None:
    """With the exit code that goes with it, and once."""
    status, headers, body = answer
    aws.world.canned.append((status, headers, json.dumps(body).encode()))
    with pytest.raises(CliError) as error:
        control.endpoints()
    assert message in error.value.message
    assert error.value.exit_code == exit_code
    assert len(aws.world.requests) == 1


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"endpoints": 5}', b"\xff"])
def test_whoever_answers_otherwise_is_not_the_control_api(
    aws: FakeAws, control: ControlClient, body: bytes
) -> None:
    """A wrong --control-url, most likely."""
    aws.world.canned += [(200, {}, body)] * 3
    with pytest.raises(CliError, match="does not answer as Dormouse's control API does") as error:
        control.endpoints()
    assert error.value.exit_code == ExitCode.UNAVAILABLE


@pytest.mark.parametrize("name", ["", "a/b", "..", "a b", "-a", "a-", "a" * 64, "ä", "a\n"])
def test_what_is_no_name_is_never_sent(aws: FakeAws, control: ControlClient, name: str) -> None:
    """It could be another path."""
    with pytest.raises(CliError, match="is no endpoint's name") as error:
        control.wake(name, None)
    assert error.value.exit_code == ExitCode.USAGE
    assert aws.world.requests == []


@given(st.text())
def test_any_text_that_is_a_name_is_safe_in_a_path(text: str) -> None:
    """As it is."""
    if is_endpoint_name(text):
        assert text.isascii()
        assert text.replace("-", "").isalnum()
        assert 1 <= len(text) <= 63
