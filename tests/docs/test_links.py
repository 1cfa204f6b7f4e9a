"""Links within the repository lead to files and sections that exist."""

import pytest

from tests.docs.page import README, REPOSITORY, Page

PAGES = sorted(
    [
        README,
        REPOSITORY / "CHANGELOG.md",
        REPOSITORY / "CONTRIBUTING.md",
        REPOSITORY / "client" / "README.md",
        *(REPOSITORY / "docs").rglob("*.md"),
    ]
)


@pytest.mark.parametrize("path", PAGES, ids=[str(path.relative_to(REPOSITORY)) for path in PAGES])
def test_links_lead_somewhere(path: str) -> None:
    """Each to a file, and to a section where one is named."""
    lost = []
    page = Page(REPOSITORY / path)
    for target in page.links():
        file, _, fragment = target.partition("#")
        there = (page.path.parent / file).resolve() if file else page.path
        if not there.exists() or (fragment and fragment not in Page(there).anchors()):
            lost.append(target)
    assert not lost


@pytest.mark.parametrize("name", ["README.md", "docs/adr/README.md"])
def test_no_page_is_left_out(name: str) -> None:
    """The README links to every page of docs/, the list of decisions to every decision."""
    page = Page(REPOSITORY / name)
    folder = REPOSITORY / ("docs" if name == "README.md" else "docs/adr")
    linked = {(page.path.parent / target.partition("#")[0]).resolve() for target in page.links()}
    assert {path for path in folder.glob("*.md") if path != page.path} <= linked
