"""`control`: the operator's HTTP API, and the same intents by direct or scheduled invocation."""

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.utilities.typing import LambdaContext

from dormouse.bootstrap.control import control
from dormouse.control import Standing
from dormouse.domain.intent import INTENTS, Intent, IntentError, parse_intent, read_intent
from dormouse.errors import AwsError, RefusedEndpointError, UnmanagedEndpointError
from dormouse.observability import logger
from dormouse.standing import write_replay, write_request, write_standing
from dormouse.waiting_requests import ReplayError, read_replay

app = APIGatewayHttpResolver()

_METHODS = {
    re.compile(r"/endpoints(/[^/]+(/requests)?)?"): "GET",
    re.compile(rf"/endpoints/[^/]+/({'|'.join([*INTENTS, 'replay'])})"): "POST",
}

_STATUSES: dict[type[Exception], HTTPStatus] = {
    IntentError: HTTPStatus.BAD_REQUEST,
    ReplayError: HTTPStatus.BAD_REQUEST,
    UnmanagedEndpointError: HTTPStatus.NOT_FOUND,
    RefusedEndpointError: HTTPStatus.CONFLICT,
    AwsError: HTTPStatus.SERVICE_UNAVAILABLE,
}


@logger.inject_lambda_context(correlation_id_path="requestContext.requestId", clear_state=True)
def handler(event: Any, context: LambdaContext) -> dict[str, Any]:
    """Answer an HTTP request, or carry out the intent of a direct invocation.

    Raises (to a direct invocation only):
        IntentError, UnmanagedEndpointError, RefusedEndpointError, AwsError: see `Intents.record`.
    """
    if isinstance(event, dict) and "requestContext" in event:
        return app.resolve(event, context)
    intent = parse_intent(event)
    return write_standing(_carry_out(intent, context.aws_request_id, "a direct invocation"))


@app.get("/endpoints")
def list_endpoints() -> Response[str]:
    """How every managed endpoint stands."""
    _only_by("GET /endpoints")
    standings = [write_standing(standing) for standing in control().list_all()]
    return _answer(HTTPStatus.OK, {"endpoints": standings})


@app.get("/endpoints/<name>")
def describe_endpoint(name: str) -> Response[str]:
    """How one endpoint stands, with its latest decisions."""
    _only_by("GET /endpoints/{name}")
    return _answer(HTTPStatus.OK, write_standing(control().describe(name)))


@app.get("/endpoints/<name>/requests")
def list_requests(name: str) -> Response[str]:
    """The requests that wait for one endpoint, the oldest first."""
    _only_by("GET /endpoints/{name}/requests")
    requests = [write_request(request) for request in control().waiting_requests(name)]
    return _answer(HTTPStatus.OK, {"requests": requests})


# Before the intents, whose route would take it.
@app.post("/endpoints/<name>/replay")
def replay(name: str) -> Response[str]:
    """Let failed requests wait once more. They do when this answers."""
    _only_by("POST /endpoints/{name}/replay")
    ids = read_replay(_body())
    outcome = control().replay(name, ids, app.current_event.request_context.request_id)
    fields = {"endpoint": name, "replayed": outcome.replayed, "principal": _caller()}
    logger.info("replay", extra=fields)
    return _answer(HTTPStatus.ACCEPTED, write_replay(outcome))


@app.post("/endpoints/<name>/<verb>")
def carry_out(name: str, verb: str) -> Response[str]:
    """Take an intent. It is recorded when this answers, and carried out from then on."""
    if verb not in INTENTS:
        raise NotFoundError
    _only_by(f"POST /endpoints/{{name}}/{verb}")
    intent = read_intent(verb, name, _body())
    request_id = app.current_event.request_context.request_id
    standing = _carry_out(intent, request_id, _caller())
    return _answer(HTTPStatus.ACCEPTED, write_standing(standing))


@app.not_found
def unknown_path(_error: NotFoundError) -> Response[str]:
    """Answer a path or a method that there is not."""
    method, path = app.current_event.http_method, app.current_event.path
    for known, allowed in _METHODS.items():
        if known.fullmatch(path) and method != allowed:
            detail = f"{path} takes {allowed}, not {method}"
            return _problem(HTTPStatus.METHOD_NOT_ALLOWED, detail, {"allow": allowed})
    return _problem(HTTPStatus.NOT_FOUND, f"there is no {method} {path}")


@app.exception_handler(list(_STATUSES))  # type: ignore[untyped-decorator] # it has no types
def problem(error: Exception) -> Response[str]:
    """Answer what can't be done, and why."""
    status = next(status for kind, status in _STATUSES.items() if isinstance(error, kind))
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        logger.error(str(error))
    return _problem(status, str(error))


def _only_by(route: str) -> None:
    """Refuse what IAM has let in by another route than the one that the path stands for.

    API Gateway hands the path over decoded, so a %2F in it did not count when it chose the route,
    and IAM decides by the route.
    """
    if app.current_event["routeKey"] != route:
        raise NotFoundError


def _caller() -> str:
    iam = app.current_event["requestContext"].get("authorizer", {}).get("iam", {})
    return str(iam.get("userArn") or "unknown")


def _carry_out(intent: Intent, request_id: str, principal: str) -> Standing:
    standing = control().carry_out(intent, request_id)
    fields = {"endpoint": intent.endpoint, "intent": str(intent), "principal": principal}
    logger.info("intent", extra=fields)
    return standing


def _body() -> object:
    try:
        text = app.current_event.decoded_body
        body: object = json.loads(text) if text else {}
    except (ValueError, RecursionError) as error:
        # Broken base64 and what is no UTF-8 too.
        raise IntentError(f"the body is not JSON: {error}") from error
    return body


def _problem(
    status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None
) -> Response[str]:
    """Write a problem as RFC 9457 has it."""
    body = {"type": "about:blank", "title": status.phrase, "status": status, "detail": detail}
    return _answer(status, body, "application/problem+json", headers)


def _answer(
    status: HTTPStatus,
    body: dict[str, Any],
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Response[str]:
    return Response(
        status_code=status,
        content_type=content_type,
        body=json.dumps(body),
        # What is true now is not true in a minute.
        headers={"cache-control": "no-store", **(headers or {})},
    )
