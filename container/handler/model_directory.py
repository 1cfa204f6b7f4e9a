"""A model's directory: what SageMaker unpacks from one `model.tar.gz`. Reads files, no TensorFlow.

Of either kind:

* `0/`: a SavedModel. The directory's name may be another number, as TensorFlow Serving's versions
  have, but there is only one;
* `warmup.json` (optional): a request body as a client would send it, used for a first call.

With a `labels.json` it is a text classifier:

* the signature `serving_default` takes int32 `input_ids`, and `attention_mask` and
  `token_type_ids` if it wants them, each [batch, length] with both free, and gives one output
  [batch, labels]: `logits`, or `probabilities`;
* the tokenizer's files as `save_pretrained` writes them;
* `labels.json`: a list of names, in the order of the output's columns;
* without a `warmup.json` the first call has a text of our own.

Without, it is a plain SavedModel:

* any signatures, of tensors that JSON can write (tensor_json.py);
* without a `warmup.json` there is no first call, since nobody knows what would be a sensible one.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from container.handler import predict_body, request_body
from container.handler.json_body import BadRequest

LABELS, WARMUP = "labels.json", "warmup.json"
# One of these says which kind of tokenizer it is; the second is a whole checkpoint's.
TOKENIZER_FILES = ("tokenizer_config.json", "config.json")
DEFAULT_WARMUP_TEXT = "warm-up"


class BrokenModel(Exception):
    """The directory is not what this module's docstring asks for; the message says how."""


@dataclass(frozen=True, slots=True)
class ClassifierDirectory:
    """What of a text classifier's directory can be known without TensorFlow."""

    path: Path
    saved_model: Path
    labels: tuple[str, ...]
    warmup_texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SavedModelDirectory:
    """What of a plain SavedModel's directory can be known without TensorFlow."""

    saved_model: Path
    warmup: predict_body.PredictRequest | None


ModelDirectory = ClassifierDirectory | SavedModelDirectory


def model_directory(path: Path) -> ModelDirectory:
    """Read `path`; raises `BrokenModel` for what is missing or is not what it should be.

    Costs milliseconds, so that a broken archive is refused before TensorFlow's import.
    """
    if not any(path.iterdir()):
        raise BrokenModel("The archive is empty.")
    if (path / LABELS).exists():
        labels, saved_model = _labels(path / LABELS), _saved_model(path)
        _check_tokenizer(path)
        return ClassifierDirectory(path, saved_model, labels, _warmup_texts(path / WARMUP))
    return SavedModelDirectory(_saved_model(path), _warmup_request(path / WARMUP))


def broken_json(path: Path) -> str | None:
    """A sentence about the first of the JSON files in `path` that is none; None if all are fine."""
    for file in sorted(path.glob("*.json")):
        try:
            json.loads(file.read_bytes())
        except ValueError as error:
            return f"{file.name} is not JSON: {error}."
    return None


def _saved_model(path: Path) -> Path:
    """The directory of the one SavedModel."""
    versions = sorted(
        child.name
        for child in path.iterdir()
        if child.is_dir() and child.name.isascii() and child.name.isdecimal()
    )
    if len(versions) > 1:
        listed = ", ".join(f"{version}/" for version in versions)
        raise BrokenModel(f"There are several versions ({listed}); an archive holds one.")
    if not versions:
        found = sorted(path.rglob("saved_model.pb"))
        where = found[0].relative_to(path) if found else "no saved_model.pb"
        raise BrokenModel(f"0/saved_model.pb is missing; there is {where}.")
    if not (path / versions[0] / "saved_model.pb").is_file():
        raise BrokenModel(f"{versions[0]}/saved_model.pb is missing.")
    return path / versions[0]


def _check_tokenizer(path: Path) -> None:
    if not any((path / name).is_file() for name in TOKENIZER_FILES):
        raise BrokenModel(
            f"The tokenizer is missing: there is {LABELS}, so this is a text classifier, but no "
            f"{TOKENIZER_FILES[0]}. The tokenizer's save_pretrained writes its files."
        )


def _labels(path: Path) -> tuple[str, ...]:
    try:
        labels = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BrokenModel(f"{path.name} is not JSON: {error}.") from error
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise BrokenModel(f"{path.name} must be a list of strings.")
    if len(labels) < 2 or len(set(labels)) != len(labels):
        raise BrokenModel(f"{path.name} must name at least two labels, each of them once.")
    return tuple(labels)


def _warmup_texts(path: Path) -> tuple[str, ...]:
    try:
        return tuple(request_body.parse(path.read_bytes(), "application/json").texts)
    except FileNotFoundError:
        return (DEFAULT_WARMUP_TEXT,)
    except BadRequest as error:
        raise BrokenModel(f"{path.name}: {error}") from error


def _warmup_request(path: Path) -> predict_body.PredictRequest | None:
    try:
        return predict_body.parse(path.read_bytes(), "application/json")
    except FileNotFoundError:
        return None
    except BadRequest as error:
        raise BrokenModel(f"{path.name}: {error}") from error
