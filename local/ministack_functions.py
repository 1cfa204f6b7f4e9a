"""The processes of ministack's Lambda functions: what they are doing ends before they do, as on
Lambda, where a change or a deletion of a function cuts off no invocation.

ministack ends them in the middle of it when the function changes, and leaves them running when
CloudFormation deletes it.
"""

from __future__ import annotations

from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners


def install() -> None:
    """Take effect."""
    invalidate, release = lambda_svc.invalidate_worker, lambda_svc.release_worker
    delete = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]["delete"]
    leaving: list[Any] = []

    def invalidate_idle(
        func_name: str,
        qualifier: str | None = None,
        account: str | None = None,
        region: str | None = None,
    ) -> None:
        wanted = (account, region, func_name, qualifier)
        with lambda_runtime._lock:
            for key, workers in lambda_runtime._workers.items():
                if all(w in {None, part} for w, part in zip(wanted, key.split(":"), strict=True)):
                    leaving.extend(worker for worker in workers if worker.in_use)
                    workers[:] = [worker for worker in workers if not worker.in_use]
        invalidate(func_name, qualifier, account, region)

    def release_or_end(worker: Any) -> None:
        release(worker)
        with lambda_runtime._lock:
            ends = worker in leaving
            if ends:
                leaving.remove(worker)
        if ends:
            lambda_runtime.kill_workers([worker])

    def delete_with_processes(name: str, properties: dict[str, Any]) -> None:
        delete(name, properties)
        lambda_svc.invalidate_worker(name)

    lambda_svc.invalidate_worker = invalidate_idle
    lambda_svc.release_worker = release_or_end
    provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]["delete"] = delete_with_processes
