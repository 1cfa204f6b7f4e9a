"""Model archives that anybody may have written."""

import contextlib
import io
import os
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.sagemaker.archive import UnsafeArchive, unpack

LIMIT = 1 << 20


def archive_of(path: Path, *members: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for member in members:
            tar.addfile(member, io.BytesIO(b"x" * member.size) if member.isreg() else None)
    return path


def member(
    name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0
) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, size
    return info


def everything(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*")}


def test_a_model_is_unpacked(tmp_path: Path) -> None:
    """Directories, files and a link that stays inside."""
    archive = archive_of(
        tmp_path / "a.tar.gz",
        member("./", tarfile.DIRTYPE),
        member("0", tarfile.DIRTYPE),
        member("0/saved_model.pb", size=10),
        member("latest", tarfile.SYMTYPE, "0/saved_model.pb"),
    )
    unpack(archive, tmp_path / "model", size_bytes=LIMIT)
    assert everything(tmp_path / "model") == {"0", "0/saved_model.pb", "latest"}
    assert (tmp_path / "model" / "latest").read_bytes() == b"x" * 10


@pytest.mark.parametrize(
    "bad",
    [
        member("../outside", size=1),
        member("0/../../outside", size=1),
        member("/outside", size=1),
        member("link", tarfile.SYMTYPE, "../outside"),
        member("link", tarfile.SYMTYPE, "/etc/passwd"),
        member("link", tarfile.LNKTYPE, "../outside"),
        member("device", tarfile.CHRTYPE),
        member("device", tarfile.BLKTYPE),
        member("pipe", tarfile.FIFOTYPE),
        member("big", size=LIMIT + 1),
    ],
    ids=lambda bad: f"{bad.type.decode()} {bad.name} {bad.linkname}",
)
def test_what_a_model_has_no_business_with_is_refused(tmp_path: Path, bad: tarfile.TarInfo) -> None:
    """And then nothing at all is unpacked, not even what came before it."""
    home = tmp_path / "home"
    home.mkdir()
    archive = archive_of(tmp_path / "a.tar.gz", member("good", size=3), bad)
    if bad.name == "/outside":
        # The data filter takes the leading slash away, which leaves a file inside.
        unpack(archive, home / "model", size_bytes=LIMIT)
        assert everything(home) == {"model", "model/good", "model/outside"}
        return
    with pytest.raises(UnsafeArchive):
        unpack(archive, home / "model", size_bytes=LIMIT)
    assert everything(home) == set()


def test_a_link_may_not_be_used_to_climb_out(tmp_path: Path) -> None:
    """A directory link, then a file below it."""
    archive = archive_of(
        tmp_path / "a.tar.gz",
        member("up", tarfile.SYMTYPE, ".."),
        member("up/outside", size=1),
    )
    with pytest.raises(UnsafeArchive):
        unpack(archive, tmp_path / "deep" / "model", size_bytes=LIMIT)
    assert not list(tmp_path.rglob("outside"))


def test_many_small_files_count_together(tmp_path: Path) -> None:
    """The bound is on the sum."""
    archive = archive_of(
        tmp_path / "a.tar.gz", *(member(f"f{n}", size=LIMIT // 4) for n in range(5))
    )
    with pytest.raises(UnsafeArchive, match="more than"):
        unpack(archive, tmp_path / "model", size_bytes=LIMIT)


@pytest.mark.parametrize("content", [b"", b"not an archive", b"\x1f\x8b\x08\x00truncated"])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    """With the same error, whatever tarfile and gzip make of it."""
    (tmp_path / "a.tar.gz").write_bytes(content)
    with pytest.raises(UnsafeArchive):
        unpack(tmp_path / "a.tar.gz", tmp_path / "model", size_bytes=LIMIT)
    assert not (tmp_path / "model").exists()


PARTS = st.sampled_from(["a", "b", "..", ".", "", "c d", "é"])
NAMES = st.lists(PARTS, min_size=1, max_size=5).map("/".join).filter(bool)
KINDS = st.sampled_from([tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE])


def test_a_hard_link_to_itself_is_refused(tmp_path: Path) -> None:
    """tarfile follows it until the stack ends."""
    archive = archive_of(tmp_path / "a.tar.gz", member("a", tarfile.LNKTYPE, "a"))
    with pytest.raises(UnsafeArchive):
        unpack(archive, tmp_path / "model", size_bytes=LIMIT)


@given(st.lists(st.tuples(NAMES, KINDS, NAMES), max_size=6))
def test_nothing_ever_lands_outside(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, bytes, str]]
) -> None:
    """Whatever the names and links are: outside the target everything is as before."""
    home = tmp_path_factory.mktemp("home")
    archive = archive_of(home / "a.tar.gz", *(member(n, kind, link) for n, kind, link in rows))
    inner = home / "deep" / "down"
    inner.mkdir(parents=True)
    try:
        unpack(archive, inner / "model", size_bytes=LIMIT)
    except UnsafeArchive:
        assert not (inner / "model").exists()
    else:
        root = (inner / "model").resolve()
        for path in root.rglob("*"):
            if path.is_symlink():
                target = os.path.normpath(path.parent / path.readlink())
                assert Path(target).is_relative_to(root)
            # A link to itself or to nothing leads nowhere, and so not out.
            with contextlib.suppress(OSError, RuntimeError):
                assert path.resolve(strict=True).is_relative_to(root)
    assert everything(home) - {"a.tar.gz", "deep", "deep/down"} <= {
        f"deep/down/{name}" for name in everything(inner)
    }
    assert everything(inner) <= {"model"} | {f"model/{n}" for n in everything(inner / "model")}
