"""A small build context, and a folder that is the whole of PATH."""

from pathlib import Path

import pytest


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A Dockerfile, two files that it copies, and others that it does not."""
    folder = tmp_path / "container"
    files = {
        "Dockerfile": "FROM scratch\nCOPY *.py requirements.txt /opt/\n",
        ".dockerignore": "# Only what the Dockerfile copies.\n*\n!*.py\n!requirements.txt\n",
        "server.py": "serve()\n",
        "requirements.txt": "tensorflow==2.19.1\n",
        "requirements.in": "tensorflow\n",
        "models/tiny.py": "build()\n",
        "__pycache__/server.cpython-311.pyc": "compiled\n",
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.fixture
def bin_folder(tmp_path: Path) -> Path:
    """The one folder on PATH, empty."""
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder
