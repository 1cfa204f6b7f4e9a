"""GetResources of the Resource Groups Tagging API: SageMaker's resources, and the pages that
ministack leaves out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from local import ministack_hooks, paging
from local.sagemaker.control import Store

DEFAULT_IN_A_PAGE = 50
MOST_IN_A_PAGE = 100
Answer = tuple[int, dict[str, str], bytes]


def _invalid(message: str) -> Answer:
    body = {"__type": "InvalidParameterException", "Message": message}
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "x-amzn-ErrorType": "InvalidParameterException",
    }
    return 400, headers, json.dumps(body).encode()


def paged(request: dict[str, Any], get_resources: Callable[[dict[str, Any]], Answer]) -> Answer:
    """Answer GetResources page by page: ResourcesPerPage, then PaginationToken until it comes back
    empty.
    """
    size = request.get("ResourcesPerPage", DEFAULT_IN_A_PAGE)
    if not isinstance(size, int) or not 1 <= size <= MOST_IN_A_PAGE:
        return _invalid(f"ResourcesPerPage must be between 1 and {MOST_IN_A_PAGE}.")
    status, headers, body = get_resources(request)
    if status != 200:
        return status, headers, body
    answer = json.loads(body)
    found = answer["ResourceTagMappingList"]
    try:
        rows, token = paging.page(found, size, request.get("PaginationToken"))
    except ValueError:
        return _invalid("The PaginationToken is not valid.")
    answer |= {"ResourceTagMappingList": rows, "PaginationToken": token or ""}
    return status, headers, json.dumps(answer).encode()


def install(store: Store) -> None:
    """Take effect."""

    def collect() -> Iterator[tuple[str, list[dict[str, str]]]]:
        yield from store.tagged()

    ministack_hooks.add_tag_collector("sagemaker", collect)
    ministack_hooks.wrap_get_resources(paged)
