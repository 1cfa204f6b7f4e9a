"""One invocation of a model, and what came of it. Pure."""

from collections.abc import Callable
from typing import NamedTuple, ParamSpec, TypeAlias, TypeVar

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")


class Invocation(NamedTuple):
    """What a caller sent: the body, and the header `Content-Type` if there was one."""

    body: bytes
    content_type: str | None


# The answer's body and its content type, or why there is none. An error is a value here, because
# invocations are answered together, and the fault of one is not the others'.
Outcome: TypeAlias = tuple[bytes, str] | Exception


def attempt(
    function: Callable[_Given, _Result], *given: _Given.args, **named: _Given.kwargs
) -> _Result | Exception:
    """What `function` returns, or the exception that it raises."""
    try:
        return function(*given, **named)
    except Exception as error:  # noqa: BLE001  # whoever asked tells its kind, and reports it
        return error
