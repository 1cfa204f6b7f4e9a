"""Answers of AWS that moto does not give, for one operation of a client that otherwise talks to
moto.
"""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any


def will_answer(
    client: Any, operation: str, *answers: Mapping[str, Any] | None
) -> list[dict[str, Any]]:
    """Answer the next calls of an operation (such as `s3.GetObject`) by these instead of moto,
    which answers where one is None.

    Returns a list to which the parameters of each are added. Further calls go to moto.
    """
    left = list(answers)
    calls: list[dict[str, Any]] = []

    def intercept(
        params: dict[str, Any], **_: Any
    ) -> tuple[SimpleNamespace, dict[str, Any]] | None:
        if not left:
            return None
        calls.append(params)
        answer = left.pop(0)
        if answer is None:
            return None
        return SimpleNamespace(status_code=400 if "Error" in answer else 200), dict(answer)

    client.meta.events.register_first(f"before-call.{operation}", intercept)
    return calls


def refusal(code: str, message: str = "because") -> dict[str, Any]:
    """Build an answer that is an error."""
    return {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {}}
