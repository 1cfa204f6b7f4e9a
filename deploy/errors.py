"""What ends a command."""


class DeployError(Exception):
    """It can't go on; the message is one sentence for the person who typed the command."""
