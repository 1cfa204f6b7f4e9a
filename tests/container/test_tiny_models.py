"""The tiny models and what builds them; test_serving.py asks them what they know."""

import tarfile
from pathlib import Path

import pytest

from container.models import build
from container.models.build import built_from, source_digest
from container.models.tiny import MODELS, main


def test_archives_are_complete(archives: Path) -> None:
    """What model_directory.py asks for, the tokenizer, and the sources that they come from."""
    for model in MODELS:
        with tarfile.open(archives / f"{model.name}.tar.gz") as archive:
            names = set(archive.getnames())
        assert {"0/saved_model.pb", "labels.json", "warmup.json"} < names
        assert {"tokenizer.json", "tokenizer_config.json", "vocab.txt"} < names
        assert built_from(archives / f"{model.name}.tar.gz") == source_digest(model)


def test_what_is_up_to_date_is_not_built_again(
    archives: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """This interpreter has no TensorFlow, so it could not."""
    times = [path.stat().st_mtime_ns for path in sorted(archives.glob("*.tar.gz"))]
    assert main(["--out", str(archives)]) == 0
    assert capsys.readouterr().out.count(" is up to date\n") == len(MODELS)
    assert [path.stat().st_mtime_ns for path in sorted(archives.glob("*.tar.gz"))] == times


def test_what_is_missing_torn_or_older_is_built(
    tmp_path: Path, archives: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An absent archive, the first half of one, and one of other sources."""
    built = []
    monkeypatch.setattr(build, "build", lambda model, *_: built.append(model.name))
    main(["--out", str(tmp_path)])
    assert built == [model.name for model in MODELS]

    built.clear()
    for model in MODELS:
        whole = (archives / f"{model.name}.tar.gz").read_bytes()
        (tmp_path / f"{model.name}.tar.gz").write_bytes(whole[: len(whole) // 2])
    main(["--out", str(tmp_path)])
    assert built == [model.name for model in MODELS]

    built.clear()
    monkeypatch.setattr(build, "source_digest", lambda _: "another")
    main(["--out", str(archives)])
    assert built == [model.name for model in MODELS]
