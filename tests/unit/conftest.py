"""What the tests of the applications share."""

import pytest

from dormouse.adapters.state import EndpointsTable
from tests.fakes.deployment import World


@pytest.fixture
def world(table: EndpointsTable) -> World:
    """A deployment among stand-ins, fresh."""
    return World(table)
