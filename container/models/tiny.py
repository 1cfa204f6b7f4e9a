"""Build the tiny models: `python -m container.models.tiny --out DIR`.

`DIR/sentiment-tiny.tar.gz` and `DIR/topic-tiny.tar.gz`, each complete or absent. Nothing is done
for an archive that was built from the same sources before. Needs what requirements.txt and
requirements-build.txt pin, no network, and half a minute.
"""

import argparse
import fcntl
import hashlib
import importlib
import json
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from container.model_directory import model_directory
from container.models import sentences
from container.models.archive import pack

if TYPE_CHECKING:
    from container.classifier import Classifier

# In the archive, so that it cannot be out of step with it.
DIGEST_FILE = "source-digest"
# Far below what is reached: a model that learned nothing has 0.5 or 0.25.
LEAST_ACCURACY = 0.85

_CONTAINER = Path(__file__).resolve().parents[1]
_SOURCES = ("models/*.py", "classifier.py", "model_directory.py", "requirements*.txt")

Sentences = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class TinyModel:
    """What one archive is made of."""

    name: str
    learned: Sentences
    held_out: Sentences

    @property
    def labels(self) -> list[str]:
        """In the order of the model's outputs."""
        return list(self.learned)


MODELS = (
    TinyModel("sentiment-tiny", sentences.SENTIMENT_LEARNED, sentences.SENTIMENT_HELD_OUT),
    TinyModel("topic-tiny", sentences.TOPIC_LEARNED, sentences.TOPIC_HELD_OUT),
)


def main(arguments: Sequence[str]) -> int:
    """Build what is missing or out of date; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m container.models.tiny", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    out: Path = parser.parse_args(arguments).out
    out.mkdir(parents=True, exist_ok=True)
    digest = source_digest()
    with _lock(out):
        for model in MODELS:
            archive = out / f"{model.name}.tar.gz"
            if built_from(archive) == digest:
                _report(f"{archive} is up to date")
            else:
                build(model, archive, digest)
    return 0


def source_digest() -> str:
    """Changes with every file that the models are made from."""
    digest = hashlib.sha256()
    for path in sorted(path for pattern in _SOURCES for path in _CONTAINER.glob(pattern)):
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


def build(model: TinyModel, archive: Path, digest: str) -> None:
    """Train, export, measure and pack; raises SystemExit if the exported model answers badly."""
    # Imported here: an archive that is up to date should not cost TensorFlow's import.
    vocabulary = importlib.import_module("container.models.vocabulary")
    bert = importlib.import_module("container.models.bert")
    classifier = importlib.import_module("container.classifier")

    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="dormouse-model-") as name:
        directory = Path(name)
        learned, held_out = _examples(model, model.learned), _examples(model, model.held_out)
        tokens = vocabulary.vocabulary(text for text, _ in learned)
        tokenizer = vocabulary.tokenizer(tokens, bert.MAX_LENGTH, directory)
        trained = bert.train(
            tokenizer, learned, len(model.labels), lambda line: _report(f"{model.name}: {line}")
        )
        bert.export(trained, directory / "0")
        _write_json(directory / "labels.json", model.labels)
        first_texts = [texts[0] for texts in model.learned.values()]
        _write_json(directory / "warmup.json", {"inputs": first_texts})
        (directory / DIGEST_FILE).write_text(digest, encoding="utf-8")

        # Through the code that serves it, from the files that are packed.
        exported = classifier.Classifier(model_directory(directory))
        accuracies = [_accuracy(exported, examples) for examples in (learned, held_out)]
        seconds = time.monotonic() - started
        _report(
            f"{model.name}: accuracy {accuracies[0]:.2f} on {len(learned)} learned sentences, "
            f"{accuracies[1]:.2f} on {len(held_out)} held out ({seconds:.1f} s)"
        )
        if min(accuracies) < LEAST_ACCURACY:
            sys.exit(f"{model.name}: an accuracy below {LEAST_ACCURACY}; not packed.")
        pack(directory, archive)
    _report(f"{archive} written, {archive.stat().st_size / 1024:.0f} KiB")


def _examples(model: TinyModel, chosen: Sentences) -> list[tuple[str, int]]:
    return [(text, model.labels.index(label)) for label, texts in chosen.items() for text in texts]


def _accuracy(classifier: "Classifier", examples: Sequence[tuple[str, int]]) -> float:
    rows = classifier.classify([text for text, _ in examples])
    right = sum(
        row.index(max(row)) == label for row, (_, label) in zip(rows, examples, strict=True)
    )
    return right / len(examples)


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


def _report(line: str) -> None:
    print(line, flush=True)


@contextmanager
def _lock(directory: Path) -> Iterator[None]:
    """One builder at a time; the lock ends with the process, however that ends."""
    with (directory / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
