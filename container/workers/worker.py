"""A worker: one model, served on one connection from multi-model-server, until that ends.

It is a fork of the fork server, in a process that does nothing else. What it is told to load it
calls through multi-model-server's own loader, so a handler may have any form that is allowed there
(mms/model_loader.py).
"""

import logging
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

from mms.model_loader import MmsModelLoader

from container.handler.memory import is_out_of_memory
from container.handler.model_directory import BrokenModel
from container.handler.tensorflow_error import sentence
from container.worker_events import Event, Failed, Loaded, Started, encode
from container.workers.hand_over import HandOver
from container.workers.hang_up import end_with
from container.workers.invocation import replies
from container.workers.model_server_protocol import (
    BrokenStream,
    Load,
    Predict,
    load_answer,
    predict_answer,
    read_command,
)
from container.workers.own_memory import settle

# When memory runs out, the kernel ends the process with the highest score first (proc(5)): a model
# that is being loaded rather than one that serves, and one that serves rather than the server.
_SCORE_LOADING, _SCORE_SERVING = 1000, 300
_SCORE = Path("/proc/self/oom_score_adj")

_READ_BYTES = 65_536

_log = logging.getLogger(__name__)


def serve(connection: socket.socket, task: HandOver, events: int) -> bool:
    """Serve until multi-model-server closes the connection; False if the model can't be loaded.

    Its beginning, and how loading the model went, are told to `events` (worker_events.py), a
    descriptor. It changes the whole process: directory, path of modules, score, collector; and ends
    it (hang_up.py).
    """
    started = time.monotonic()
    _tell(events, Started(task.model_name, os.getpid(), task.parent_pid))
    inherited_score = int(_SCORE.read_text())
    _set_score(_SCORE_LOADING)
    end_with(connection)
    with cast(BinaryIO, connection.makefile("rb", _READ_BYTES)) as stream:
        load = _next(stream)
        if load is None:
            return True
        if not isinstance(load, Load):
            raise BrokenStream("It does not begin with the command to load a model.")
        with _discarded_output(task.tmp_dir, load.io_name):
            try:
                service = _loaded(load)
            except Exception as error:  # noqa: BLE001  # whatever a handler raises
                _log.exception("The model could not be loaded.")
                failed = _failed(task.model_name, error)
                _tell(events, failed)
                connection.sendall(load_answer(failed.status, failed.reason))
                return False
            settle()
            _set_score(max(_SCORE_SERVING, inherited_score))
            seconds = time.monotonic() - started
            _log.info("The model is loaded, in %.2f s.", seconds)
            _tell(events, Loaded(task.model_name, os.getpid(), seconds))
            # multi-model-server looks for the process's id in this.
            connection.sendall(load_answer(200, f"[PID]:{os.getpid()}"))
            command = _next(stream)
        while command is not None:
            if not isinstance(command, Predict):
                raise BrokenStream("The model is loaded already.")
            answered = replies(service._entry_point, service.context, command.requests)
            connection.sendall(predict_answer(answered))
            command = _next(stream)
    return True


def _tell(events: int, event: Event) -> None:
    os.write(events, encode(event))


def _set_score(score: int) -> None:
    with suppress(OSError):  # where /proc can't be written, the kernel chooses without our advice
        _SCORE.write_text(str(score))


def _next(stream: BinaryIO) -> Load | Predict | None:
    """The next command; None where multi-model-server has closed the connection."""
    try:
        return read_command(stream)
    except ConnectionResetError:
        return None


@contextmanager
def _discarded_output(tmp_dir: str, io_name: str) -> Iterator[None]:
    """Give multi-model-server the two files it opens after its answer, and nothing to read there.

    A thread of it reads each; what a worker prints goes where the container prints instead.
    """
    paths = [Path(tmp_dir, f"{io_name}-{name}") for name in ("stdout", "stderr")]
    for path in paths:
        path.unlink(missing_ok=True)
        path.symlink_to(os.devnull)
    try:
        yield
    finally:
        for path in paths:
            path.unlink(missing_ok=True)


def _loaded(load: Load) -> Any:
    """The model as a `mms.service.Service`; raises what its handler raises."""
    _enter(load)
    # Not by what the directory holds: a manifest of the older kind would choose another handler.
    return MmsModelLoader().load(
        load.model_name, load.model_path, load.handler, load.gpu, load.batch_size
    )


def _enter(load: Load) -> None:
    """Find modules where a worker of multi-model-server's own finds them (WorkerLifeCycle.java).

    But the model's directory comes last, so that no file in it takes a library's place.
    """
    module, _, _ = load.handler.partition(":")
    folder, _, _ = module.rpartition("/")
    sys.path[:] = [*filter(None, [folder]), *sys.path, load.model_path]
    os.environ["PYTHONPATH"] = ":".join(
        filter(None, [folder, os.environ.get("PYTHONPATH"), load.model_path])
    )
    os.chdir(load.model_path)


def _failed(model: str, error: Exception) -> Failed:
    """For people: a sentence, in our own words where they are; the traceback is in the log."""
    reason = str(error)
    if not isinstance(error, BrokenModel):
        kind = type(error).__name__
        reason = f"{kind}: {sentence(reason)}" if reason.strip() else f"{kind}."
    return Failed(model, os.getpid(), 507 if is_out_of_memory(error) else 500, reason)
