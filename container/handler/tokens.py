"""A classifier's tokenizer: texts to the arrays of numbers that its model takes. No TensorFlow."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

# Nothing is fetched at run time: everything is in the model's directory. And the tokenizer needs
# none of the frameworks that transformers would import at once if it were not told.
os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", USE_TF="0", USE_TORCH="0")
os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np
from transformers import AutoTokenizer, PreTrainedTokenizerFast
from transformers.tokenization_utils_base import TruncationStrategy
from transformers.utils import PaddingStrategy

from container.handler.memory import is_out_of_memory
from container.handler.model_directory import BrokenModel, broken_json

Array: TypeAlias = np.ndarray[Any, np.dtype[np.int32]]

# BERT's own limit, for tokenizers whose files name none (transformers says "very large" then).
DEFAULT_MAX_LENGTH = 512

INPUT_NAMES = ("input_ids", "attention_mask", "token_type_ids")


class Tokens(NamedTuple):
    """One text."""

    ids: list[int]
    type_ids: list[int]


class Tokenizer:
    """What transformers would make of texts, sooner. Immutable once made."""

    def __init__(self, directory: Path) -> None:
        """Load the tokenizer's files in `directory`; raises `BrokenModel`."""
        self._tokenizer = _loaded(directory)
        if self._tokenizer.pad_token_id is None:
            raise BrokenModel("The tokenizer has no padding token (special_tokens_map.json).")
        self._max_length = min(self._tokenizer.model_max_length, DEFAULT_MAX_LENGTH)
        self._padding = {
            "input_ids": self._tokenizer.pad_token_id,
            "attention_mask": 0,
            "token_type_ids": self._tokenizer.pad_token_type_id,
        }
        self._pads_left = self._tokenizer.padding_side == "left"
        self._rust = _rust(self._tokenizer, self._max_length)

    def encode(self, texts: Sequence[str]) -> list[Tokens]:
        """The tokens of each text, which is cut at the tokenizer's `model_max_length`."""
        if self._rust is not None:
            encodings = self._rust.encode_batch_fast(texts)
            return [Tokens(encoding.ids, encoding.type_ids) for encoding in encodings]
        encoded = self._tokenizer(
            list(texts), truncation=True, max_length=self._max_length, return_token_type_ids=True
        )
        return list(map(Tokens, encoded["input_ids"], encoded["token_type_ids"]))

    def padded(self, texts: Sequence[Tokens], names: Sequence[str]) -> dict[str, Array]:
        """The inputs called `names` (of `INPUT_NAMES`), [text, token], as wide as the longest."""
        width = max(1, *(len(text.ids) for text in texts))
        inputs = {
            name: np.full((len(texts), width), self._padding[name], np.int32) for name in names
        }
        for row, (ids, type_ids) in enumerate(texts):
            values: dict[str, Sequence[int] | int] = {
                "input_ids": ids,
                "attention_mask": 1,
                "token_type_ids": type_ids,
            }
            start = width - len(ids) if self._pads_left else 0
            for name, array in inputs.items():
                array[row, start : start + len(ids)] = values[name]
        return inputs


def _loaded(directory: Path) -> Any:
    try:
        return AutoTokenizer.from_pretrained(directory, local_files_only=True)
    except Exception as error:
        if is_out_of_memory(error):
            raise
        # Which file it is, transformers does not say; and what it says may be many lines.
        reason = broken_json(directory) or str(error).strip().partition("\n")[0]
        if not (directory / "tokenizer.json").exists():
            reason = f"there is no tokenizer.json, and without it: {reason}"
        raise BrokenModel(f"The tokenizer can't be loaded: {reason}") from error


def _rust(tokenizer: Any, max_length: int) -> Any | None:
    """The tokenizer within `tokenizer` where that adds nothing to it; set up to cut, not to pad.

    Asked directly, one text costs a fifth of what it costs through transformers.
    """
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        return None
    # Some kinds have more to say than their files do.
    for method in ("__call__", "_batch_encode_plus"):
        if getattr(type(tokenizer), method) is not getattr(PreTrainedTokenizerFast, method):
            return None
    tokenizer.set_truncation_and_padding(
        padding_strategy=PaddingStrategy.DO_NOT_PAD,
        truncation_strategy=TruncationStrategy.LONGEST_FIRST,
        max_length=max_length,
        stride=0,
        pad_to_multiple_of=None,
        padding_side=None,
    )
    rust = tokenizer.backend_tokenizer
    rust.encode_special_tokens = tokenizer.split_special_tokens
    return rust
