"""Build the tiny models (`make tiny-models`): `python -m container.models.tiny --out DIR`.

`sentiment-tiny.tar.gz` and `topic-tiny.tar.gz`: trained from nothing in seconds, and small enough
that a test can load them dozens of times. They know the words of their sentences and no others.
"""

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from container.models import build
from container.models.labelled import Sentences


def train(sentences: Sentences, directory: Path, report: build.Report) -> None:
    """A small BERT with a vocabulary of its own."""
    # Imported here: an archive that is up to date should not cost TensorFlow's import.
    vocabulary = importlib.import_module("container.models.vocabulary")
    bert = importlib.import_module("container.models.bert")

    texts, numbers = sentences.numbered(sentences.learned)
    tokens = directory / "vocab.txt"
    vocabulary.write(vocabulary.vocabulary(texts), tokens)
    tokenizer = vocabulary.tokenizer(tokens, bert.MAX_LENGTH, directory)
    bert.export(bert.train(tokenizer, texts, numbers, report), directory / "0")


MODELS = (build.Model("sentiment-tiny", train), build.Model("topic-tiny", train))


def main(arguments: Sequence[str]) -> int:
    """Build what is missing or out of date; the exit status."""
    return build.main("container.models.tiny", MODELS, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
