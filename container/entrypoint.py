"""Serve models as SageMaker asks of a multi-model container: `entrypoint.py serve`.

The same file is the image's ENTRYPOINT and what a developer runs on loopback; several may run side
by side on one host. It answers `GET /ping`, `POST /models {"model_name", "url"}` (url: the
directory of the unpacked archive), `GET /models`, `GET|DELETE /models/{name}` and
`POST /models/{name}/invoke`:
https://docs.aws.amazon.com/sagemaker/latest/dg/mms-container-apis.html

On SIGTERM or SIGINT it accepts nothing more, answers what runs, and ends with everything it started
(status 0). If multi-model-server ends by itself, so does this, with its status (128 + n for signal
n). What keeps it from starting is one sentence on stderr and status 2.

| environment variable                   | default         | meaning                             |
|----------------------------------------|-----------------|-------------------------------------|
| SAGEMAKER_BIND_TO_PORT                 | 8080            | the port of all the above, 32766 at |
|                                        |                 | most                                |
| DORMOUSE_BIND_HOST                     | 0.0.0.0         | the address (127.0.0.1 on a         |
|                                        |                 | developer's machine)                |
| SAGEMAKER_MULTI_MODEL                  | true            | SageMaker sets it; nothing else is  |
|                                        |                 | served                              |
| SAGEMAKER_BASE_DIR                     | /opt/ml         | SageMaker's directory; a model is   |
|                                        |                 | a directory below it                |
| TMPDIR                                 | /tmp            | in it a fresh directory is made, of |
|                                        |                 | sockets and configuration, and      |
|                                        |                 | removed at the end                  |
| DORMOUSE_STOP_SECONDS                  | 25              | for what runs at SIGTERM; SageMaker |
|                                        |                 | gives 30 until SIGKILL              |
| SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS | 60              | for a load, and for an invocation   |
| SAGEMAKER_MODEL_SERVER_WORKERS         | 1               | processes for each model            |
| SAGEMAKER_MODEL_SERVER_VMARGS          | -Xmx256m and    | arguments of the JVM, see           |
|                                        | some more       | server_settings.py                  |
| SAGEMAKER_MAX_PAYLOAD_IN_MB            | 6,553,500 bytes | the largest request                 |
| SAGEMAKER_HANDLER                      | our own         | module:function that loads a model  |
|                                        |                 | and invokes it                      |
| DORMOUSE_BATCH_SIZE                    | 32, or 1 with   | invocations of a model that are     |
|                                        | another handler | answered together, at most          |
| DORMOUSE_QUEUE_SIZE                    | 100             | invocations that wait for a model,  |
|                                        |                 | at most; beyond it 503              |
| TF_NUM_INTRAOP_THREADS                 | 1               | TensorFlow's threads in a worker,   |
| TF_NUM_INTEROP_THREADS                 |                 | within and across operations        |
| JAVA_HOME                              | java on PATH    | the Java runtime (8 or later)       |
"""

import signal
import sys
from pathlib import Path

if __name__ == "__main__":
    # Before anything that takes time: process 1 has no default for a signal, which would be lost.
    # owned_process.py waits for it.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    # As a script, Python puts this folder on the path; the package is the folder above.
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    from container.server import main

    sys.exit(main(sys.argv[1:]))
