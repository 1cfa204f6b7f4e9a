"""What is asked of a model's directory before TensorFlow is imported."""

import json
from pathlib import Path

import pytest

from container.model_directory import DEFAULT_WARMUP_TEXT, BrokenModel, model_directory


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """The least that passes."""
    (tmp_path / "0").mkdir()
    (tmp_path / "0" / "saved_model.pb").touch()
    (tmp_path / "labels.json").write_text('["no", "yes"]')
    return tmp_path


def test_the_least(directory: Path) -> None:
    """Without a warm-up request there is a text of our own."""
    read = model_directory(directory)
    assert read.labels == ("no", "yes")
    assert read.warmup_texts == (DEFAULT_WARMUP_TEXT,)
    assert read.saved_model == directory / "0"


def test_the_warmup_request_is_read_as_a_clients(directory: Path) -> None:
    """One text or many, either key."""
    (directory / "warmup.json").write_text(json.dumps({"input_text": ["a", "b"]}))
    assert model_directory(directory).warmup_texts == ("a", "b")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("labels.json", None, "labels.json is missing."),
        ("labels.json", '["no"', "labels.json is not JSON: "),
        ("labels.json", '{"0": "no"}', "labels.json must be a list of strings."),
        ("labels.json", '["no", 1]', "labels.json must be a list of strings."),
        ("labels.json", '["no"]', "labels.json must name at least two labels"),
        ("labels.json", '["no", "no"]', "labels.json must name at least two labels"),
        ("warmup.json", '{"text": "a"}', 'warmup.json: Unknown key "text"'),
        ("0/saved_model.pb", None, "0/saved_model.pb is missing."),
    ],
)
def test_a_broken_directory_says_how(
    directory: Path, name: str, content: str | None, message: str
) -> None:
    """The sentence ends up in the endpoint's log, the only place for it."""
    if content is None:
        (directory / name).unlink()
    else:
        (directory / name).write_text(content)
    with pytest.raises(BrokenModel) as refusal:
        model_directory(directory)
    assert str(refusal.value).startswith(message)
