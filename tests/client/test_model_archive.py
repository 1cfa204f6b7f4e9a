"""model.tar.gz: what goes into it, what may come out of one, and that it is written whole."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dormouse_cli.model_archive import NotAModel, lay_out, pack, require_model, write


@pytest.fixture
def model_dir(tmp_path: Path) -> Path:
    """A model as Dormouse's container wants it."""
    directory = tmp_path / "model"
    saved_model_at(directory / "0")
    (directory / "labels.json").write_text("[]")
    return directory


def saved_model_at(directory: Path) -> None:
    """Make what TensorFlow writes, in form."""
    (directory / "variables").mkdir(parents=True)
    (directory / "variables" / "variables.index").write_bytes(b"index")
    (directory / "saved_model.pb").write_bytes(b"graph")
    (directory / "fingerprint.pb").write_bytes(b"print")


def names_of(directory: Path) -> list[str]:
    return [name for name, _ in lay_out(directory).members]


SAVED_MODEL = ["0", "0/fingerprint.pb", "0/saved_model.pb", "0/variables"]
WHOLE = [*SAVED_MODEL, "0/variables/variables.index", "labels.json"]


# ------------------------------------------------------------------------------------ what goes in


def test_a_model_directory_is_packed_as_it_is(model_dir: Path) -> None:
    """Its files at the root, the SavedModel below 0/."""
    assert names_of(model_dir) == WHOLE
    assert lay_out(model_dir).size_bytes == len(b"graph" + b"print" + b"index" + b"[]")
    assert lay_out(model_dir).notes == []


def test_another_version_number_becomes_0(model_dir: Path) -> None:
    """Which is where the model container looks."""
    (model_dir / "0").rename(model_dir / "17")
    assert names_of(model_dir) == WHOLE


def test_a_saved_model_at_the_root_goes_below_0(tmp_path: Path) -> None:
    """What is its own; the rest stays where it is."""
    saved_model_at(tmp_path / "m")
    (tmp_path / "m" / "labels.json").write_text("[]")
    (tmp_path / "m" / "tokenizer").mkdir()
    (tmp_path / "m" / "tokenizer" / "vocab.txt").write_text("a")
    assert names_of(tmp_path / "m") == [*WHOLE, "tokenizer", "tokenizer/vocab.txt"]


def test_missing_labels_are_worth_a_note(model_dir: Path) -> None:
    """And no error: a stack may run another container."""
    (model_dir / "labels.json").unlink()
    assert lay_out(model_dir).notes == [
        "There is no labels.json, so it is served as a plain SavedModel."
    ]


def test_what_is_packed_can_be_uploaded(model_dir: Path, tmp_path: Path) -> None:
    """Whoever builds with this never hears from `upload`."""
    write(lay_out(model_dir).members, tmp_path / "m.tar.gz")
    require_model(tmp_path / "m.tar.gz")


def test_progress_adds_up(model_dir: Path, tmp_path: Path) -> None:
    """To what was said to come."""
    read: list[int] = []
    layout = lay_out(model_dir)
    write(layout.members, tmp_path / "m.tar.gz", read.append)
    assert sum(read) == layout.size_bytes
    checked: list[int] = []
    require_model(tmp_path / "m.tar.gz", checked.append)
    assert sum(checked) == (tmp_path / "m.tar.gz").stat().st_size


def test_a_missing_directory(tmp_path: Path) -> None:
    """Or a file where it should be."""
    with pytest.raises(NotAModel, match="nowhere is not a directory"):
        lay_out(tmp_path / "nowhere")


def test_an_empty_directory_has_no_model(tmp_path: Path) -> None:
    """Said as such."""
    with pytest.raises(NotAModel, match="is empty"):
        lay_out(tmp_path)


def test_a_directory_without_a_saved_model(tmp_path: Path) -> None:
    """Both places are named where it could be."""
    (tmp_path / "labels.json").write_text("[]")
    with pytest.raises(NotAModel, match=r"neither 0/saved_model\.pb nor saved_model\.pb is there"):
        lay_out(tmp_path)


def test_several_versions(model_dir: Path) -> None:
    """Nobody guesses which."""
    saved_model_at(model_dir / "1")
    with pytest.raises(NotAModel, match="several versions: 0, 1"):
        lay_out(model_dir)


def test_two_saved_models(model_dir: Path) -> None:
    """At the root and below it."""
    (model_dir / "saved_model.pb").write_bytes(b"graph")
    with pytest.raises(NotAModel, match="two SavedModels"):
        lay_out(model_dir)


def test_a_version_without_its_graph(model_dir: Path) -> None:
    """The file is named."""
    (model_dir / "0" / "saved_model.pb").unlink()
    with pytest.raises(NotAModel, match=r"0 is no SavedModel: saved_model\.pb is missing"):
        lay_out(model_dir)


def test_a_saved_model_without_its_variables(tmp_path: Path) -> None:
    """Wherever it lies."""
    (tmp_path / "saved_model.pb").write_bytes(b"graph")
    with pytest.raises(NotAModel, match="variables/ is missing"):
        lay_out(tmp_path)


@pytest.mark.parametrize("where", ["link", "0/link", "0/variables/link"])
@pytest.mark.parametrize("to", ["labels.json", "0", "/nowhere"])
def test_a_symlink_is_named(model_dir: Path, where: str, to: str) -> None:
    """To a file, to a directory, to nothing."""
    (model_dir / where).symlink_to(to)
    with pytest.raises(NotAModel, match=f"{where} is a symlink"):
        lay_out(model_dir)


def test_a_version_that_is_a_symlink(model_dir: Path) -> None:
    """The same."""
    (model_dir / "0").rename(model_dir.parent / "elsewhere")
    (model_dir / "0").symlink_to(model_dir.parent / "elsewhere")
    with pytest.raises(NotAModel, match="0 is a symlink"):
        lay_out(model_dir)


def test_a_pipe_is_named(model_dir: Path) -> None:
    """Reading it would wait for ever."""
    os.mkfifo(model_dir / "pipe")
    with pytest.raises(NotAModel, match="pipe is neither a file nor a directory"):
        lay_out(model_dir)


# ------------------------------------------------------------------------------- how it is written


def test_files_lie_at_the_root_and_belong_to_nobody(model_dir: Path, tmp_path: Path) -> None:
    """SageMaker unpacks the archive where the handler then looks for `0/`."""
    pack(model_dir, tmp_path / "out" / "m.tar.gz")
    with tarfile.open(tmp_path / "out" / "m.tar.gz") as archive:
        members = archive.getmembers()
        content = archive.extractfile("0/saved_model.pb")
        assert content is not None
        assert content.read() == b"graph"
    assert [member.name for member in members] == WHOLE
    assert {(member.uid, member.gid, member.uname, member.mtime) for member in members} == {
        (0, 0, "", 0)
    }


def test_the_same_files_give_the_same_bytes(model_dir: Path, tmp_path: Path) -> None:
    """Whatever their times and modes, the archive's name, and the way."""
    pack(model_dir, tmp_path / "one.tar.gz")
    os.utime(model_dir / "labels.json", (1, 1))
    (model_dir / "labels.json").chmod(0o600)
    pack(model_dir, tmp_path / "two.tar.gz")
    write(lay_out(model_dir).members, tmp_path / "three.tar.gz", lambda _: None)
    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "two.tar.gz").read_bytes()
    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "three.tar.gz").read_bytes()


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


def test_an_empty_directory_is_no_archive(tmp_path: Path) -> None:
    """An empty archive would be refused only minutes later, by the endpoint."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="There is no file"):
        pack(tmp_path / "empty", tmp_path / "m.tar.gz")


# ------------------------------------------------------------------------ what came from elsewhere


def archive_of(path: Path, *members: tarfile.TarInfo, mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload] # a mode of the test's choice
        for member in members:
            tar.addfile(member, io.BytesIO(b"x" * member.size) if member.isreg() else None)
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, 10 if kind == tarfile.REGTYPE else 0
    return info


GRAPH = member("0/saved_model.pb")


@pytest.mark.parametrize("name", ["0/saved_model.pb", "./0/saved_model.pb", "3/saved_model.pb"])
def test_an_archive_by_other_means(tmp_path: Path, name: str) -> None:
    """`tar -C dir -czf m.tar.gz .` writes names that begin with ./"""
    require_model(archive_of(tmp_path / "m.tar.gz", member("./", tarfile.DIRTYPE), member(name)))


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (member("../outside"), "leads out of it"),
        (member("0/../../outside"), "leads out of it"),
        (member("/outside"), "leads out of it"),
        (member("link", tarfile.SYMTYPE, "0"), "neither a file nor a directory"),
        (member("link", tarfile.LNKTYPE, "0/saved_model.pb"), "neither a file nor a directory"),
        (member("device", tarfile.CHRTYPE), "neither a file nor a directory"),
        (member("pipe", tarfile.FIFOTYPE), "neither a file nor a directory"),
        (member("1/saved_model.pb"), "holds several versions: 0/saved_model.pb, 1/saved_model.pb"),
    ],
    ids=lambda value: value.name if isinstance(value, tarfile.TarInfo) else "",
)
def test_what_a_model_has_no_business_with(tmp_path: Path, bad: tarfile.TarInfo, why: str) -> None:
    """It is named."""
    with pytest.raises(NotAModel, match=why):
        require_model(archive_of(tmp_path / "m.tar.gz", GRAPH, bad))


def test_a_saved_model_in_the_wrong_place_is_found(tmp_path: Path) -> None:
    """Packing the folder instead of its content is the usual mistake."""
    with pytest.raises(NotAModel, match=r"at model/0/saved_model\.pb, but it must lie at 0/"):
        require_model(archive_of(tmp_path / "m.tar.gz", member("model/0/saved_model.pb")))


def test_an_archive_without_a_saved_model(tmp_path: Path) -> None:
    """Such as one of PyTorch."""
    with pytest.raises(NotAModel, match="holds no SavedModel"):
        require_model(archive_of(tmp_path / "m.tar.gz", member("model.pth")))


@pytest.mark.parametrize("mode", ["w", "w:bz2", "w:xz"])
def test_another_compression_is_no_gzip(tmp_path: Path, mode: str) -> None:
    """Whatever the name says."""
    with pytest.raises(NotAModel, match=r"no readable tar\.gz"):
        require_model(archive_of(tmp_path / "m.tar.gz", GRAPH, mode=mode))


def test_an_archive_that_was_cut_off_anywhere(tmp_path: Path) -> None:
    """A download that broke off: by gzip's checksum it shows, even behind the last file."""
    whole = archive_of(tmp_path / "m.tar.gz", GRAPH).read_bytes()
    for length in range(len(whole)):
        (tmp_path / "cut.tar.gz").write_bytes(whole[:length])
        with pytest.raises(NotAModel):
            require_model(tmp_path / "cut.tar.gz")


@given(st.binary(max_size=2000), st.booleans())
@example(b"", False)
@example(b"\x1f\x8b\x08\x00", False)
def test_any_bytes_are_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, zipped: bool
) -> None:
    """With the one error, whatever tarfile and gzip make of them."""
    archive = tmp_path_factory.mktemp("archive") / "m.tar.gz"
    archive.write_bytes(gzip.compress(content) if zipped else content)
    with pytest.raises(NotAModel):
        require_model(archive)


PARTS = st.sampled_from(["0", "1", "saved_model.pb", "..", ".", "", "é"])
NAMES = st.lists(PARTS, min_size=1, max_size=4).map("/".join).filter(bool)
KINDS = st.sampled_from([tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE])


@given(st.lists(st.tuples(NAMES, KINDS), max_size=5))
def test_what_is_accepted_has_one_saved_model_and_no_way_out(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, bytes]]
) -> None:
    """Whatever the names are."""
    archive = archive_of(
        tmp_path_factory.mktemp("archive") / "m.tar.gz",
        *(member(name, kind, "0") for name, kind in rows),
    )
    try:
        require_model(archive)
    except NotAModel:
        return
    assert all(kind in (tarfile.REGTYPE, tarfile.DIRTYPE) for _, kind in rows)
    files = {os.path.normpath(name) for name, kind in rows if kind == tarfile.REGTYPE}
    assert not any(name.startswith(("/", "..")) for name in files)
    assert len({"0/saved_model.pb", "1/saved_model.pb"} & files) == 1
