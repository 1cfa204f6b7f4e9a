"""docker, podman or buildah, whichever there is: one way to call the three."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import DeployError

KINDS = ("docker", "podman", "buildah")
PLATFORM = "linux/amd64"

# SageMaker refuses manifests in the OCI format ("Unsupported manifest media type"), which all three
# make by default: https://github.com/aws/amazon-sagemaker-feedback/issues/180. An attestation would
# turn docker's into an OCI index whatever its media types are asked to be.
_DOCKER_FORMAT = {"BUILDAH_FORMAT": "docker", "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
_BUILDKIT_DOCKER_FORMAT = ("--output", "type=docker,oci-mediatypes=false")

# buildah alone keeps no layers by default, and would install TensorFlow again after each edit.
_KEPT_LAYERS = {"BUILDAH_LAYERS": "true"}


def find_builder(environment: Mapping[str, str]) -> Builder:
    """Return what BUILDER names, or the first of docker, podman and buildah on PATH.

    Raises:
        DeployError: there is none, or BUILDER names something else.
    """
    search = environment.get("PATH", os.defpath)
    asked = environment.get("BUILDER", "")
    for name in [asked] if asked else KINDS:
        path = shutil.which(name, path=search)
        if path is not None:
            return Builder(_kind(path, environment), path, environment)
    if asked:
        raise DeployError(f"BUILDER is {asked}, which is not on PATH")
    raise DeployError(
        "an image needs docker, podman or buildah, and none is on PATH; on Debian and Ubuntu, "
        "`apt install podman` is the shortest way to one"
    )


def _kind(path: str, environment: Mapping[str, str]) -> str:
    """What a program says that it is: `docker` may be podman by another name."""
    said = _run([path, "--version"], environment).stdout
    kind = said.split(" ", 1)[0].lower()
    if kind not in KINDS:
        raise DeployError(f"{path} is neither docker nor podman nor buildah, going by --version")
    return kind


@dataclass(frozen=True, slots=True)
class Builder:
    """A program that builds images, keeps them in a store of its own and pushes them."""

    kind: str
    path: str
    environment: Mapping[str, str]

    def size_of(self, image: str) -> str | None:
        """Return the size of an image in its store, in words, or None where there is no such image.

        Raises:
            DeployError: the program, or its daemon, does not answer.
        """
        wanted = ["images", "--filter", f"reference={image}", "--format", "{{.Size}}"]
        listed = _run([self.path, *wanted], self.environment)
        if listed.returncode != 0:
            raise DeployError(
                f"{self.kind} is installed but does not answer ({_last_line(listed.stderr)}); "
                "start its daemon, or choose another by BUILDER=docker, podman or buildah"
            )
        return listed.stdout.partition("\n")[0].strip() or None

    def build(self, image: str, context: Path, *, anew: bool) -> None:
        """Build a folder's Dockerfile; the builder's own output is the progress.

        Args:
            image: its name and tag.
            context: the folder.
            anew: use nothing that was built or downloaded before.

        Raises:
            DeployError: it could not be built.
        """
        command = [self.path, "build"]
        if self.kind == "docker" and self._has_buildkit():
            command = [self.path, "buildx", "build", *_BUILDKIT_DOCKER_FORMAT]
        command += ["--platform", PLATFORM, "--tag", image]
        if anew:
            command += ["--pull", "--no-cache"]
        environment = {**self.environment, **_DOCKER_FORMAT, **_KEPT_LAYERS}
        if subprocess.run([*command, str(context)], env=environment, check=False).returncode != 0:
            raise DeployError(f"{self.kind} could not build the image; its output above says why")

    def forget(self, image: str) -> None:
        """Take an image's name out of the store."""
        _run([self.path, "rmi", image], self.environment)

    def push(self, image: str, uri: str, password: str) -> None:
        """Push an image of its store to a URI whose registry takes this password of the user AWS.

        The password reaches the program by its standard input, and what the program keeps of it
        goes into a folder that is removed with the push, in memory where the system has such.

        Raises:
            DeployError: the registry refused the login or the push.
        """
        registry = uri.partition("/")[0]
        with tempfile.TemporaryDirectory(
            prefix="dormouse-", dir=_memory(self.environment)
        ) as folder:
            environment = {**self.environment, "REGISTRY_AUTH_FILE": str(Path(folder, "auth.json"))}
            if self.kind == "docker":
                _copy_docker_config(self.environment, Path(folder), registry)
                environment["DOCKER_CONFIG"] = folder
            login = [self.path, "login", "--username", "AWS", "--password-stdin", registry]
            answer = _run(login, environment, standard_input=password)
            if answer.returncode != 0:
                said = _last_line(answer.stderr).replace(password, "…")
                raise DeployError(f"{self.kind} could not log in to {registry} ({said})")
            tagged = _run([self.path, "tag", image, uri], environment)
            if tagged.returncode != 0:
                said = _last_line(tagged.stderr)
                raise DeployError(f"{self.kind} could not tag {image} as {uri} ({said})")
            if subprocess.run([self.path, "push", uri], env=environment, check=False).returncode:
                raise DeployError(
                    f"{self.kind} could not push to {uri}; its output above says why, and where it "
                    "speaks of `denied`, these credentials lack ecr:InitiateLayerUpload, "
                    "ecr:UploadLayerPart, ecr:CompleteLayerUpload or ecr:PutImage"
                )

    def _has_buildkit(self) -> bool:
        return _run([self.path, "buildx", "version"], self.environment).returncode == 0


def _run(
    command: Sequence[str], environment: Mapping[str, str], *, standard_input: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a short command to its end and keep what it says."""
    try:
        return subprocess.run(
            command,
            env=environment,
            input=standard_input,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise DeployError(f"{command[0]} can't be run ({error.strerror})") from error


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else "without a word"


def _memory(environment: Mapping[str, str]) -> str | None:
    """Return a folder that no disk holds, or None where the system has none."""
    for folder in (environment.get("XDG_RUNTIME_DIR"), "/dev/shm"):
        if folder and os.access(folder, os.W_OK | os.X_OK):
            return folder
    return None


def _copy_docker_config(environment: Mapping[str, str], folder: Path, registry: str) -> None:
    """Make a folder the docker configuration that is in use, but for its credentials.

    What it says of contexts is needed (it may be the only way to the daemon); a credential helper
    would keep the password, and some refuse to.
    """
    home = environment.get("HOME", "~")
    usual = Path(environment.get("DOCKER_CONFIG") or Path(home, ".docker")).expanduser()
    try:
        loaded = json.loads((usual / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        loaded = {}
    settings = loaded if isinstance(loaded, dict) else {}
    for name in ("auths", "credsStore", "credHelpers"):
        settings.pop(name, None)
    # Without any entry, docker would look for a helper by itself.
    settings["auths"] = {registry: {}}
    (folder / "config.json").write_text(json.dumps(settings), encoding="utf-8")
    for entry in usual.iterdir() if usual.is_dir() else ():
        if entry.name != "config.json":
            (folder / entry.name).symlink_to(entry.absolute())
