"""What may be loaded, under which name, from where."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from container.front.load_request import BadLoadRequest, LoadRequest, name_problem, parse


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """With a model's directory, `models/m/model`, and a file beside it."""
    root = tmp_path / "ml"
    (root / "models" / "m" / "model").mkdir(parents=True)
    (root / "models" / "m" / "file").write_text("")
    (tmp_path / "elsewhere").mkdir()
    return root


def refusal(root: Path, **document: Any) -> str:
    """Why the request is refused; what it does not say is in order."""
    wanted = {"model_name": "m", "url": str(root / "models" / "m" / "model"), **document}
    with pytest.raises(BadLoadRequest) as refused:
        parse(json.dumps(wanted).encode(), root)
    return str(refused.value)


def test_as_sagemaker_asks(root: Path) -> None:
    """A name and a directory; what else it may send one day is let be."""
    url = str(root / "models" / "m" / "model")
    body = json.dumps({"model_name": "0a1b.tar.gz", "url": url, "new": 1}).encode()
    assert parse(body, root) == LoadRequest("0a1b.tar.gz", url)
    assert parse(json.dumps({"model_name": "m", "url": f"{url}/"}).encode(), root).name == "m"


@pytest.mark.parametrize(
    "url",
    ["models/m/model", "", "file:///opt/ml/models/m", "https://example.com/m.mar", "s3://b/m", "~"],
)
def test_a_url_that_is_no_absolute_path(root: Path, url: str) -> None:
    """multi-model-server would download some of these."""
    assert refusal(root, url=url) == '"url" must be the plain absolute path of a directory.'


@pytest.mark.parametrize(
    "path", ["models/../models/m/model", "models/./m/model", "models//m/model", "..", "m\0"]
)
def test_a_path_that_is_not_plain(root: Path, path: str) -> None:
    """Wherever it leads."""
    assert refusal(root, url=f"{root}/{path}").startswith('"url" must be the plain')


def test_a_directory_elsewhere(root: Path) -> None:
    """Also by a symbolic link, and the root itself."""
    outside = root.parent / "elsewhere"
    (root / "models" / "link").symlink_to(outside)
    for url in (outside, root / "models" / "link", root, Path("/")):
        assert refusal(root, url=str(url)) == f'"url" must be a directory below {root}.'


def test_a_link_that_stays_inside(root: Path) -> None:
    """Links are no tricks by themselves."""
    (root / "models" / "link").symlink_to(root / "models" / "m" / "model")
    body = json.dumps({"model_name": "m", "url": str(root / "models" / "link")}).encode()
    assert parse(body, root).url.endswith("link")


def test_what_is_no_directory(root: Path) -> None:
    """A file, nothing, a link to itself."""
    (root / "loop").symlink_to(root / "loop")
    assert refusal(root, url=str(root / "models" / "m" / "file")) == '"url" is no directory.'
    said = refusal(root, url=str(root / "models" / "x"))
    assert said == '"url" names no directory: No such file or directory.'
    assert refusal(root, url=str(root / "loop")).startswith('"url" names no directory: ')


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", 'must not be "".'),
        ("..", 'must not be "..".'),
        ("a/b", "must not have a slash or a backslash."),
        ("a\\b", "must not have a slash or a backslash."),
        ("a\nb", "must not have control characters."),
        ("a\x7f", "must not have control characters."),
        ("ä" * 513, "has 1026 bytes, 1024 are allowed."),
    ],
)
def test_names_that_are_refused(root: Path, name: str, said: str) -> None:
    """They are part of a path, of a log, and of an event."""
    assert refusal(root, model_name=name) == f'"model_name" {said}'
    assert name_problem(name) == said


@pytest.mark.parametrize(
    "key", ["handler", "runtime", "initial_workers", "batch_size", "preload_model"]
)
def test_what_is_not_for_the_caller_to_choose(root: Path, key: str) -> None:
    """`handler` would run any code that is on the path."""
    assert refusal(root, **{key: "os:system"}) == (
        f'"{key}" is not for the caller to choose; leave it out.'
    )


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            b"{nonsense",
            "The body is not JSON: Expecting property name enclosed in double quotes "
            "at line 1, column 2.",
        ),
        (b"", "The body is not JSON: Expecting value at line 1, column 1."),
        (b'{"model_name": "\xff"}', "The body is not UTF-8: invalid start byte at byte 16."),
        (b"[]", 'The body is JSON, but no object with "model_name" and "url".'),
        (b"{}", '"model_name" is missing.'),
        (b'{"model_name": 1}', '"model_name" must be a string.'),
        (b'{"model_name": "m"}', '"url" is missing.'),
    ],
)
def test_bodies_that_are_refused(root: Path, body: bytes, said: str) -> None:
    """By what is wrong, and where."""
    with pytest.raises(BadLoadRequest) as refused:
        parse(body, root)
    assert str(refused.value) == said


@given(st.one_of(st.binary(), st.text().map(str.encode)))
def test_any_body_is_read_or_refused(body: bytes) -> None:
    """No other error."""
    try:
        parse(body, Path("/nowhere"))
    except BadLoadRequest as error:
        assert str(error)


@given(st.dictionaries(st.sampled_from(["model_name", "url"]), st.text()))
def test_any_names_and_urls_are_read_or_refused(document: dict[str, str]) -> None:
    """Half a character among them."""
    try:
        parse(json.dumps(document).encode(), Path("/nowhere"))
    except BadLoadRequest as error:
        assert str(error)
