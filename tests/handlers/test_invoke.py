"""`invoke`: a Function URL's event in, the answer and its log and counters out."""

import pytest

from dormouse.domain.invocation import InvocationResponse, NotServing, Unanswered
from tests.fakes.world import config
from tests.handlers.conftest import Handlers, golden


@pytest.mark.parametrize(
    "file", ["invoke-json.json", "invoke-jsonlines.json", "invoke-binary.json"]
)
def test_an_invocation_is_forwarded_and_logged(handlers: Handlers, file: str) -> None:
    """One line with what a person would look for, and the request's id."""
    answer = handlers.invoke(golden(file))

    assert (answer["statusCode"], answer["body"]) == (200, "[1]")
    (log,) = [line for line in handlers.printed() if line.get("message") == "forwarded"]
    assert log["endpoint"] == "dormouse"
    assert log["target_model"].endswith(".tar.gz")
    assert log["principal"] == "arn:aws:sts::123456789012:assumed-role/search-api/search-api"
    assert log["correlation_id"]


def test_a_cold_request_is_a_503_with_retry_after(handlers: Handlers) -> None:
    """And counted."""
    handlers.door.runtime.answer = NotServing(InvocationResponse(400, {}, b""))

    answer = handlers.invoke(golden("invoke-json.json"))

    assert answer["statusCode"] == 503
    assert answer["headers"]["retry-after"] == "480"
    assert handlers.world.nudge.sent == ["dormouse"]
    assert handlers.counts() == {"ColdRequests": 1}


def test_a_denial_is_a_403_that_is_logged_as_a_warning(handlers: Handlers) -> None:
    """With who, which endpoint and which model, for whoever looks into it."""
    handlers.world.catalog.configs[:] = [
        config("dormouse", principals="arn:aws:iam::123456789012:role/another")
    ]

    answer = handlers.invoke(golden("invoke-json.json"))

    assert answer["statusCode"] == 403
    assert answer["headers"]["x-amzn-errortype"] == "AccessDeniedException"
    (log,) = handlers.logged("WARNING")
    assert log["message"] == "denied"
    assert log["principal"] == "arn:aws:sts::123456789012:assumed-role/search-api/search-api"
    assert (log["endpoint"], log["status"]) == ("dormouse", 403)
    assert log["target_model"] == "sentiment-tiny.tar.gz"
    assert handlers.door.runtime.requests == []
    assert handlers.counts() == {"Denied": 1}


def test_the_listed_role_is_let_in(handlers: Handlers) -> None:
    """Named by its own ARN, called by its session's."""
    handlers.world.catalog.configs[:] = [
        config("dormouse", principals="arn:aws:iam::123456789012:role/services/search-api")
    ]

    assert handlers.invoke(golden("invoke-json.json"))["statusCode"] == 200


def test_a_caller_who_is_not_named_is_denied(handlers: Handlers) -> None:
    """A Function URL that was opened to everybody would send such events."""
    event = golden("invoke-json.json")
    del event["requestContext"]["authorizer"]

    assert handlers.invoke(event)["statusCode"] == 403
    assert handlers.counts() == {"Denied": 1}


def test_what_cannot_be_said_yet_is_counted_as_undecided(handlers: Handlers) -> None:
    """No denial: another try may succeed."""
    handlers.world.catalog.configs.clear()

    assert handlers.invoke(golden("invoke-json.json"))["statusCode"] == 503
    assert handlers.counts() == {"Undecided": 1}


def test_tags_that_cannot_be_read_are_a_problem_too(handlers: Handlers) -> None:
    """Logged as an error."""
    handlers.world.catalog.unreadable = "GetResources refused: Throttling"

    assert handlers.invoke(golden("invoke-json.json"))["statusCode"] == 503
    (log,) = handlers.logged("ERROR")
    assert log["message"] == "GetResources refused: Throttling"
    assert handlers.counts() == {"Undecided": 1, "Problems": 1}


def test_no_answer_is_counted_and_told(handlers: Handlers) -> None:
    """424, which boto3 does not repeat."""
    handlers.door.runtime.answer = Unanswered("read timeout", may_have_run=True)

    assert handlers.invoke(golden("invoke-json.json"))["statusCode"] == 424
    assert handlers.counts() == {"Unanswered": 1, "Problems": 1}


def test_another_path_is_a_404_before_anything_else(handlers: Handlers) -> None:
    """Nothing is forwarded, and nobody's permission asked for."""
    answer = handlers.invoke(golden("invoke-unknown-path.json"))

    assert answer["statusCode"] == 404
    assert handlers.door.runtime.requests == []
    assert handlers.world.catalog.asked == []
    assert handlers.counts() == {"Refused": 1}
