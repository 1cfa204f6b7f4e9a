"""`model.tar.gz` as SageMaker wants it: the model's files at the root of a gzipped tar archive.

https://docs.aws.amazon.com/sagemaker/latest/dg/create-multi-model-endpoint.html
"""

import gzip
import os
import tarfile
import tempfile
from pathlib import Path


def pack(model_dir: Path, archive: Path) -> None:
    """Write all files below `model_dir` to `archive`, replacing it at once or not at all.

    The same files give the same bytes: sorted, without times, owners or the umask's mode. Raises
    ValueError for anything that is neither a file nor a directory, and for an empty `model_dir`.
    """
    paths = sorted(model_dir.rglob("*"), key=lambda path: path.relative_to(model_dir).as_posix())
    if not paths:
        raise ValueError(f"There is no file in {model_dir}.")
    archive.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{archive.name}.", dir=archive.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            # An empty name and time 0: both would go into gzip's header.
            with (
                gzip.GzipFile("", "wb", fileobj=file, mtime=0) as zipped,
                tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as tar,
            ):
                for path in paths:
                    _add(tar, path, path.relative_to(model_dir).as_posix())
            os.fchmod(descriptor, 0o644)
            file.flush()
            os.fsync(descriptor)
        Path(name).replace(archive)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _add(tar: tarfile.TarFile, path: Path, name: str) -> None:
    if path.is_symlink() or not (path.is_file() or path.is_dir()):
        raise ValueError(f"{path} is neither a file nor a directory.")
    member = tarfile.TarInfo(name)
    if path.is_dir():
        member.type, member.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(member)
        return
    member.size, member.mode = path.stat().st_size, 0o644
    with path.open("rb") as file:
        tar.addfile(member, file)
