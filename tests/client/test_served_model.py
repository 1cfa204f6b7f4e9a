"""Models and aliases as the control API describes them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse_cli.fields import UnreadableAnswer
from dormouse_cli.served_model import read_aliases, read_models, read_switch


def test_what_is_absent_counts_as_null() -> None:
    """An older or newer control API is read as far as it goes."""
    found = read_models({"endpoint": "dormouse", "models": [{"model": "m.tar.gz", "new": 1}]})
    (model,) = found.models
    assert (model.name, model.size_bytes, model.requests, model.errors) == ("m.tar.gz", None, 0, 0)
    assert (model.is_loaded, model.latency_ms, found.callers) == (False, {}, ())
    assert found.is_complete


def test_what_is_large_is_read() -> None:
    """An archive of many gigabytes is no error."""
    models = [{"model": "m.tar.gz", "size_bytes": 20 * 10**9}]
    assert read_models({"endpoint": "e", "models": models}).models[0].size_bytes == 20e9


@pytest.mark.parametrize(
    "answer",
    [
        [],
        {},
        {"models": []},
        {"endpoint": "e", "models": {}},
        {"endpoint": "e", "models": [{}]},
        {"endpoint": "e", "models": [{"model": "m", "requests": -1}]},
        {"endpoint": "e", "models": [{"model": "m", "latency_ms": 3}]},
        {"endpoint": "e", "models": [{"model": "m", "latency_ms": {"p50": float("nan")}}]},
        {"endpoint": "e", "models": [], "callers": [{}]},
    ],
)
def test_what_is_no_list_of_models(answer: object) -> None:
    """Whoever answers so is not the control API."""
    with pytest.raises(UnreadableAnswer):
        read_models(answer)


@pytest.mark.parametrize("answer", [[], {}, {"aliases": {}}, {"aliases": [{"alias": "m@live"}]}])
def test_what_is_no_list_of_aliases(answer: object) -> None:
    """Likewise."""
    with pytest.raises(UnreadableAnswer):
        read_aliases(answer)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.text() | st.sampled_from(["models", "model", "alias"]), inner)
        ),
    )
)
def test_any_answer_is_read_or_refused(answer: Any) -> None:
    """There is no third way."""
    for read in (read_models, read_aliases, read_switch):
        try:
            read(answer)
        except UnreadableAnswer:
            continue
