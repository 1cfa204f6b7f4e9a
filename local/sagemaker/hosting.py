"""Run containers: one process tree for each deployment of an endpoint, on a loopback port of its
own.
"""

from __future__ import annotations

import random
import shutil
import socket
import tempfile
import threading
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

from local import tethered
from local.java import path_with_java
from local.sagemaker.container_client import ContainerClient
from local.sagemaker.lifecycle import Condition
from local.sagemaker.model_cache import Measure, ModelCache
from local.sagemaker.records import Model
from local.settings import HOST, LocalSettings

WATCH_SECONDS = 0.25
# Below the kernel's range for outgoing connections, which could take the port before the container
# does; and multi-model-server accepts none from 32767 on.
PORTS = range(20000, 32767)
# Leaves room for `/cXXXXXXXX/mms-XXXXXXXX/.mms.sock.9999` and a few characters more.
LONGEST_SCRATCH = 60
# No image is run here, whatever CreateModel was told; but this tag stands for an image whose
# container ends at its start, as after a bad deployment.
UNHEALTHY_TAG = "unhealthy"
# Fetches one model of a ModelDataUrl into a directory below the given one.
Fetch = Callable[[str, str, Path], Path]
HEALTH_CHECK_FAILED = (
    "The primary container for production variant {variant} did not pass the ping health check. "
    "Please check CloudWatch logs for this endpoint."
)


def free_port() -> int:
    """Find a port that nobody listens on now."""
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise OSError(f"no port from {PORTS[0]} to {PORTS[-1]} is free")


def short_scratch(settings: LocalSettings) -> Path:
    """Choose where containers keep their sockets: a socket's path may have 107 characters at most.

    Below the state directory, so that the next start wipes what a kill has left, unless that is too
    deep; then the machine's own directory for temporary files.
    """
    below_state = settings.run_dir / "tmp"
    return below_state if len(str(below_state)) <= LONGEST_SCRATCH else Path("/tmp")


class Container:
    """One running container with its models. A thread of its own watches it, so that nobody else
    has to wait.
    """

    def __init__(
        self,
        process: tethered.Tethered,
        client: ContainerClient,
        directories: list[Path],
        models: ModelCache,
        variant_name: str,
    ):
        self._variant_name = variant_name
        self.client = client
        self.models = models
        self._process = process
        self._directories = directories
        self._answered = False
        self._ended = False
        self._stopped = threading.Event()
        self._stopping = threading.Event()
        threading.Thread(target=self._watch, name="container-watch", daemon=True).start()

    def condition(self) -> Condition:
        """What was seen last."""
        if self._ended:
            return Condition.ENDED
        return Condition.ANSWERING if self._answered else Condition.STARTING

    def failure_reason(self) -> str:
        """SageMaker's own sentence for a container that does not come up."""
        return HEALTH_CHECK_FAILED.format(variant=self._variant_name)

    def stop(self) -> None:
        """End the process tree in the background. Repeating it does no harm."""
        if not self._stopping.is_set():
            self._stopping.set()
            threading.Thread(target=self._end, name="container-end").start()

    def is_stopped(self) -> bool:
        """Whether the tree is gone and its directory with it."""
        return self._stopped.is_set()

    def wait_stopped(self, seconds: float) -> bool:
        """Wait for the end; False if it takes longer."""
        return self._stopped.wait(seconds)

    def _watch(self) -> None:
        while not self._stopping.wait(WATCH_SECONDS):
            if self._process.exit_status() is not None:
                self._ended = True
                return
            if not self._answered:
                self._answered = self.client.ping()

    def _end(self) -> None:
        self.models.close()
        self._process.end()
        for directory in self._directories:
            shutil.rmtree(directory, ignore_errors=True)
        self._stopped.set()


class BrokenContainer:
    """Stands where a container could not even be started."""

    def __init__(self, reason: str):
        self._reason = reason

    def condition(self) -> Condition:
        """It never ran."""
        return Condition.ENDED

    def failure_reason(self) -> str:
        """Why."""
        return self._reason

    def stop(self) -> None:
        """Nothing to end."""

    def is_stopped(self) -> bool:
        """Nothing is left."""
        return True


class ContainerHosting:
    """Starts the containers of endpoints."""

    def __init__(
        self,
        settings: LocalSettings,
        fetch: Fetch,
        measure: Callable[[str, str], Measure],
        environment: Mapping[str, str],
    ):
        self._settings = settings
        self._fetch = fetch
        self._measure = measure
        self._environment = environment

    def start(
        self, endpoint_name: str, variant_name: str, model: Model
    ) -> Container | BrokenContainer:
        """Start a container for the model."""
        settings = self._settings
        directory = settings.run_dir / "containers" / f"{endpoint_name}-{uuid.uuid4().hex[:8]}"
        directory.mkdir(parents=True)
        scratch = Path(tempfile.mkdtemp(prefix="c", dir=short_scratch(settings)))
        port = free_port()
        log_path = settings.run_dir / "logs" / f"endpoint-{endpoint_name}.log"
        try:
            with log_path.open("ab") as log:
                process = tethered.start(
                    self._command(model),
                    environment=self._container_environment(model, port, directory, scratch),
                    output=log,
                    directory=directory,
                    grace_seconds=settings.container_stop_seconds,
                )
        except OSError as error:
            return BrokenContainer(f"The container could not be started: {error}")
        client = ContainerClient(port)
        url = model.container["ModelDataUrl"]
        models_dir = directory / "models"
        models_dir.mkdir()
        cache = ModelCache(
            client,
            lambda target: self._fetch(url, target, models_dir),
            wait_seconds=settings.model_wait_seconds,
            load_seconds=settings.load_seconds,
            measure=self._measure(endpoint_name, variant_name),
        )
        return Container(process, client, [directory, scratch], cache, variant_name)

    def _command(self, model: Model) -> list[str]:
        python = str(self._settings.container_python)
        if model.container.get("Image", "").endswith(f":{UNHEALTHY_TAG}"):
            return [python, "-c", "raise SystemExit('unhealthy, as the tag of the image says')"]
        return [python, str(self._settings.container_entrypoint), "serve"]

    def _container_environment(
        self, model: Model, port: int, directory: Path, scratch: Path
    ) -> dict[str, str]:
        # What this process was told about the local AWS is no business of the container's: it gets
        # what SageMaker would give it, and the few things that a process without an image of its
        # own needs.
        inherited = {
            name: value
            for name in ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "JAVA_HOME", "LD_LIBRARY_PATH")
            if (value := self._environment.get(name))
        }
        return {
            **inherited,
            "PATH": path_with_java(inherited),
            "PYTHONUNBUFFERED": "1",
            **{str(k): str(v) for k, v in (model.container.get("Environment") or {}).items()},
            "SAGEMAKER_MULTI_MODEL": "true",
            "SAGEMAKER_BIND_TO_PORT": str(port),
            "SAGEMAKER_BASE_DIR": str(directory),
            "SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS": "60",
            "TMPDIR": str(scratch),
            "DORMOUSE_BIND_HOST": HOST,
        }
