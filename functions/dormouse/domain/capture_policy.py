"""The policy of capture: what is kept of an endpoint's requests and responses.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DataCaptureConfig.html
"""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from dormouse.domain.invocation import BODY_LIMIT_BYTES


class Content(StrEnum):
    """Which bodies are kept. Of each sampled request, its metadata is."""

    INPUT = "input"
    OUTPUT = "output"
    BOTH = "both"
    METADATA = "metadata"


class Pattern(StrEnum):
    """What is recognised wherever it stands in a body."""

    EMAIL = "email"
    CARD = "card"
    PHONE = "phone"


@dataclass(frozen=True, slots=True)
class CapturePolicy:
    """What is kept.

    `percent` of the requests are sampled. Of a body with more than `max_body` bytes only its size
    is kept. `patterns` and what `pointers` point at (RFC 6901, as their reference tokens) are
    redacted. A body of one of `json_types` or `csv_types` is kept as text, others as base64.
    """

    percent: Decimal = Decimal(100)
    content: Content = Content.BOTH
    max_body: int = BODY_LIMIT_BYTES
    patterns: frozenset[Pattern] = field(default_factory=lambda: frozenset(Pattern))
    pointers: tuple[tuple[str, ...], ...] = ()
    json_types: tuple[str, ...] = ("application/json",)
    csv_types: tuple[str, ...] = ("text/csv",)
