"""What can go wrong outside, as the applications are told of it."""


class AwsError(Exception):
    """AWS refused a call or did not answer; the message says which call and why."""


class AwsDeniedError(AwsError):
    """IAM refused a call."""


class AwsUnansweredError(AwsError):
    """A call was not answered: it may have been carried out, or be carried out yet."""


class UnmanagedEndpointError(Exception):
    """Nobody asked Dormouse to manage this endpoint; the message names it."""


class RefusedEndpointError(Exception):
    """What is asked for this endpoint can't be obeyed, so it is left as it is; the message says
    why.
    """


class AliasRefusedError(Exception):
    """An alias can't be given to a model, as things stand; the message says why."""


class MissingAliasError(Exception):
    """The endpoint has no such alias; the message names both."""


class MissingModelError(Exception):
    """There is no such model; the message names it."""


class ModelTakenError(Exception):
    """A model's name, or the model itself, is needed as it is; the message says for what."""


class ElsewhereError(Exception):
    """The models of this endpoint are not this deployment's to change; the message says why."""


class MissingPayloadError(Exception):
    """The body of a request or a result is not, or no longer, there; the message names its key."""


class LocationError(Exception):
    """An object in S3 that a caller named can't be used; the message says which and why."""

    def __init__(
        self, message: str, *, is_forbidden: bool = False, is_too_large: bool = False
    ) -> None:
        super().__init__(message)
        self.is_forbidden = is_forbidden
        self.is_too_large = is_too_large
