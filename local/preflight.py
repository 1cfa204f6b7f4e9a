"""Says in one sentence, before anything is downloaded, that this machine can't run Dormouse's demo.

Written for any Python 3, since the one that is found may be old.
"""

import platform
import sys


def obstacle():
    """Return what is in the way, or None."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return "TensorFlow and multi-model-server are set up for Linux x86_64 only; this is {} {}.".format(
            platform.system(), platform.machine()
        )
    if platform.python_implementation() != "CPython" or sys.version_info[:2] not in (
        (3, 11),
        (3, 12),
    ):
        return (
            "CPython 3.11 or 3.12 is needed (TensorFlow 2.19 has wheels for no other that the model "
            "server runs on); found {} {}. Install one, or name it: make PYTHON=/path/to/python3.12 …"
        ).format(platform.python_implementation(), platform.python_version())
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        return "{} has no venv module; on Debian and Ubuntu: apt install python{}.{}-venv".format(
            sys.executable, *sys.version_info[:2]
        )
    return None


if __name__ == "__main__":
    found = obstacle()
    if found is not None:
        sys.exit("dormouse: " + found)
