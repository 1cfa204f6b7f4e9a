"""What stopping and starting are expected to cost, worked out backwards from a day ahead.

Costs are minutes of the endpoint, until somebody asks. From then on they are the same, whatever was
decided before.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """Some minutes ahead: when they begin, how many they are, and how likely it is that somebody
    asks in them, if nobody has before.
    """

    begin: int
    minutes: int
    chance: float


@dataclass(frozen=True, slots=True)
class Expectation:
    """What it costs from each step on to be on, and to be off, if the best is done; and whether the
    best is to stop in it what is on, and to start what is off.
    """

    on: Sequence[float]
    off: Sequence[float]
    stops: Sequence[bool]
    starts: Sequence[bool]


def expect(steps: Sequence[Step], wake: int, delay: float) -> Expectation:
    """Work out what is best in each step.

    A start takes `wake` minutes; who asks while it is off loses `delay`, in minutes of the
    endpoint, and less of it the longer it is starting already. After the last step nothing is known
    any more, and nothing is wanted.
    """
    number = len(steps)
    on, off = [0.0] * (number + 1), [0.0] * (number + 1)
    stops, starts = [True] * number, [False] * number
    for at in range(number - 1, -1, -1):
        step = steps[at]
        unasked = 1 - step.chance
        staying_off = step.chance * delay + unasked * off[at + 1]
        staying_on = paid(step) + unasked * on[at + 1]
        off[at] = staying_off
        # A start costs no less than being on already.
        if staying_on < staying_off:
            starting = _starting(steps, on, at, wake, delay)
            starts[at] = starting < staying_off
            off[at] = min(starting, staying_off)
        stops[at] = off[at] < staying_on
        on[at] = min(off[at], staying_on)
    return Expectation(on, off, stops, starts)


def _starting(
    steps: Sequence[Step], on: Sequence[float], at: int, wake: int, delay: float
) -> float:
    """Say what a start in a step costs: whoever asks meanwhile waits for the rest of it."""
    starting, unasked, gone = 0.0, 1.0, 0
    while at < len(steps) and gone < wake:
        step = steps[at]
        left = _left(gone, step.minutes, wake)
        starting += unasked * (paid(step) + step.chance * delay * left)
        unasked *= 1 - step.chance
        gone += step.minutes
        at += 1
    return starting + unasked * on[at]


def paid(step: Step) -> float:
    """Say what a step costs who is on: until somebody asks, in the middle of it on average."""
    return step.minutes * (1 - step.chance / 2)


def _left(gone: int, minutes: int, wake: int) -> float:
    """Say which share of a delay is left on the average in these minutes of a start."""
    end = min(gone + minutes, wake)
    return (end - gone - (end * end - gone * gone) / (2 * wake)) / minutes
