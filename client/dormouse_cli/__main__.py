"""`python -m dormouse_cli`, and what the script `dormouse` calls."""

import sys

from dormouse_cli.app import main


def run() -> None:
    """Run the command line of this process."""
    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    run()
