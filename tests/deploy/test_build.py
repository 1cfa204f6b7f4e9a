"""`make image`, by each of the three builders."""

from pathlib import Path

import pytest

from deploy.builders import KINDS, find_builder
from deploy.content import content_tag
from deploy.errors import DeployError
from deploy.image import build
from tests.deploy.builders import environment, install


@pytest.mark.parametrize(
    ("installed", "found"),
    [
        (("docker", "podman", "buildah"), "docker"),
        (("podman", "buildah"), "podman"),
        (("buildah",), "buildah"),
    ],
)
def test_the_order_of_the_search(bin_folder: Path, installed: tuple[str, ...], found: str) -> None:
    """docker, podman, buildah: the first that is on PATH."""
    for kind in installed:
        install(kind, bin_folder)
    assert find_builder(environment(bin_folder)).kind == found


def test_builder_overrides_the_search(bin_folder: Path) -> None:
    """By a name, or by a path."""
    install("docker", bin_folder)
    install("buildah", bin_folder)
    elsewhere = install("podman", bin_folder.parent / "opt")
    assert find_builder(environment(bin_folder, BUILDER="buildah")).kind == "buildah"
    assert find_builder(environment(bin_folder, BUILDER=str(elsewhere.path))).kind == "podman"


def test_a_builder_by_another_name_is_known_by_what_it_says(bin_folder: Path) -> None:
    """Such as `docker` where it is podman."""
    install("podman", bin_folder, name="docker")
    assert find_builder(environment(bin_folder)).kind == "podman"


def test_without_a_builder_one_sentence_says_how_to_get_one(bin_folder: Path) -> None:
    """None of the three is there."""
    with pytest.raises(DeployError) as raised:
        find_builder(environment(bin_folder))
    assert str(raised.value) == (
        "an image needs docker, podman or buildah, and none is on PATH; on Debian and Ubuntu, "
        "`apt install podman` is the shortest way to one"
    )


def test_a_builder_that_is_asked_for_and_not_there_is_named(bin_folder: Path) -> None:
    """Another one is not taken in its place."""
    install("docker", bin_folder)
    with pytest.raises(DeployError, match=r"^BUILDER is podman, which is not on PATH$"):
        find_builder(environment(bin_folder, BUILDER="podman"))


def test_another_program_is_refused(bin_folder: Path) -> None:
    """Whatever it is, its options are not known."""
    install("nerdctl version 2.0.0", bin_folder, name="nerdctl")
    with pytest.raises(DeployError, match="neither docker nor podman nor buildah"):
        find_builder(environment(bin_folder, BUILDER="nerdctl"))


@pytest.mark.parametrize("kind", KINDS)
def test_the_image_is_built_under_the_tag_of_its_content(
    bin_folder: Path, context: Path, kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """For SageMaker's platform and in its format; the builder's own output is shown."""
    fake = install(kind, bin_folder)
    image = f"dormouse:{content_tag(context)}"

    build(environment(bin_folder), context)

    [arguments] = fake.arguments("build")
    assert arguments == ["build", "--platform", "linux/amd64", "--tag", image, str(context)]
    assert fake.environment("build")["BUILDAH_FORMAT"] == "docker"
    assert fake.environment("build")["BUILDAH_LAYERS"] == "true"
    assert fake.images() == [image]
    shown = capfd.readouterr().out
    assert shown.index("downloads about") < shown.index("STEP 1/12") < shown.index("is built, in")
    assert f"{image} is built, in {kind} (2.44 GB). Next: make push" in shown


def test_buildkit_is_asked_for_the_format_that_sagemaker_takes(
    bin_folder: Path, context: Path
) -> None:
    """By itself it writes OCI manifests, with attestations or without."""
    fake = install("docker", bin_folder)
    fake.has_buildx()

    build(environment(bin_folder), context)

    [arguments] = fake.arguments("build")
    assert arguments[:4] == ["buildx", "build", "--output", "type=docker,oci-mediatypes=false"]
    assert fake.environment("build")["BUILDX_NO_DEFAULT_ATTESTATIONS"] == "1"


@pytest.mark.parametrize("kind", KINDS)
def test_a_second_run_builds_nothing(
    bin_folder: Path, context: Path, kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """It says that the image is there; one of another content is built."""
    fake = install(kind, bin_folder)
    build(environment(bin_folder), context)
    capfd.readouterr()

    build(environment(bin_folder), context)

    assert capfd.readouterr().out == (
        f"dormouse:{content_tag(context)} is there already, in {kind} (2.44 GB). Next: make push\n"
    )
    assert len(fake.calls("build")) == 1
    (context / "server.py").write_text("serve_better()\n")
    build(environment(bin_folder), context)
    assert len(fake.calls("build")) == 2


def test_rebuild_uses_nothing_old(bin_folder: Path, context: Path) -> None:
    """Its tag is another, so that ECR takes it too."""
    fake = install("podman", bin_folder)
    build(environment(bin_folder), context)
    build(environment(bin_folder, REBUILD="2026-11"), context)

    plain, anew = fake.arguments("build")
    assert not {"--pull", "--no-cache"} & set(plain)
    assert {"--pull", "--no-cache"} <= set(anew)
    assert len(fake.images()) == 2


def test_a_daemon_that_does_not_run(bin_folder: Path, context: Path) -> None:
    """Its own words, and what can be done."""
    fake = install("docker", bin_folder)
    fake.fails("images", "Cannot connect to the Docker daemon. Is the docker daemon running?")
    with pytest.raises(DeployError) as raised:
        build(environment(bin_folder), context)
    assert str(raised.value) == (
        "docker is installed but does not answer (Cannot connect to the Docker daemon. Is the "
        "docker daemon running?); start its daemon, or choose another by BUILDER=docker, podman "
        "or buildah"
    )
    assert not fake.calls("build")


def test_a_build_that_fails(bin_folder: Path, context: Path) -> None:
    """The reason stands above, in the builder's output."""
    fake = install("buildah", bin_folder)
    fake.fails("build", "no such package")
    with pytest.raises(DeployError, match=r"^buildah could not build the image; its output above"):
        build(environment(bin_folder), context)


def test_an_edit_during_the_build_leaves_no_image_under_a_wrong_tag(
    bin_folder: Path, context: Path
) -> None:
    """The tag would promise a content that may not be in it."""
    fake = install("podman", bin_folder)
    fake.edits_during_build(context / "server.py")
    with pytest.raises(DeployError, match=r"container/ were changed during the build"):
        build(environment(bin_folder), context)
    assert fake.images() == []
