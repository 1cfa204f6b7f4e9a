"""The fixed timeout: what anybody does who does nothing else."""

from dataclasses import dataclass

from dormouse_policy.policy import Advice, Situation


@dataclass(frozen=True, slots=True)
class Fixed:
    """Stops what has been idle for `timeout` minutes; starts nothing."""

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
        if not at.is_on:
            return Advice(None, None, "it is started when somebody asks")
        change_at = at.now if at.idle_since is None else max(at.now, at.idle_since + self.timeout)
        return Advice(change_at, None, f"idle timeout {self.timeout} min")
