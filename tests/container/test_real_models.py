"""The real models, as the container loads them from the archives that `make models` builds."""

import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from container.models import build
from container.models.build import LEAST_ACCURACY, built_from, source_digest
from container.models.labelled import read
from container.models.pretrained import WEIGHTS, PretrainedError, verified
from container.models.real import MODELS, main
from tests.container.environments import ROOT, container_python, real_models_dir

# Runs where there is TensorFlow: asks for all texts at once, and for some one by one.
ASK = """
import json, sys
from pathlib import Path
from container.classifier import Classifier
from container.model_directory import model_directory

told = json.load(sys.stdin)
classifier = Classifier(model_directory(Path(told["directory"])))
alone = [classifier.classify([text])[0] for text in told["alone"]]
print(json.dumps({
    "labels": classifier.labels,
    "together": classifier.classify(told["together"]),
    "alone": alone,
}))
"""


@pytest.fixture(scope="session")
def real_archives() -> Path:
    """The folder of sentiment.tar.gz and topic.tar.gz."""
    return real_models_dir()


def ask(archive: Path, directory: Path, together: list[str], alone: list[str]) -> Any:
    """Let the container's own classifier answer."""
    with tarfile.open(archive) as packed:
        packed.extractall(directory, filter="data")
    asked = {"directory": str(directory), "together": together, "alone": alone}
    answered = subprocess.run(
        [container_python(), "-c", ASK],
        input=json.dumps(asked),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answered.returncode == 0, answered.stderr
    return json.loads(answered.stdout.splitlines()[-1])


def best(rows: list[list[float]], labels: list[str]) -> list[str]:
    """The label of each row."""
    return [labels[row.index(max(row))] for row in rows]


@pytest.mark.parametrize("name", [model.name for model in MODELS])
def test_what_was_held_out_is_told(real_archives: Path, tmp_path: Path, name: str) -> None:
    """At least so often as is promised; and a text means the same alone as among others."""
    examples = read(name).held_out
    texts = [example.text for example in examples]

    answered = ask(real_archives / f"{name}.tar.gz", tmp_path, texts, texts[::20])

    given = best(answered["together"], answered["labels"])
    right = [label == example.label for label, example in zip(given, examples, strict=True)]
    assert sum(right) / len(right) >= LEAST_ACCURACY
    assert best(answered["alone"], answered["labels"]) == given[::20]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_an_archive_says_whose_its_weights_are(real_archives: Path, model: build.Model) -> None:
    """NOTICE travels with them, and the digest of what they were built from."""
    archive = real_archives / f"{model.name}.tar.gz"
    with tarfile.open(archive) as packed:
        notice = packed.extractfile("NOTICE")
        assert notice is not None
        assert b"all-MiniLM-L6-v2" in notice.read()
    assert built_from(archive) == source_digest(model)


def test_what_is_up_to_date_is_not_built_again(
    real_archives: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """This interpreter has no TensorFlow, so it could not."""
    assert main(["--out", str(real_archives)]) == 0
    assert capsys.readouterr().out.count("is up to date") == len(MODELS)


def test_other_weights_are_refused(tmp_path: Path) -> None:
    """By the file that is missing, or is not what it should be; nothing is built from it."""
    with pytest.raises(PretrainedError, match=f"lacks {WEIGHTS}"):
        verified(tmp_path)
    (tmp_path / WEIGHTS).write_bytes(b"something else")
    with pytest.raises(PretrainedError, match=f"{WEIGHTS} of .* is not the file it should be"):
        verified(tmp_path)
