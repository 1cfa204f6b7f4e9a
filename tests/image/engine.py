"""What builds and runs containers on this machine: docker, or podman with a store of its own."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.builders import Builder, find_builder
from deploy.errors import DeployError
from tests.image.debian_base import machine_settings, make_base

# The Dockerfile's FROM, by its full name: podman then looks for it in no registry.
BASE = "docker.io/library/debian:bookworm-slim"
NEEDED_WITHOUT_DOCKER = ("podman", "runc", "debootstrap")

# Open files, and processes and threads, of a container.
_ENOUGH = 4096


class NoEngineError(Exception):
    """Nothing here can build and run the image; the message says what to install."""


@dataclass(frozen=True, slots=True)
class Engine:
    """docker or podman, called alike.

    `home` is the folder of podman's store, and None where the store is the user's own.
    """

    builder: Builder
    home: Path | None

    @property
    def environment(self) -> Mapping[str, str]:
        """The one that its program and `make image` need."""
        return self.builder.environment

    def run(self, *arguments: str, standard_input: str = "") -> str:
        """Call the program; what it prints.

        Raises:
            subprocess.CalledProcessError: it failed; what it said is a note of the error.
        """
        done = self.attempt(*arguments, standard_input=standard_input)
        try:
            done.check_returncode()
        except subprocess.CalledProcessError as error:
            error.add_note(done.stderr)
            raise
        return done.stdout

    def attempt(
        self, *arguments: str, standard_input: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Call the program, whether it fails or not."""
        return subprocess.run(
            [self.builder.path, *arguments],
            env=dict(self.environment),
            input=standard_input,
            capture_output=True,
            text=True,
            check=False,
        )

    def described(self, kind: str, name: str) -> Any:
        """What `inspect` says of an image or a container."""
        [description] = json.loads(self.run("inspect", "--type", kind, name))
        return description

    def remove_containers(self, label: str) -> None:
        """End and remove whatever has a label, running or not."""
        found = self.run("ps", "--all", "--quiet", "--filter", f"label={label}").split()
        if found:
            self.run("rm", "--force", *found)

    def remove_images(self, name: str, keep: str) -> None:
        """Remove all images of a name but for one tag, where the store is the tests' own."""
        if self.home is None:
            return
        listed = self.run("images", "--format", "{{.Repository}}:{{.Tag}}").split()
        for image in listed:
            if image.startswith(f"{name}:") and image != f"{name}:{keep}":
                self.run("rmi", image)


def find_engine(environment: Mapping[str, str], home: Path) -> Engine:
    """Return docker where a daemon answers; else podman, with its store in a folder.

    Raises:
        NoEngineError: there is neither.
    """
    docker = _docker(environment)
    if docker is not None:
        return Engine(docker, None)
    search = environment.get("PATH", os.defpath)
    missing = [name for name in NEEDED_WITHOUT_DOCKER if not shutil.which(name, path=search)]
    if missing:
        raise NoEngineError(
            "the image can't be built and run here: no docker daemon answers, and there is no "
            f"{' and no '.join(missing)}; `sudo make image-tools` installs what is needed"
        )
    if os.geteuid() != 0:
        raise NoEngineError(
            "the image can't be built and run here: no docker daemon answers, and debootstrap and "
            "podman, with which it is done otherwise, need root"
        )
    return Engine(find_builder(_podman_environment(environment, home)), home)


def provide_base(engine: Engine) -> None:
    """Put a stand-in for the Dockerfile's base into podman's store; docker pulls the real one."""
    if engine.home is None:
        return
    settings = machine_settings(engine.environment)
    made = "localhost/dormouse-base"
    if engine.builder.size_of(f"{made}:{settings.digest}") is not None:
        return
    with tempfile.TemporaryDirectory(prefix="base-", dir=engine.home) as folder:
        root = Path(folder, "root")
        make_base(root, settings)
        archive = Path(folder, "root.tar")
        subprocess.run(["tar", "--numeric-owner", "-cf", archive, "-C", root, "."], check=True)
        engine.run("import", "--os", "linux", "--arch", "amd64", str(archive), BASE)
    # The tag tells what it was made with: other settings make another base, and all layers anew.
    engine.run("tag", BASE, f"{made}:{settings.digest}")
    engine.remove_images(made, keep=settings.digest)


def _docker(environment: Mapping[str, str]) -> Builder | None:
    try:
        builder = find_builder({**environment, "BUILDER": "docker"})
        builder.size_of("scratch")
    except DeployError:
        return None
    # What calls itself podman has no daemon and, alone, no base either.
    return builder if builder.kind == "docker" else None


def _podman_environment(environment: Mapping[str, str], home: Path) -> dict[str, str]:
    """An environment in which podman keeps everything in a folder, and needs no systemd."""
    home.mkdir(parents=True, exist_ok=True)
    storage = {"driver": "overlay", "graphroot": str(home / "store"), "runroot": str(home / "run")}
    containers = {
        # podman's own are above what a machine may allow, and then nothing starts.
        "default_ulimits": [
            _limit("nofile", resource.RLIMIT_NOFILE),
            _limit("nproc", resource.RLIMIT_NPROC),
        ],
        "log_driver": "k8s-file",
    }
    engine = {
        "cgroup_manager": "cgroupfs",
        "events_logger": "none",
        "runtime": "runc",
        "tmp_dir": str(home / "run" / "libpod"),
    }
    (home / "storage.conf").write_text(_toml("storage", storage))
    (home / "containers.conf").write_text(_toml("containers", containers) + _toml("engine", engine))
    return {
        **environment,
        "BUILDER": "podman",
        "BUILDAH_ISOLATION": "chroot",
        "CONTAINERS_CONF": str(home / "containers.conf"),
        "CONTAINERS_STORAGE_CONF": str(home / "storage.conf"),
    }


def _limit(name: str, number: int) -> str:
    hard = resource.getrlimit(number)[1]
    allowed = _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)
    return f"{name}={allowed}:{allowed}"


def _toml(table: str, values: Mapping[str, str | Sequence[str]]) -> str:
    # Strings and lists of strings are written alike in JSON and in TOML.
    lines = [f"{name} = {json.dumps(value)}" for name, value in values.items()]
    return "\n".join([f"[{table}]", *lines, ""])
