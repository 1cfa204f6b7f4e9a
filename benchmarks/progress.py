"""What goes on, in plain words on stderr: people want to look, and stdout is for the result."""

import sys
import time

_BEGAN_AT = time.monotonic()


def say(text: str) -> None:
    """One line, after the minutes and seconds since the start."""
    minutes, seconds = divmod(int(time.monotonic() - _BEGAN_AT), 60)
    print(f"{minutes:3}:{seconds:02}  {text}", file=sys.stderr, flush=True)
