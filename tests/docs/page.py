"""What a page in Markdown says, in parts: its sections, links, tables, and what it has one type."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
README = REPOSITORY / "README.md"

# Of a span of code in a sentence, the first word tells whether it is typed.
PROGRAMS = frozenset(
    (
        "aws",
        "bash",
        "buildah",
        "cd",
        "cfn-lint",
        "cp",
        "curl",
        "docker",
        "dormouse",
        "export",
        "gh",
        "git",
        "mkdir",
        "pip",
        "podman",
        "pytest",
        "python",
        "python3",
        "sam",
        "sh",
        "sudo",
        "tar",
        "uv",
    )
)
METHODS = frozenset({"DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"})

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_LINK = re.compile(r"\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Row:
    """A row of a table, by its cells."""

    cells: tuple[str, ...]

    def spans(self, column: int) -> list[str]:
        """The code in one of its cells."""
        return _SPAN.findall(self.cells[column])


@dataclass(frozen=True)
class Page:
    """One file."""

    path: Path

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def prose(self) -> str:
        """The text without its blocks of code."""
        return _FENCE.sub("", self.text)

    def blocks(self) -> list[tuple[str, str]]:
        """Each block of code, with its language."""
        return _FENCE.findall(self.text)

    def anchors(self) -> set[str]:
        """What a link to a section has after #, as GitHub makes it."""
        titles = re.findall(r"^#+ (.+)$", self.prose, re.MULTILINE)
        return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}

    def links(self) -> list[str]:
        """Where its links and pictures lead within the repository."""
        targets = _LINK.findall(self.prose)
        return [target for target in targets if not re.match(r"[a-z]+:", target)]

    def table(self, *head: str) -> list[Row]:
        """The rows of the one table with this head."""
        found = [rows for cells, rows in self._tables() if cells == head]
        assert len(found) == 1, f"{self.path.name} has {len(found)} tables headed {head}"
        return found[0]

    def _tables(self) -> Iterator[tuple[tuple[str, ...], list[Row]]]:
        for text in re.findall(r"(?:^\|.*\|$\n?)+", self.prose, re.MULTILINE):
            head, _, *rows = (
                tuple(cell.strip() for cell in line.strip("|").split("|"))
                for line in text.splitlines()
            )
            yield head, [Row(row) for row in rows]

    def commands(self) -> list[str]:
        """All that the page has one type, in its order and each once: every line of its blocks of
        code, a Python program as one; what begins like a command in its sentences; the forms in its
        table of commands; the requests in its tables.
        """
        found: list[str] = []
        at = 0
        for fence in _FENCE.finditer(self.text):
            found += _in_prose(self.text[at : fence.start()])
            found += [fence[2]] if fence[1] == "python" else _lines(fence[2])
            at = fence.end()
        return list(dict.fromkeys([*found, *_in_prose(self.text[at:])]))


def _in_prose(text: str) -> Iterator[str]:
    in_table_of_commands = False
    for line in text.splitlines():
        if line.startswith("| command |"):
            in_table_of_commands = True
        elif not line.startswith("|"):
            in_table_of_commands = False
        elif in_table_of_commands and not line.startswith("|--"):
            yield from _SPAN.findall(line.split("|")[1])
            continue
        yield from (span for span in _SPAN.findall(line) if _is_typed(span))


def _is_typed(span: str) -> bool:
    first, _, rest = span.partition(" ")
    if first == "make":
        return bool(rest)
    program = first.rpartition("/")[2]
    return bool(rest) and (program in PROGRAMS or first in METHODS or " --" in rest)


def _lines(block: str) -> Iterator[str]:
    """The commands of a block, and those that its comments offer instead."""
    for line in re.sub(r"\s*\\\n\s*", " ", block).splitlines():
        command, _, comment = line.partition("  #")
        if command.strip():
            yield command.strip()
        yield from re.findall(r"\bor: (.+)$", comment)
