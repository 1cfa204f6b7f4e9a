"""The proxy is no confused deputy: it asks who calls before it lends its own role."""

import re
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.exceptions import ClientError

from dormouse.adapters.state import EndpointsTable
from dormouse.domain.invocation import InvocationResponse, NotServing
from dormouse.domain.ledger import Decision, Ledger
from dormouse.domain.principals import Caller
from dormouse.domain.terms import Terms
from dormouse.errors import AwsError
from dormouse.handled import Fate, Handled
from tests.fakes.deployment import ACCOUNT
from tests.fakes.front_door import ANSWER, NOT_FOUND, STAY_UP, FrontDoor, executed, message
from tests.fakes.world import config

OTHER = "210987654321"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/teams/search-api"
LISTED = Caller(f"arn:aws:sts::{ACCOUNT}:assumed-role/search-api/i-0123", ACCOUNT)
UNLISTED = Caller(f"arn:aws:sts::{ACCOUNT}:assumed-role/batch/i-0123", ACCOUNT)
STRANGER = Caller(f"arn:aws:iam::{OTHER}:user/jo", OTHER)
NOBODY = Caller("", "")


@pytest.fixture
def door(table: EndpointsTable) -> FrontDoor:
    """A fresh proxy among stand-ins, before an endpoint that `reconcile` has looked at."""
    door = FrontDoor(table)
    door.decide(STAY_UP)
    return door


@pytest.fixture(params=["serving", "cold"])
def found(request: pytest.FixtureRequest, door: FrontDoor) -> FrontDoor:
    """An endpoint that serves, and one that sleeps."""
    if request.param == "cold":
        door.runtime.answer = NotServing(NOT_FOUND)
    return door


class Response(AWSResponse):
    """An answer that was read already."""

    def __init__(self, url: str, response: InvocationResponse) -> None:
        headers = HTTPHeaders.from_dict(dict(response.headers))
        super().__init__(url, response.status, headers, None)
        self._content = response.body


def as_boto3_raises_it(response: InvocationResponse) -> ClientError:
    """Let boto3's own client read the answer as if it had come over the wire."""
    client = boto3.client("sagemaker-runtime", config=Config(retries={"total_max_attempts": 1}))

    def answer(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        return Response(request.url, response)

    # Its stubs know no handler that answers.
    hook: Any = answer
    client.meta.events.register("before-send.sagemaker-runtime.InvokeEndpoint", hook)
    with pytest.raises(ClientError) as raised:
        client.invoke_endpoint(EndpointName="reviews", Body=b"{}")
    return raised.value


def is_let_in(handled: Handled) -> bool:
    """Whether the request came as far as to SageMaker."""
    return handled.fate in (Fate.FORWARDED, Fate.COLD)


def is_turned_away(door: FrontDoor, handled: Handled) -> bool:
    """Whether it is denied without a trace: nothing forwarded, noted, recorded or nudged."""
    assert door.runtime.requests == []
    assert door.nudge.sent == []
    ledger = door.state.read("reviews")
    assert (ledger.demand_version, ledger.last_request_at) == (0, None)
    return handled.fate is Fate.DENIED


@pytest.mark.parametrize(
    "caller",
    [
        LISTED,
        Caller(f"arn:aws:iam::{ACCOUNT}:user/staff/jo", ACCOUNT),
        Caller(f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT),
        Caller(f"arn:aws:sts::{ACCOUNT}:federated-user/jo", ACCOUNT),
        Caller("", ACCOUNT),
    ],
)
def test_without_a_list_the_whole_account_may(found: FrontDoor, caller: Caller) -> None:
    """Whoever belongs to it."""
    assert is_let_in(found.handle(caller))


@pytest.mark.parametrize("caller", [STRANGER, NOBODY])
def test_without_a_list_nobody_else_may(found: FrontDoor, caller: Caller) -> None:
    """IAM alone would let in whom the function's policy lists."""
    assert is_turned_away(found, found.handle(caller))


def test_a_listed_role_may_and_no_other_of_its_account(found: FrontDoor) -> None:
    """By any of its sessions."""
    found.catalog.configs = [config("reviews", principals=ROLE)]

    assert is_turned_away(found, found.handle(UNLISTED))
    assert is_turned_away(found, found.handle(STRANGER))
    assert is_turned_away(found, found.handle(NOBODY))
    assert is_let_in(found.handle(LISTED))


def test_a_listed_account_may_and_the_own_one_only_if_it_is_listed(found: FrontDoor) -> None:
    """The list is the whole of it."""
    found.catalog.configs = [config("reviews", principals=OTHER)]

    assert is_turned_away(found, found.handle(LISTED))
    assert is_let_in(found.handle(STRANGER))


def test_a_denial_is_what_boto3_knows(door: FrontDoor) -> None:
    """The same exception as IAM's own; it says who, what and by which tag."""
    door.catalog.configs = [config("reviews", principals=ROLE)]

    error = as_boto3_raises_it(door.handle(UNLISTED).response)

    assert error.response["Error"]["Code"] == "AccessDeniedException"
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert error.response["Error"]["Message"] == (
        f"{UNLISTED.arn} is not authorized to invoke the endpoint reviews: the tag "
        "dormouse:principals of its EndpointConfig does not list it."
    )


def test_a_caller_without_a_name_is_told_so(door: FrontDoor) -> None:
    """Not an empty beginning of a sentence."""
    assert message(door.handle(NOBODY)).startswith("An unknown caller is not authorized")


def test_a_denial_does_not_say_whether_there_is_such_an_endpoint(door: FrontDoor) -> None:
    """To another account every name is the same."""
    door.catalog.configs = [config("reviews")]
    told = {
        re.sub(name, "…", message(door.handle(STRANGER, endpoint=name)))
        for name in ("reviews", "unmanaged")
    }

    assert len(told) == 1


def test_what_cannot_be_said_yet_is_no_denial(door: FrontDoor) -> None:
    """503, which is worth another try; nothing is executed and nothing is written."""
    handled = door.handle(endpoint="dormouse")

    error = as_boto3_raises_it(handled.response)
    assert handled.fate is Fate.UNDECIDED
    assert handled.problems == ()
    assert error.response["Error"]["Code"] == "ServiceUnavailable"
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    assert handled.response.headers["retry-after"] == "60"
    assert message(handled) == (
        "Dormouse can't say yet who may invoke the endpoint dormouse: the tags of its "
        "EndpointConfig are not visible yet. The request was not executed. Try again."
    )
    assert door.runtime.requests == []
    assert door.state.read("dormouse") == Ledger()


def test_the_endpoint_of_another_deployment_is_not_served_here(found: FrontDoor) -> None:
    """Its own front door knows who may."""
    found.catalog.configs = [config("reviews", stack="other-stack")]

    handled = found.handle()

    assert handled.fate is Fate.UNDECIDED
    assert "the deployment other-stack manages it" in message(handled)
    assert found.runtime.requests == []


def test_a_refused_endpoint_goes_on_serving_whom_it_served(door: FrontDoor) -> None:
    """A bad tag stops nothing that works, and lets nobody in."""
    refused = Decision("wait", "refused", "left as it is, since its tag is bad")
    door.decide(refused)
    door.state.record_terms("reviews", Terms((ROLE,)))

    assert door.handle(LISTED) == Handled(executed(ANSWER.response), Fate.FORWARDED)
    assert door.handle(UNLISTED).fate is Fate.DENIED


def test_a_ledger_that_cannot_be_read_costs_no_request_of_who_is_known(
    door: FrontDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does it let anybody in."""
    door.catalog.configs = [config("reviews", principals=ROLE)]
    door.handle(LISTED)
    monkeypatch.setattr(EndpointsTable, "read", _refuse)
    door.clock.advance(hours=1)

    assert door.handle(LISTED).fate is Fate.FORWARDED
    assert door.handle(UNLISTED).fate is Fate.DENIED
    handled = door.handle(LISTED, endpoint="another")
    assert handled.fate is Fate.UNDECIDED
    assert handled.problems == ("GetItem refused: Throttling",)


def _refuse(*_: object) -> None:
    raise AwsError("GetItem refused: Throttling")


def test_an_unknown_endpoint_of_the_own_account_is_what_sagemaker_says(door: FrontDoor) -> None:
    """Nobody manages it, and nothing is written."""
    door.runtime.answer = NotServing(NOT_FOUND)

    assert door.handle(endpoint="unmanaged") == Handled(NOT_FOUND, Fate.UNKNOWN_ENDPOINT)
    assert sorted(door.state.read_all()) == ["reviews"]
