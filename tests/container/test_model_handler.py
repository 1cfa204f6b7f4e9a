"""Invocations that come together are answered as each would be alone, in as few calls as sensible.

Through handler/model_handler.py and a tiny model, without a server.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.container.handled import JSON, LINES, Answered, Handled

WORDS = st.sampled_from(["good", "awful", "film", "the", "best", "worst", "unheard-of", "✓"])
TEXT = st.lists(WORDS, max_size=40).map(" ".join)
DOCUMENT = st.one_of(
    st.builds(lambda text: json.dumps({"inputs": text}), TEXT),
    st.builds(
        lambda texts: json.dumps({"input_text": texts}), st.lists(TEXT, min_size=1, max_size=4)
    ),
    st.sampled_from(['{"inputs": ', "[]", '{"inputs": []}', ""]),
)
ITEM = st.one_of(
    st.tuples(DOCUMENT, st.sampled_from([JSON, None, "text/plain"])),
    st.tuples(st.lists(DOCUMENT, min_size=1, max_size=3).map("\n".join), st.just(LINES)),
)


def asking(text: str) -> str:
    """The body for one text."""
    return json.dumps({"inputs": text})


@pytest.fixture
def sentiment(model_dirs: dict[str, Path]) -> Path:
    """The directory of a text classifier."""
    return model_dirs["sentiment"]


@pytest.fixture
def changed(sentiment: Path, tmp_path: Path) -> Callable[[str, str], Path]:
    """Make a copy in which a file has another content."""

    def make(name: str, content: str) -> Path:
        directory = Path(shutil.copytree(sentiment, tmp_path / "changed"))
        (directory / name).write_text(content)
        return directory

    return make


@settings(max_examples=40, deadline=None)
@given(st.lists(ITEM, min_size=1, max_size=8))
def test_together_as_alone(
    handler: Handled, model_dirs: dict[str, Path], items: list[tuple[str, str | None]]
) -> None:
    """Good ones and bad ones, of any size and kind, in any company."""
    together = handler.invoke(model_dirs["sentiment"], *items)
    alone = [handler.invoke(model_dirs["sentiment"], item)[0] for item in items]
    for one, other in zip(together, alone, strict=True):
        assert one[:2] == other[:2]
        assert _parsed(one) == _parsed(other, _about)


def test_a_fault_is_told_to_whose_it_is(handler: Handled, sentiment: Path) -> None:
    """Each with its status, among others that are well."""
    good, bad, lines, picture = handler.invoke(
        sentiment,
        asking("good"),
        '{"inputs": "good"',
        ('{"inputs": "good"}\n{"inputs": ["bad", "awful"]}', LINES),
        ("…", "image/png"),
    )
    assert (good.status, good.content_type) == (200, JSON)
    assert (bad.status, bad.content_type) == (400, JSON)
    assert bad.json["error"].startswith("Not valid JSON at line 1, character 18: ")
    assert (lines.status, lines.content_type) == (200, LINES)
    assert [len(json.loads(line)["predictions"]) for line in lines.text.splitlines()] == [1, 2]
    assert picture.status == 415


def test_all_may_be_at_fault(handler: Handled, sentiment: Path) -> None:
    """Then the model is not asked at all."""
    handler.signature_calls(sentiment)
    assert [answer.status for answer in handler.invoke(sentiment, "", "{")] == [400, 400]
    assert handler.signature_calls(sentiment) == []


def test_like_texts_are_one_call(handler: Handled, sentiment: Path) -> None:
    """Of however many callers; of one, too."""
    handler.signature_calls(sentiment)
    handler.invoke(sentiment, *[asking("a good film")] * 32)
    [(texts, tokens)] = handler.signature_calls(sentiment)
    assert texts == 32
    handler.invoke(sentiment, asking("a good film"))
    assert handler.signature_calls(sentiment) == [(1, tokens)]


def test_a_long_text_does_not_make_the_others_longer(handler: Handled, sentiment: Path) -> None:
    """It has a call of its own."""
    handler.signature_calls(sentiment)
    long = asking("good film " * 100)
    handler.invoke(sentiment, asking("good"), long, *[asking("bad")] * 14)
    calls = sorted(handler.signature_calls(sentiment))
    assert [texts for texts, _ in calls] == [1, 15]
    assert calls[0][1] == 64
    assert calls[1][1] < 10


def test_an_answer_that_would_not_pass(
    handler: Handled, changed: Callable[[str, str], Path]
) -> None:
    """Is measured for each caller; the three together are larger by far."""
    directory = changed("labels.json", json.dumps(["n" * 1_500_000, "p" * 1_500_000]))
    one, two, other = handler.invoke(
        directory, asking("good"), '{"inputs": ["good", "bad"]}', asking("bad")
    )
    assert (one.status, two.status, other.status) == (200, 413, 200)
    assert len(one.text) > 4_500_000
    assert two.json["error"].startswith("The answer has 9")


def test_a_text_on_which_the_model_fails(
    handler: Handled, sentiment: Path, changed: Callable[[str, str], Path]
) -> None:
    """A token that the tokenizer has and the model has not: 503, for that caller only."""
    tokenizer = json.loads((sentiment / "tokenizer.json").read_text())
    tokenizer["added_tokens"].append(
        {**tokenizer["added_tokens"][0], "id": 400, "content": "abyss", "special": False}
    )
    directory = changed("tokenizer.json", json.dumps(tokenizer))
    one, two, three, four = handler.invoke(
        directory, asking("good"), asking("abyss"), "{", asking("awful")
    )
    assert (one.status, two.status, three.status, four.status) == (200, 503, 400, 200)
    assert two.json["error"].startswith("The model failed: ")
    assert "\n" not in two.json["error"]
    assert one.json["predictions"][0]["label"] == "positive"
    assert four.json["predictions"][0]["label"] == "negative"


def test_a_plain_saved_model_is_asked_once_for_each(handler: Handled, typed_dir: Path) -> None:
    """Rows may depend on each other: here on their mean."""
    first, second = handler.invoke(
        typed_dir,
        '{"signature_name": "mean", "inputs": [1, 2, 6]}',
        '{"signature_name": "mean", "inputs": [100]}',
    )
    assert first.json["outputs"]["mean"] == 3
    assert second.json["outputs"]["mean"] == 100


def test_a_plain_saved_models_faults(handler: Handled, typed_dir: Path) -> None:
    """Each caller's own, also what would be the end of the whole batch: 507, and 503."""
    answers = handler.invoke(
        typed_dir,
        '{"signature_name": "version", "inputs": {}}',
        '{"signature_name": "greedy", "inputs": 16}',
        '{"signature_name": "content", "inputs": ["/nowhere"]}',
        '{"signature_name": "waves", "inputs": [1]}',
        '{"signature_name": "nobody", "inputs": [1]}',
        '{"signature_name": "version", "inputs": {}}',
    )
    assert [answer.status for answer in answers] == [200, 507, 503, 500, 400, 200]
    assert answers[1].json["error"].startswith("There is no memory left for this: ")
    assert answers[2].json["error"] == "The model failed: /nowhere; No such file or directory."
    assert answers[5].json == {"outputs": "1.0"}


def _parsed(answered: Answered, number: Callable[[str], object] = float) -> object:
    return [json.loads(line, parse_float=number) for line in answered.text.splitlines()]


def _about(digits: str) -> object:
    """The sixth digit of a score may be another in other company."""
    return pytest.approx(float(digits), abs=2e-6)
