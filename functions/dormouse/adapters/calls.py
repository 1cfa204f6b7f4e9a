"""One way to turn what botocore raises into our own error."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from dormouse.errors import AwsDeniedError, AwsError, AwsUnansweredError


@contextmanager
def aws_call(operation: str) -> Iterator[None]:
    """Raise AwsError, naming the operation, for whatever botocore raises inside.

    Raises:
        AwsDeniedError: IAM refused the call.
        AwsUnansweredError: there was no answer.
        AwsError: the call was refused otherwise.
    """
    try:
        yield
    except ClientError as error:
        refusal = f"{operation} refused: {error_code(error)}: {error_message(error)}"
        if error_code(error).startswith("AccessDenied"):
            raise AwsDeniedError(refusal) from error
        raise AwsError(refusal) from error
    except BotoCoreError as error:
        raise AwsUnansweredError(f"{operation} failed: {error}") from error


def error_code(error: ClientError) -> str:
    """Return the error's code, such as ValidationException."""
    return error.response.get("Error", {}).get("Code", "")


def error_message(error: ClientError) -> str:
    """Return the error's text, which is all that tells most of SageMaker's refusals apart."""
    return error.response.get("Error", {}).get("Message", "")
