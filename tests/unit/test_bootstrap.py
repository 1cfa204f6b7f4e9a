"""How the object graphs are built: what the safety of a teardown rests on."""

from collections.abc import Iterator
from typing import Any

import pytest

from dormouse import bootstrap
from dormouse.adapters.sagemaker import SageMakerEndpoints


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Both functions' settings, and nothing kept from one test to the next."""
    for name in ("ENDPOINTS_TABLE", "STACK_NAME", "OWN_ENDPOINT", "OWN_ENDPOINT_CONFIG"):
        monkeypatch.setenv(f"DORMOUSE_{name}", "x")
    monkeypatch.setenv("DORMOUSE_RECONCILE_FUNCTION", "x")
    bootstrap.reconciler.cache_clear()
    bootstrap.proxy.cache_clear()
    yield
    bootstrap.reconciler.cache_clear()
    bootstrap.proxy.cache_clear()


def test_what_creates_and_deletes_never_tries_twice() -> None:
    """A late repetition of DeleteEndpoint could delete the endpoint that was created after it."""
    endpoints = bootstrap.reconciler().endpoints

    assert isinstance(endpoints, SageMakerEndpoints)
    config: Any = endpoints.writer.meta.config  # its stubs know no options
    assert config.retries["total_max_attempts"] == 1


def test_each_is_built_once_for_a_container() -> None:
    """Clients take a while to make."""
    assert bootstrap.reconciler() is bootstrap.reconciler()
    assert bootstrap.proxy() is bootstrap.proxy()
