"""A stand-in for debian:bookworm-slim, made from Debian's own packages where no registry serves it.

The build inside it has to reach the same mirrors as this machine does, so it carries what the
machine itself is set up with: apt's sources, pip's index, and the certificates both trust. The
stand-in and all that is built on it stay in the checkout's .build folder.
"""

from __future__ import annotations

import ast
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.container.environments import ROOT

CODENAME = "bookworm"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# Of a machine that has no sources of this release, being Ubuntu or another Debian.
USUAL_SOURCES = (
    f"deb http://deb.debian.org/debian {CODENAME} main",
    f"deb http://deb.debian.org/debian {CODENAME}-updates main",
    f"deb http://deb.debian.org/debian-security {CODENAME}-security main",
)
CERTIFICATES = "/usr/local/share/build-certificates.crt"

# What reaches a mirror; the rest of apt's configuration belongs to the machine.
_APT_OPTIONS = (
    "Acquire::Check-Date",
    "Acquire::Check-Valid-Until",
    "Acquire::ForceIPv4",
    "Acquire::Retries",
    "Acquire::http::Proxy",
    "Acquire::http::Timeout",
    "Acquire::https::Proxy",
    "Acquire::https::Timeout",
)
_PIP_OPTIONS = (
    "index-url",
    "extra-index-url",
    "trusted-host",
    "proxy",
    "default-timeout",
    "timeout",
    "retries",
)

# As .slimify-excludes of https://github.com/debuerreotype/debuerreotype has it, which makes slim
# images: a package whose scripts rely on what is in one of these folders must fail here, too.
_LEFT_OUT = ("doc", "groff", "info", "lintian", "linda", "locale", "man")


@dataclass(frozen=True, slots=True)
class MachineSettings:
    """How this machine reaches Debian's packages and PyPI."""

    apt_sources: tuple[str, ...]
    apt_options: str
    pip_options: Mapping[str, str]
    certificates: bytes

    @property
    def digest(self) -> str:
        """Another one for other settings: a base made with them is of no use."""
        parts = (*self.apt_sources, self.apt_options, repr(sorted(self.pip_options.items())))
        own = Path(__file__).read_bytes()
        return hashlib.sha256("\n".join(parts).encode() + self.certificates + own).hexdigest()[:12]


def machine_settings(environment: Mapping[str, str]) -> MachineSettings:
    """Read them from apt and pip themselves, wherever they are written."""
    pip = _pip_configuration(environment)
    bundle = pip.get("cert") or environment.get("SSL_CERT_FILE", "")
    return MachineSettings(
        apt_sources=_apt_sources(),
        apt_options=_said_by("apt-config", "dump", *_APT_OPTIONS),
        pip_options=dict(_pip_options(pip)),
        certificates=Path(bundle).read_bytes() if bundle else b"",
    )


def make_base(folder: Path, settings: MachineSettings) -> None:
    """Fill a folder with the smallest Debian that apt runs in; about half a minute.

    Raises:
        subprocess.CalledProcessError: debootstrap failed; its output says why.
    """
    shutil.rmtree(folder, ignore_errors=True)
    mirror = settings.apt_sources[0].split()[1]
    subprocess.run(
        ["debootstrap", "--variant=minbase", f"--keyring={KEYRING}", CODENAME, folder, mirror],
        # A umask that leaves nothing to others would leave the image's user without a shell.
        umask=0o022,
        check=True,
    )
    _write(folder / "etc/apt/sources.list", "\n".join(settings.apt_sources) + "\n")
    options = settings.apt_options
    if settings.certificates:
        options += f'Acquire::https::CAInfo "{CERTIFICATES}";\n'
        (folder / CERTIFICATES.lstrip("/")).write_bytes(settings.certificates)
    _write(folder / "etc/apt/apt.conf.d/90machine", options)
    pip = dict(settings.pip_options)
    if settings.certificates:
        pip["cert"] = CERTIFICATES
    lines = [f"{name} = {value}" for name, value in pip.items()]
    _write(folder / "etc/pip.conf", "\n".join(["[global]", *lines]) + "\n")
    _make_slim(folder)


def _make_slim(folder: Path) -> None:
    excludes = "".join(f"path-exclude /usr/share/{name}/*\n" for name in _LEFT_OUT)
    _write(folder / "etc/dpkg/dpkg.cfg.d/slim", excludes)
    # The official images keep nothing that apt downloads, so the Dockerfile need not remove it.
    _write(
        folder / "etc/apt/apt.conf.d/docker-clean",
        'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb || true"; };\n'
        'Dir::Cache::pkgcache "";\nDir::Cache::srcpkgcache "";\n',
    )
    for name in _LEFT_OUT:
        for left in (folder / "usr/share" / name).glob("*"):
            shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
    for pattern in ("var/cache/apt/archives/*.deb", "var/cache/apt/*.bin", "var/lib/apt/lists/*_*"):
        for left in folder.glob(pattern):
            left.unlink()


def _apt_sources() -> tuple[str, ...]:
    """The machine's own lines for this release, the one that debootstrap reads first."""
    written = "$(REPO_URI) $(CODENAME) $(COMPONENT)"
    targets = _said_by("apt-get", "indextargets", "--format", written, "Identifier: Packages")
    found = [line.split() for line in targets.splitlines()]
    ours = sorted(target for target in found if target[1].partition("-")[0] == CODENAME)
    lines = [f"deb {uri} {suite} {component}" for uri, suite, component in ours]
    main = [line for line in lines if line.split()[2:] == [CODENAME, "main"]]
    return tuple(main + [line for line in lines if line not in main]) if main else USUAL_SOURCES


def _pip_configuration(environment: Mapping[str, str]) -> dict[str, str]:
    """What pip's files and PIP_… variables say together; the variables win, as they do in pip."""
    python = ROOT / ".venvs" / "uv" / "bin" / "python"
    said = subprocess.run(
        [python if python.exists() else sys.executable, "-m", "pip", "config", "list"],
        env=dict(environment),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    read: dict[str, str] = {}
    for line in said.splitlines():
        name, _, value = line.partition("=")
        section, _, option = name.rpartition(".")
        if section == ":env:" or option not in read:
            read[option] = str(ast.literal_eval(value))
    return read


def _pip_options(configuration: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Those that mean the same in the image: no folder of this machine is there."""
    for name in _PIP_OPTIONS:
        words = configuration.get(name, "").split()
        kept = [word for word in words if not word.startswith("file:")]
        if kept:
            yield name, " ".join(kept)


def _said_by(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
