"""A WordPiece vocabulary for the tiny models, and its tokenizer files.

The special tokens of BERT, every printable ASCII character as a word and as a continuation (so
that no word in ASCII is unknown), and the words of the sentences that are trained on.
"""

import re
import string
from collections.abc import Iterable
from pathlib import Path

from transformers import BertTokenizerFast

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_CHARACTERS = sorted(set(string.ascii_lowercase + string.digits + string.punctuation))


def vocabulary(sentences: Iterable[str]) -> list[str]:
    """The tokens, each once; a token's place in the list is its id."""
    words = {word for sentence in sentences for word in re.findall("[a-z]+", sentence.lower())}
    continuations = [f"##{character}" for character in _CHARACTERS]
    return [
        *SPECIAL_TOKENS,
        *_CHARACTERS,
        *continuations,
        *sorted(words.difference(_CHARACTERS)),
    ]


def tokenizer(tokens: list[str], max_length: int, directory: Path) -> BertTokenizerFast:
    """A lower-casing tokenizer of `tokens`, whose files are left in `directory`."""
    vocabulary_file = directory / "vocab.txt"
    vocabulary_file.write_text("".join(f"{token}\n" for token in tokens), encoding="utf-8")
    made = BertTokenizerFast(
        vocab_file=str(vocabulary_file), do_lower_case=True, model_max_length=max_length
    )
    made.save_pretrained(directory)
    return made
