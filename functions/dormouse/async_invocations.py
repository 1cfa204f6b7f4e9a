"""POST /endpoints/{EndpointName}/async-invocations: InvokeEndpointAsync for multi-model endpoints.

A request is always kept first, and answered by `drain`: at once if the endpoint serves, else when
it does. Its input is read now: what is accepted can be answered, whatever becomes of the object.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from dormouse import responses
from dormouse.admission import admit, answering
from dormouse.domain.async_invocation import (
    AsyncInvocation,
    AsyncInvocationError,
    read_async_invocation,
)
from dormouse.domain.call import InvokeAsync, completion_topic_of
from dormouse.domain.invocation import BODY_LIMIT_BYTES, InvocationRequest
from dormouse.domain.parked_request import Kind
from dormouse.domain.principals import name_of
from dormouse.domain.request_identity import (
    fingerprint_of,
    token_of_inference,
    token_of_invocation,
)
from dormouse.errors import LocationError
from dormouse.exchanges import arrival_of
from dormouse.handled import Fate, Handled
from dormouse.parking import Parked, Parking, Wanted
from dormouse.permissions import Permissions, Permitted
from dormouse.ports import Clock, Locations, ProxyState
from dormouse.responses import Refused


@dataclass(frozen=True, slots=True)
class AsyncInvocations:
    """Accepts asynchronous invocations.

    Results go to `output/` in `requests_bucket`. `draw_token` draws 32 hexadecimal digits.
    """

    state: ProxyState
    permissions: Permissions
    parking: Parking
    locations: Locations
    clock: Clock
    draw_token: Callable[[], str]
    requests_bucket: str

    def handle(self, call: InvokeAsync) -> Handled:
        """Accept one; never raises for what AWS does."""
        return answering(lambda problems: self._answer(call, problems))

    def _answer(self, call: InvokeAsync, problems: list[str]) -> Handled:
        arrived_at, request = self.clock(), call.invocation
        permitted = admit(request, self.permissions, problems)
        # Who was let in has asked for the endpoint, also where he is told to come again.
        handled = answering(lambda _: self._accept(call, permitted, problems))
        return replace(handled, arrival=arrival_of(request.endpoint, handled, arrived_at))

    def _accept(self, call: InvokeAsync, permitted: Permitted, problems: list[str]) -> Handled:
        request = call.invocation
        try:
            asked = read_async_invocation(request.headers, has_body=bool(request.body))
        except AsyncInvocationError as error:
            raise Refused(responses.bad_request(str(error))) from error
        wanted = self._wanted(call, asked, permitted)
        # Asked for first: a repetition is accepted though its input is gone by now.
        there = self.parking.find(wanted)
        if there is not None:
            parked = self.parking.again(there, request.request_id, problems)
            return _kept(parked, call)
        ledger = self.state.read(request.endpoint)
        if not ledger.is_known and not self.permissions.is_claimed(request.endpoint):
            account_id = self.permissions.account_id
            response = responses.unknown_endpoint(request.endpoint, account_id)
            return Handled(response, Fate.UNKNOWN_ENDPOINT)
        read_body = partial(self._input, request, asked)
        parked = self.parking.park(wanted, ledger, read_body, request.request_id, problems)
        return _kept(parked, call)

    def _wanted(self, call: InvokeAsync, asked: AsyncInvocation, permitted: Permitted) -> Wanted:
        request = call.invocation
        principal, names = name_of(request.caller), "InferenceId"
        if asked.inference_id is not None:
            token = token_of_inference(principal, request.endpoint, asked.inference_id)
        elif call.sdk_name is not None:
            # The SDK repeats what it had no answer to in time: that is the same request.
            token = token_of_invocation(principal, request.endpoint, call.sdk_name)
            names = "amz-sdk-invocation-id"
        else:
            token = self.draw_token()
        place = "/".join(
            part for part in ("output", request.endpoint, asked.path_extension) if part is not None
        )
        stem = f"s3://{self.requests_bucket}/{place}/{asked.filename or token}"
        # The headers as they came: where the result goes belongs to the request.
        fingerprint = fingerprint_of(Kind.ASYNC_INVOCATION, request.runtime_headers, request.body)
        return Wanted(
            endpoint=request.endpoint,
            kind=Kind.ASYNC_INVOCATION,
            token=token,
            principal=principal,
            headers=asked.headers,
            fingerprint=fingerprint,
            inference_id=asked.inference_id or token,
            input_location=asked.input_location,
            output_location=stem if asked.filename is not None else f"{stem}.out",
            failure_location=f"{stem}.failure",
            topic=completion_topic_of(request.headers),
            default_topic=permitted.completion_topic,
            time_to_live=asked.time_to_live,
            names=names,
        )

    def _input(self, request: InvocationRequest, asked: AsyncInvocation) -> bytes:
        if asked.input_location is None:
            return request.body
        try:
            return self.locations.fetch(asked.input_location, BODY_LIMIT_BYTES)
        except LocationError as error:
            raise Refused(responses.bad_location(error)) from error


def _kept(parked: Parked, call: InvokeAsync) -> Handled:
    request = parked.request
    response = responses.accepted_async(
        request.inference_id or "",
        f"{call.base_url}/requests/{request.id}",
        request.output_location or "",
        request.failure_location or "",
    )
    return Handled(response, Fate.PARKED, request_id=request.id, is_repetition=parked.is_repetition)
