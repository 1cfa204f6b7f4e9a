"""What builds models: when it builds, what it says of them, and what it refuses to pack."""

import shutil
import tarfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from container.models import build
from container.models.labelled import BadSentencesError, Sentences, read
from local.terminal import Terminal

NAME = "sentiment-tiny"


class Opinionated:
    """A classifier that is wrong about so many positive sentences."""

    def __init__(self, sentences: Sentences, mistakes: int) -> None:
        self.labels = sentences.labels
        self._right = {example.text: example.label for example in sentences.held_out}
        self._wrong = [e.text for e in sentences.held_out if e.label == "positive"][:mistakes]

    def classify(self, texts: Sequence[str]) -> list[list[float]]:
        """Right, or certain of the other label."""
        given = [
            next(label for label in self.labels if label != self._right[text])
            if text in self._wrong
            else self._right[text]
            for text in texts
        ]
        return [[float(label == answer) for label in self.labels] for answer in given]


def train(sentences: Sentences, directory: Path, report: build.Report) -> None:
    """Leave something that can be packed."""
    report(f"{len(sentences.learned)} sentences")
    (directory / "0").mkdir()
    (directory / "0" / "saved_model.pb").write_bytes(b"graph")


def built(monkeypatch: pytest.MonkeyPatch, archive: Path, mistakes: int) -> build.Model:
    """Build a model that is wrong about so many of the eight positive sentences."""
    model = build.Model(NAME, train)
    monkeypatch.setattr(build, "load", lambda _: Opinionated(read(NAME), mistakes))
    build.build(model, archive, "the digest", Terminal())
    return model


def test_what_is_good_enough_is_packed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With its accuracy told, for each label too, and what it took for what."""
    archive = tmp_path / "model.tar.gz"
    built(monkeypatch, archive, mistakes=2)
    with tarfile.open(archive) as tar:
        assert {"0/saved_model.pb", "labels.json", "warmup.json"} < set(tar.getnames())
    assert build.built_from(archive) == "the digest"
    told = capsys.readouterr().out
    assert "accuracy 0.875 on 16 held-out sentences" in told
    assert "negative 1.00, positive 0.75" in told
    assert "positive taken for negative: 2" in told


def test_what_is_not_good_enough_is_not_packed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """13 of 16 are too few."""
    archive = tmp_path / "model.tar.gz"
    with pytest.raises(build.BuildError) as raised:
        built(monkeypatch, archive, mistakes=3)
    assert str(raised.value) == (
        f"{NAME} is right about 0.812 of the held-out sentences, and 0.85 is asked for; "
        "nothing was packed."
    )
    assert not archive.exists()


def test_no_mistakes_are_told_as_such() -> None:
    """Where there is nothing that was taken for something else."""
    measured = build.Measured(Counter({("a", "a"): 3, ("b", "b"): 1}))
    assert measured.accuracy == 1
    assert measured.lines()[1:] == ["a 1.00, b 1.00", "no mistakes"]


def test_a_digest_changes_with_what_its_model_is_made_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own sentences and all code, but not the sentences of others."""
    source = Path(build.__file__).parents[1]
    container = tmp_path / "container"
    shutil.copytree(source, container, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(build, "_CONTAINER", container)
    one, other = build.Model("sentiment", train), build.Model("topic", train)
    before = build.source_digest(one), build.source_digest(other)
    assert before[0] != before[1]

    with (container / "models" / "sentences" / "topic.learned.tsv").open("a") as file:
        file.write("sports\tThe umpire fell asleep.\n")
    assert build.source_digest(one) == before[0]
    assert build.source_digest(other) != before[1]

    sources = (
        "models/head.py",
        "models/NOTICE",
        "handler/classifier.py",
        "requirements-build.txt",
    )
    for changed in sources:
        before = build.source_digest(one), before[1]
        with (container / changed).open("a") as file:
            file.write("\n")
        assert build.source_digest(one) != before[0], changed


def test_a_bad_line_stops_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line is named, and the status says that it failed."""

    def bad(_: str) -> Sentences:
        raise BadSentencesError("x.learned.tsv:3: a line is …")

    monkeypatch.setattr(build, "read", bad)
    assert build.main("x", [build.Model("x", train)], ["--out", str(tmp_path)]) == 1
    assert capsys.readouterr().err == "dormouse: x.learned.tsv:3: a line is …\n"
