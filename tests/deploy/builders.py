"""Stand-ins for docker, podman and buildah: executables that note how they were called."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

VERSIONS = {
    "docker": "Docker version 28.2.2, build e6534b4",
    "podman": "podman version 4.3.1",
    "buildah": "buildah version 1.28.2 (image-spec 1.1.0-rc2, runtime-spec 1.0.2-dev)",
}

# It keeps its images as file names in a folder, as a builder keeps them in its store.
_PROGRAM = """#!{python} -IS
import json, os, sys
from pathlib import Path

home = Path({home!r})
arguments = sys.argv[1:]
call = {{"arguments": arguments, "environment": dict(os.environ)}}
word = next((word for word in arguments if word not in ("buildx",)), "")
if word == "login":
    call["standard_input"] = sys.stdin.read()
    folder = os.environ.get("DOCKER_CONFIG") or os.path.dirname(os.environ["REGISTRY_AUTH_FILE"])
    call["folder"] = folder
    call["folder_mode"] = oct(os.stat(folder).st_mode & 0o777)
    if os.environ.get("DOCKER_CONFIG"):
        call["config"] = json.loads(Path(folder, "config.json").read_text())
        call["config_entries"] = sorted(os.listdir(folder))
with (home / "calls.jsonl").open("a") as calls:
    print(json.dumps(call), file=calls)

if arguments == ["--version"]:
    print({version!r})
    raise SystemExit
failure = home / ("fails-" + word)
if failure.exists():
    print(failure.read_text(), file=sys.stderr)
    raise SystemExit(1)
store = home / "store"
if word == "images":
    name = arguments[2].removeprefix("reference=")
    if (store / name).exists():
        print("2.44 GB")
elif word in ("build", "version"):
    if word == "version" and not (home / "has-buildx").exists():
        raise SystemExit(1)
    if "--tag" in arguments:
        print("STEP 1/12: FROM debian:bookworm-slim")
        (store / arguments[arguments.index("--tag") + 1]).touch()
        for edited in home.glob("edit-during-build"):
            Path(edited.read_text()).write_text("changed = True\\n")
elif word == "rmi":
    (store / arguments[1]).unlink()
"""


@dataclass(frozen=True)
class FakeBuilder:
    """One of them, and what can be said of it afterwards."""

    kind: str
    home: Path
    path: Path

    def calls(self, word: str) -> list[dict[str, object]]:
        """The calls whose arguments begin with a word, `buildx` left aside."""
        return [call for call in self.all_calls() if _words(call)[:1] == [word]]

    def all_calls(self) -> Iterator[dict[str, object]]:
        """Every call, in order, but for `--version`."""
        noted = self.home / "calls.jsonl"
        for line in noted.read_text().splitlines() if noted.exists() else ():
            call = json.loads(line)
            if call["arguments"] != ["--version"]:
                yield call

    def arguments(self, word: str) -> list[list[str]]:
        """The arguments of those calls."""
        return [_strings(call["arguments"]) for call in self.calls(word)]

    def environment(self, word: str) -> dict[str, str]:
        """The environment of the only such call."""
        [call] = self.calls(word)
        environment = call["environment"]
        assert isinstance(environment, dict)
        return environment

    def fails(self, word: str, says: str) -> None:
        """Let the subcommand fail with these words."""
        (self.home / f"fails-{word}").write_text(says)

    def has_buildx(self) -> None:
        """Give docker its BuildKit front end."""
        (self.home / "has-buildx").touch()

    def edits_during_build(self, path: Path) -> None:
        """Let somebody write to a file while an image is built."""
        (self.home / "edit-during-build").write_text(str(path))

    def images(self) -> list[str]:
        """What its store holds."""
        return sorted(path.name for path in (self.home / "store").iterdir())


def install(kind: str, folder: Path, name: str | None = None) -> FakeBuilder:
    """Put a stand-in into a folder of PATH, by its own name or another."""
    home = folder.parent / f"{folder.name}-{name or kind}"
    (home / "store").mkdir(parents=True)
    folder.mkdir(exist_ok=True)
    path = folder / (name or kind)
    path.write_text(
        _PROGRAM.format(python=sys.executable, home=str(home), version=VERSIONS.get(kind, kind))
    )
    path.chmod(0o755)
    return FakeBuilder(kind, home, path)


def environment(folder: Path, **settings: str) -> dict[str, str]:
    """An environment whose PATH is this folder alone."""
    kept = {name: os.environ[name] for name in os.environ if name.startswith("AWS_")}
    return kept | {"PATH": str(folder), "HOME": str(folder.parent)} | settings


def _words(call: dict[str, object]) -> list[str]:
    return [word for word in _strings(call["arguments"]) if word != "buildx"]


def _strings(value: object) -> list[str]:
    assert isinstance(value, list)
    return [str(item) for item in value]
