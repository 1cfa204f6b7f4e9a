"""The tag is a digest of what goes into the image, and of nothing else."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.content import TAG_LENGTH, content_tag, context_files
from deploy.errors import DeployError
from deploy.image import CONTEXT


def test_the_tag_is_what_a_registry_takes(context: Path) -> None:
    """Lower-case hexadecimal digits, always as many."""
    tag = content_tag(context)
    assert len(tag) == TAG_LENGTH
    assert set(tag) <= set("0123456789abcdef")


def _append(name: str) -> Callable[[Path], None]:
    def change(context: Path) -> None:
        with (context / name).open("a") as file:
            file.write("# more\n")

    return change


def _rename(context: Path) -> None:
    (context / "server.py").rename(context / "server2.py")


def _make_executable(context: Path) -> None:
    (context / "server.py").chmod(0o755)


def _add(name: str) -> Callable[[Path], None]:
    def change(context: Path) -> None:
        path = context / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("")

    return change


@pytest.mark.parametrize(
    "change",
    [
        _append("server.py"),
        _append("requirements.txt"),
        _append("Dockerfile"),
        _add("empty.py"),
        _rename,
        _make_executable,
    ],
)
def test_it_changes_with_what_goes_into_the_image(
    context: Path, change: Callable[[Path], None]
) -> None:
    """Bytes, paths, and whether a file can be executed."""
    before = content_tag(context)
    change(context)
    assert content_tag(context) != before


@pytest.mark.parametrize(
    "change",
    [
        _append("requirements.in"),
        _append("models/tiny.py"),
        _append("__pycache__/server.cpython-311.pyc"),
        _add("__pycache__/new.py"),
        _add("server.py.orig"),
        lambda context: os.utime(context / "server.py", (1, 1)),
        lambda context: (context / "server.py").chmod(0o600),
    ],
)
def test_it_does_not_change_with_anything_else(
    context: Path, change: Callable[[Path], None]
) -> None:
    """Files that the context leaves out, times, and the umask."""
    before = content_tag(context)
    change(context)
    assert content_tag(context) == before


def test_a_copy_elsewhere_has_the_same_tag(context: Path, tmp_path: Path) -> None:
    """Another checkout, another order of the directory's entries."""
    copy = tmp_path / "elsewhere"
    copy.mkdir()
    for path in sorted(context_files(context), reverse=True):
        target = copy / path.relative_to(context)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    for name in ("Dockerfile", ".dockerignore"):
        shutil.copy(context / name, copy)
    assert content_tag(copy) == content_tag(context)


def test_bytes_that_move_from_one_file_to_the_next_are_seen(context: Path) -> None:
    """What is hashed is not merely everything in a row."""
    (context / "a.py").write_text("12")
    (context / "b.py").write_text("3")
    before = content_tag(context)
    (context / "a.py").write_text("1")
    (context / "b.py").write_text("23")
    assert content_tag(context) != before


def test_a_word_makes_another_tag_of_the_same_files(context: Path) -> None:
    """For a build that takes newer packages of Debian."""
    tags = {content_tag(context), content_tag(context, "2026-11"), content_tag(context, "2026-12")}
    assert len(tags) == 3


@pytest.mark.parametrize(
    ("ignored", "files"),
    [
        ("", [".dockerignore", "Dockerfile", "a.py", "b/c.py", "b/d/e.txt"]),
        ("*", []),
        ("*\n!b", ["b/c.py", "b/d/e.txt"]),
        ("*\n!b/**/*.txt", ["b/d/e.txt"]),
        ("**/*.py\n.dockerignore\nDockerfile", ["b/d/e.txt"]),
        ("*\n!*.py\na.p?", []),
        ("/b/\n*ocker*", ["a.py"]),
    ],
)
def test_patterns_mean_what_they_mean_to_docker(
    tmp_path: Path, ignored: str, files: list[str]
) -> None:
    """The last that matches wins; one for a folder is one for all in it."""
    for name in (".dockerignore", "Dockerfile", "a.py", "b/c.py", "b/d/e.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(ignored if name == ".dockerignore" else "")
    found = [path.relative_to(tmp_path).as_posix() for path in context_files(tmp_path)]
    assert found == files


def test_a_pattern_that_is_not_understood_is_refused(context: Path) -> None:
    """Rather than a tag that stands for something else."""
    (context / ".dockerignore").write_text("*\n![ab].py\n")
    with pytest.raises(DeployError, match=r"the pattern '!\[ab\]\.py'"):
        content_tag(context)


def test_the_container_itself() -> None:
    """Its modules, pins and logging go in; what builds models, and its own leavings, do not."""
    names = {path.relative_to(CONTEXT).as_posix() for path in context_files(CONTEXT)}
    assert {"entrypoint.py", "handler/model_handler.py", "requirements.txt", "log4j2.xml"} <= names
    assert not any(name.startswith("models/") or "__pycache__" in name for name in names)
    assert not names & {"Dockerfile", "requirements.in", "requirements-build.txt"}
