"""The models that are measured: built once into the cache, and the texts they are asked."""

import fcntl
import hashlib
import json
import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.environments import CACHE, ROOT, clean, models_python
from benchmarks.progress import say
from container.models import labelled

# What a model's weights, its savings and its tokenizer come from.
_SOURCES = (
    "benchmarks/container/savings.py",
    "container/models/*.py",
    "container/models/sentences/sentiment*.tsv",
    "container/requirements*.txt",
)
_SENTENCES = {"tiny": "sentiment-tiny", "minilm": "sentiment"}
# Longer texts exceed 64 tokens, to which the stock handler cuts and ours does not.
_MOST_WORDS = 30
_MOST_TEXTS = 200
_SEED = 11

BUILD_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Model:
    """One model in its two savings, each a directory as SageMaker unpacks it."""

    name: str
    stock: Path
    ours: Path
    labels: tuple[str, ...]
    bodies: tuple[bytes, ...]


def model(name: str) -> Model:
    """The model `tiny` or `minilm`, built if it is not there or its sources have changed."""
    directory = CACHE / f"{name}-{_digest()}"
    with _lock():
        if not directory.exists():
            _build(name, directory)
    labels = json.loads((directory / "ours" / "labels.json").read_text(encoding="utf-8"))
    return Model(name, directory / "stock", directory / "ours", tuple(labels), _bodies(name))


def _bodies(name: str) -> tuple[bytes, ...]:
    """Requests as both handlers read them: ordinary sentences, always in the same order."""
    sentences = labelled.read(_SENTENCES[name])
    texts = [example.text for example in (*sentences.held_out, *sentences.learned)]
    texts = [text for text in texts if len(text.split()) <= _MOST_WORDS]
    random.Random(_SEED).shuffle(texts)
    return tuple(json.dumps({"input_text": text}).encode() for text in texts[:_MOST_TEXTS])


def _digest() -> str:
    digest = hashlib.sha256()
    for pattern in _SOURCES:
        for path in sorted(ROOT.glob(pattern)):
            content = path.read_bytes()
            digest.update(f"{path.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:12]


def _build(name: str, directory: Path) -> None:
    say(f"Building the {name} model in both savings (once) …")
    for outdated in CACHE.glob(f"{name}-*"):
        shutil.rmtree(outdated)
    with tempfile.TemporaryDirectory(prefix="making-", dir=CACHE) as folder:
        made = Path(folder) / name
        subprocess.run(
            [models_python(), "-m", "benchmarks.container.savings", name, made],
            cwd=ROOT,
            env=clean(os.environ),
            stdout=subprocess.DEVNULL,
            check=True,
            timeout=BUILD_SECONDS,
        )
        made.rename(directory)


@contextmanager
def _lock() -> Iterator[None]:
    """One builder at a time; the lock ends with the process, however that ends."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
