"""Building models: what is missing or out of date is trained, measured, and packed.

DIR/NAME.tar.gz is complete or absent. Nothing is done for an archive that was built from the same
sources before. Needs what requirements.txt and requirements-build.txt pin, and no network.
"""

import argparse
import fcntl
import hashlib
import importlib
import json
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from container.handler.model_directory import ClassifierDirectory, model_directory
from container.models.labelled import BadSentencesError, Example, Sentences, read
from container.models.pretrained import PretrainedError
from dormouse_cli.model_archive import pack
from local.terminal import Terminal

if TYPE_CHECKING:
    from container.handler.classifier import Classifier

# In the archive, so that it cannot be out of step with it.
DIGEST_FILE = "source-digest"
LEAST_ACCURACY = 0.85

_CONTAINER = Path(__file__).resolve().parents[1]
_SOURCES = (
    "models/*.py",
    "models/NOTICE",
    "handler/classifier.py",
    "handler/tokens.py",
    "handler/model_directory.py",
    "require*.txt",
)

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Model:
    """What one archive is made of."""

    # Of the archive, and of the files in sentences/.
    name: str
    # Leaves the SavedModel, in `0/`, and the tokenizer's files in a directory.
    train: Callable[[Sentences, Path, Report], None]


class BuildError(Exception):
    """Nothing was packed; the message says why."""


def main(program: str, models: Sequence[Model], arguments: Sequence[str]) -> int:
    """Build what is missing or out of date; the exit status."""
    parser = argparse.ArgumentParser(prog=f"python -m {program}", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    out: Path = parser.parse_args(arguments).out
    out.mkdir(parents=True, exist_ok=True)
    terminal = Terminal()
    try:
        with _lock(out):
            for model in models:
                archive = out / f"{model.name}.tar.gz"
                digest = source_digest(model)
                if built_from(archive) == digest:
                    terminal.say(f"{archive} is up to date")
                else:
                    build(model, archive, digest, terminal)
    except (BadSentencesError, PretrainedError, BuildError) as error:
        print(f"dormouse: {error}", file=sys.stderr)
        return 1
    return 0


def source_digest(model: Model) -> str:
    """Changes with every file that the model is made from."""
    digest = hashlib.sha256()
    for pattern in (*_SOURCES, f"models/sentences/{model.name}.*.tsv"):
        for path in sorted(_CONTAINER.glob(pattern)):
            content = path.read_bytes()
            digest.update(f"{path.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def built_from(archive: Path) -> str | None:
    """The digest of what `archive` was built from; None if it is absent or no archive."""
    try:
        with tarfile.open(archive) as tar:
            member = tar.extractfile(DIGEST_FILE)
            return member.read().decode() if member else None
    except (OSError, EOFError, KeyError, tarfile.TarError):
        return None


def build(model: Model, archive: Path, digest: str, terminal: Terminal) -> None:
    """Train, export, measure and pack; raises `BuildError` if the exported model answers badly."""
    sentences = read(model.name)
    with tempfile.TemporaryDirectory(prefix="dormouse-model-") as name:
        directory = Path(name)
        with terminal.step(f"{model.name}: training") as step:
            model.train(sentences, directory, step.update)
            _write_json(directory / "labels.json", sentences.labels)
            _write_json(directory / "warmup.json", {"inputs": _one_of_each(sentences)})
            (directory / DIGEST_FILE).write_text(digest, encoding="utf-8")
        with terminal.step(f"{model.name}: measuring, as the container loads it") as step:
            measured = Measured.of(load(directory), sentences.held_out)
            for line in measured.lines():
                step.note(line)
        if measured.accuracy < LEAST_ACCURACY:
            raise BuildError(
                f"{model.name} is right about {measured.accuracy:.3f} of the held-out sentences, "
                f"and {LEAST_ACCURACY} is asked for; nothing was packed."
            )
        with terminal.step(f"{model.name}: packing") as step:
            pack(directory, archive)
            step.note(f"{archive}, {archive.stat().st_size / 1e6:.1f} MB")


@dataclass(frozen=True, slots=True)
class Measured:
    """How often a model took the one label for the other: by the right and the given one."""

    answers: Counter[tuple[str, str]]

    @classmethod
    def of(cls, classifier: "Classifier", examples: Sequence[Example]) -> "Measured":
        """Ask `classifier` for all `examples`."""
        rows = classifier.classify([example.text for example in examples])
        given = [classifier.labels[row.index(max(row))] for row in rows]
        right = [example.label for example in examples]
        return cls(Counter(zip(right, given, strict=True)))

    @property
    def accuracy(self) -> float:
        """The share of right answers."""
        return self._share(self.answers)

    def lines(self) -> list[str]:
        """In words: all, each label, and what was taken for what."""
        labels = dict.fromkeys(right for right, _ in self.answers)
        shares = (
            f"{label} {self._share({k: n for k, n in self.answers.items() if k[0] == label}):.2f}"
            for label in labels
        )
        mistaken = (
            f"{right} taken for {given}: {number}"
            for (right, given), number in self.answers.most_common()
            if right != given
        )
        return [
            f"accuracy {self.accuracy:.3f} on {self.answers.total()} held-out sentences",
            ", ".join(shares),
            ", ".join(mistaken) or "no mistakes",
        ]

    @staticmethod
    def _share(answers: dict[tuple[str, str], int]) -> float:
        right = sum(number for (right, given), number in answers.items() if right == given)
        return right / sum(answers.values())


def load(directory: Path) -> "Classifier":
    """The classifier in a directory, loaded as the container loads it."""
    # Imported here: an archive that is up to date should not cost TensorFlow's import.
    classifier = importlib.import_module("container.handler.classifier")
    read_directory = model_directory(directory)
    if not isinstance(read_directory, ClassifierDirectory):
        raise BuildError(f"{directory} is no text classifier.")
    loaded: Classifier = classifier.Classifier(read_directory)
    return loaded


def _one_of_each(sentences: Sentences) -> list[str]:
    firsts = {example.label: example.text for example in reversed(sentences.learned)}
    return [firsts[label] for label in sentences.labels]


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


@contextmanager
def _lock(directory: Path) -> Iterator[None]:
    """One builder at a time; the lock ends with the process, however that ends."""
    with (directory / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
