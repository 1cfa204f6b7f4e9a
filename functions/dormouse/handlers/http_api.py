"""What the routes of the HTTP API share: reading a request, and writing an answer."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2


class BodyError(ValueError):
    """The body of a request is not JSON."""


def require_route(event: APIGatewayProxyEventV2, route: str, **parts: str) -> None:
    """Refuse what IAM has let in by another route than the one that the path stands for, or for
    other parts of the path than those that are read here.

    API Gateway hands the path over decoded, so a %2F in it did not count when it chose the route,
    and IAM decides by the route.

    Raises:
        NotFoundError: there is no such path.
    """
    chosen: Mapping[str, str] = event.get("pathParameters") or {}
    for name, part in parts.items():
        if name in chosen and part not in (chosen[name], unquote(chosen[name])):
            raise NotFoundError
    if event["routeKey"] != route:
        raise NotFoundError


def caller_of(event: APIGatewayProxyEventV2) -> str:
    """Name whom IAM has let in."""
    iam = event["requestContext"].get("authorizer", {}).get("iam", {})
    return str(iam.get("userArn") or "unknown")


def read_body(event: APIGatewayProxyEventV2) -> object:
    """Read the body, an empty object where there is none.

    Raises:
        BodyError: it is not JSON.
    """
    try:
        text = event.decoded_body
        body: object = json.loads(text) if text else {}
    except (ValueError, RecursionError) as error:
        # Broken base64 and what is no UTF-8 too.
        raise BodyError(f"the body is not JSON: {error}") from error
    return body


def answer(
    status: HTTPStatus,
    body: dict[str, Any],
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Response[str]:
    """Write an answer."""
    return Response(
        status_code=status,
        content_type=content_type,
        body=json.dumps(body),
        # What is true now is not true in a minute.
        headers={"cache-control": "no-store", **(headers or {})},
    )


def problem(
    status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None
) -> Response[str]:
    """Write a problem as RFC 9457 has it."""
    body = {"type": "about:blank", "title": status.phrase, "status": status, "detail": detail}
    return answer(status, body, "application/problem+json", headers)
