"""`make down`: end what `make up` started."""

from __future__ import annotations

import sys

from local import running, stack
from local.settings import SettingsError, parse


def main(arguments: list[str]) -> int:
    """End the local AWS and every process of it."""
    try:
        settings = parse(arguments)
        ended = running.end_running(settings)
    except (SettingsError, running.NotStartedError) as error:
        print(f"dormouse: {error}", file=sys.stderr)
        return 1
    stack.stack_path(settings).unlink(missing_ok=True)
    print("Ended." if ended else "Nothing is running.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
