"""SageMaker's errors in SageMaker's own words: clients tell most of them apart by the text."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(eq=False)
class ServiceError(Exception):
    """An answer other than success, of the control plane or of the runtime."""

    code: str
    message: str
    status: int = 400
    members: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__(self.message)


def validation(message: str) -> ServiceError:
    """Refuse a control plane call."""
    return ServiceError("ValidationException", message)


def could_not_find(kind: str, arn: str) -> ServiceError:
    """Refuse a call on what does not exist; kind is `endpoint`, `endpoint configuration` or
    `model`.
    """
    return validation(f'Could not find {kind} "{arn}".')


def already_exists(kind: str, arn: str) -> ServiceError:
    """Refuse to create a second one of the name."""
    return validation(f'Cannot create already existing {kind} "{arn}".')


def in_progress(arn: str) -> ServiceError:
    """Refuse to change an endpoint that is changing. DeleteEndpoint says `update` here, too."""
    return validation(f'Cannot update in-progress endpoint "{arn}".')


def not_updatable(arn: str) -> ServiceError:
    """Refuse to update a failed endpoint."""
    return validation(f'Cannot update endpoint "{arn}" because it is in the Failed state.')


def instance_limit(instance_type: str, limit: int, used: int, asked: int) -> ServiceError:
    """Refuse for want of quota."""
    return ServiceError(
        "ResourceLimitExceeded",
        f"The account-level service limit '{instance_type} for endpoint usage' is {limit} "
        f"Instances, with current utilization of {used} Instances and a request delta of {asked} "
        "Instances. Please use AWS Service Quotas to request an increase for this quota. If AWS "
        "Service Quotas is not available, contact AWS support to request an increase for this "
        "quota.",
    )


def invocation(message: str) -> ServiceError:
    """Refuse an invocation."""
    return ServiceError("ValidationError", message)


def endpoint_not_found(name: str, account_id: str) -> ServiceError:
    """The runtime's answer for an endpoint that is absent or not serving."""
    return invocation(f"Endpoint {name} of account {account_id} not found.")


def body_too_large(limit_bytes: int) -> ServiceError:
    """The runtime's answer for a body past its limit."""
    return invocation(
        "1 validation error detected: Value at 'body' failed to satisfy constraint: "
        f"Member must have length less than or equal to {limit_bytes}"
    )


def model_not_downloaded(bucket: str, key: str) -> ServiceError:
    """The runtime's answer for a TargetModel that is not in S3."""
    return invocation(
        f"Failed to download model data(bucket: {bucket}, key: {key}). Please ensure that there is "
        "an object located at the URL and that the role passed to CreateModel has permissions to "
        "download the model."
    )


def model_error(
    status: int, body: str, *, log_group_url: str, account_id: str, log_stream_arn: str
) -> ServiceError:
    """The runtime's answer when the container did not answer 2xx."""
    kind = "client" if 400 <= status < 500 else "server"
    return ServiceError(
        "ModelError",
        f'Received {kind} error ({status}) from primary with message "{body}". See '
        f"{log_group_url} in account {account_id} for more information.",
        424,
        {
            "OriginalStatusCode": status,
            "OriginalMessage": body,
            "LogStreamArn": log_stream_arn,
        },
    )


def model_not_ready(target_model: str) -> ServiceError:
    """The runtime's answer while a model is still loading."""
    return ServiceError(
        "ModelNotReadyException",
        f"The model {target_model} is still being loaded. Please try again.",
        429,
    )


def unavailable(message: str) -> ServiceError:
    """The runtime's answer when the container cannot be reached."""
    return ServiceError("ServiceUnavailable", message, 503)


def internal_failure(message: str) -> ServiceError:
    """The runtime's answer when something of its own went wrong."""
    return ServiceError("InternalFailure", message, 500)
