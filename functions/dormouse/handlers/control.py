"""`control`: the operator's HTTP API, and the same intents by direct or scheduled invocation."""

import re
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.utilities.typing import LambdaContext

from dormouse.bootstrap.control import control
from dormouse.control import Standing
from dormouse.domain.alias import AliasError
from dormouse.domain.decision_page import PageError, read_page
from dormouse.domain.dry_run import DryRunError
from dormouse.domain.ground_truth import GroundTruthError
from dormouse.domain.intent import (
    INTENTS,
    Intent,
    IntentError,
    parse_intent,
    read_asker,
    read_intent,
)
from dormouse.domain.model_listing import ViewError
from dormouse.domain.model_name import ModelNameError
from dormouse.errors import (
    AliasRefusedError,
    AwsError,
    ElsewhereError,
    MissingAliasError,
    MissingModelError,
    ModelTakenError,
    RefusedEndpointError,
    UnmanagedEndpointError,
)
from dormouse.handlers import control_models
from dormouse.handlers.http_api import (
    BodyError,
    answer,
    caller_of,
    problem,
    read_body,
    require_route,
)
from dormouse.observability import logger
from dormouse.standing import (
    write_decisions,
    write_dry_run,
    write_replay,
    write_request,
    write_standing,
)
from dormouse.waiting_requests import ReplayError, read_replay

app = APIGatewayHttpResolver()
app.include_router(control_models.router)

_METHODS = {
    re.compile(r"/endpoints(/[^/]+(/requests|/models|/aliases|/plan|/decisions)?)?"): "GET",
    re.compile(rf"/endpoints/[^/]+/({'|'.join([*INTENTS, 'replay'])})"): "POST",
    re.compile(r"/endpoints/[^/]+/(models/.+|aliases/[^/]+)"): "DELETE, PUT",
    re.compile(r"/endpoints/[^/]+/ground-truth"): "PUT",
}

_STATUSES: dict[type[Exception], HTTPStatus] = {
    IntentError: HTTPStatus.BAD_REQUEST,
    DryRunError: HTTPStatus.BAD_REQUEST,
    PageError: HTTPStatus.BAD_REQUEST,
    ReplayError: HTTPStatus.BAD_REQUEST,
    BodyError: HTTPStatus.BAD_REQUEST,
    ViewError: HTTPStatus.BAD_REQUEST,
    AliasError: HTTPStatus.BAD_REQUEST,
    ModelNameError: HTTPStatus.BAD_REQUEST,
    GroundTruthError: HTTPStatus.BAD_REQUEST,
    UnmanagedEndpointError: HTTPStatus.NOT_FOUND,
    MissingModelError: HTTPStatus.NOT_FOUND,
    MissingAliasError: HTTPStatus.NOT_FOUND,
    RefusedEndpointError: HTTPStatus.CONFLICT,
    AliasRefusedError: HTTPStatus.CONFLICT,
    ModelTakenError: HTTPStatus.CONFLICT,
    ElsewhereError: HTTPStatus.CONFLICT,
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
    return write_standing(_carry_out(intent, context.aws_request_id, read_asker(event)))


@app.get("/endpoints")
def list_endpoints() -> Response[str]:
    """How every managed endpoint stands."""
    require_route(app.current_event, "GET /endpoints")
    standings = [write_standing(standing) for standing in control().list_all()]
    return answer(HTTPStatus.OK, {"endpoints": standings})


@app.get("/endpoints/<name>")
def describe_endpoint(name: str) -> Response[str]:
    """How one endpoint stands, with its latest decisions."""
    require_route(app.current_event, "GET /endpoints/{name}", name=name)
    return answer(HTTPStatus.OK, write_standing(control().describe(name)))


@app.get("/endpoints/<name>/plan")
def plan_endpoint(name: str) -> Response[str]:
    """What would be done with one endpoint now or at a moment, and what each rule says of it."""
    require_route(app.current_event, "GET /endpoints/{name}/plan", name=name)
    tried = control().dry_run(name, app.current_event.query_string_parameters)
    return answer(HTTPStatus.OK, write_dry_run(name, tried))


@app.get("/endpoints/<name>/decisions")
def list_decisions(name: str) -> Response[str]:
    """What was decided of one endpoint, newest first."""
    require_route(app.current_event, "GET /endpoints/{name}/decisions", name=name)
    page = read_page(app.current_event.query_string_parameters)
    return answer(HTTPStatus.OK, write_decisions(name, control().decisions(name, page)))


@app.get("/endpoints/<name>/requests")
def list_requests(name: str) -> Response[str]:
    """The requests that wait for one endpoint, the oldest first."""
    require_route(app.current_event, "GET /endpoints/{name}/requests", name=name)
    requests = [write_request(request) for request in control().waiting_requests(name)]
    return answer(HTTPStatus.OK, {"requests": requests})


# Before the intents, whose route would take it.
@app.post("/endpoints/<name>/replay")
def replay(name: str) -> Response[str]:
    """Let failed requests wait once more. They do when this answers."""
    require_route(app.current_event, "POST /endpoints/{name}/replay", name=name)
    ids = read_replay(read_body(app.current_event))
    request_id, principal = (
        app.current_event.request_context.request_id,
        caller_of(app.current_event),
    )
    outcome = control().replay(name, ids, request_id, principal)
    fields = {"endpoint": name, "replayed": outcome.replayed, "principal": principal}
    logger.info("replay", extra=fields)
    return answer(HTTPStatus.ACCEPTED, write_replay(outcome))


@app.post("/endpoints/<name>/<verb>")
def carry_out(name: str, verb: str) -> Response[str]:
    """Take an intent. It is recorded when this answers, and carried out from then on."""
    if verb not in INTENTS:
        raise NotFoundError
    require_route(app.current_event, f"POST /endpoints/{{name}}/{verb}", name=name)
    intent = read_intent(verb, name, read_body(app.current_event))
    request_id = app.current_event.request_context.request_id
    standing = _carry_out(intent, request_id, caller_of(app.current_event))
    return answer(HTTPStatus.ACCEPTED, write_standing(standing))


@app.not_found
def unknown_path(_error: NotFoundError) -> Response[str]:
    """Answer a path or a method that there is not."""
    method, path = app.current_event.http_method, app.current_event.path
    for known, allowed in _METHODS.items():
        if known.fullmatch(path) and method not in allowed.split(", "):
            detail = f"{path} takes {allowed}, not {method}"
            return problem(HTTPStatus.METHOD_NOT_ALLOWED, detail, {"allow": allowed})
    return problem(HTTPStatus.NOT_FOUND, f"there is no {method} {path}")


@app.exception_handler(list(_STATUSES))  # type: ignore[untyped-decorator] # it has no types
def failed(error: Exception) -> Response[str]:
    """Answer what can't be done, and why."""
    status = next(status for kind, status in _STATUSES.items() if isinstance(error, kind))
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        logger.error(str(error))
    return problem(status, str(error))


def _carry_out(intent: Intent, request_id: str, principal: str) -> Standing:
    standing = control().carry_out(intent, request_id, principal)
    fields = {"endpoint": intent.endpoint, "intent": str(intent), "principal": principal}
    logger.info("intent", extra=fields)
    return standing
