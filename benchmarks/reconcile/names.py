"""What the simulated fleet and its deployment are called."""

ACCOUNT = "123456789012"
STACK = "dormouse"
TEAMS = 37


def name_of(number: int) -> str:
    """Name an endpoint; the first is the deployment's own."""
    return f"{team_of(number)}-classifier-{number:04}"


def config_name_of(number: int) -> str:
    """Name the EndpointConfig of an endpoint."""
    return f"{name_of(number)}-config-20260216"


def team_of(number: int) -> str:
    """Name whom an endpoint belongs to."""
    return f"team-{number % TEAMS:02}"


def topic_of(number: int) -> str:
    """Name the topic on which the team of an endpoint hears of it."""
    return f"arn:aws:sns:us-east-1:{ACCOUNT}:{team_of(number)}"
