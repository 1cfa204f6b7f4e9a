"""The image's tag: a digest of what the image is built from."""

from __future__ import annotations

import hashlib
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from deploy.errors import DeployError

TAG_LENGTH = 12

# A pattern of .dockerignore, and whether what matches it is left out.
_Rule = tuple[re.Pattern[str], bool]


def content_tag(context: Path, rebuild: str = "") -> str:
    """Return hexadecimal digits that change when a file that goes into the image changes.

    These are the Dockerfile and whatever .dockerignore lets into the build context: path, bytes,
    and whether it is executable. `rebuild` is any word; another one makes another tag of the same
    files, since what the build downloads may have changed where they have not.

    Raises:
        DeployError: .dockerignore has a pattern that is not understood here.
    """
    digest = hashlib.sha256()
    for part in _parts(context, rebuild):
        # With its length before it, no part can be mistaken for the end of another.
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:TAG_LENGTH]


def _parts(context: Path, rebuild: str) -> Iterator[bytes]:
    yield rebuild.encode()
    yield (context / "Dockerfile").read_bytes()
    for path in context_files(context):
        yield path.relative_to(context).as_posix().encode()
        # Of the mode only this: the rest is the umask of whoever checked the files out.
        yield b"executable" if path.stat().st_mode & stat.S_IXUSR else b"plain"
        yield path.read_bytes()


def context_files(context: Path) -> list[Path]:
    """List the files of the build context, as .dockerignore leaves them, in order of their paths.

    Raises:
        DeployError: it has a pattern that is not understood here.
    """
    rules = list(_rules((context / ".dockerignore").read_text(encoding="utf-8")))
    files = (path for path in context.rglob("*") if path.is_file())
    kept = [path for path in files if not _is_left_out(path.relative_to(context), rules)]
    return sorted(kept, key=lambda path: path.relative_to(context).as_posix())


def _is_left_out(path: Path, rules: list[_Rule]) -> bool:
    """Whether the last rule that matches the path, or a folder above it, leaves it out."""
    names = [path.as_posix(), *(folder.as_posix() for folder in path.parents)]
    left_out = False
    for pattern, leaves_out in rules:
        if any(pattern.fullmatch(name) for name in names[:-1]):
            left_out = leaves_out
    return left_out


def _rules(text: str) -> Iterator[_Rule]:
    for line in text.splitlines():
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        if set(pattern) & set("[]\\"):
            raise DeployError(f".dockerignore has the pattern {pattern!r}, which is not understood")
        yield _expression(pattern.removeprefix("!").strip("/")), not pattern.startswith("!")


def _expression(pattern: str) -> re.Pattern[str]:
    """Translate a pattern, in which one asterisk stops at a slash and two don't."""
    meanings = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    return re.compile("".join(meanings.get(part, re.escape(part)) for part in parts))
