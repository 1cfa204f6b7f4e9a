"""No request is lost either where endpoints are started and stopped by what is foreseen."""

from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test

from dormouse.domain.demand_history import DemandHistory
from dormouse.domain.idle_policy import minute_of
from tests.fakes.forecast import ScriptedState
from tests.state_machine.cloud import ENDPOINT
from tests.state_machine.machine import Deployment, some_steps
from tests.state_machine.profiles import machine_settings
from tests.state_machine.world import World
from tests.unit.planning import script

minutes = st.none() | st.integers(-2, 12)


def _foreseeing() -> World:
    return World(tags={"policy": "forecast", "delay_cost": "1m"})


class ForeseeingDeployment(Deployment):
    """One whose forecast may say anything, at any time."""

    new_world = staticmethod(_foreseeing)

    @rule(stop=minutes, start=minutes, review=minutes, steps=some_steps)
    def something_is_foreseen(
        self, stop: int | None, start: int | None, review: int | None, steps: int
    ) -> None:
        """What is up is wanted until a moment, what is down from one on; or has been. A tick sees
        that.
        """
        now = minute_of(self.stage.now)
        moments = [None if after is None else now + after for after in (stop, start, review)]
        self._foresee(ScriptedState(*moments))
        self.stage.run(self.world.tick(), steps)

    @rule(start=st.integers(-2, 2), steps=some_steps)
    def a_request_is_foreseen(self, start: int, steps: int) -> None:
        """About now, and not for long."""
        now = minute_of(self.stage.now)
        self._foresee(ScriptedState(stop=now + 6, start=now + start))
        self.stage.run(self.world.tick(), steps)

    def teardown(self) -> None:
        """Foresee nothing any more, and leave everything in peace."""
        if hasattr(self, "world"):
            self._foresee(ScriptedState(stop=0))
        super().teardown()

    def _foresee(self, state: ScriptedState) -> None:
        # Nothing is learned in between, which would be another script.
        learned_until = self.stage.now + timedelta(days=1)
        history = DemandHistory(learned_until, state.write())
        ledgers = self.world.ledgers
        assert ledgers.record_demand_history(ENDPOINT, ledgers.read(ENDPOINT), history)


@pytest.mark.timeout(1800)  # As for the machine itself.
def test_no_forecast_loses_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it foresees; half as many runs as of what is the same without one."""
    script(monkeypatch)
    chosen = machine_settings()

    run_state_machine_as_test(
        ForeseeingDeployment, settings=settings(chosen, max_examples=chosen.max_examples // 2)
    )
