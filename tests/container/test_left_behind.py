"""What is removed from the server's directory, and what is not."""

import os
import socket
import time
from pathlib import Path

from container.front.left_behind import sweep


def aged(path: Path) -> Path:
    """As if it had been made a minute ago."""
    minute_ago = time.time() - 60
    os.utime(path, (minute_ago, minute_ago), follow_symlinks=False)
    return path


def listener(path: Path) -> socket.socket:
    """A socket that somebody listens on."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    listening.listen()
    return listening


def test_what_nobody_uses_goes(tmp_path: Path) -> None:
    """Outputs of workers, and sockets of processes that were killed."""
    for name in ("a-stdout", "a-stderr"):
        (tmp_path / name).symlink_to("/dev/null")
        aged(tmp_path / name)
    listener(tmp_path / ".mms.sock.9000").close()
    aged(tmp_path / ".mms.sock.9000")
    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_is_used_or_new_or_something_else_stays(tmp_path: Path) -> None:
    """A socket that is listened on, files of this moment, the front's own socket."""
    (tmp_path / "a-stdout").symlink_to("/dev/null")
    listener(tmp_path / ".mms.sock.9001").close()
    with listener(tmp_path / ".mms.sock.9000"), listener(tmp_path / "fork.sock"):
        for name in (".mms.sock.9000", "fork.sock"):
            aged(tmp_path / name)
        before = set(tmp_path.iterdir())
        sweep(tmp_path)
        assert set(tmp_path.iterdir()) == before
