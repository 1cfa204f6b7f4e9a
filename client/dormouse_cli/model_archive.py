"""`model.tar.gz` as SageMaker wants it: the model's files at the root of a gzipped tar archive.

https://docs.aws.amazon.com/sagemaker/latest/dg/create-multi-model-endpoint.html

Only the standard library, since whatever builds models imports it too.
"""

from __future__ import annotations

import gzip
import os
import posixpath
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

# Where the model container looks for the SavedModel.
VERSION = "0"
GRAPH = "saved_model.pb"
VARIABLES = "variables"
# What TensorFlow writes into a SavedModel's directory; the rest beside it belongs to the model.
_PARTS_OF_A_SAVED_MODEL = frozenset(
    {GRAPH, VARIABLES, "assets", "assets.extra", "fingerprint.pb", "keras_metadata.pb"}
)
_MOST_MEMBERS = 100_000
_CHUNK_BYTES = 1 << 20
# What tarfile and zlib raise on archives that are broken or malicious.
_BROKEN = (tarfile.TarError, zlib.error, EOFError, LookupError, RecursionError, ValueError)

Advanced = Callable[[int], object]


class NotAModel(ValueError):
    """The directory or archive can't be a model; the message says what is missing or too much."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What goes into an archive: names with their paths, sorted; notes on what may be amiss."""

    members: Sequence[tuple[str, Path]]
    size_bytes: int
    notes: Sequence[str]


def lay_out(directory: Path) -> Layout:
    """Decide what of a model's directory goes where in its archive.

    The SavedModel lands below `0/`, be it in a numeric directory or at the root; all other files
    keep their places.

    Raises:
        NotAModel: there is not exactly one whole SavedModel, or there is a symlink or a device.
        OSError: it can't be read.
    """
    if not directory.is_dir():
        raise NotAModel(f"{directory} is not a directory.")
    entries = {path.name: path for path in directory.iterdir()}
    if not entries:
        raise NotAModel(f"{directory} is empty.")
    root = _saved_model(directory, entries)
    _require_whole(root)
    members: dict[str, Path] = {}
    if root == directory:
        members[VERSION] = directory
    for path in sorted(directory.rglob("*")):
        _refuse_links(path)
        name = path.relative_to(directory).as_posix()
        top, slash, rest = name.partition("/")
        if root == directory and top in _PARTS_OF_A_SAVED_MODEL:
            name = f"{VERSION}/{name}"
        elif root != directory and top == root.name:
            name = VERSION + slash + rest
        members[name] = path
    notes = []
    if "labels.json" not in members:
        notes.append("There is no labels.json, so it is served as a plain SavedModel.")
    return Layout(
        members=sorted(members.items()),
        size_bytes=sum(path.stat().st_size for path in members.values() if path.is_file()),
        notes=notes,
    )


def _is_version(name: str) -> bool:
    return name.isascii() and name.isdecimal()


def _saved_model(directory: Path, entries: dict[str, Path]) -> Path:
    versions = sorted(name for name, path in entries.items() if _is_version(name) and path.is_dir())
    if len(versions) > 1:
        raise NotAModel(
            f"{directory} has several versions: {', '.join(versions)}. Keep one, since each model "
            "of a multi-model endpoint is an archive of its own."
        )
    if GRAPH in entries and versions:
        raise NotAModel(
            f"{directory} has two SavedModels, {GRAPH} and {versions[0]}/. Keep one of them."
        )
    if GRAPH in entries:
        return directory
    if not versions:
        raise NotAModel(f"{directory} has no SavedModel: neither 0/{GRAPH} nor {GRAPH} is there.")
    return entries[versions[0]]


def _require_whole(root: Path) -> None:
    _refuse_links(root)
    if not (root / GRAPH).is_file():
        raise NotAModel(f"{root} is no SavedModel: {GRAPH} is missing.")
    if not (root / VARIABLES).is_dir():
        raise NotAModel(f"{root} is no whole SavedModel: {VARIABLES}/ is missing.")


def _refuse_links(path: Path) -> None:
    if path.is_symlink():
        raise NotAModel(f"{path} is a symlink: put the file itself there.")
    if not (path.is_file() or path.is_dir()):
        raise NotAModel(f"{path} is neither a file nor a directory.")


def pack(model_dir: Path, archive: Path) -> None:
    """Write all files below `model_dir` to `archive`, replacing it at once or not at all.

    The same files give the same bytes: sorted, without times, owners or the umask's mode. Raises
    ValueError for anything that is neither a file nor a directory, and for an empty `model_dir`.
    """
    paths = sorted(model_dir.rglob("*"), key=lambda path: path.relative_to(model_dir).as_posix())
    if not paths:
        raise ValueError(f"There is no file in {model_dir}.")
    write(((path.relative_to(model_dir).as_posix(), path) for path in paths), archive)


def write(
    members: Iterable[tuple[str, Path]], archive: Path, advanced: Advanced | None = None
) -> None:
    """Write members in this order to `archive`, replacing it at once or not at all.

    `advanced` hears how many bytes of the files have been read since it was last called.
    """
    archive.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{archive.name}.", dir=archive.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            # An empty name and time 0: both would go into gzip's header.
            with (
                gzip.GzipFile("", "wb", fileobj=file, mtime=0) as zipped,
                tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as tar,
            ):
                for member, path in members:
                    _add(tar, path, member, advanced)
            os.fchmod(descriptor, 0o644)
            file.flush()
            os.fsync(descriptor)
        Path(name).replace(archive)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _add(tar: tarfile.TarFile, path: Path, name: str, advanced: Advanced | None) -> None:
    if path.is_symlink() or not (path.is_file() or path.is_dir()):
        raise ValueError(f"{path} is neither a file nor a directory.")
    member = tarfile.TarInfo(name)
    if path.is_dir():
        member.type, member.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(member)
        return
    member.size, member.mode = path.stat().st_size, 0o644
    with path.open("rb") as file:
        tar.addfile(member, file if advanced is None else _Counted(file, advanced))


def require_model(archive: Path, advanced: Advanced | None = None) -> None:
    """Read a whole archive and see that it can be a model: a gzipped tar with one SavedModel.

    Raises:
        NotAModel: it is broken, holds what a model has no business with, or no SavedModel.
        OSError: it can't be read.
    """
    with archive.open("rb") as file:
        counted = file if advanced is None else _Counted(file, advanced)
        try:
            # A reader of its own, so that what follows the tar is read too, up to gzip's checksum.
            with gzip.GzipFile(fileobj=counted, mode="rb") as zipped:
                names = _names(zipped, archive)
                while zipped.read(_CHUNK_BYTES):
                    pass
        except NotAModel:
            raise
        except (gzip.BadGzipFile, *_BROKEN) as error:
            why = str(error) or type(error).__name__
            raise NotAModel(f"{archive} is no readable tar.gz archive: {why}.") from error
    graphs = {name for name in names if posixpath.basename(name) == GRAPH}
    versions = {name for name in graphs if _is_version(posixpath.dirname(name))}
    if len(versions) > 1:
        raise NotAModel(f"{archive} holds several versions: {', '.join(sorted(versions))}.")
    if versions:
        return
    if graphs:
        raise NotAModel(
            f"{archive} has its SavedModel at {min(graphs)}, but it must lie at 0/{GRAPH}; "
            "`dormouse models build` puts it there."
        )
    raise NotAModel(f"{archive} holds no SavedModel: 0/{GRAPH} is missing.")


def _names(zipped: gzip.GzipFile, archive: Path) -> set[str]:
    names: set[str] = set()
    with tarfile.open(fileobj=zipped, mode="r|") as tar:
        for count, member in enumerate(tar, 1):
            if count > _MOST_MEMBERS:
                raise NotAModel(f"{archive} has more than {_MOST_MEMBERS} members.")
            name = posixpath.normpath(member.name)
            if name.startswith("/") or name == ".." or name.startswith("../"):
                raise NotAModel(f"{archive} holds {member.name!r}, which leads out of it.")
            if not (member.isreg() or member.isdir()):
                raise NotAModel(f"{archive} holds {name!r}, neither a file nor a directory.")
            if member.isreg():
                names.add(name)
    return names


class _Counted:
    """A file that tells how far it has been read."""

    def __init__(self, file: BinaryIO, advanced: Advanced) -> None:
        self._file = file
        self._advanced = advanced

    def read(self, size: int = -1, /) -> bytes:
        """Read as the file does."""
        chunk = self._file.read(size)
        self._advanced(len(chunk))
        return chunk

    def seek(self, offset: int, /) -> int:
        """Seek as the file does."""
        return self._file.seek(offset)
