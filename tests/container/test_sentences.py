"""The labelled sentences: that they were written one by one, and that bad lines are named."""

from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from container.models import real, tiny
from container.models.labelled import BadSentencesError, Example, essence, parse, read

REAL = [model.name for model in real.MODELS]
TINY = [model.name for model in tiny.MODELS]


def shares(one: Example, other: Example) -> float:
    """How much of the words of two texts they have in common."""
    words, other_words = set(essence(one.text).split()), set(essence(other.text).split())
    return len(words & other_words) / len(words | other_words)


def runs(example: Example, length: int) -> set[tuple[str, ...]]:
    """All runs of so many words in a text."""
    words = essence(example.text).split()
    return {tuple(words[start : start + length]) for start in range(len(words) - length + 1)}


@pytest.mark.parametrize("name", REAL + TINY)
def test_they_can_be_read(name: str) -> None:
    """No bad line, no text twice, and each label in each file: `read` would raise."""
    sentences = read(name)
    assert len(sentences.labels) >= 2
    counts = Counter(example.label for example in sentences.learned)
    assert len(set(counts.values())) == 1, f"no label is learned more often: {counts}"


@pytest.mark.parametrize("name", REAL)
def test_there_are_enough(name: str) -> None:
    """At least 300 learned and 84 held out, and the labels equally often."""
    sentences = read(name)
    assert len(sentences.learned) >= 300
    assert len(sentences.held_out) >= 84
    counts = Counter(example.label for example in sentences.held_out)
    assert len(set(counts.values())) == 1, counts


@pytest.mark.parametrize("name", REAL)
def test_they_are_sentences(name: str) -> None:
    """From 2 words to 30, short and long ones, ending as sentences do."""
    sentences = read(name)
    lengths = []
    for example in (*sentences.learned, *sentences.held_out):
        lengths.append(len(example.text.split()))
        assert example.text[-1] in ".!?", example
        assert example.text[0].isupper() or not example.text[0].isalpha(), example
    assert min(lengths) >= 2
    assert 25 <= max(lengths) <= 30
    assert len(set(lengths)) >= 12


@pytest.mark.parametrize("name", REAL)
def test_they_come_from_no_template(name: str) -> None:
    """Not more than three begin with the same four words, or share a run of six."""
    sentences = read(name)
    every = (*sentences.learned, *sentences.held_out)
    beginnings = Counter(tuple(essence(example.text).split()[:4]) for example in every)
    assert [start for start, count in beginnings.items() if count > 3] == []
    inner = Counter(run for example in every for run in runs(example, 6))
    assert [run for run, count in inner.items() if count > 2] == []


@pytest.mark.parametrize("name", REAL)
def test_what_is_held_out_is_not_learned_in_other_words(name: str) -> None:
    """Otherwise the accuracy would measure memory."""
    sentences = read(name)
    alike = [
        (held_out.text, learned.text)
        for held_out in sentences.held_out
        for learned in sentences.learned
        if shares(held_out, learned) >= 0.5 or runs(held_out, 5) & runs(learned, 5)
    ]
    assert alike == []


@pytest.mark.parametrize("name", REAL)
def test_no_sentence_is_learned_twice_in_other_words(name: str) -> None:
    """Two may be alike where a word or two turn the label: that is what is to be learned."""
    learned = read(name).learned
    alike = [
        (one.text, other.text)
        for one, other in combinations(learned, 2)
        if one.label == other.label and shares(one, other) >= 0.5
    ]
    assert alike == []


def files(directory: Path, learned: str, held_out: str, phrases: str | None = None) -> None:
    """The sentences of a model `x`."""
    (directory / "x.learned.tsv").write_text(learned, encoding="utf-8")
    (directory / "x.held-out.tsv").write_text(held_out, encoding="utf-8")
    if phrases is not None:
        (directory / "x.phrases.tsv").write_text(phrases, encoding="utf-8")


def test_files_are_read(tmp_path: Path) -> None:
    """Labels in the order of the file, phrases if there are any, a last line without an end."""
    files(tmp_path, "b\tOne.\na\tTwo.\n", "a\tThree.\nb\tFour.")
    sentences = read("x", tmp_path)
    assert sentences.labels == ("b", "a")
    assert sentences.learned == (Example("b", "One."), Example("a", "Two."))
    assert sentences.phrases == ()
    assert sentences.numbered(sentences.held_out) == (["Three.", "Four."], [1, 0])

    files(tmp_path, "b\tOne.\na\tTwo.\n", "a\tThree.\nb\tFour.\n", "a\tfive six\n")
    assert read("x", tmp_path).phrases == (Example("a", "five six"),)


def test_every_bad_line_is_named(tmp_path: Path) -> None:
    """With its file and number, whichever of the files it stands in."""
    files(
        tmp_path,
        "a\tOne.\nb Two.\nb\tTwo.\n\nb\tToo\tmuch.\nB\tThree.\n",
        "a\t ONE!\nb\t...\nc\tFour.\na\ttwo\n",
        "b\tfive\nd\tsix\n",
    )
    with pytest.raises(BadSentencesError) as raised:
        read("x", tmp_path)
    assert str(raised.value).splitlines() == [
        "x.learned.tsv:2: a line is a label, one tab and a sentence",
        "x.learned.tsv:4: a line is a label, one tab and a sentence",
        "x.learned.tsv:5: a line is a label, one tab and a sentence",
        "x.learned.tsv:6: 'B' is no label: small letters and hyphens",
        "x.phrases.tsv:2: 'd' is a label that is not learned",
        "x.held-out.tsv:1: ' ONE!' is no sentence, or has spaces around it",
        "x.held-out.tsv:2: '...' is no sentence, or has spaces around it",
        "x.held-out.tsv:3: 'c' is a label that is not learned",
        "x.held-out.tsv:4: this stands in x.learned.tsv:3 already",
        "x: no 'b' is held out",
    ]


@given(st.text(max_size=40))
def test_any_line_is_parsed_or_refused(line: str) -> None:
    """A line that is accepted is put together again from what was read."""
    try:
        example = parse(line)
    except BadSentencesError as error:
        assert str(error)
    else:
        assert f"{example.label}\t{example.text}" == line


@given(
    st.from_regex("[a-z][a-z-]*", fullmatch=True), st.from_regex(r"\w[\w ,.]*\w", fullmatch=True)
)
def test_what_is_well_formed_is_accepted(label: str, text: str) -> None:
    """Any label and any text with a word in it."""
    assert parse(f"{label}\t{text}") == Example(label, text)
