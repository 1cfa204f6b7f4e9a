"""A fake AWS for each test, and the CLI run against it: in this process, or on a terminal."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dormouse_cli.app import main
from tests.client import fake_aws
from tests.client.screen import Screen

CLIENT = Path(__file__).parents[2] / "client"


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The JSON on standard output."""
        return json.loads(self.out)

    @property
    def error(self) -> Any:
        """The JSON on standard error."""
        return json.loads(self.err)["error"]


Run = Callable[..., Ran]
OpenScreen = Callable[..., Screen]


@pytest.fixture
def aws() -> Iterator[fake_aws.FakeAws]:
    """AWS with a stack `dormouse`, whose endpoint is asleep."""
    with fake_aws.running() as server:
        yield server


@pytest.fixture
def environment(aws: fake_aws.FakeAws, tmp_path: Path) -> Mapping[str, str]:
    """Nothing of the developer's own account, profile or terminal."""
    return {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": aws.url,
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_REGION": fake_aws.REGION,
        "NO_PROXY": "127.0.0.1",
        "PYTHONPATH": str(CLIENT),
        "TZ": "UTC",
    }


@pytest.fixture
def run(
    environment: Mapping[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Run:
    """Run the CLI in this process, with neither end a terminal."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "DORMOUSE_"))]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    for name in ("POLL_SECONDS", "DECISION_SECONDS", "AT_ONCE_SECONDS"):
        monkeypatch.setattr(f"dormouse_cli.waiting.{name}", 0.05)

    def run(*arguments: str | Path) -> Ran:
        capfd.readouterr()
        code = main([str(argument) for argument in arguments])
        printed = capfd.readouterr()
        return Ran(code, printed.out, printed.err)

    return run


@pytest.fixture
def screen(environment: Mapping[str, str], tmp_path: Path) -> Iterator[OpenScreen]:
    """Run the CLI on a terminal of 80 columns and 24 lines."""
    opened: list[Screen] = []

    def open_screen(*arguments: str | Path, **more: str) -> Screen:
        command = ["-m", "dormouse_cli", *(str(argument) for argument in arguments)]
        terminal = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "LANG": "C.UTF-8"}
        env = {**environment, **terminal, **more}
        opened.append(Screen(sys.executable, command, env, tmp_path))
        return opened[-1]

    yield open_screen
    for one in opened:
        one.close()
