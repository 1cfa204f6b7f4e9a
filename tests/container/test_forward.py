"""The form in which models are exported."""

from pathlib import Path

from tests.container.environments import run_in_models


def test_it_answers_as_transformers_own(tmp_path: Path) -> None:
    """With weights, masks and types of every kind; else the script fails."""
    run_in_models("forward_model.py", tmp_path / "0")
