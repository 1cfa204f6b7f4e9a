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
from local.sagemaker.model_cache import LoadRefused, NotReady, Use
from local.sagemaker.naming import Place

BODY_LIMIT_BYTES = 6_291_456
CUSTOM_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
TARGET_MODEL = "X-Amzn-SageMaker-Target-Model"
TARGET_VARIANT = "X-Amzn-SageMaker-Target-Variant"
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
        if found is None or not isinstance(found[0], Container):
            raise errors.endpoint_not_found(endpoint_name, self._place.account_id)
        container, variant = found
        samples: list[Sample] = [Sample("Invocations", 1.0, "Count")]
        try:
            return self._invoke(
                endpoint_name, container, variant["VariantName"], headers, body, samples
            )
        except ServiceError as error:
            status = error.members.get("OriginalStatusCode", error.status)
            kind = "Invocation4XXErrors" if status in range(400, 500) else "Invocation5XXErrors"
            samples.append(Sample(kind, 1.0, "Count"))
            raise
        finally:
            latency = sum(s.value for s in samples if s.name == "ModelLatency")
            total = (self._clock() - begun) * 1e6
            samples.append(Sample("OverheadLatency", max(total - latency, 0.0), "Microseconds"))
            self._record(endpoint_name, variant["VariantName"], samples)

    def _invoke(
        self,
        endpoint_name: str,
        container: Container,
        variant_name: str,
        headers: Mapping[str, str],
        body: bytes,
        samples: list[Sample],
    ) -> Prediction:
        target = headers.get(TARGET_MODEL.lower(), "")
        if not target:
            raise errors.invocation(
                "Invocation Request does not contain required header: TargetModel, for a multi-model endpoint."
            )
        asked_variant = headers.get(TARGET_VARIANT.lower())
        if asked_variant and asked_variant != variant_name:
            raise errors.invocation(
                f"Variant {asked_variant} not found for endpoint {endpoint_name}."
            )
        forwarded = {name: headers[name.lower()] for name in FORWARDED if headers.get(name.lower())}
        answer = self._ask(endpoint_name, container, target, forwarded, body, samples)
        if not answer.succeeded:
            samples.append(Sample("InvocationModelErrors", 1.0, "Count"))
            raise self._model_error(endpoint_name, answer)
        given = {name.lower(): value for name, value in answer.headers.items()}
        shown = {
            "Content-Type": given.get("content-type", "application/octet-stream"),
            "x-Amzn-Invoked-Production-Variant": variant_name,
        }
        if attributes := given.get(CUSTOM_ATTRIBUTES.lower()):
            shown[CUSTOM_ATTRIBUTES] = attributes
        return Prediction(answer.body, shown)

    def _ask(
        self,
        endpoint_name: str,
        container: Container,
        target: str,
        headers: Mapping[str, str],
        body: bytes,
        samples: list[Sample],
    ) -> Answer:
        try:
            for last in (False, True):
                with container.models.using(target) as use:
                    self._note_cache(use, samples)
                    begun = self._clock()
                    answer = container.client.invoke(
                        use.model_name, body, headers, self._invoke_seconds
                    )
                    samples.append(
                        Sample("ModelLatency", (self._clock() - begun) * 1e6, "Microseconds")
                    )
                # 404 is the contract's word for a model that the container does not have (any more).
                if answer.status != 404 or last or not use.cache_hit:
                    return answer
                container.models.forget(target)
                samples[:] = [s for s in samples if s.name == "Invocations"]
        except NotReady:
            raise errors.model_not_ready(target) from None
        except LoadRefused as refusal:
            raise self._model_error(endpoint_name, refusal.answer) from refusal
        except TooSlow as slow:
            raise self._model_error(
                endpoint_name,
                Answer(
                    0,
                    b"Your invocation timed out while waiting for a response from container primary. Review the "
                    b"latency metrics for each container in Amazon CloudWatch, resolve the issue, and try again.",
                ),
            ) from slow
        except (Unreachable, CancelledError) as lost:
            raise errors.unavailable(
                f"The service is unavailable. Try your call again. ({lost})"
            ) from lost
        raise AssertionError("the second round returns")

    @staticmethod
    def _note_cache(use: Use, samples: list[Sample]) -> None:
        samples.append(Sample("ModelCacheHit", 1.0 if use.cache_hit else 0.0, "None"))
        if not use.cache_hit:
            samples.append(Sample("ModelLoadingWaitTime", use.waited_seconds * 1e6, "Microseconds"))

    def _model_error(self, endpoint_name: str, answer: Answer) -> ServiceError:
        return errors.model_error(
            answer.status,
            answer.text,
            log_group_url=self._place.log_group_url(endpoint_name),
            account_id=self._place.account_id,
            log_stream_arn=self._place.log_stream_arn(endpoint_name),
        )
