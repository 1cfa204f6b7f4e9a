"""The models of an endpoint and their use, and its aliases, as the control API describes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from dormouse_cli.fields import (
    UnreadableAnswer,
    read_list,
    read_moment,
    read_number,
    read_object,
    read_required,
    read_text,
    read_texts,
    read_whole,
)


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model, where it lies and how it was used in the time that was asked for.

    `name` is empty where the use of no certain model is counted. `size_bytes` and `uploaded_at` are
    None where the archive is not in the stack's bucket. `latency_ms` is by quantile (`p50`, `p90`,
    `p99`), empty where nothing was measured.
    """

    name: str
    size_bytes: float | None
    uploaded_at: datetime | None
    is_loaded: bool
    last_used_at: datetime | None
    aliases: tuple[str, ...]
    requests: int
    errors: int
    latency_ms: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class ModelList:
    """`document` is the answer as it came, which is what --json prints.

    `since` is from when on uses are counted. `callers` are principals with their requests. It is
    not complete where there are more models than are listed.
    """

    endpoint: str
    since: datetime | None
    models: tuple[ServedModel, ...]
    callers: tuple[tuple[str, int], ...]
    is_complete: bool
    document: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Alias:
    """A name that stands for a model."""

    name: str
    model: str


@dataclass(frozen=True, slots=True)
class Switch:
    """An alias that was set: for what it stands, and stood before; by when all requests follow."""

    alias: Alias
    previous: str | None
    followed_at: datetime | None
    document: Mapping[str, object]


def read_models(answer: object) -> ModelList:
    """Read `{"models": [model, …]}`. What is absent counts as null.

    Raises:
        UnreadableAnswer: a field has a type that it can't have, or a required one is missing.
    """
    fields = _listing(answer, "models")
    callers = [read_object(entry, "a caller") for entry in read_list(fields, "callers")]
    return ModelList(
        endpoint=read_required(fields, "endpoint"),
        since=read_moment(fields, "since"),
        models=tuple(_model(entry) for entry in read_list(fields, "models")),
        callers=tuple(
            (read_required(entry, "principal"), read_whole(entry, "requests") or 0)
            for entry in callers
        ),
        is_complete=fields.get("complete") is not False,
        document=fields,
    )


def read_aliases(answer: object) -> tuple[Alias, ...]:
    """Read `{"aliases": [{"alias": …, "model": …}, …]}`.

    Raises:
        UnreadableAnswer: as `read_models`.
    """
    return tuple(_alias(entry) for entry in read_list(_listing(answer, "aliases"), "aliases"))


def read_switch(answer: object) -> Switch:
    """Read what became of an alias that was set.

    Raises:
        UnreadableAnswer: as `read_models`.
    """
    fields = read_object(answer, "the answer")
    return Switch(
        alias=_alias(fields),
        previous=read_text(fields, "previous"),
        followed_at=read_moment(fields, "followed_at"),
        document=fields,
    )


def _listing(answer: object, name: str) -> Mapping[str, object]:
    fields = read_object(answer, "the answer")
    if name not in fields:
        raise UnreadableAnswer(f"the answer has no {name!r}")
    return fields


def _model(answer: object) -> ServedModel:
    fields = read_object(answer, "a model")
    name = read_text(fields, "model")
    if name is None:
        raise UnreadableAnswer("a model has no 'model'")
    errors = (read_whole(fields, f"errors_{kind}") or 0 for kind in ("4xx", "5xx"))
    quantiles = fields.get("latency_ms")
    latency = {} if quantiles is None else read_object(quantiles, "'latency_ms'")
    found = {quantile: read_number(latency, quantile) for quantile in ("p50", "p90", "p99")}
    return ServedModel(
        name=name,
        size_bytes=read_number(fields, "size_bytes"),
        uploaded_at=read_moment(fields, "uploaded_at"),
        is_loaded=fields.get("loaded") is True,
        last_used_at=read_moment(fields, "last_used_at"),
        aliases=tuple(read_texts(fields, "aliases")),
        requests=read_whole(fields, "requests") or 0,
        errors=sum(errors),
        latency_ms={name: number for name, number in found.items() if number is not None},
    )


def _alias(answer: object) -> Alias:
    fields = read_object(answer, "an alias")
    return Alias(read_required(fields, "alias"), read_required(fields, "model"))
