"""What the CLI's exit codes mean; the whole table, which --help and the README show."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum


class ExitCode(IntEnum):
    """69 and above are those of sysexits.h and of the shell."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 4
    UNAVAILABLE = 69
    TRY_AGAIN = 75
    NOT_PERMITTED = 77
    INTERRUPTED = 130


MEANINGS: Mapping[ExitCode, str] = {
    ExitCode.DONE: "done",
    ExitCode.FAILED: "the operation failed: the endpoint, the model, or what was asked for",
    ExitCode.USAGE: "the command line or the configuration is wrong",
    ExitCode.NOT_FOUND: "there is no such stack, managed endpoint, model, alias or request",
    ExitCode.UNAVAILABLE: "AWS or the control API can't be reached, or fails",
    ExitCode.TRY_AGAIN: "not now: the endpoint is asleep, or there is no answer yet",
    ExitCode.NOT_PERMITTED: "no credentials, or they lack a permission",
    ExitCode.INTERRUPTED: "interrupted by Ctrl-C",
}
