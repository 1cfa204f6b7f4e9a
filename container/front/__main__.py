"""Run the front: `python -m container.front DIRECTORY JVM_COMMAND…`, started by server.py.

DIRECTORY is this server's own, for its sockets. All settings are in the environment (entrypoint.py
has the table). On SIGTERM it answers what runs and ends with status 0; if multi-model-server ends
by itself, it ends with that status (128 + n for signal n).
"""

import asyncio
import os
import resource
import sys
from pathlib import Path

from container.front.front import serve
from container.server_settings import settings_from
from container.workers.log_lines import log_as

if __name__ == "__main__":
    log_as("front")
    # Each model takes some, and each caller one; often 1,024 are given and more may be had.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    directory, *command = sys.argv[1:]
    settings = settings_from(os.environ)
    sys.exit(asyncio.run(serve(settings, Path(directory), command, os.environ)))
