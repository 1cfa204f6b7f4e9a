"""What every benchmark does as a program: end what it has started, and read numbers."""

import signal


def be_interruptible() -> None:
    """Let SIGTERM end the program as Ctrl-C does, so that it ends what it has started first."""
    signal.signal(signal.SIGTERM, _interrupted)
    # What a shell starts in the background ignores Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def positive(text: str) -> int:
    """Read a number of which there has to be one at least.

    Raises:
        ValueError: it is none.
    """
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def _interrupted(number: int, _frame: object) -> None:
    raise KeyboardInterrupt(number)
