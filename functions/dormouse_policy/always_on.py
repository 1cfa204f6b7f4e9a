"""Always on: what anybody pays who lets nothing sleep."""

from dataclasses import dataclass

from dormouse_policy.policy import Advice, Situation


@dataclass(frozen=True, slots=True)
class AlwaysOn:
    """Starts what is off, and stops nothing."""

    @property
    def name(self) -> str:
        """No tag has it."""
        return "always-on"

    def begin(self) -> None:
        """Know nothing."""

    def learn(self, state: None, minute: int, count: int) -> None:
        """Learn nothing."""

    def advise(self, state: None, at: Situation) -> Advice:
        """Say to start it, or to leave it on."""
        return Advice(None if at.is_on else at.now, None, "it is always on")
