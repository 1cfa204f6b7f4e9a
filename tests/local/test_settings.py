"""The local AWS's settings."""

from dataclasses import fields
from pathlib import Path

import pytest

from local import settings
from local.settings import LocalSettings, SettingsError, environment_of, parse


def test_every_field_can_be_set() -> None:
    """The table of types names each field, and each has an argument."""
    assert set(settings._TYPES) == {field.name for field in fields(LocalSettings)}


def test_the_argument_wins_over_the_environment() -> None:
    """And what neither says is as it was."""
    parsed = parse(["--port", "5000"], {"LOCAL_PORT": "4000", "LOCAL_CREATE_SECONDS": "1.5"})
    assert (parsed.port, parsed.create_seconds) == (5000, 1.5)
    assert parsed.delete_seconds == LocalSettings().delete_seconds


def test_a_written_environment_reads_back_the_same(tmp_path: Path) -> None:
    """The server hands its settings to the emulator in this way."""
    given = LocalSettings(port=1, state_dir=tmp_path, log_file=tmp_path / "log", create_seconds=0)
    assert parse([], environment_of(given)) == given


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"LOCAL_PORT": "x"}, "LOCAL_PORT must be a whole number, not 'x'."),
        ({"LOCAL_LOAD_SECONDS": "x"}, "LOCAL_LOAD_SECONDS must be a number of seconds, not 'x'."),
        *(
            (
                {"LOCAL_LOAD_SECONDS": bad},
                f"LOCAL_LOAD_SECONDS must be finite and not negative, but is {bad}.",
            )
            for bad in ("-1", "nan", "inf")
        ),
        *(
            ({"LOCAL_PORT": bad}, f"LOCAL_PORT must be from 1 to 65535, but is {bad}.")
            for bad in ("0", "65536")
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named(environment: dict[str, str], sentence: str) -> None:
    """By the variable, in one sentence."""
    with pytest.raises(SettingsError) as raised:
        parse([], environment)
    assert str(raised.value) == sentence
