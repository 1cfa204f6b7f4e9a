"""Unpack a model archive that anybody may have written."""

from __future__ import annotations

import lzma
import shutil
import tarfile
import uuid
import zlib
from pathlib import Path

MOST_MEMBERS = 100_000
# What tarfile and the decompressors raise on archives that are broken or malicious.
BROKEN = (
    tarfile.TarError,
    lzma.LZMAError,
    zlib.error,
    EOFError,
    LookupError,
    OSError,
    RecursionError,
    ValueError,
)


class UnsafeArchive(ValueError):
    """The archive holds something that a model has no business with, or is none."""


def unpack(archive: Path, into: Path, *, size_bytes: int) -> None:
    """Unpack a tar (compressed or not) into the directory `into`, which appears only when
    everything is in it.

    Refused: paths and links that lead out, devices, pipes, sizes past the bound as declared by the
    members. Python's `data` filter (PEP 706) does most of it; it also takes away set-uid bits and
    foreign owners.
    """
    scratch = into.with_name(f".{into.name}.{uuid.uuid4().hex}")
    scratch.mkdir(parents=True)
    try:
        _extract(archive, scratch, size_bytes)
        scratch.rename(into)
    except UnsafeArchive:
        raise
    except BROKEN as error:
        raise UnsafeArchive(str(error) or type(error).__name__) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _extract(archive: Path, into: Path, size_bytes: int) -> None:
    total = 0
    files: set[str] = set()
    with tarfile.open(archive, "r:*") as tar:
        for count, member in enumerate(tar, 1):
            total += member.size
            if total > size_bytes:
                raise UnsafeArchive(f"The archive unpacks to more than {size_bytes} bytes.")
            if count > MOST_MEMBERS:
                raise UnsafeArchive(f"The archive has more than {MOST_MEMBERS} members.")
            # tar writes a hard link after the file it links to. One that points forward or to
            # itself sends tarfile round and round.
            if member.islnk() and member.linkname not in files:
                raise UnsafeArchive(f"{member.name} links to what is not there yet.")
            if member.isreg():
                files.add(member.name)
            if Path(member.name) != Path():  # `tar -C dir .` writes the directory itself
                tar.extract(member, into, filter="data")
