"""Let multi-model-server forget a model for which there was no memory.

multi-model-server 1.1.11 answers 507 to such a load, but then fails to remove the model: the thread
that removes it has just interrupted itself, and the interrupt hits its wait for the end of the
model's process (WorkLoadManager.shutdownServerThread), upon which it puts the model back. When
SageMaker has unloaded another model and tries again, it would get 409 ("already loaded") for a
model that nobody serves. There is nothing to wait for, and the removal succeeds, if that process
has ended before the answer is sent: so it is ended here.
"""

import os
import time

import psutil

WORKER_SCRIPT = "mms/model_service_worker.py"

# The JVM learns of the end from a thread of its own, a moment after the kernel says so.
_JVM_SECONDS = 0.2
_END_SECONDS = 5.0


def end_server_process() -> None:
    """End the process that forked this one for a model, if it is multi-model-server's.

    To be called in a worker whose load is about to be answered with 507; elsewhere it does
    nothing.
    """
    parent = psutil.Process().parent()
    if parent is None or not any(part.endswith(WORKER_SCRIPT) for part in parent.cmdline()):
        return
    parent.kill()
    deadline = time.monotonic() + _END_SECONDS
    while os.getppid() == parent.pid and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(_JVM_SECONDS)
