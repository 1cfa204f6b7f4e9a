"""What is asked of a model's directory before TensorFlow is imported."""

import json
from pathlib import Path

import pytest

from container.handler.model_directory import (
    DEFAULT_WARMUP_TEXT,
    BrokenModel,
    ClassifierDirectory,
    SavedModelDirectory,
    broken_json,
    model_directory,
)
from container.handler.predict_body import PredictRequest


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """The least that passes for a text classifier."""
    (tmp_path / "0").mkdir()
    (tmp_path / "0" / "saved_model.pb").touch()
    (tmp_path / "labels.json").write_text('["no", "yes"]')
    (tmp_path / "tokenizer_config.json").write_text("{}")
    return tmp_path


@pytest.fixture
def plain(directory: Path) -> Path:
    """The least that passes for a plain SavedModel."""
    (directory / "labels.json").unlink()
    return directory


def test_the_least(directory: Path) -> None:
    """Without a warm-up request there is a text of our own."""
    read = model_directory(directory)
    assert isinstance(read, ClassifierDirectory)
    assert read.labels == ("no", "yes")
    assert read.warmup_texts == (DEFAULT_WARMUP_TEXT,)
    assert read.saved_model == directory / "0"


def test_the_warmup_request_is_read_as_a_clients(directory: Path) -> None:
    """One text or many, either key."""
    (directory / "warmup.json").write_text(json.dumps({"input_text": ["a", "b"]}))
    read = model_directory(directory)
    assert isinstance(read, ClassifierDirectory)
    assert read.warmup_texts == ("a", "b")


def test_without_labels_it_is_a_plain_saved_model(plain: Path) -> None:
    """Whose warm-up request is its own kind of body, and optional."""
    assert model_directory(plain) == SavedModelDirectory(plain / "0", None)
    (plain / "warmup.json").write_text('{"instances": [1, 2]}')
    warmup = PredictRequest("serving_default", rows=True, value=[1, 2])
    assert model_directory(plain) == SavedModelDirectory(plain / "0", warmup)


@pytest.mark.parametrize("version", ["1", "00001", "1700000000"])
def test_the_version_may_be_any_number(directory: Path, version: str) -> None:
    """As TensorFlow Serving's own; other directories are none of its business."""
    (directory / "0").rename(directory / version)
    (directory / "code").mkdir()
    (directory / "1a").mkdir()
    (directory / "2").touch()
    assert model_directory(directory).saved_model == directory / version


def test_one_version_and_no_more(plain: Path) -> None:
    """TensorFlow Serving would take the highest; here nobody should have to know that."""
    (plain / "1").mkdir()
    with pytest.raises(BrokenModel) as refusal:
        model_directory(plain)
    assert str(refusal.value) == "There are several versions (0/, 1/); an archive holds one."


@pytest.mark.parametrize(
    ("place", "there_is"),
    [
        (".", "saved_model.pb"),
        ("my-model", "my-model/saved_model.pb"),
        ("my-model/1", "my-model/1/saved_model.pb"),
    ],
)
def test_a_saved_model_in_another_place_is_named(tmp_path: Path, place: str, there_is: str) -> None:
    """Packed without its number, or with a folder around it: the likely mistakes."""
    (tmp_path / place).mkdir(parents=True, exist_ok=True)
    (tmp_path / place / "saved_model.pb").touch()
    with pytest.raises(BrokenModel) as refusal:
        model_directory(tmp_path)
    assert str(refusal.value) == f"0/saved_model.pb is missing; there is {there_is}."


def test_nothing_to_serve(tmp_path: Path) -> None:
    """Nothing at all, or not what matters."""
    with pytest.raises(BrokenModel, match=r"^The archive is empty\.$"):
        model_directory(tmp_path)
    (tmp_path / "README.md").touch()
    with pytest.raises(BrokenModel) as refusal:
        model_directory(tmp_path)
    assert str(refusal.value) == "0/saved_model.pb is missing; there is no saved_model.pb."


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("labels.json", '["no"', "labels.json is not JSON: "),
        ("labels.json", '{"0": "no"}', "labels.json must be a list of strings."),
        ("labels.json", '["no", 1]', "labels.json must be a list of strings."),
        ("labels.json", '["no"]', "labels.json must name at least two labels"),
        ("labels.json", '["no", "no"]', "labels.json must name at least two labels"),
        ("warmup.json", '{"text": "a"}', 'warmup.json: Unknown key "text"'),
        ("0/saved_model.pb", None, "0/saved_model.pb is missing."),
        ("tokenizer_config.json", None, "The tokenizer is missing: there is labels.json, so this"),
    ],
)
def test_a_broken_directory_says_how(
    directory: Path, name: str, content: str | None, message: str
) -> None:
    """The sentence goes to whoever asked for the load, and to the endpoint's log."""
    if content is None:
        (directory / name).unlink()
    else:
        (directory / name).write_text(content)
    with pytest.raises(BrokenModel) as refusal:
        model_directory(directory)
    assert str(refusal.value).startswith(message)


def test_the_json_file_that_is_broken(directory: Path) -> None:
    """Is named, where a library says only that something is."""
    assert broken_json(directory) is None
    (directory / "tokenizer.json").write_bytes(b'{"version": "1.0", "model"')
    assert broken_json(directory) == (
        "tokenizer.json is not JSON: Expecting ':' delimiter: line 1 column 27 (char 26)."
    )
    (directory / "tokenizer.json").write_bytes(b'"\xff"')
    assert str(broken_json(directory)).startswith("tokenizer.json is not JSON: 'utf-8' codec can't")


def test_a_warmup_request_of_the_other_kind_is_refused(plain: Path) -> None:
    """A text classifier whose labels.json was forgotten is found out here."""
    (plain / "warmup.json").write_text('{"input_text": "a"}')
    with pytest.raises(BrokenModel) as refusal:
        model_directory(plain)
    assert str(refusal.value).startswith('warmup.json: Unknown key "input_text"')
