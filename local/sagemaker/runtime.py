"""InvokeEndpoint."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError
from dataclasses import dataclass

from local.sagemaker import errors
from local.sagemaker.container_client import Answer, TooSlow, Unreachable
from local.sagemaker.endpoints import Endpoints
from local.sagemaker.errors import ServiceError
from local.sagemaker.hosting import Container
from local.sagemaker.metrics import Sample
from local.sagemaker.model_cache import LoadRefused, NotReady
from local.sagemaker.naming import Place

BODY_LIMIT_BYTES = 6_291_456
CUSTOM_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
TARGET_MODEL = "X-Amzn-SageMaker-Target-Model"
TARGET_VARIANT = "X-Amzn-SageMaker-Target-Variant"
TIMED_OUT = (
    "Your invocation timed out while waiting for a response from container primary. Review the "
    "latency metrics for each container in Amazon CloudWatch, resolve the issue, and try again."
)
# What SageMaker hands on to the container, and what it takes back from it.
FORWARDED = (
    "Content-Type",
    "Accept",
    CUSTOM_ATTRIBUTES,
    TARGET_MODEL,
    "X-Amzn-SageMaker-Inference-Id",
    "X-Amzn-SageMaker-Session-Id",
)


@dataclass(frozen=True, slots=True)
class Prediction:
    """A successful answer."""

    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Call:
    endpoint_name: str
    variant_name: str
    container: Container
    headers: Mapping[str, str]
    body: bytes
    samples: list[Sample]

    def note(self, name: str, value: float, unit: str) -> None:
        self.samples.append(Sample(name, value, unit))


class Runtime:
    """Answers invocations; each call may take as long as the model does."""

    def __init__(
        self,
        endpoints: Endpoints,
        place: Place,
        *,
        invoke_seconds: float,
        record: Callable[[str, str, list[Sample]], None],
        clock: Callable[[], float] = time.monotonic,
    ):
        self._endpoints = endpoints
        self._place = place
        self._invoke_seconds = invoke_seconds
        self._record = record
        self._clock = clock

    def invoke(self, endpoint_name: str, headers: Mapping[str, str], body: bytes) -> Prediction:
        """Answer a call or raise ServiceError. Header names are in lower case."""
        begun = self._clock()
        found = self._endpoints.serving_host(endpoint_name)
        host, variant = found or (None, {})
        if not isinstance(host, Container):
            raise errors.endpoint_not_found(endpoint_name, self._place.account_id)
        call = _Call(endpoint_name, variant["VariantName"], host, headers, body, [])
        call.note("Invocations", 1.0, "Count")
        try:
            return self._answer(call)
        except ServiceError as error:
            status = error.members.get("OriginalStatusCode", error.status)
            fault = "Invocation4XXErrors" if status in range(400, 500) else "Invocation5XXErrors"
            call.note(fault, 1.0, "Count")
            raise
        finally:
            model_latency = sum(s.value for s in call.samples if s.name == "ModelLatency")
            total = (self._clock() - begun) * 1e6
            call.note("OverheadLatency", max(total - model_latency, 0.0), "Microseconds")
            self._record(endpoint_name, call.variant_name, call.samples)

    def _answer(self, call: _Call) -> Prediction:
        target = call.headers.get(TARGET_MODEL.lower(), "")
        if not target:
            raise errors.invocation(
                "Invocation Request does not contain required header: TargetModel, "
                "for a multi-model endpoint."
            )
        asked_variant = call.headers.get(TARGET_VARIANT.lower(), call.variant_name)
        if asked_variant != call.variant_name:
            raise errors.invocation(
                f"Variant {asked_variant} not found for endpoint {call.endpoint_name}."
            )
        answer = self._ask(call, target)
        if not answer.succeeded:
            call.note("InvocationModelErrors", 1.0, "Count")
            raise self._model_error(call, answer)
        given = {name.lower(): value for name, value in answer.headers.items()}
        shown = {
            "Content-Type": given.get("content-type", "application/octet-stream"),
            "x-Amzn-Invoked-Production-Variant": call.variant_name,
        }
        if attributes := given.get(CUSTOM_ATTRIBUTES.lower()):
            shown[CUSTOM_ATTRIBUTES] = attributes
        return Prediction(answer.body, shown)

    def _ask(self, call: _Call, target: str) -> Answer:
        models = call.container.models
        try:
            answer, cache_hit = self._ask_loaded(call, target)
            # 404 is the contract's word for a model that the container has not, or has no more.
            if answer.status == 404 and cache_hit:
                models.forget(target)
                call.samples[:] = [s for s in call.samples if s.name == "Invocations"]
                answer, _ = self._ask_loaded(call, target)
        except NotReady:
            raise errors.model_not_ready(target) from None
        except LoadRefused as refusal:
            call.note("InvocationModelErrors", 1.0, "Count")
            raise self._model_error(call, refusal.answer) from refusal
        except TooSlow as slow:
            call.note("InvocationModelErrors", 1.0, "Count")
            raise self._model_error(call, Answer(0, TIMED_OUT.encode())) from slow
        except (Unreachable, CancelledError) as lost:
            raise errors.unavailable("The service is unavailable. Try your call again.") from lost
        return answer

    def _ask_loaded(self, call: _Call, target: str) -> tuple[Answer, bool]:
        forwarded = {
            name: call.headers[name.lower()] for name in FORWARDED if name.lower() in call.headers
        }
        with call.container.models.using(target) as use:
            call.note("ModelCacheHit", 1.0 if use.cache_hit else 0.0, "None")
            if not use.cache_hit:
                call.note("ModelLoadingWaitTime", use.waited_seconds * 1e6, "Microseconds")
            begun = self._clock()
            answer = call.container.client.invoke(
                use.model_name, call.body, forwarded, self._invoke_seconds
            )
            call.note("ModelLatency", (self._clock() - begun) * 1e6, "Microseconds")
        return answer, use.cache_hit

    def _model_error(self, call: _Call, answer: Answer) -> ServiceError:
        return errors.model_error(
            answer.status,
            answer.text,
            log_group_url=self._place.log_group_url(call.endpoint_name),
            account_id=self._place.account_id,
            log_stream_arn=self._place.log_stream_arn(call.endpoint_name),
        )
