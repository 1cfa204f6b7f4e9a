"""Build the real models (`make models`): `python -m container.models.real --out DIR`.

`sentiment.tar.gz` and `topic.tar.gz`: a pretrained encoder, and on it a layer that has learned
from our sentences. docs/models.md says what they know, NOTICE whose work the encoder is.
"""

import functools
import importlib
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from container.models import build
from container.models.labelled import Sentences

_HERE = Path(__file__).resolve().parent
# The licence of the encoder, as of Dormouse, is the Apache License 2.0.
_LEGAL = (_HERE / "NOTICE", _HERE.parents[1] / "LICENSE")


def train(penalty: float, sentences: Sentences, directory: Path, report: build.Report) -> None:
    """The encoder as it is, and a head for what it says of these sentences."""
    # Imported here: an archive that is up to date should not cost TensorFlow's import.
    head = importlib.import_module("container.models.head")

    report("loading the encoder")
    encoder = _encoder()
    texts, numbers = sentences.numbered((*sentences.learned, *sentences.phrases))
    vectors = encoder.vectors(encoder.tokenizer(directory), texts, report)
    report("fitting the head")
    fitted = head.fit(vectors, numbers, penalty)
    report("exporting")
    encoder.export(fitted, directory / "0")
    # The encoder's weights are in the archive: whoever gets it is told whose they are.
    for path in _LEGAL:
        shutil.copy(path, directory)


@functools.cache
def _encoder():  # type: ignore[no-untyped-def]  # TensorFlow has no types
    return importlib.import_module("container.models.encoder").Encoder()


# Chosen with a tenth of the learned sentences left out in turn: about the best labels and scores.
MODELS = (
    build.Model("sentiment", functools.partial(train, 1e-3)),
    build.Model("topic", functools.partial(train, 3e-6)),
)


def main(arguments: Sequence[str]) -> int:
    """Build what is missing or out of date; the exit status."""
    return build.main("container.models.real", MODELS, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
