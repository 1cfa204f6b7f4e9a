"""What the simulated fleet and its deployment are called."""

STACK = "dormouse"


def name_of(number: int) -> str:
    """Name an endpoint; the first is the deployment's own."""
    return f"team-{number % 37:02}-classifier-{number:04}"


def config_name_of(number: int) -> str:
    """Name the EndpointConfig of an endpoint."""
    return f"{name_of(number)}-config-20260216"
