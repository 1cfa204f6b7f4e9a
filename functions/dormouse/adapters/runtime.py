"""SageMaker's runtime, spoken as HTTP so that answers pass byte for byte.

boto3's own client would parse and rebuild each answer and drop headers that it doesn't know.
"""

from dataclasses import dataclass
from urllib.parse import quote

from botocore.exceptions import BotoCoreError, ConnectTimeoutError, EndpointConnectionError

from dormouse.adapters.signed_http import SignedHttp
from dormouse.domain.invocation import (
    Forwarded,
    InvocationRequest,
    InvocationResponse,
    NotServing,
    Unanswered,
    error_message,
    error_type,
    is_not_serving,
)

# SageMaker gives a model 60 s and then answers by itself; only a lost connection takes longer.
READ_TIMEOUT_SECONDS = 70
CONNECT_TIMEOUT_SECONDS = 3


@dataclass(frozen=True, slots=True)
class SageMakerRuntime:
    """Implements Runtime. Nothing is ever sent twice."""

    http: SignedHttp

    def forward(self, request: InvocationRequest) -> Forwarded | NotServing | Unanswered:
        """Send one invocation, once, and return the answer as it came; never raises."""
        path = f"/endpoints/{quote(request.endpoint)}/invocations"
        try:
            answer = self.http.send("POST", path, request.runtime_headers, request.body)
        except (EndpointConnectionError, ConnectTimeoutError) as error:
            return Unanswered(str(error), may_have_run=False)
        except BotoCoreError as error:
            # A timeout, a connection that was cut, TLS that broke: perhaps after it was sent.
            return Unanswered(str(error), may_have_run=True)
        response = InvocationResponse(answer.status, answer.headers, answer.body)
        if response.status < 400:
            # Predictions may be long, and are not looked into.
            return Forwarded(response)
        kind, message = error_type(response), error_message(response)
        if is_not_serving(response.status, kind, message):
            denial = f"InvokeEndpoint refused: {kind}: {message}"
            return NotServing(response, denial if response.status == 403 else None)
        return Forwarded(response)
