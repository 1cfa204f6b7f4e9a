"""A session with AWS as the AWS CLI would open it, and AWS's errors as sentences."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import botocore.session
from botocore import exceptions
from botocore.config import Config
from botocore.httpsession import URLLib3Session
from botocore.parsers import ResponseParserError
from botocore.utils import get_environ_proxies

from dormouse_cli import __version__
from dormouse_cli.errors import CliError
from dormouse_cli.exit_codes import ExitCode
from dormouse_cli.options import CommonOptions
from dormouse_cli.problem import sentence

USER_AGENT = f"dormouse-cli/{__version__}"

_NO_CREDENTIALS = (
    exceptions.NoCredentialsError,
    exceptions.PartialCredentialsError,
    exceptions.CredentialRetrievalError,
    exceptions.TokenRetrievalError,
    exceptions.NoAuthTokenError,
    exceptions.SSOError,
)
_WRONG_CONFIGURATION = (
    exceptions.ProfileNotFound,
    exceptions.ConfigNotFound,
    exceptions.ConfigParseError,
    exceptions.InvalidConfigError,
    exceptions.InvalidRegionError,
    exceptions.InvalidEndpointConfigurationError,
    exceptions.NoRegionError,
    exceptions.ParamValidationError,
)
_UNREACHABLE = (exceptions.HTTPClientError, exceptions.ConnectionError)
_DENIED_CODES = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_THROTTLED_CODES = frozenset(
    {"Throttling", "ThrottlingException", "RequestLimitExceeded", "SlowDown", "TooManyRequests"}
)


class AwsSession:
    """Opened by --profile and --region, or else by the environment and the configuration files.

    Every method raises `CliError` for what the user can put right.
    """

    def __init__(self, options: CommonOptions) -> None:
        self._endpoint_url = options.endpoint_url
        # boto3 knows AWS_DEFAULT_REGION only; the AWS CLI prefers AWS_REGION.
        region = options.region or os.environ.get("AWS_REGION") or None
        self._core = botocore.session.get_session()
        with explained("reading the AWS configuration"):
            self._session = boto3.Session(
                botocore_session=self._core, profile_name=options.profile, region_name=region
            )
            if self._session.region_name is None:
                raise exceptions.NoRegionError
        self.region: str = self._session.region_name

    def client(
        self,
        service: Any,
        *,
        url: str | None = None,
        config: Config | None = None,
        region: str | None = None,
    ) -> Any:
        """Make a client of a service, at this URL, or at --endpoint-url, or at AWS's own.

        Its region is the session's, unless the service is not in each.
        """
        agent = Config(user_agent_extra=USER_AGENT)
        with explained(f"making a client of {service}"):
            try:
                return self._session.client(
                    service,
                    region_name=region or self.region,
                    endpoint_url=url or self._endpoint_url,
                    config=agent if config is None else agent.merge(config),
                )
            except ValueError as error:
                raise CliError(sentence(str(error)), ExitCode.USAGE) from error

    def credentials(self) -> Any:
        """Return the credentials as they are now; those of a role change every hour."""
        with explained("reading the AWS credentials"):
            found = self._session.get_credentials()
            if found is None:
                raise exceptions.NoCredentialsError
            return found.get_frozen_credentials()

    def http(self, url: str, *, connect_seconds: float, read_seconds: float) -> URLLib3Session:
        """Open what boto3 itself would send through: its proxies, its certificates."""
        bundle: Any = self._core.get_config_variable("ca_bundle")
        # Its stubs know one figure alone, for both.
        timeout: Any = (connect_seconds, read_seconds)
        return URLLib3Session(
            verify=bundle or True, proxies=get_environ_proxies(url), timeout=timeout
        )


@contextmanager
def explained(doing: str) -> Iterator[None]:
    """Turn AWS's errors into sentences that say what was being done."""
    try:
        yield
    except exceptions.ClientError as error:
        raise _answered(error, doing) from error
    except exceptions.BotoCoreError as error:
        raise _failed(error, doing) from error
    except ResponseParserError as error:
        raise CliError(
            f"{_capitalised(doing)} failed: what answers there is not AWS.", ExitCode.UNAVAILABLE
        ) from error


def _answered(error: exceptions.ClientError, doing: str) -> CliError:
    said: Any = error.response.get("Error", {})
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = str(said.get("Code", "")) or f"HTTP status {status}"
    message = str(said.get("Message", "")) or "no reason given"
    why = sentence(f"{_capitalised(doing)} failed: {code}: {message}")
    if code in _DENIED_CODES or status in (401, 403):
        return CliError(why, ExitCode.NOT_PERMITTED, aws_error=code)
    if code in _THROTTLED_CODES or status == 429:
        return CliError(why, ExitCode.TRY_AGAIN, aws_error=code)
    if status >= 500:
        return CliError(why, ExitCode.UNAVAILABLE, aws_error=code)
    return CliError(why, ExitCode.FAILED, aws_error=code)


def _failed(error: exceptions.BotoCoreError, doing: str) -> CliError:
    why = sentence(str(error))
    if isinstance(error, exceptions.NoRegionError):
        return CliError(
            "No region is known: give --region, set AWS_REGION, or write one into the profile.",
            ExitCode.USAGE,
        )
    if isinstance(error, exceptions.ProfileNotFound):
        return CliError(
            f"{why} `aws configure list-profiles` shows those that there are.", ExitCode.USAGE
        )
    if isinstance(error, exceptions.NoCredentialsError):
        return CliError(
            "There are no AWS credentials: give --profile, log in with `aws sso login`, or set "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
            ExitCode.NOT_PERMITTED,
        )
    if isinstance(error, _NO_CREDENTIALS):
        return CliError(f"The AWS credentials can't be used: {why}", ExitCode.NOT_PERMITTED)
    if isinstance(error, _WRONG_CONFIGURATION):
        return CliError(f"{_capitalised(doing)} failed: {why}", ExitCode.USAGE)
    if isinstance(error, _UNREACHABLE):
        return CliError(f"{_capitalised(doing)} failed: {why}", ExitCode.UNAVAILABLE)
    return CliError(f"{_capitalised(doing)} failed: {why}", ExitCode.FAILED)


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
