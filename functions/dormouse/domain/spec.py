"""The spec: what the owner of a managed endpoint asks for in the tags of its EndpointConfig."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from dormouse.domain.duration import parse_duration
from dormouse.domain.principals import Principal, parse_principals

TAG_PREFIX = "dormouse:"
ENDPOINT_TAG = "dormouse:endpoint"
IDLE_TIMEOUT_TAG = "dormouse:idle-timeout"
PRINCIPALS_TAG = "dormouse:principals"
STACK_TAG = "dormouse:stack"
# Of an endpoint, not of an EndpointConfig: the deployment that its owner hands it over to.
ADOPTED_TAG = "dormouse:adopted-by"
_KNOWN_TAGS = frozenset({ENDPOINT_TAG, IDLE_TIMEOUT_TAG, PRINCIPALS_TAG, STACK_TAG})

DEFAULT_IDLE_TIMEOUT = timedelta(minutes=15)
SHORTEST_IDLE_TIMEOUT = timedelta(seconds=60)
LONGEST_IDLE_TIMEOUT = timedelta(days=7)

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpoint.html
_ENDPOINT_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", re.ASCII)
_LONGEST_ENDPOINT_NAME = 63

Value = TypeVar("Value")


class SpecError(ValueError):
    """A tag that can't be obeyed; the message names it."""


@dataclass(frozen=True, slots=True)
class Spec:
    """What is asked for one managed endpoint, and the EndpointConfig that asks it.

    `principals` may invoke it; where there are none, whoever belongs to the own account.
    """

    endpoint: str
    config_name: str
    idle_timeout: timedelta = DEFAULT_IDLE_TIMEOUT
    principals: tuple[Principal, ...] = ()


def is_endpoint_name(text: str) -> bool:
    """Whether SageMaker would take this as an EndpointName."""
    return len(text) <= _LONGEST_ENDPOINT_NAME and _ENDPOINT_NAME.fullmatch(text) is not None


def parse_spec(config_name: str, tags: Mapping[str, str]) -> Spec:
    """Read the tags of one EndpointConfig; tags of other owners are left alone.

    Raises:
        SpecError: a `dormouse:` tag is missing, unknown or has a value that can't be obeyed.
    """
    unknown = sorted(k for k in tags if k.startswith(TAG_PREFIX) and k not in _KNOWN_TAGS)
    if unknown:
        raise SpecError(
            f"EndpointConfig {config_name} has the tag {unknown[0]!r}, which Dormouse does not know"
        )
    endpoint = tags.get(ENDPOINT_TAG)
    if endpoint is None:
        raise SpecError(f"EndpointConfig {config_name} has no tag {ENDPOINT_TAG!r}")
    if not is_endpoint_name(endpoint):
        raise SpecError(
            f"EndpointConfig {config_name} has the tag {ENDPOINT_TAG}={endpoint!r}, which is no "
            "endpoint name: at most 63 letters, digits and inner hyphens"
        )
    return Spec(
        endpoint,
        config_name,
        idle_timeout=_read(
            config_name, tags, IDLE_TIMEOUT_TAG, _idle_timeout, DEFAULT_IDLE_TIMEOUT
        ),
        principals=_read(config_name, tags, PRINCIPALS_TAG, parse_principals, ()),
    )


def _read(
    config_name: str,
    tags: Mapping[str, str],
    tag: str,
    parse: Callable[[str], Value],
    default: Value,
) -> Value:
    if tag not in tags:
        return default
    try:
        return parse(tags[tag])
    except ValueError as error:
        raise SpecError(f"EndpointConfig {config_name}, tag {tag}: {error}") from error


def _idle_timeout(text: str) -> timedelta:
    return parse_duration(text, shortest=SHORTEST_IDLE_TIMEOUT, longest=LONGEST_IDLE_TIMEOUT)
