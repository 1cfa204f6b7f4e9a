"""Builds one model in both savings: `python -m benchmarks.container.savings NAME DIR`.

The stock set-up gets a Keras save, ours a plain `tf.Module`, from one and the same model object;
the tokenizer's files are the same. DIR/stock and DIR/ours are as SageMaker would have unpacked
them. Runs with the interpreter that has container/requirements-build.txt.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from container.models import bert, head, labelled, vocabulary
from container.models.encoder import Encoder, pretrained_bert
from container.models.legacy_keras import tf

# As long as the stock handler pads: what a model of the article's kind is built for.
STOCK_LENGTH = 64
# As container/models/real.py has it for its model of the same sentences.
_HEAD_PENALTY = 1e-3

Logits = Callable[[Any, Any], Any]


def tiny(directory: Path) -> None:
    """The tests' own BERT of a few thousand weights."""
    sentences = labelled.read("sentiment-tiny")
    texts, numbers = sentences.numbered(sentences.learned)
    ours = _ours(directory, sentences)
    tokens = ours / "vocab.txt"
    vocabulary.write(vocabulary.vocabulary(texts), tokens)
    tokenizer = vocabulary.tokenizer(tokens, bert.MAX_LENGTH, ours)
    model = bert.train(tokenizer, texts, numbers, _say)
    bert.export(model, ours / "0")
    _save_for_stock(
        lambda ids, mask: model.bert(input_ids=ids, attention_mask=mask).pooler_output,
        model.classifier,
        directory,
    )


def minilm(directory: Path) -> None:
    """all-MiniLM-L6-v2 with a head for sentiment, as `make models` makes it."""
    sentences = labelled.read("sentiment")
    texts, numbers = sentences.numbered((*sentences.learned, *sentences.phrases))
    ours = _ours(directory, sentences)
    encoder = Encoder()
    vectors = encoder.vectors(encoder.tokenizer(ours), texts, lambda _: None)
    fitted = head.fit(vectors, numbers, _HEAD_PENALTY)
    encoder.export(fitted, ours / "0")
    dense = tf.keras.layers.Dense(len(sentences.labels))
    dense.build((None, vectors.shape[1]))
    dense.set_weights([fitted.weights, fitted.biases])
    _save_for_stock(_pooled(pretrained_bert()), dense, directory)


def _pooled(bert: Any) -> Logits:
    """What `Encoder` computes, of Keras' symbolic inputs."""

    def vectors(ids: Any, mask: Any) -> Any:
        # The layer within the model: Keras saves that with every one of its inputs optional.
        states = bert.bert(input_ids=ids, attention_mask=mask).last_hidden_state
        shares = tf.cast(mask, tf.float32)[:, :, tf.newaxis]
        return tf.math.l2_normalize(tf.reduce_sum(states * shares, axis=1), axis=1)

    return vectors


MODELS: dict[str, Callable[[Path], None]] = {"tiny": tiny, "minilm": minilm}


def _ours(directory: Path, sentences: labelled.Sentences) -> Path:
    ours = directory / "ours"
    ours.mkdir(parents=True)
    firsts = {example.label: example.text for example in reversed(sentences.learned)}
    warmup = {"inputs": [firsts[label] for label in sentences.labels]}
    (ours / "labels.json").write_text(json.dumps(sentences.labels), encoding="utf-8")
    (ours / "warmup.json").write_text(json.dumps(warmup), encoding="utf-8")
    return ours


def _save_for_stock(vectors: Logits, last_layer: Any, directory: Path) -> None:
    """A functional Keras model of two inputs, ids and mask, that answers with probabilities."""
    ids, mask = (
        tf.keras.Input((STOCK_LENGTH,), dtype=tf.int32, name=name)
        for name in ("input_ids", "attention_mask")
    )
    probabilities = tf.nn.softmax(last_layer(vectors(ids, mask)))
    model = tf.keras.Model([ids, mask], probabilities)
    stock = directory / "stock"
    shutil.copytree(directory / "ours", stock, ignore=shutil.ignore_patterns("0", "*warmup*"))
    model.save(str(stock / "0"), save_format="tf")


def _say(text: str) -> None:
    print(f"  {text}", file=sys.stderr)


def main(arguments: Sequence[str]) -> int:
    """Build one model; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.container.savings")
    parser.add_argument("name", choices=MODELS)
    parser.add_argument("directory", type=Path)
    options = parser.parse_args(arguments)
    MODELS[options.name](options.directory)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
