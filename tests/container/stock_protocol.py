"""Read messages as multi-model-server's own worker does, a line for each: not a test.

It runs in the container's interpreter, for test_model_server_protocol.py. On each line of stdin are
the bytes of a message, in hexadecimal; on each line of stdout what is in them, as JSON, or null for
what it does not take.
"""

import json
import os
import socket
import sys
import threading
from typing import Any

# As it is where sagemaker-inference has configured multi-model-server (WorkerLifeCycle.java).
os.environ["MMS_DECODE_INPUT_REQUEST"] = "false"

from mms.protocol.otf_message_handler import retrieve_msg


def message(raw: bytes) -> Any:
    """The command and what comes with it."""
    reading, writing = socket.socketpair()

    def write() -> None:
        with writing:
            writing.sendall(raw)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        command, content = retrieve_msg(reading)
        return [bytes(command).decode(), content]
    except (ValueError, OSError):
        return None
    finally:
        writer.join()
        reading.close()


for line in sys.stdin:
    print(json.dumps(message(bytes.fromhex(line)), default=lambda raw: raw.hex()), flush=True)
