"""Labelled sentences, as the files in sentences/ hold them: a label, a tab, and the sentence.

`NAME.learned.tsv` is trained on, and so are words and phrases in `NAME.phrases.tsv`, if there is
one. `NAME.held-out.tsv` is never seen in training and measures what was learned.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

SENTENCES = Path(__file__).resolve().parent / "sentences"

_LABEL = re.compile("[a-z][a-z-]*")


class BadSentencesError(ValueError):
    """A file is not what this module's docstring asks for; the message names each bad line."""


@dataclass(frozen=True, slots=True)
class Example:
    """One text, and the label that a person gave it."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Sentences:
    """What one model learns, and what it is measured by."""

    learned: tuple[Example, ...]
    phrases: tuple[Example, ...]
    held_out: tuple[Example, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Each once, in the order in which they are first learned: that of a model's outputs."""
        return tuple(dict.fromkeys(example.label for example in self.learned))

    def numbered(self, examples: Iterable[Example]) -> tuple[list[str], list[int]]:
        """The texts of `examples`, and for each the number of its label."""
        numbers = {label: number for number, label in enumerate(self.labels)}
        pairs = [(example.text, numbers[example.label]) for example in examples]
        return [text for text, _ in pairs], [number for _, number in pairs]


def read(name: str, directory: Path = SENTENCES) -> Sentences:
    """The sentences of the model `name`.

    Raises `BadSentencesError` for lines that can't be parsed, for a text that stands twice
    (however it is capitalised and punctuated), and for a label that is learned and never measured,
    or the other way round.
    """
    files = _Files()
    learned = files.read(directory / f"{name}.learned.tsv")
    labels = {example.label for example in learned}
    phrases_path = directory / f"{name}.phrases.tsv"
    phrases = files.read(phrases_path, labels) if phrases_path.exists() else ()
    held_out = files.read(directory / f"{name}.held-out.tsv", labels)
    unmeasured = labels.difference(example.label for example in held_out)
    files.complaints += [f"{name}: no {label!r} is held out" for label in sorted(unmeasured)]
    if files.complaints:
        raise BadSentencesError("\n".join(files.complaints))
    return Sentences(learned, phrases, held_out)


def parse(line: str) -> Example:
    """One line; raises `BadSentencesError` with what is wrong with it."""
    label, tab, text = line.partition("\t")
    if not tab or "\t" in text:
        raise BadSentencesError("a line is a label, one tab and a sentence")
    if not _LABEL.fullmatch(label):
        raise BadSentencesError(f"{label!r} is no label: small letters and hyphens")
    if text != text.strip() or not essence(text):
        raise BadSentencesError(f"{text!r} is no sentence, or has spaces around it")
    return Example(label, text)


def essence(text: str) -> str:
    """What is left of a text without capitals and punctuation: its words and figures."""
    return " ".join(re.findall(r"\w+", text.casefold()))


class _Files:
    """Reads one file after the other, and remembers what stood in the earlier ones."""

    def __init__(self) -> None:
        self.complaints: list[str] = []
        self._first_at: dict[str, str] = {}

    def read(self, path: Path, labels: set[str] | None = None) -> tuple[Example, ...]:
        """The examples of a file; those with another label than `labels` are complained of."""
        examples = []
        # Not splitlines, which would also split at characters that may stand in a sentence.
        lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        for number, line in enumerate(lines, start=1):
            where = f"{path.name}:{number}"
            try:
                example = parse(line)
            except BadSentencesError as error:
                self.complaints.append(f"{where}: {error}")
                continue
            examples.append(example)
            if labels is not None and example.label not in labels:
                self.complaints.append(f"{where}: {example.label!r} is a label that is not learned")
            first = self._first_at.setdefault(essence(example.text), where)
            if first != where:
                self.complaints.append(f"{where}: this stands in {first} already")
        return tuple(examples)
