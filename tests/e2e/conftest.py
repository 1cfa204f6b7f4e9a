"""The real template on the local AWS, by the real sam CLI, with the real model server behind it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local import running, stack
from local.caller import runtime_client
from local.deployment import bring_up
from local.settings import LocalSettings
from local.terminal import Terminal

PARAMETERS = {"IdleTimeout": "60s", "MetricLagSeconds": "5", "ExpectedWakeSeconds": "7"}


@dataclass(frozen=True)
class Deployed:
    """A deployed stack and clients of it."""

    stack: stack.Stack
    client: Callable[[str], Any]
    runtime: Any

    def status(self) -> str | None:
        """Ask SageMaker; None where there is no endpoint."""
        try:
            answer = self.client("sagemaker").describe_endpoint(
                EndpointName=self.stack.endpoint_name
            )
        except ClientError as error:
            assert "Could not find endpoint" in str(error)
            return None
        return str(answer["EndpointStatus"])

    def item(self) -> dict[str, Any]:
        """Read what Dormouse remembers of the endpoint."""
        answer = self.client("dynamodb").get_item(
            TableName=self.stack.endpoints_table,
            Key={"endpoint": {"S": self.stack.endpoint_name}},
            ConsistentRead=True,
        )
        item: dict[str, Any] = answer.get("Item", {})
        return item


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """Deployed once, with short times by settings, and ended with all its processes."""
    settings = LocalSettings(
        port=running.free_port(),
        state_dir=tmp_path_factory.mktemp("aws"),
        create_seconds=4.0,
        delete_seconds=2.0,
    )
    archives = sorted(stack.MODELS.glob("*.tar.gz"))
    server, described = bring_up(Terminal(), settings, PARAMETERS, archives, detached=False)
    try:
        yield Deployed(described, stack.clients(settings), runtime_client(described))
    finally:
        running.end(server)
