"""A model's directory: what SageMaker unpacks from one `model.tar.gz`. Reads files, no TensorFlow.

* `0/`: a SavedModel whose signature `serving_default` takes int32 `input_ids`, and
  `attention_mask` and `token_type_ids` if it wants them, each [batch, length] with both free,
  and gives one output [batch, labels]: `logits`, or `probabilities`;
* the tokenizer's files as `save_pretrained` writes them;
* `labels.json`: a list of names, in the order of the output's columns;
* `warmup.json` (optional): a request body as a client would send it, used for a first call.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from container.request_body import BadRequest, parse

DEFAULT_WARMUP_TEXT = "warm-up"


class BrokenModel(Exception):
    """The directory is not what this module's docstring asks for; the message says how."""


@dataclass(frozen=True, slots=True)
class ModelDirectory:
    """What of a directory can be known without TensorFlow."""

    path: Path
    labels: tuple[str, ...]
    warmup_texts: tuple[str, ...]

    @property
    def saved_model(self) -> Path:
        """The directory of the SavedModel."""
        return self.path / "0"


def model_directory(path: Path) -> ModelDirectory:
    """Read `path`; raises `BrokenModel` for what is missing or is not what it should be.

    Costs milliseconds, so that a broken archive is refused before TensorFlow's import.
    """
    directory = ModelDirectory(
        path, _labels(path / "labels.json"), _warmup_texts(path / "warmup.json")
    )
    if not (directory.saved_model / "saved_model.pb").is_file():
        raise BrokenModel("0/saved_model.pb is missing.")
    return directory


def _labels(path: Path) -> tuple[str, ...]:
    try:
        labels = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BrokenModel(f"{path.name} is missing.") from None
    except ValueError as error:
        raise BrokenModel(f"{path.name} is not JSON: {error}.") from error
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise BrokenModel(f"{path.name} must be a list of strings.")
    if len(labels) < 2 or len(set(labels)) != len(labels):
        raise BrokenModel(f"{path.name} must name at least two labels, each of them once.")
    return tuple(labels)


def _warmup_texts(path: Path) -> tuple[str, ...]:
    try:
        return tuple(parse(path.read_bytes(), "application/json").texts)
    except FileNotFoundError:
        return (DEFAULT_WARMUP_TEXT,)
    except BadRequest as error:
        raise BrokenModel(f"{path.name}: {error}") from error
