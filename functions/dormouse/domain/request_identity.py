"""The names of accepted requests, and what tells one from another."""

import hashlib
import json
import re
from collections.abc import Mapping

from dormouse.domain.parked_request import Kind

# No endpoint's name has a dot.
_REQUEST_ID = re.compile(r"(?P<endpoint>[a-zA-Z0-9-]{1,63})\.[0-9a-f]{32}", re.ASCII)


def request_id(endpoint: str, token: str) -> str:
    """Name a request by its endpoint and a token of 32 hexadecimal digits."""
    return f"{endpoint}.{token}"


def endpoint_of(an_id: str) -> str | None:
    """Read the endpoint off a request's name; None where it is none."""
    named = _REQUEST_ID.fullmatch(an_id)
    return None if named is None else named["endpoint"]


def token_of_inference(principal: str, endpoint: str, inference_id: str) -> str:
    """Derive the token of a request that its caller names: the same name is the same request."""
    return _token(principal, endpoint, "inference", inference_id)


def token_of_invocation(principal: str, endpoint: str, invocation_id: str) -> str:
    """Derive the token of a request that only the SDK names, each time that it sends it."""
    return _token(principal, endpoint, "invocation", invocation_id)


def token_of_held(principal: str, endpoint: str, invocation_id: str) -> str:
    """Derive the token of a request that is held, from the SDK's name for it."""
    return _token(principal, endpoint, "held", invocation_id)


def fingerprint_of(kind: Kind, headers: Mapping[str, str], body: bytes) -> str:
    """Tell one request from another under the same name."""
    digest = hashlib.sha256(json.dumps([kind, sorted(headers.items())]).encode())
    digest.update(b"\0" + body)
    return digest.hexdigest()


def _token(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
