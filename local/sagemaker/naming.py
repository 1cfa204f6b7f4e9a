"""Names and ARNs. AWS writes the names in SageMaker's ARNs in lower case, and its events and
policies see those.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """The account and the region that everything here belongs to."""

    account_id: str
    region: str

    def arn(self, kind: str, name: str) -> str:
        """Compose the ARN; kind is `endpoint`, `endpoint-config` or `model`."""
        return f"arn:aws:sagemaker:{self.region}:{self.account_id}:{kind}/{name.lower()}"

    def log_group_url(self, endpoint: str) -> str:
        """The console's page that SageMaker's ModelError points to."""
        return (
            f"https://{self.region}.console.aws.amazon.com/cloudwatch/home?region={self.region}"
            f"#logEventViewer:group=/aws/sagemaker/Endpoints/{endpoint}"
        )

    def log_stream_arn(self, endpoint: str) -> str:
        """The log group's ARN, which ModelError calls LogStreamArn."""
        group = f"log-group:/aws/sagemaker/Endpoints/{endpoint}"
        return f"arn:aws:logs:{self.region}:{self.account_id}:{group}"


def key(name: str) -> str:
    """The form under which names are unique: SageMaker takes `A` and `a` for the same name when it
    creates.
    """
    return name.lower()
