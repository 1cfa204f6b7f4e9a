"""Says in one sentence, before anything is downloaded, why this machine can't run the demo."""

from __future__ import annotations

import importlib.util
import platform
import sys


def obstacle() -> str | None:
    """Return what is in the way, or None."""
    machine = f"{platform.system()} {platform.machine()}"
    if machine != "Linux x86_64":
        return (
            f"TensorFlow and the model server are set up for Linux x86_64 only; this is {machine}."
        )
    python = f"{platform.python_implementation()} {platform.python_version()}"
    if not python.startswith(("CPython 3.11.", "CPython 3.12.")):
        return (
            "CPython 3.11 or 3.12 is needed, which TensorFlow 2.19 and multi-model-server run on; "
            f"found {python}. Install one of them, or name it: make PYTHON=/path/to/python3.12 …"
        )
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        version = ".".join(platform.python_version_tuple()[:2])
        return f"Python has no venv module; on Debian and Ubuntu: apt install python{version}-venv"
    return None


if __name__ == "__main__":
    found = obstacle()
    if found is not None:
        sys.exit("dormouse: " + found)
