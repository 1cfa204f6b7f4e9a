"""The fixed timeout: what anybody chooses who has to choose a number."""

from dataclasses import dataclass

from dormouse_policy.policy import Advice, Situation


@dataclass(frozen=True, slots=True)
class Fixed:
    """Stops what has been idle for `timeout` minutes, at least 1; starts nothing."""

    timeout: int

    @property
    def name(self) -> str:
        """As it is written in the tag."""
        return "fixed"

    def begin(self) -> None:
        """Know nothing."""

    def learn(self, state: None, minute: int, count: int) -> None:
        """Learn nothing."""

    def advise(self, state: None, at: Situation) -> Advice:
        """Say when the timeout has passed."""
        return idle_for(self.timeout, at)


def idle_for(timeout: int, at: Situation) -> Advice:
    """Say to stop what has been idle for so many minutes, and to start nothing."""
    if not at.is_on:
        return Advice(None, None, "started when somebody asks: stay down")
    if at.idle_since is None:
        return Advice(at.now, None, "nobody ever asked: stop")
    idle = at.now - at.idle_since
    then = "stop" if idle >= timeout else "stay up"
    words = f"idle for {idle} of {timeout} minutes: {then}"
    return Advice(max(at.now, at.idle_since + timeout), None, words)
