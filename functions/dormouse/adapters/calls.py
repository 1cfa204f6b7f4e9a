"""One way to turn what botocore raises into our own error."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from dormouse.errors import AwsError


@contextmanager
def aws_call(operation: str) -> Iterator[None]:
    """Raise AwsError, naming the operation, for whatever botocore raises inside.

    Raises:
        AwsError: the call was refused, or there was no answer.
    """
    try:
        yield
    except ClientError as error:
        refusal = f"{error_code(error)}: {error_message(error)}"
        raise AwsError(f"{operation} refused: {refusal}") from error
    except BotoCoreError as error:
        raise AwsError(f"{operation} failed: {error}") from error


def error_code(error: ClientError) -> str:
    """Return the error's code, such as ValidationException."""
    return error.response.get("Error", {}).get("Code", "")


def error_message(error: ClientError) -> str:
    """Return the error's text, which is all that tells most of SageMaker's refusals apart."""
    return error.response.get("Error", {}).get("Message", "")
