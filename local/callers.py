"""Who called: the part of an event that names the signer of a request, which Function URLs and HTTP
APIs with AWS_IAM write alike, and the service that a request was signed for.

https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from local import ministack_hooks

_SCOPE = re.compile(r"Credential=[^,\s]+/([^/,]+)/aws4_request")


def identity(headers: Mapping[str, str]) -> dict[str, Any]:
    """Return requestContext.authorizer.iam."""
    caller = ministack_hooks.caller_of(headers)
    return {
        "accessKey": caller.get("accessKey"),
        "accountId": caller.get("accountId"),
        "callerId": caller.get("userId"),
        "cognitoIdentity": None,
        "principalOrgId": None,
        "userArn": caller.get("userArn"),
        "userId": caller.get("userId"),
    }


def signed_service(headers: Mapping[str, str]) -> str | None:
    """Name the service in the scope of a signature, None where there is no signature.

    Signatures are not verified here; but whoever signed for another service should learn it before
    AWS says so.
    """
    scope = _SCOPE.search(headers.get("authorization", ""))
    return scope[1] if scope else None
