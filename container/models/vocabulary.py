"""BERT's tokenizer, and a vocabulary for the tiny models.

The vocabulary has the special tokens of BERT, every printable ASCII character as a word and as a
continuation (so that no word in ASCII is unknown), and the words of the sentences that are learned.
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


def write(tokens: Iterable[str], path: Path) -> None:
    """Write `tokens` to a file as BERT's tokenizer reads it."""
    path.write_text("".join(f"{token}\n" for token in tokens), encoding="utf-8")


def tokenizer(tokens: Path, max_length: int, directory: Path) -> BertTokenizerFast:
    """A lower-casing tokenizer of a file of tokens, whose own files are left in `directory`."""
    made = BertTokenizerFast(
        vocab_file=str(tokens), do_lower_case=True, model_max_length=max_length
    )
    made.save_pretrained(directory)
    return made
