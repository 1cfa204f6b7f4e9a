"""InvokeEndpoint through the front door, by boto3's own client of SageMaker's runtime."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError

from dormouse_cli.aws import AwsSession, explained
from dormouse_cli.errors import CliError
from dormouse_cli.exit_codes import ExitCode
from dormouse_cli.problem import printable, sentence

# SageMaker answers within 60 s. What is worth a second try, --wait decides.
_CONFIG = Config(read_timeout=70, retries={"total_max_attempts": 1})
_RETRY_AFTER_SECONDS = 60


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
        self._client = aws.client("sagemaker-runtime", url=url.rstrip("/"), config=_CONFIG)
        # A Function URL wants the signature of Lambda.
        self._client.meta.events.register(
            "before-sign.sagemaker-runtime",
            lambda request, **_: request.context.setdefault("signing", {}).update(
                signing_name="lambda"
            ),
        )

    def invoke(
        self, endpoint: str, model: str, body: bytes, *, content_type: str, accept: str | None
    ) -> Prediction:
        """Send one request.

        Raises:
            Asleep: nobody serves it yet.
            CliError: the model or SageMaker refuses it, or there is no answer.
        """
        given = {} if accept is None else {"Accept": accept}
        with explained(f"invoking {model!r} on {endpoint!r}"):
            try:
                answer = self._client.invoke_endpoint(
                    EndpointName=endpoint,
                    TargetModel=model,
                    ContentType=content_type,
                    Body=body,
                    **given,
                )
                return Prediction(
                    content_type=answer.get("ContentType", ""),
                    production_variant=answer.get("InvokedProductionVariant"),
                    body=answer["Body"].read(),
                )
            except ClientError as error:
                if (known := _known(error)) is not None:
                    raise known from error
                raise


def _known(error: ClientError) -> CliError | None:
    response: Any = error.response
    code = response["Error"].get("Code", "")
    message = printable(response["Error"].get("Message", ""))
    metadata = response.get("ResponseMetadata", {})
    status = metadata.get("HTTPStatusCode", 0)
    if code == "ServiceUnavailable" and status == 503:
        return Asleep(message, _retry_after(metadata.get("HTTPHeaders", {}).get("retry-after", "")))
    if code == "ModelError":
        original = printable(str(response.get("OriginalMessage") or message))
        original_status = response.get("OriginalStatusCode")
        said = "" if original_status is None else f" ({original_status})"
        return CliError(
            sentence(f"The model answered with an error{said}: {original}"),
            ExitCode.FAILED,
            original_status_code=original_status,
            original_message=response.get("OriginalMessage"),
        )
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


def _retry_after(header: str) -> int:
    # HTTP allows a date too, which Dormouse never sends.
    return int(header) if header.isdecimal() and len(header) < 6 else _RETRY_AFTER_SECONDS
