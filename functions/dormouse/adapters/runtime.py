"""SageMaker's runtime, spoken as HTTP so that answers pass byte for byte.

boto3's own client would parse and rebuild each answer and drop headers that it doesn't know; here
botocore only signs the request and keeps the connections.
"""

import time
from dataclasses import dataclass, field
from urllib.parse import quote

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ConnectTimeoutError, EndpointConnectionError
from botocore.httpsession import URLLib3Session

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

# A connection that was kept while Lambda froze the container may be closed at the far end without a
# sign here, and a request sent into it would be one of unknown fate.
IDLE_CONNECTION_SECONDS = 10


@dataclass(slots=True)
class SageMakerRuntime:
    """Implements Runtime. `session` keeps the connections; nothing is ever sent twice."""

    session: URLLib3Session
    credentials: Credentials
    region: str
    endpoint_url: str
    _used_at: float = field(default=0.0, init=False)

    def forward(self, request: InvocationRequest) -> Forwarded | NotServing | Unanswered:
        """Send one invocation, once, and return the answer as it came; never raises."""
        outgoing = AWSRequest(
            method="POST",
            url=f"{self.endpoint_url}/endpoints/{quote(request.endpoint)}/invocations",
            headers=request.runtime_headers,
            data=request.body,
        )
        SigV4Auth(self.credentials, "sagemaker", self.region).add_auth(outgoing)
        self._drop_idle_connections()
        try:
            answer = self.session.send(outgoing.prepare())
        except (EndpointConnectionError, ConnectTimeoutError) as error:
            return Unanswered(str(error), may_have_run=False)
        except BotoCoreError as error:
            # A timeout, a connection that was cut, TLS that broke: perhaps after it was sent.
            return Unanswered(str(error), may_have_run=True)
        response = InvocationResponse(
            status=answer.status_code,
            headers={name.lower(): value for name, value in answer.headers.items()},
            body=answer.content,
        )
        kind, message = error_type(response), error_message(response)
        if is_not_serving(response.status, kind, message):
            denial = f"InvokeEndpoint refused: {kind}: {message}"
            return NotServing(response, denial if response.status == 403 else None)
        return Forwarded(response)

    def _drop_idle_connections(self) -> None:
        # The wall clock, since a frozen container's monotonic clock may stand still.
        now = time.time()
        if now - self._used_at > IDLE_CONNECTION_SECONDS:
            self.session.close()
        self._used_at = now
