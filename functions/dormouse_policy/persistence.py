"""How likely the rhythm of an endpoint's days still goes on, the longer nobody asks.

A weekend says nothing against office hours, since nobody is expected then; a working day without
requests does. The rhythm goes on, is interrupted for some hours, as by a holiday, or is over for
good: a hidden Markov model with half hours for steps, of which it is seen that nobody asks.
"""

from dormouse_policy.rhythm import HALF_HOUR, Rhythm

# Set by hand: it is interrupted for half a day, a tenth of the time; one in fifty ends in a day.
_RESUMES = 1 / 24
_IS_INTERRUPTED = _RESUMES / 9
_ENDS = 0.02 / 48


class Persistence:
    """That of a rhythm, in the silence after the slot of the last request."""

    def __init__(self, rhythm: Rhythm, last_slot: int) -> None:
        """Begin with the last request, by which the rhythm went on."""
        self._rhythm, self._last_slot = rhythm, last_slot
        self._goes_on = [1.0]
        self._interrupted = 0.0

    def at(self, slot: int) -> float:
        """Say how likely it goes on in a slot, if nobody has asked until then."""
        half_hours = max(0, slot - self._last_slot - 1) // HALF_HOUR
        while len(self._goes_on) <= half_hours:
            self._step(self._last_slot + 2 + HALF_HOUR * (len(self._goes_on) - 1))
        return self._goes_on[half_hours]

    def _step(self, slot: int) -> None:
        """Go on by the half hour around a slot, in which nobody asks."""
        was_on, interrupted = self._goes_on[-1], self._interrupted
        over = 1 - was_on - interrupted
        # The half hour of the last request tells nothing.
        silent = was_on if len(self._goes_on) == 1 else was_on * (1 - self._rhythm.chance(slot))
        goes_on = silent * (1 - _IS_INTERRUPTED - _ENDS) + interrupted * _RESUMES
        interrupted = interrupted * (1 - _RESUMES - _ENDS) + silent * _IS_INTERRUPTED
        over += _ENDS * (silent + self._interrupted)
        total = goes_on + interrupted + over
        self._goes_on.append(goes_on / total)
        self._interrupted = interrupted / total
