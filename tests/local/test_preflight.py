"""A machine that can't run the demo is told so in one sentence, before anything is downloaded."""

import platform
from importlib.util import find_spec

import pytest

from local.preflight import obstacle


def on(monkeypatch: pytest.MonkeyPatch, system: str, machine: str, python: str) -> str | None:
    """Ask as if on such a machine."""
    implementation, version = python.split()
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(platform, "python_implementation", lambda: implementation)
    monkeypatch.setattr(platform, "python_version", lambda: version)
    return obstacle()


@pytest.mark.parametrize("python", ["CPython 3.11.2", "CPython 3.12.9"])
def test_what_it_is_made_for(monkeypatch: pytest.MonkeyPatch, python: str) -> None:
    """Nothing is in the way."""
    assert on(monkeypatch, "Linux", "x86_64", python) is None


@pytest.mark.parametrize(
    ("system", "machine", "python", "named"),
    [
        ("Darwin", "arm64", "CPython 3.11.2", "this is Darwin arm64"),
        ("Linux", "aarch64", "CPython 3.11.2", "this is Linux aarch64"),
        ("Linux", "x86_64", "CPython 3.13.0", "found CPython 3.13.0"),
        ("Linux", "x86_64", "CPython 3.1.4", "found CPython 3.1.4"),
        ("Linux", "x86_64", "PyPy 3.11.0", "found PyPy 3.11.0"),
    ],
)
def test_what_it_is_not_made_for_is_named(
    monkeypatch: pytest.MonkeyPatch, system: str, machine: str, python: str, named: str
) -> None:
    """With what to do, where something can be done."""
    found = on(monkeypatch, system, machine, python)

    assert found is not None
    assert named in found


def test_a_python_without_venv_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian ships it apart."""
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name == "ensurepip" else find_spec(name)
    )

    found = on(monkeypatch, "Linux", "x86_64", "CPython 3.11.2")

    assert found is not None
    assert "apt install python3.11-venv" in found
