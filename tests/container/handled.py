"""The model handler, called without a server: handler_process.py in the container's interpreter."""

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

from tests.container.environments import ROOT, container_python

JSON, LINES = "application/json", "application/jsonlines"


class Answered(NamedTuple):
    """One answer."""

    status: int
    content_type: str
    text: str

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.text)


class Raised(Exception):
    """What the handler raised: the name of its class, and its message."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name
        self.message = message


@dataclass(frozen=True, slots=True)
class Handled:
    """A process in which any number of models are loaded, each at its first call."""

    calls: IO[str]
    results: IO[str]
    log: Path

    def load(self, directory: Path) -> None:
        """As the worker does; raises `Raised`."""
        self.call(load=str(directory))

    def invoke(self, directory: Path, *items: str | tuple[str, str | None]) -> list[Answered]:
        """All `items` at once: a body of JSON, or a body and its content type."""
        pairs = [(item, JSON) if isinstance(item, str) else item for item in items]
        result = self.call(invoke=str(directory), items=pairs)
        return [Answered(*answer) for answer in result["answers"]]

    def signature_calls(self, directory: Path) -> list[tuple[int, int]]:
        """The shape of the inputs in each, since this was last asked."""
        result = self.call(signature_calls=str(directory))
        return [(texts, tokens) for texts, tokens in result["shapes"]]

    def tokens(self, directory: Path, texts: Sequence[str], names: Sequence[str]) -> dict[str, Any]:
        """`rust`, `ours` and `theirs`, see handler_process.py."""
        return self.call(tokens=str(directory), texts=list(texts), names=list(names))

    def call(self, **what: Any) -> dict[str, Any]:
        """One call of handler_process.py."""
        self.calls.write(json.dumps(what) + "\n")
        self.calls.flush()
        line = self.results.readline()
        assert line, self.log.read_text()
        result: dict[str, Any] = json.loads(line)
        if "raised" in result:
            raise Raised(result["raised"], result["message"])
        return result


@contextmanager
def handled(log: Path) -> Iterator[Handled]:
    """Start the process, and end it; what it says besides is in `log`."""
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            [container_python(), Path(__file__).with_name("handler_process.py")],
            env={**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "2"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        yield Handled(process.stdin, process.stdout, log)
        process.stdin.close()
