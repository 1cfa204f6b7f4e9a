"""The body of `POST /models`, from bytes to a name and a directory, which it looks at.

https://docs.aws.amazon.com/sagemaker/latest/dg/mms-container-apis.html
"""

import json
import os
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# As long as a TargetModel may be (InvokeEndpoint's X-Amzn-SageMaker-Target-Model).
MAX_NAME_BYTES = 1024

# What else multi-model-server 1.1.11 would take in that body (RegisterModelRequest.java). Each
# decides over code that runs here, or over how many processes do; that is this container's.
_FORBIDDEN = (
    "handler",
    "runtime",
    "batch_size",
    "max_batch_delay",
    "initial_workers",
    "synchronous",
    "response_timeout",
    "preload_model",
)


class BadLoadRequest(Exception):
    """What is wrong with the request, in a sentence."""


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """Which directory to load under which name."""

    name: str
    url: str


def parse(body: bytes, root: Path) -> LoadRequest:
    """Read `{"model_name": …, "url": …}`; the url is that of a directory below `root`.

    Keys that nobody knows are ignored: SageMaker may send more one day. Raises `BadLoadRequest`.
    """
    document = _object(body)
    for key in _FORBIDDEN:
        if key in document:
            raise BadLoadRequest(f'"{key}" is not for the caller to choose; leave it out.')
    name, url = (_string(document, key) for key in ("model_name", "url"))
    if problem := name_problem(name):
        raise BadLoadRequest(f'"model_name" {problem}')
    _check_directory(url, root)
    return LoadRequest(name, url)


def name_problem(name: str) -> str | None:
    """What is wrong with a model's name: the end of a sentence, or None."""
    if not name or name in {".", ".."}:
        return f"must not be {json.dumps(name)}."
    if "/" in name or "\\" in name:
        return "must not have a slash or a backslash."
    if any(unicodedata.category(character).startswith("C") for character in name):
        return "must not have control characters."
    if len(name.encode()) > MAX_NAME_BYTES:
        return f"has {len(name.encode())} bytes, {MAX_NAME_BYTES} are allowed."
    return None


def _object(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise BadLoadRequest(f"The body is not UTF-8: {error.reason} at byte {error.start}.") from (
            error
        )
    except json.JSONDecodeError as error:
        raise BadLoadRequest(
            f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from error
    except (ValueError, RecursionError) as error:
        raise BadLoadRequest(f"The body is not JSON that can be read: {error}.") from error
    if not isinstance(document, dict):
        raise BadLoadRequest('The body is JSON, but no object with "model_name" and "url".')
    return document


def _string(document: dict[str, Any], key: str) -> str:
    value = document.get(key)
    if not isinstance(value, str):
        found = "is missing" if key not in document else "must be a string"
        raise BadLoadRequest(f'"{key}" {found}.')
    return value


def _check_directory(url: str, root: Path) -> None:
    """Refuse what is not, plainly and after all symbolic links, a directory below `root`.

    multi-model-server would also download a URL, unpack an archive, and follow `..`.
    """
    if not url.startswith("/") or "\0" in url or os.path.normpath(url) != (url.rstrip("/") or "/"):
        raise BadLoadRequest('"url" must be the plain absolute path of a directory.')
    try:
        real, real_root = Path(url).resolve(strict=True), root.resolve()
        inside = real != real_root and real.is_relative_to(real_root)
        is_directory = real.is_dir()
    except (OSError, ValueError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise BadLoadRequest(f'"url" names no directory: {reason}.') from error
    if not inside:
        raise BadLoadRequest(f'"url" must be a directory below {root}.')
    if not is_directory:
        raise BadLoadRequest('"url" is no directory.')
