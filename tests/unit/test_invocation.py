"""Telling an endpoint that does not serve from every other error of the runtime."""

import pytest

from dormouse.domain.invocation import is_not_serving


@pytest.mark.parametrize(
    ("status", "error_type", "message", "expected"),
    [
        (400, "ValidationError", "Endpoint reviews of account 123456789012 not found.", True),
        (400, "ValidationError", "Endpoint reviews of account 123456789012 not found", True),
        (403, "AccessDeniedException", "User: … is not authorized to perform: …", True),
        (400, "ValidationError", "Failed to download model data(bucket: b, key: k). …", False),
        (424, "ModelError", "Endpoint reviews of account 123456789012 not found.", False),
        (429, "ModelNotReadyException", "Model is not ready", False),
        (403, "InvalidSignatureException", "The request signature …", False),
        (200, "", "", False),
    ],
)
def test_is_not_serving(status: int, error_type: str, message: str, expected: bool) -> None:
    """A model that says the same words is not believed."""
    assert is_not_serving(status, error_type, message) is expected
