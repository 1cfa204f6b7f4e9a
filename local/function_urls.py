"""Name the caller in the events of Function URLs with AuthType AWS_IAM; ministack leaves that part
out.

https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local import ministack_hooks


def add_caller(event: dict[str, Any], headers: Mapping[str, str]) -> None:
    """Add requestContext.authorizer.iam. A request that is not signed never gets here: ministack
    answers it 403.
    """
    caller = ministack_hooks.caller_of(headers)
    event["requestContext"]["authorizer"] = {
        "iam": {
            "accessKey": caller.get("accessKey"),
            "accountId": caller.get("accountId"),
            "callerId": caller.get("userId"),
            "cognitoIdentity": None,
            "principalOrgId": None,
            "userArn": caller.get("userArn"),
            "userId": caller.get("userId"),
        }
    }
    event["requestContext"]["authentication"] = None


def install() -> None:
    """Take effect."""
    ministack_hooks.wrap_function_url_event(add_caller)
