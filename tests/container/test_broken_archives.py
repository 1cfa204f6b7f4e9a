"""What is wrong with an archive is said in a sentence or two that names the file."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.container.environments import run_in_container
from tests.container.handled import Handled, Raised

INDEX = "0/variables/variables.index"
DATA = "0/variables/variables.data-00000-of-00001"

Break = Callable[[Path], object]


@pytest.fixture
def copy(model_dirs: dict[str, Path], tmp_path: Path) -> Path:
    """The directory of a text classifier, to be broken."""
    return Path(shutil.copytree(model_dirs["sentiment"], tmp_path / "model"))


@pytest.fixture(scope="module")
def signatures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The SavedModels of signature_models.py, by name."""
    directory = tmp_path_factory.mktemp("signatures")
    run_in_container("signature_models.py", directory)
    return directory


def refusal(handler: Handled, directory: Path) -> str:
    """Why it is no model."""
    with pytest.raises(Raised) as raised:
        handler.load(directory)
    assert raised.value.name == "BrokenModel"
    return raised.value.message


def cut(name: str) -> Break:
    """As by a full disk, or a download that broke off."""
    return lambda path: os.truncate(path / name, (path / name).stat().st_size // 2)


def gone(*names: str) -> Break:
    """Left out of the archive."""

    def break_it(path: Path) -> None:
        for name in names:
            (path / name).unlink()

    return break_it


def holding(name: str, content: bytes) -> Break:
    """Something else."""
    return lambda path: (path / name).write_bytes(content)


def overwritten(name: str) -> Break:
    """Right in the middle."""

    def break_it(path: Path) -> None:
        content = (path / name).read_bytes()
        half = len(content) // 2
        (path / name).write_bytes(content[:half] + b"\xff" * 64 + content[half + 64 :])

    return break_it


@pytest.mark.parametrize(
    ("break_it", "sentence"),
    [
        (
            holding("0/saved_model.pb", b"version https://git-lfs.github.com/spec/v1\n"),
            "0/saved_model.pb is damaged or cut off: it can't be parsed as a SavedModel.",
        ),
        (
            cut("0/saved_model.pb"),
            "0/saved_model.pb is damaged or cut off: it can't be parsed as a SavedModel.",
        ),
        (holding("0/saved_model.pb", b""), "0/saved_model.pb holds no model."),
        (cut(DATA), "0/variables is damaged or incomplete: Read less bytes than requested."),
        (overwritten(DATA), "0/variables is damaged or incomplete: TensorBundle at variables "),
        (gone(DATA), f"{DATA} is missing."),
        (cut(INDEX), "0/variables is damaged or incomplete: not an sstable (bad magic number)."),
        (gone(INDEX), f"{INDEX} is missing."),
        (lambda path: shutil.rmtree(path / "0" / "variables"), f"{INDEX} is missing."),
        (cut("labels.json"), "labels.json is not JSON: "),
        (
            holding("labels.json", b'["bad", "fair", "good"]'),
            'labels.json names 3 labels, but for 2 texts the output "logits" of the SavedModel '
            "has the shape (2, 2).",
        ),
        (
            gone("tokenizer_config.json", "tokenizer.json"),
            "The tokenizer is missing: there is labels.json, so this is a text classifier, but no "
            "tokenizer_config.json. ",
        ),
        (cut("tokenizer.json"), "The tokenizer can't be loaded: tokenizer.json is not JSON: "),
        (
            cut("tokenizer_config.json"),
            "The tokenizer can't be loaded: tokenizer_config.json is not JSON: ",
        ),
        (
            holding("tokenizer.json", b"[]"),
            "The tokenizer can't be loaded: invalid type: sequence, expected struct Tokenizer ",
        ),
        (
            gone("tokenizer.json", "vocab.txt"),
            "The tokenizer can't be loaded: there is no tokenizer.json, and without it: ",
        ),
    ],
)
def test_a_file_is_broken(handler: Handled, copy: Path, break_it: Break, sentence: str) -> None:
    """Of a model that was fine."""
    break_it(copy)
    said = refusal(handler, copy)
    assert said.startswith(sentence)
    assert str(copy) not in said
    assert "\n" not in said


def test_the_variables_of_another_model(
    handler: Handled, copy: Path, model_dirs: dict[str, Path]
) -> None:
    """Each file is fine."""
    shutil.rmtree(copy / "0" / "variables")
    shutil.copytree(model_dirs["topic"] / "0" / "variables", copy / "0" / "variables")
    assert refusal(handler, copy).startswith(
        "The SavedModel in 0/ can't be loaded: Received incompatible tensor with shape "
    )


def test_the_tokenizer_of_another_model(
    handler: Handled, copy: Path, model_dirs: dict[str, Path]
) -> None:
    """Whose words the model has never seen."""
    shutil.copy(model_dirs["topic"] / "tokenizer.json", copy)
    shutil.copy(model_dirs["topic"] / "warmup.json", copy)
    assert refusal(handler, copy).startswith(
        "The SavedModel fails on what the tokenizer makes of the first texts, of warmup.json or "
        "our own: "
    )


THE_SIGNATURE = 'The SavedModel\'s signature "serving_default"'


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("other", 'The SavedModel has no signature "serving_default"; it has "classify".'),
        (
            "unknown",
            f'{THE_SIGNATURE} has an unknown input "tokens"; those of a text classifier are '
            "input_ids, attention_mask, token_type_ids.",
        ),
        (
            "int64",
            'The input "input_ids" of the SavedModel\'s signature "serving_default" must be int32 '
            "[None, None], but is int64 (None, None).",
        ),
        (
            "fixed",
            'The input "input_ids" of the SavedModel\'s signature "serving_default" must be int32 '
            "[None, None], but is int32 (None, 64).",
        ),
        ("no-ids", f'{THE_SIGNATURE} lacks the input "input_ids".'),
        (
            "two-outputs",
            f'{THE_SIGNATURE} must have one output, "logits" or "probabilities"; it has logits, '
            "states.",
        ),
        (
            "flat",
            'labels.json names 2 labels, but for 2 texts the output "logits" of the SavedModel has '
            "the shape (2,).",
        ),
    ],
)
def test_a_signature_is_no_classifiers(
    handler: Handled, copy: Path, signatures: Path, name: str, sentence: str
) -> None:
    """It is said at load, not to the first caller."""
    _with_saved_model(copy, signatures / name)
    assert refusal(handler, copy) == sentence


def test_the_model_answers_no_number(handler: Handled, copy: Path, signatures: Path) -> None:
    """500, as for any answer that JSON can't write; and those signatures are wrong in one way."""
    _with_saved_model(copy, signatures / "nan")
    [answer] = handler.invoke(copy, '{"inputs": "good"}')
    assert (answer.status, answer.json) == (
        500,
        {"error": "The model's answer has a score that is not a number."},
    )
    fine = copy.with_name("fine")
    shutil.copytree(copy, fine)
    _with_saved_model(fine, signatures / "fine")
    [answer] = handler.invoke(fine, '{"inputs": "good"}')
    assert answer.json["predictions"][0]["score"] == 0.5


def test_a_plain_saved_model_is_broken(handler: Handled, typed_dir: Path, tmp_path: Path) -> None:
    """By its own version's name; and its warm-up request counts."""
    directory = Path(shutil.copytree(typed_dir, tmp_path / "typed"))
    warmup = directory / "warmup.json"
    warmup.write_text('{"inputs": ["/nowhere"], "signature_name": "content"}')
    assert refusal(handler, directory).startswith(
        "warmup.json: The model failed: /nowhere; No such file or directory"
    )
    cut("1/saved_model.pb")(directory)
    assert refusal(handler, directory).startswith("1/saved_model.pb is damaged or cut off: ")


def test_out_of_memory_is_no_fault_of_the_archive(
    handler: Handled, typed_dir: Path, tmp_path: Path
) -> None:
    """It may load when other models are gone."""
    directory = Path(shutil.copytree(typed_dir, tmp_path / "typed"))
    (directory / "warmup.json").write_text('{"inputs": 16, "signature_name": "greedy"}')
    with pytest.raises(Raised) as raised:
        handler.load(directory)
    assert raised.value.name == "MemoryError"


def _with_saved_model(directory: Path, saved_model: Path) -> None:
    shutil.rmtree(directory / "0")
    shutil.copytree(saved_model, directory / "0")
