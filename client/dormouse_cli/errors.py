"""The one error that commands raise: a sentence for the user, and an exit code."""

from __future__ import annotations

from dormouse_cli.exit_codes import ExitCode


class CliError(Exception):
    """The message names the bad part and says what to do.

    `details` are further facts for programs (`--json`), by their names in snake_case.
    """

    def __init__(
        self, message: str, exit_code: ExitCode = ExitCode.FAILED, **details: str | int | None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code
        self.details = {name: value for name, value in details.items() if value is not None}

    def as_document(self) -> dict[str, object]:
        """Return what `--json` prints to standard error."""
        return {
            "error": {
                **self.details,
                "code": self.exit_code.name.lower(),
                "exit_code": int(self.exit_code),
                "message": self.message,
            }
        }
