"""A BERT of a few thousand weights: trained in seconds, exported as the container loads it.

Training is seeded: the same sentences give weights that answer the same.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from container.models import saved_model
from container.models.forward import Dense, Forward
from container.models.legacy_keras import tf, transformers
from container.models.saved_model import IDS, Inputs

MAX_LENGTH = 64
STEPS = 160
BATCH_SIZE = 32
LEARNING_RATE = 2e-3
SEED = 7
# A part of the tokens is hidden in training, so that an answer never hangs on one word.
MASKED_SHARE = 0.15


def train(
    tokenizer: transformers.BertTokenizerFast,
    texts: Sequence[str],
    numbers: Sequence[int],
    report: Callable[[str], None],
) -> transformers.TFBertForSequenceClassification:
    """Learn the number of the label of each text; `report` hears how it goes."""
    tf.keras.utils.set_random_seed(SEED)
    model = _untrained(len(tokenizer), max(numbers) + 1)
    optimizer = tf.keras.optimizers.Adam(LEARNING_RATE)
    loss_of = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    # TensorFlow has no types.
    @tf.function(input_signature=[IDS, IDS, tf.TensorSpec([None], tf.int32)])  # type: ignore[untyped-decorator]
    def step(ids: Any, mask: Any, labels: Any) -> Any:
        with tf.GradientTape() as tape:
            logits = model({"input_ids": ids, "attention_mask": mask}, training=True).logits
            loss = loss_of(labels, logits)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    encoded = tokenizer(list(texts), padding=True, return_tensors="np")
    ids, mask = encoded["input_ids"], encoded["attention_mask"]
    labels = np.array(numbers)
    chance = np.random.default_rng(SEED)
    for number in range(1, STEPS + 1):
        rows = chance.choice(len(texts), BATCH_SIZE, replace=False)
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


def export(model: transformers.TFBertForSequenceClassification, directory: Path) -> None:
    """Save `model` as the container loads it."""
    forward = Forward(model.bert)
    pooler, classifier = Dense.of(model.bert.pooler.dense), Dense.of(model.classifier)

    def logits(inputs: Inputs) -> Any:
        first = forward.states(inputs)[:, 0]
        return classifier(tf.tanh(pooler(first)))

    variables = [*forward.variables, *pooler.variables, *classifier.variables]
    saved_model.export(logits, variables, directory)


def _untrained(
    vocabulary_size: int, label_count: int
) -> transformers.TFBertForSequenceClassification:
    model = transformers.TFBertForSequenceClassification(
        transformers.BertConfig(
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
