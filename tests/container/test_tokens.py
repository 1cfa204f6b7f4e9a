"""The inputs of a classifier's model are those that transformers would have made."""

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.container.handled import Handled

ALL_NAMES = ("input_ids", "attention_mask", "token_type_ids")
TEXTS = st.lists(
    st.one_of(
        st.text(st.characters(exclude_categories=["Cs"])),
        st.lists(
            st.sampled_from(["good", "awful", "film", "[SEP]", "[MASK]", "<s>", "</s>", "a", "bc"])
        ).map(" ".join),
    ),
    min_size=1,
    max_size=5,
)


@pytest.fixture(scope="module")
def tokenizers(
    model_dirs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """Directories by kind: what there is of tokenizers that are told apart."""
    folder = tmp_path_factory.mktemp("tokenizers")
    bert = model_dirs["sentiment"]
    return {
        "bert": bert,
        "bert from the left": _changed(
            bert,
            folder / "left",
            {"padding_side": "left", "truncation_side": "left", "model_max_length": 7},
        ),
        "bert without words for special tokens": _changed(
            bert, folder / "split", {"split_special_tokens": True, "model_max_length": 9}
        ),
        "roberta": _roberta(folder / "roberta"),
        "byt5": _byt5(folder / "byt5"),
    }


@pytest.mark.parametrize(
    ("kind", "rust", "names"),
    [
        ("bert", True, ALL_NAMES),
        ("bert from the left", True, ALL_NAMES),
        ("bert without words for special tokens", True, ALL_NAMES),
        # Its class in transformers adds something to what its file says.
        ("roberta", False, ALL_NAMES),
        # There is none but the one written in Python, which miscounts the types of "</s>".
        ("byt5", False, ALL_NAMES[:2]),
    ],
)
def test_as_transformers_would(
    handler: Handled, tokenizers: dict[str, Path], kind: str, rust: bool, names: tuple[str, ...]
) -> None:
    """Any text, in any company."""

    @settings(
        max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(TEXTS)
    def same(texts: list[str]) -> None:
        made = handler.tokens(tokenizers[kind], texts, names)
        assert made["ours"] == made["theirs"]
        assert made["rust"] is rust

    same()


def _changed(bert: Path, directory: Path, settings_: dict[str, object]) -> Path:
    shutil.copytree(bert, directory, ignore=shutil.ignore_patterns("0", "labels.json"))
    path = directory / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **settings_}))
    return directory


def _roberta(directory: Path) -> Path:
    directory.mkdir()
    tokens = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *"abcdefgilmorwu", "Ġ", "go", "od", "good"]
    (directory / "vocab.json").write_text(
        json.dumps({token: number for number, token in enumerate(tokens)})
    )
    (directory / "merges.txt").write_text("#version: 0.2\ng o\no d\ngo od\n")
    config = {"tokenizer_class": "RobertaTokenizer", "model_max_length": 12}
    (directory / "tokenizer_config.json").write_text(json.dumps(config))
    return directory


def _byt5(directory: Path) -> Path:
    directory.mkdir()
    config = {"tokenizer_class": "ByT5Tokenizer", "model_max_length": 20}
    (directory / "tokenizer_config.json").write_text(json.dumps(config))
    return directory
