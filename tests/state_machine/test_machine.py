"""No request is lost, whatever happens in whichever order."""

import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.state_machine.machine import Deployment
from tests.state_machine.profiles import machine_settings


@pytest.mark.timeout(
    3600
)  # At night it runs for minutes, and what it finds takes as long to shrink.
def test_whatever_happens_each_accepted_request_comes_to_one_end() -> None:
    """And none is sent while a teardown is claimed, and each wake creates one endpoint."""
    run_state_machine_as_test(Deployment, settings=machine_settings())
