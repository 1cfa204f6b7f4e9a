"""The front door: InvokeEndpoint by boto3's own client of SageMaker's runtime, and the results of
requests that were accepted before they could be answered.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NotConnected

from dormouse_cli.accepted_request import AcceptedRequest, endpoint_of, read_request
from dormouse_cli.aws import USER_AGENT, AwsSession, explained
from dormouse_cli.errors import CliError
from dormouse_cli.exit_codes import ExitCode
from dormouse_cli.fields import UnreadableAnswer
from dormouse_cli.problem import printable, sentence

# A NAT gateway or a load balancer on the way drops a connection that is silent for 350 s.
LONGEST_HOLD_SECONDS = 300

# SageMaker answers within 60 s. What is worth a second try, --wait decides.
_READ_SECONDS = 70
_CONNECT_SECONDS = 10
_RETRY_AFTER_SECONDS = 60
_ACCEPTED = 202


@dataclass(frozen=True, slots=True)
class Invocation:
    """One request to a model."""

    endpoint: str
    model: str
    body: bytes
    content_type: str
    accept: str | None


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the model answered, byte for byte."""

    content_type: str
    production_variant: str | None
    body: bytes


class Asleep(CliError):
    """The endpoint did not serve: the request was not executed, and wakes the endpoint."""

    def __init__(self, message: str, retry_after_seconds: int) -> None:
        super().__init__(message, ExitCode.TRY_AGAIN, retry_after_seconds=retry_after_seconds)
        self.retry_after_seconds = retry_after_seconds


class RuntimeClient:
    """One deployment's front door."""

    def __init__(self, aws: AwsSession, url: str) -> None:
        self._aws = aws
        self._url = url.rstrip("/")

    def invoke(self, invocation: Invocation) -> Prediction:
        """Send one request.

        Raises:
            Asleep: nobody serves it yet.
            CliError: the model or SageMaker refuses it, or there is no answer.
        """
        return _prediction(_invoke(self._client(None, _READ_SECONDS), invocation))

    def holding(self, invocation: Invocation, seconds: int) -> Callable[[], Prediction]:
        """Return what sends one request, as `invoke`, which is to be held for so long if the
        endpoint does not serve. It may be called in another thread.
        """
        client = self._client(f"wait={seconds}", _READ_SECONDS + seconds)
        return lambda: _prediction(_invoke(client, invocation))

    def submit(self, invocation: Invocation) -> Prediction | AcceptedRequest:
        """Send one request, which is to be answered later if the endpoint does not serve.

        Raises:
            CliError: it is refused, or there is no answer.
        """
        answer = _invoke(self._client("respond-async", _READ_SECONDS), invocation)
        if answer["ResponseMetadata"]["HTTPStatusCode"] != _ACCEPTED:
            return _prediction(answer)
        return self._accepted(answer["Body"].read())

    def result(self, request_id: str) -> Prediction | AcceptedRequest:
        """Ask for the result of an accepted request, or how it stands.

        Raises:
            CliError: it has failed, has expired or was cancelled, is not known or another's, or
                there is no answer.
        """
        if endpoint_of(request_id) is None:
            raise CliError(
                f"{request_id!r} is no request's id, which is an endpoint's name, a dot and 32 "
                "hexadecimal digits.",
                ExitCode.USAGE,
            )
        url = f"{self._url}/requests/{quote(request_id)}"
        request = AWSRequest("GET", url, {"User-Agent": USER_AGENT})
        SigV4Auth(self._aws.credentials(), "lambda", self._aws.region).add_auth(request)
        http = self._aws.http(url, connect_seconds=_CONNECT_SECONDS, read_seconds=_READ_SECONDS)
        try:
            response = http.send(request.prepare())
        except (HTTPClientError, NotConnected) as error:
            raise CliError(
                sentence(f"The front door can't be reached: {error}"), ExitCode.UNAVAILABLE
            ) from error
        if response.status_code == _ACCEPTED:
            return self._accepted(response.content)
        if not 200 <= response.status_code < 300:
            raise _refused(response.status_code, response.headers, response.content)
        return Prediction(
            content_type=response.headers.get("Content-Type", ""),
            production_variant=response.headers.get("x-Amzn-Invoked-Production-Variant"),
            body=response.content,
        )

    def _client(self, prefer: str | None, read_seconds: float) -> Any:
        client = self._aws.client(
            "sagemaker-runtime",
            url=self._url,
            config=Config(read_timeout=read_seconds, retries={"total_max_attempts": 1}),
        )
        # A Function URL wants the signature of Lambda.
        client.meta.events.register(
            "before-sign.sagemaker-runtime",
            lambda request, **_: request.context.setdefault("signing", {}).update(
                signing_name="lambda"
            ),
        )
        if prefer is not None:
            client.meta.events.register(
                "before-call.sagemaker-runtime.InvokeEndpoint",
                lambda params, **_: params["headers"].update(Prefer=prefer),
            )
        return client

    def _accepted(self, body: bytes) -> AcceptedRequest:
        try:
            return read_request(json.loads(body))
        except (UnreadableAnswer, ValueError, RecursionError) as error:
            raise CliError(
                f"{self._url} does not answer as Dormouse's front door does: {error}.",
                ExitCode.UNAVAILABLE,
            ) from error


def _invoke(client: Any, invocation: Invocation) -> Any:
    given = {} if invocation.accept is None else {"Accept": invocation.accept}
    with explained(f"invoking {invocation.model!r} on {invocation.endpoint!r}"):
        try:
            return client.invoke_endpoint(
                EndpointName=invocation.endpoint,
                TargetModel=invocation.model,
                ContentType=invocation.content_type,
                Body=invocation.body,
                **given,
            )
        except ClientError as error:
            if (known := _known(error)) is not None:
                raise known from error
            raise


def _prediction(answer: Any) -> Prediction:
    with explained("reading the answer"):
        return Prediction(
            content_type=answer.get("ContentType", ""),
            production_variant=answer.get("InvokedProductionVariant"),
            body=answer["Body"].read(),
        )


def _known(error: ClientError) -> CliError | None:
    response: Any = error.response
    code = response["Error"].get("Code", "")
    message = printable(response["Error"].get("Message", ""))
    metadata = response.get("ResponseMetadata", {})
    status = metadata.get("HTTPStatusCode", 0)
    if code == "ServiceUnavailable" and status == 503:
        return Asleep(message, _retry_after(metadata.get("HTTPHeaders", {}).get("retry-after", "")))
    if code == "ModelError":
        return _model_error(message, response)
    if code == "ValidationError" and ("not found" in message or "download model" in message):
        return CliError(sentence(message), ExitCode.NOT_FOUND, aws_error=code)
    if status == 403:
        return CliError(
            f"The front door refuses these credentials ({message or code}): they need "
            "lambda:InvokeFunctionUrl and lambda:InvokeFunction on the function invoke, and may be "
            "expired or another account's.",
            ExitCode.NOT_PERMITTED,
            aws_error=code,
        )
    return None


def _model_error(message: str, members: Mapping[str, Any]) -> CliError:
    original = printable(str(members.get("OriginalMessage") or message))
    original_status = members.get("OriginalStatusCode")
    said = "" if original_status is None else f" ({original_status})"
    return CliError(
        sentence(f"The model answered with an error{said}: {original}"),
        ExitCode.FAILED,
        original_status_code=original_status,
        original_message=members.get("OriginalMessage"),
    )


_ENDS = {
    403: ExitCode.NOT_PERMITTED,
    404: ExitCode.NOT_FOUND,
    429: ExitCode.TRY_AGAIN,
    503: ExitCode.TRY_AGAIN,
}


def _refused(status: int, headers: Mapping[str, str], body: bytes) -> CliError:
    """Say why there is no result, in the words of the runtime's protocol."""
    try:
        document: object = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    members = document if isinstance(document, dict) else {}
    code = str(members.get("__type") or headers.get("x-amzn-ErrorType") or f"HTTP status {status}")
    message = printable(str(members.get("Message") or members.get("message") or code))
    if code == "ModelError":
        return _model_error(message, members)
    return CliError(
        sentence(message), _ENDS.get(status, ExitCode.FAILED), status=status, aws_error=code
    )


def _retry_after(header: str) -> int:
    # HTTP allows a date too, which Dormouse never sends.
    return int(header) if header.isdecimal() and len(header) < 6 else _RETRY_AFTER_SECONDS
