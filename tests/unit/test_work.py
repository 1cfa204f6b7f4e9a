"""Work on its way through a queue."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse.domain.work import (
    AnswerNext,
    LoadModel,
    Publish,
    Work,
    WorkError,
    read_work,
    write_work,
)

TEXTS = st.text(max_size=40)
ANY_WORK: st.SearchStrategy[Work] = st.one_of(
    st.builds(AnswerNext, TEXTS, TEXTS),
    st.builds(Publish, TEXTS, TEXTS),
    st.builds(LoadModel, TEXTS, TEXTS),
)


@given(ANY_WORK)
def test_it_is_read_as_it_was_written(work: Work) -> None:
    """Through JSON."""
    assert read_work(json.loads(json.dumps(write_work(work)))) == work


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | TEXTS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
        max_leaves=5,
    )
)
def test_what_is_no_work_says_so(message: object) -> None:
    """Whatever JSON can hold."""
    with pytest.raises(WorkError, match="this is no work"):
        read_work(message)
