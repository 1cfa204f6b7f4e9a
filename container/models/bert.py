"""A BERT of a few thousand weights: trained in seconds, exported as the handler loads it.

The only module here that imports TensorFlow and Keras 2 (tf-keras), which transformers' TFBert is
written for. Training is seeded and runs on one thread: the same sentences give the same weights.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf
from transformers import BertConfig, BertTokenizerFast, TFBertForSequenceClassification

MAX_LENGTH = 64
STEPS = 160
BATCH_SIZE = 32
LEARNING_RATE = 2e-3
SEED = 7
# A part of the tokens is hidden in training, so that an answer never hangs on one word.
MASKED_SHARE = 0.15

_IDS = tf.TensorSpec([None, None], tf.int32)


def train(
    tokenizer: BertTokenizerFast,
    examples: Sequence[tuple[str, int]],
    label_count: int,
    report: Callable[[str], None],
) -> TFBertForSequenceClassification:
    """Learn `examples` (sentence, number of its label); `report` gets lines of progress."""
    tf.keras.utils.set_random_seed(SEED)
    model = _untrained(len(tokenizer), label_count)
    optimizer = tf.keras.optimizers.Adam(LEARNING_RATE)
    loss_of = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    # TensorFlow has no types.
    @tf.function(input_signature=[_IDS, _IDS, tf.TensorSpec([None], tf.int32)])  # type: ignore[untyped-decorator]
    def step(ids: Any, mask: Any, labels: Any) -> Any:
        with tf.GradientTape() as tape:
            logits = model({"input_ids": ids, "attention_mask": mask}, training=True).logits
            loss = loss_of(labels, logits)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    encoded = tokenizer([text for text, _ in examples], padding=True, return_tensors="np")
    ids, mask = encoded["input_ids"], encoded["attention_mask"]
    labels = np.array([label for _, label in examples])
    chance = np.random.default_rng(SEED)
    for number in range(1, STEPS + 1):
        rows = chance.choice(len(examples), BATCH_SIZE, replace=False)
        hidden = (chance.random(ids[rows].shape) < MASKED_SHARE) & (
            ids[rows] > tokenizer.mask_token_id
        )
        shown = np.where(hidden, tokenizer.mask_token_id, ids[rows])
        loss = step(
            tf.constant(shown, tf.int32),
            tf.constant(mask[rows], tf.int32),
            tf.constant(labels[rows], tf.int32),
        )
        if number % (STEPS // 4) == 0:
            report(f"step {number} of {STEPS}, loss {float(loss):.3f}")
    return model


def export(model: TFBertForSequenceClassification, directory: Path) -> None:
    """Save `model` as the SavedModel that container/model_directory.py describes.

    A plain module with one function: a Keras save holds every layer as an object of its own and
    takes four times as long to load.
    """

    # TensorFlow has no types.
    @tf.function(input_signature=[_IDS, _IDS, _IDS])  # type: ignore[untyped-decorator]
    def serve(input_ids: Any, attention_mask: Any, token_type_ids: Any) -> dict[str, Any]:
        inputs = {
            "input_ids": input_ids,
            "attention_mask": attention_mask,
            "token_type_ids": token_type_ids,
        }
        return {"logits": model(inputs, training=False).logits}

    module = tf.Module()
    module.weights = model.weights  # a SavedModel keeps only what hangs on its root
    module.serve = serve
    tf.saved_model.save(module, str(directory), signatures={"serving_default": serve})


def _untrained(vocabulary_size: int, label_count: int) -> TFBertForSequenceClassification:
    model = TFBertForSequenceClassification(
        BertConfig(
            vocab_size=vocabulary_size,
            hidden_size=48,
            num_hidden_layers=1,
            num_attention_heads=4,
            intermediate_size=96,
            max_position_embeddings=MAX_LENGTH,
            num_labels=label_count,
        )
    )
    model({"input_ids": tf.constant([[1]]), "attention_mask": tf.constant([[1]])})
    return model
