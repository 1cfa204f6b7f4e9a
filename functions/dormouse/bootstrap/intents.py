"""What records intents, as `reconcile` and `control` build it."""

from dormouse.adapters.catalog import TaggedConfigs
from dormouse.adapters.state import EndpointsTable
from dormouse.bootstrap.clients import client, utc_now
from dormouse.domain.claims import Deployment
from dormouse.intents import Intents


def intents_of(endpoints_table: str, deployment: Deployment) -> Intents:
    """Build what records intents."""
    return Intents(
        catalog=TaggedConfigs(client("resourcegroupstaggingapi")),
        state=EndpointsTable(client("dynamodb"), endpoints_table),
        clock=utc_now,
        deployment=deployment,
    )
