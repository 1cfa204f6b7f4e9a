"""A BERT's forward pass in as few operations as it takes: the form in which models are exported.

The results are those of transformers' TFBert, but for rounding. Its graph is three times as large,
which costs at each load and at each call: there, each dense layer works on [batch, token, state]
and takes ten operations to make a matrix of that and back. Here the states are one matrix all
along, and queries, keys and values come of one product.
"""

from dataclasses import dataclass
from typing import Any

from container.models.legacy_keras import tf, transformers
from container.models.saved_model import Inputs

# What a masked token's attention is lowered by, before the softmax makes nothing of it.
_MASKED = -10_000.0


@dataclass(frozen=True, slots=True)
class Dense:
    """A layer's weights [in, out] and biases [out]."""

    weights: Any
    biases: Any

    @classmethod
    def of(cls, layer: Any) -> "Dense":
        """Those of a Keras layer."""
        return cls(tf.Variable(layer.kernel), tf.Variable(layer.bias))

    def __call__(self, rows: Any) -> Any:
        """A row for each of `rows`."""
        return tf.nn.bias_add(tf.matmul(rows, self.weights), self.biases)

    @property
    def variables(self) -> list[Any]:
        """What is to be saved."""
        return [self.weights, self.biases]


class Forward:
    """The embeddings and the layers of one BERT, without what comes after the last."""

    def __init__(self, bert: transformers.TFBertMainLayer) -> None:
        """Copy the weights of `bert`."""
        config = bert.config
        if (config.hidden_act, config.position_embedding_type) != ("gelu", "absolute"):
            raise ValueError(f"Another kind of BERT than this is made for: {config}")
        embeddings = bert.embeddings
        self._words = tf.Variable(embeddings.weight)
        self._types = tf.Variable(embeddings.token_type_embeddings)
        self._positions = tf.Variable(embeddings.position_embeddings)
        self._norm = _Norm(embeddings.LayerNorm, config.layer_norm_eps)
        self._layers = [_Layer(layer, config) for layer in bert.encoder.layer]

    @property
    def variables(self) -> list[Any]:
        """What is to be saved."""
        layers = [variable for layer in self._layers for variable in layer.variables]
        return [self._words, self._types, self._positions, *self._norm.variables, *layers]

    def states(self, inputs: Inputs) -> Any:
        """The last layer's states, [batch, token, state]."""
        ids = inputs["input_ids"]
        shape = tf.shape(ids)
        batch, length = shape[0], shape[1]
        places = tf.gather(self._types, inputs["token_type_ids"]) + self._positions[:length]
        states = tf.gather(self._words, tf.reshape(ids, [-1]))
        size = states.shape[1]
        states = self._norm(states + tf.reshape(places, [-1, size]))
        seen = tf.cast(inputs["attention_mask"], tf.float32)[:, tf.newaxis, tf.newaxis, :]
        lowered = (1.0 - seen) * _MASKED
        for layer in self._layers:
            states = layer(states, lowered, batch, length)
        return tf.reshape(states, [batch, length, size])


class _Norm:
    """Layer normalisation of each row."""

    def __init__(self, layer: Any, epsilon: float) -> None:
        self.variables = [tf.Variable(layer.gamma), tf.Variable(layer.beta)]
        self._epsilon = epsilon

    def __call__(self, rows: Any) -> Any:
        scale, offset = self.variables
        centred = rows - tf.reduce_mean(rows, axis=1, keepdims=True)
        variance = tf.reduce_mean(tf.square(centred), axis=1, keepdims=True)
        return centred * (tf.math.rsqrt(variance + self._epsilon) * scale) + offset


class _Layer:
    """Attention, and two dense layers; each part's input is added to its output."""

    def __init__(self, layer: Any, config: transformers.BertConfig) -> None:
        attention = layer.attention
        parts = [getattr(attention.self_attention, name) for name in ("query", "key", "value")]
        self._heads = config.num_attention_heads
        self._asked = Dense(
            tf.Variable(tf.concat([part.kernel for part in parts], axis=1)),
            tf.Variable(tf.concat([part.bias for part in parts], axis=0)),
        )
        self._attended = Dense.of(attention.dense_output.dense)
        self._attended_norm = _Norm(attention.dense_output.LayerNorm, config.layer_norm_eps)
        self._wide = Dense.of(layer.intermediate.dense)
        self._narrow = Dense.of(layer.bert_output.dense)
        self._narrow_norm = _Norm(layer.bert_output.LayerNorm, config.layer_norm_eps)

    @property
    def variables(self) -> list[Any]:
        parts = (
            self._asked,
            self._attended,
            self._attended_norm,
            self._wide,
            self._narrow,
            self._narrow_norm,
        )
        return [variable for part in parts for variable in part.variables]

    def __call__(self, states: Any, lowered: Any, batch: Any, length: Any) -> Any:
        attended = self._attended(self._attention(states, lowered, batch, length))
        states = self._attended_norm(states + attended)
        narrowed = self._narrow(tf.nn.gelu(self._wide(states)))
        return self._narrow_norm(states + narrowed)

    def _attention(self, states: Any, lowered: Any, batch: Any, length: Any) -> Any:
        size = states.shape[1]
        each = size // self._heads
        asked = tf.reshape(self._asked(states), [batch, length, 3, self._heads, each])
        queries, keys, values = tf.unstack(tf.transpose(asked, [2, 0, 3, 1, 4]), num=3)
        scores = tf.matmul(queries, keys, transpose_b=True) * each**-0.5
        found = tf.matmul(tf.nn.softmax(scores + lowered), values)
        return tf.reshape(tf.transpose(found, [0, 2, 1, 3]), [-1, size])
