"""InvokeEndpointAsync: what its headers ask for.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointAsync.html

SageMaker has no asynchronous inference for multi-model endpoints, so its protocol has no field for
TargetModel. It travels in CustomAttributes, which are passed on as they came:

    attributes = attribute *( ( ";" / "," ) attribute )
    attribute  = name "=" value                          ; blanks around each are no part of it

of which one is `TargetModel=<name>`, as in `trace=7f3a; TargetModel=sentiment.tar.gz`. The name of
the attribute is written so and not otherwise, and its value ends at the next `;` or `,`. A model
whose name has one of these is named by the header `X-Amzn-SageMaker-Target-Model`, which counts
where there are both.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

_PREFIX = "x-amzn-sagemaker-"
_CUSTOM_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
_TARGET_MODEL = "X-Amzn-SageMaker-Target-Model"
_ATTRIBUTE = "TargetModel"

# They say what becomes of the request, and are nothing to the model.
_OWN = frozenset(
    _PREFIX + name
    for name in (
        "inputlocation",
        "s3outputpathextension",
        "filename",
        "requestttlseconds",
        "invocationtimeoutseconds",
        "content-type",
        "accept",
    )
)

_SEPARATORS = re.compile(r"[;,]")
_MODEL = re.compile(r"[!-~][ -~]{0,1023}", re.ASCII)
_INFERENCE_ID = re.compile(r"[!-~][ -~]{0,63}", re.ASCII)
_INPUT_LOCATION = re.compile(r"s3://[^/]+/.+")
_EXTENSION = re.compile(r"(?!s3:|https:)[a-zA-Z0-9!_.*'()/-]{1,512}", re.ASCII)
_FILENAME = re.compile(r"(?!.*\..*\.)[a-zA-Z0-9][a-zA-Z0-9_.-]{0,31}", re.ASCII)


class AsyncInvocationError(ValueError):
    """A header can't be obeyed; the message names it."""


@dataclass(frozen=True, slots=True)
class AsyncInvocation:
    """What is asked for: `headers` are those to send with InvokeEndpoint, in lower case."""

    headers: Mapping[str, str]
    inference_id: str | None = None
    input_location: str | None = None
    path_extension: str | None = None
    filename: str | None = None
    time_to_live: timedelta | None = None


def read_async_invocation(headers: Mapping[str, str], *, has_body: bool) -> AsyncInvocation:
    """Read the headers, whose names are in lower case.

    Raises:
        AsyncInvocationError: one can't be obeyed, no model is named, or there is not either a body
            or an InputLocation.
    """
    input_location = _matching(headers, "X-Amzn-SageMaker-InputLocation", _INPUT_LOCATION, 1024)
    if has_body == (input_location is not None):
        raise AsyncInvocationError(
            "the input comes either in the body or in S3, as X-Amzn-SageMaker-InputLocation says: "
            f"{'both are' if has_body else 'neither is'} there"
        )
    # It is checked, and can't be kept: SageMaker gives each invocation 60 seconds.
    _seconds(headers, "X-Amzn-SageMaker-InvocationTimeoutSeconds", 1, 3600)
    return AsyncInvocation(
        headers=_to_send(headers, target_model(headers), has_body=has_body),
        inference_id=_matching(headers, "X-Amzn-SageMaker-Inference-Id", _INFERENCE_ID),
        input_location=input_location,
        path_extension=_path_extension(headers),
        filename=_matching(headers, "X-Amzn-SageMaker-Filename", _FILENAME),
        time_to_live=_seconds(headers, "X-Amzn-SageMaker-RequestTTLSeconds", 60, 21600),
    )


def target_model(headers: Mapping[str, str]) -> str:
    """Find the model that is asked for.

    Raises:
        AsyncInvocationError: none is, or two are.
    """
    by_header = _matching(headers, _TARGET_MODEL, _MODEL)
    if by_header is not None:
        return by_header
    attributes = headers.get(_CUSTOM_ATTRIBUTES.lower(), "")
    named = {
        value.strip()
        for name, equals, value in (one.partition("=") for one in _SEPARATORS.split(attributes))
        if equals and name.strip() == _ATTRIBUTE
    }
    if not named:
        raise AsyncInvocationError(
            "a multi-model endpoint has to be told which model is meant: by the header "
            f"{_TARGET_MODEL}, or by {_ATTRIBUTE}=<name> in {_CUSTOM_ATTRIBUTES}"
        )
    if len(named) > 1:
        raise AsyncInvocationError(f"{_CUSTOM_ATTRIBUTES} names more than one {_ATTRIBUTE}")
    (model,) = named
    if _MODEL.fullmatch(model) is None:
        raise AsyncInvocationError(
            f"{_CUSTOM_ATTRIBUTES} has {_ATTRIBUTE}={model!r:.100}, which is no model's name"
        )
    return model


def _to_send(headers: Mapping[str, str], model: str, *, has_body: bool) -> dict[str, str]:
    sent = {
        name: value
        for name, value in headers.items()
        if name.startswith(_PREFIX) and name not in _OWN
    }
    sent[_TARGET_MODEL.lower()] = model
    # What is in S3 is described by this header alone: Content-Type is the empty body's.
    content_type = headers.get(_PREFIX + "content-type")
    if content_type is None and has_body:
        content_type = headers.get("content-type")
    accept = headers.get(_PREFIX + "accept")
    if content_type is not None:
        sent["content-type"] = content_type
    if accept is not None:
        sent["accept"] = accept
    return sent


def _path_extension(headers: Mapping[str, str]) -> str | None:
    name = "X-Amzn-SageMaker-S3OutputPathExtension"
    text = _matching(headers, name, _EXTENSION)
    if text is None:
        return None
    path = text.strip("/")
    if not path or any(part in ("", ".", "..") for part in path.split("/")):
        raise AsyncInvocationError(f"the header {name} is {text!r:.100}, which is no path")
    return path


def _matching(
    headers: Mapping[str, str], name: str, pattern: re.Pattern[str], at_most: int = 1024
) -> str | None:
    text = headers.get(name.lower())
    if text is not None and (len(text) > at_most or pattern.fullmatch(text) is None):
        raise AsyncInvocationError(f"the header {name} can't be {text!r:.100}")
    return text


def _seconds(
    headers: Mapping[str, str], name: str, shortest: int, longest: int
) -> timedelta | None:
    text = headers.get(name.lower())
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 5):
        raise AsyncInvocationError(f"the header {name} is no whole number: {text!r:.100}")
    if not shortest <= int(text) <= longest:
        raise AsyncInvocationError(
            f"the header {name} is {text}: from {shortest} to {longest} is allowed"
        )
    return timedelta(seconds=int(text))
