"""The emulator's own process: ministack with SageMaker beside it. local/server.py starts it below a
tether.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import signal
import socket
import sys
import threading
import time
from functools import cache, partial
from typing import IO, Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

from local import price_list, scaling
from local import settings as settings_module
from local.price_list import PriceList
from local.sagemaker import capacity
from local.sagemaker.control import Store
from local.sagemaker.control_plane import ControlPlane
from local.sagemaker.endpoints import Endpoints
from local.sagemaker.fetching import ModelFetch
from local.sagemaker.hosting import Container, ContainerHosting
from local.sagemaker.lifecycle import Pace
from local.sagemaker.metrics import Sample, metric_data
from local.sagemaker.model_cache import Measure
from local.sagemaker.naming import Place
from local.sagemaker.runtime import Runtime
from local.scaling import Scaling
from local.settings import HOST, LocalSettings

ADVANCE_SECONDS = 0.2
logger = logging.getLogger("local.emulator")


@cache
def s3_client(settings: LocalSettings) -> Any:
    """The one client of the local S3; clients may be shared by threads, and making one is slow."""
    return botocore.session.get_session().create_client(
        "s3",
        region_name=settings.region,
        endpoint_url=settings.endpoint_url,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )


def download(settings: LocalSettings, bucket: str, key: str, file: IO[bytes]) -> bool:
    """Bring an object from the local S3; False if it is not there."""
    try:
        body = s3_client(settings).get_object(Bucket=bucket, Key=key)["Body"]
    except ClientError as error:
        if error.response["Error"]["Code"] in {"NoSuchKey", "NoSuchBucket", "404"}:
            return False
        raise
    for chunk in body.iter_chunks(1 << 20):
        file.write(chunk)
    return True


class Emulator:
    """Everything wired together. ministack's own stores belong to the event loop, so what goes into
    them goes by it.
    """

    def __init__(self, settings: LocalSettings, loop: asyncio.AbstractEventLoop):
        # Imported only once ministack is known to have every hook (main), so that one that is gone
        # is a sentence and no traceback.
        from local import (  # noqa: PLC0415
            cloudformation,
            custom_resources,
            event_sources,
            function_urls,
            http_api,
            ministack_functions,
            ministack_hooks,
            ministack_stacks,
            parameters,
            schedules,
            stack_search,
            tables,
            tag_search,
        )
        from local.gateway import Gateway  # noqa: PLC0415

        self._hooks = ministack_hooks
        self._loop = loop
        self.settings = settings
        self._ended = threading.Event()
        place = Place(settings.account_id, settings.region)
        store = Store(place)
        hosting = ContainerHosting(
            settings,
            ModelFetch(partial(download, settings), size_bytes=settings.model_size_bytes),
            self._measure,
            os.environ,
        )
        scaled = Scaling(place, store.serving_variants)
        self.endpoints = Endpoints(
            store,
            hosting,
            Pace(settings.create_seconds, settings.delete_seconds, settings.ping_timeout_seconds),
            instance_limit=settings.instance_limit,
            lacking=partial(capacity.lacking, settings.no_capacity_path),
            changed=lambda entry: self._on_loop(ministack_hooks.put_aws_event, entry),
            deleted=scaled.endpoint_deleted,
        )
        control_plane = ControlPlane(store, self.endpoints)
        runtime = Runtime(
            self.endpoints, place, invoke_seconds=settings.invoke_seconds, record=self._record
        )
        services = {
            "SageMaker": control_plane.call,
            scaling.TARGET: scaled.call,
            price_list.TARGET: PriceList(settings.region).call,
        }
        self.gateway = Gateway(services, runtime, ministack_hooks.application)
        cloudformation.install(control_plane)
        custom_resources.install(settings.custom_resource_seconds)
        ministack_functions.install()
        ministack_stacks.make_names_unique()
        ministack_stacks.keep_what_is_needed()
        tag_search.install(store)
        tables.install()
        event_sources.install()
        parameters.install()
        stack_search.install()
        function_urls.install(settings.endpoint_url)
        http_api.install(settings.endpoint_url)
        schedules.install(settings.schedule_tick_seconds)
        self._advancing = threading.Thread(target=self._advance, name="sagemaker-advance")

    def start(self) -> None:
        """Let endpoints live."""
        self._advancing.start()

    def end(self) -> None:
        """End every container and every function, and return when they have ended."""
        self._ended.set()
        self._advancing.join()
        self.gateway.close()
        hosts = self.endpoints.stop_all()
        self._hooks.end_functions()
        for host in hosts:
            if isinstance(host, Container):
                host.wait_stopped(self.settings.container_stop_seconds + 5)

    def _advance(self) -> None:
        while not self._ended.wait(ADVANCE_SECONDS):
            try:
                self.endpoints.advance()
            except Exception:
                logger.exception("the endpoints could not be looked at")

    def _on_loop(self, function: Any, argument: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: there is nobody left to tell
            self._loop.call_soon_threadsafe(function, argument)

    def _record(self, endpoint: str, variant: str, samples: list[Sample]) -> None:
        self._on_loop(
            self._hooks.put_metric_data, metric_data(endpoint, variant, samples, time.time())
        )

    def _measure(self, endpoint: str, variant: str) -> Measure:
        return lambda name, value: self._record(
            endpoint, variant, [Sample(name, value, "Microseconds")]
        )


def refuse_taken_port(port: int) -> None:
    """Say in one sentence that somebody else listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise SystemExit(f"local AWS: port {port} is taken ({error.strerror}).") from error


async def serve(settings: LocalSettings) -> None:
    """Answer requests until a signal says to end."""
    # As above: only in the emulator's own environment, and after the check.
    from hypercorn.asyncio import serve as hypercorn_serve  # noqa: PLC0415
    from hypercorn.config import Config as ServerConfig  # noqa: PLC0415

    loop = asyncio.get_running_loop()
    emulator = Emulator(settings, loop)
    ending = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(signum, ending.set)
    config = ServerConfig()
    config.bind = [f"{HOST}:{settings.port}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1
    config.shutdown_timeout = 5

    async def announce() -> None:
        while True:
            try:
                _, writer = await asyncio.open_connection(HOST, settings.port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            settings.ready_path.write_text(f"{os.getpid()}\n")
            return

    emulator.start()
    announcing = asyncio.create_task(announce())
    try:
        await hypercorn_serve(emulator.gateway, config, shutdown_trigger=ending.wait)
    finally:
        announcing.cancel()
        await asyncio.to_thread(emulator.end)


def main() -> int:
    """Run until told to end."""
    settings = settings_module.parse(sys.argv[1:])
    # Functions inherit this process's environment and must not find the project on their path.
    for name in [n for n in os.environ if n == "PYTHONPATH" or n.startswith("LOCAL_")]:
        del os.environ[name]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65536 if hard == resource.RLIM_INFINITY else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(wanted, 65536)), hard))
    refuse_taken_port(settings.port)
    try:
        # A hook that is gone altogether shows at the import.
        from local import ministack_contract, ministack_hooks  # noqa: F401, PLC0415
    except (ImportError, AttributeError) as error:
        print(f"local AWS: this ministack lacks a part that is needed: {error}", file=sys.stderr)
        return 3
    try:
        ministack_contract.check()
    except ministack_contract.Incompatible as error:
        print(f"local AWS: {error}", file=sys.stderr)
        return 3
    asyncio.run(serve(settings))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
