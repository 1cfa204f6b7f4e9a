"""model.tar.gz: what is in it, and that it is written whole or not at all."""

import os
import tarfile
from pathlib import Path

import pytest

from container.models.archive import pack


@pytest.fixture
def model_dir(tmp_path: Path) -> Path:
    """Two files, one in a folder."""
    directory = tmp_path / "model"
    (directory / "0").mkdir(parents=True)
    (directory / "0" / "saved_model.pb").write_bytes(b"graph")
    (directory / "labels.json").write_text("[]")
    return directory


def test_files_lie_at_the_root_and_belong_to_nobody(model_dir: Path, tmp_path: Path) -> None:
    """SageMaker unpacks the archive where the handler then looks for `0/`."""
    pack(model_dir, tmp_path / "out" / "m.tar.gz")
    with tarfile.open(tmp_path / "out" / "m.tar.gz") as archive:
        members = archive.getmembers()
        content = archive.extractfile("0/saved_model.pb")
        assert content is not None
        assert content.read() == b"graph"
    assert [member.name for member in members] == ["0", "0/saved_model.pb", "labels.json"]
    assert {(member.uid, member.gid, member.uname, member.mtime) for member in members} == {
        (0, 0, "", 0)
    }


def test_the_same_files_give_the_same_bytes(model_dir: Path, tmp_path: Path) -> None:
    """Whatever their times and modes, and the archive's name."""
    pack(model_dir, tmp_path / "one.tar.gz")
    os.utime(model_dir / "labels.json", (1, 1))
    (model_dir / "labels.json").chmod(0o600)
    pack(model_dir, tmp_path / "two.tar.gz")
    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "two.tar.gz").read_bytes()


def test_an_old_archive_stays_when_packing_fails(model_dir: Path, tmp_path: Path) -> None:
    """And nothing half-written lies beside it, for a sync to S3 to find."""
    out = tmp_path / "out"
    pack(model_dir, out / "m.tar.gz")
    before = (out / "m.tar.gz").read_bytes()
    (model_dir / "z-link").symlink_to("labels.json")
    with pytest.raises(ValueError, match="neither a file nor a directory"):
        pack(model_dir, out / "m.tar.gz")
    assert list(out.iterdir()) == [out / "m.tar.gz"]
    assert (out / "m.tar.gz").read_bytes() == before


def test_an_empty_directory_is_no_model(tmp_path: Path) -> None:
    """An empty archive would be refused only minutes later, by the endpoint."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="There is no file"):
        pack(tmp_path / "empty", tmp_path / "m.tar.gz")
