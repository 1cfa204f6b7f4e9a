"""SSM parameters without a name: CloudFormation makes one up that no former stack has used.
ministack's is the same each time, so that a stack could not be created again beside the parameter
that its predecessor has retained.
"""

from __future__ import annotations

import secrets
import string

from local import ministack_stacks
from local.ministack_stacks import Properties

_LETTERS = string.ascii_letters + string.digits


def named(logical_id: str, properties: Properties) -> Properties:
    """Give a new parameter a name as CloudFormation does: CFN-<logical id>-<something>."""
    suffix = "".join(secrets.choice(_LETTERS) for _ in range(12))
    return {"Name": f"CFN-{logical_id}-{suffix}", **properties}


def install() -> None:
    """Take effect."""
    ministack_stacks.prepare_creation("AWS::SSM::Parameter", named)
