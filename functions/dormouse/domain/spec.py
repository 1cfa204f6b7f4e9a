"""The spec: what the owner of a managed endpoint asks for in the tags of its EndpointConfig."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from dormouse.domain.duration import parse_duration

TAG_PREFIX = "dormouse:"
ENDPOINT_TAG = "dormouse:endpoint"
IDLE_TIMEOUT_TAG = "dormouse:idle-timeout"

DEFAULT_IDLE_TIMEOUT = timedelta(minutes=15)
SHORTEST_IDLE_TIMEOUT = timedelta(seconds=60)
LONGEST_IDLE_TIMEOUT = timedelta(days=7)

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpoint.html
_ENDPOINT_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", re.ASCII)
_LONGEST_ENDPOINT_NAME = 63


class SpecError(ValueError):
    """A tag that can't be obeyed; the message names it."""


@dataclass(frozen=True, slots=True)
class Spec:
    """What is asked for one managed endpoint, and the EndpointConfig that asks it."""

    endpoint: str
    config_name: str
    idle_timeout: timedelta = DEFAULT_IDLE_TIMEOUT


def is_endpoint_name(text: str) -> bool:
    """Whether SageMaker would take this as an EndpointName."""
    return len(text) <= _LONGEST_ENDPOINT_NAME and _ENDPOINT_NAME.fullmatch(text) is not None


def parse_spec(config_name: str, tags: Mapping[str, str]) -> Spec:
    """Read the tags of one EndpointConfig; tags of other owners are left alone.

    Raises:
        SpecError: a `dormouse:` tag is missing, unknown or has a value that can't be obeyed.
    """
    unknown = sorted(
        key
        for key in tags
        if key.startswith(TAG_PREFIX) and key not in (ENDPOINT_TAG, IDLE_TIMEOUT_TAG)
    )
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
    return Spec(endpoint, config_name, _idle_timeout(config_name, tags.get(IDLE_TIMEOUT_TAG)))


def _idle_timeout(config_name: str, text: str | None) -> timedelta:
    if text is None:
        return DEFAULT_IDLE_TIMEOUT
    try:
        return parse_duration(text, shortest=SHORTEST_IDLE_TIMEOUT, longest=LONGEST_IDLE_TIMEOUT)
    except ValueError as error:
        raise SpecError(f"EndpointConfig {config_name}, tag {IDLE_TIMEOUT_TAG}: {error}") from error
