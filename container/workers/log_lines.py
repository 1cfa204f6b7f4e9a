"""Lines of a log that many processes write to, each beginning with who speaks."""

import logging
import sys


class _Formatter(logging.Formatter):
    """In the form that log4j2.xml gives to multi-model-server's own."""

    default_time_format = "%Y-%m-%dT%H:%M:%S"

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def format(self, record: logging.LogRecord) -> str:
        """The lines of a traceback too begin with the name."""
        head = f"{self.formatTime(record)} [{record.levelname:<5}] {self._name} - "
        return head + super().format(record).replace("\n", f"\n{head}")


def log_as(name: str) -> None:
    """Write what is logged to standard output under `name`, in place of any name before."""
    # A line at a time: what other processes write comes between, not into it.
    # (Typed as any text stream; here it is the interpreter's own, which can.)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_Formatter(name))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
