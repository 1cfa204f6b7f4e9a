"""What records intents, as `reconcile` and `control` build it."""

from dormouse.adapters.catalog import TaggedConfigs
from dormouse.adapters.state import EndpointsTable
from dormouse.adapters.usage import UsageTable
from dormouse.bootstrap.clients import client, utc_now
from dormouse.domain.claims import Deployment
from dormouse.intents import Intents


def intents_of(endpoints_table: str, usage_table: str, deployment: Deployment) -> Intents:
    """Build what records intents."""
    dynamodb = client("dynamodb")
    return Intents(
        catalog=TaggedConfigs(client("resourcegroupstaggingapi")),
        state=EndpointsTable(dynamodb, endpoints_table),
        usage=UsageTable(dynamodb, usage_table),
        clock=utc_now,
        deployment=deployment,
    )
