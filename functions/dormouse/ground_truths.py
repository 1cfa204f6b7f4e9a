"""Keeping ground truth beside the captures that it belongs to."""

from collections.abc import Sequence
from dataclasses import dataclass

from dormouse.domain.capture_policy import CapturePolicy
from dormouse.domain.claims import Claim
from dormouse.domain.ground_truth import (
    GroundTruth,
    key_of,
    sampled_among,
    write_ground_truth,
)
from dormouse.domain.spec import Spec
from dormouse.intents import Intents
from dormouse.ports import Clock, ControlState, Payloads

_JSON_LINES = "application/jsonlines"


@dataclass(frozen=True, slots=True)
class Kept:
    """How many records were written, and how many not, since their requests are not captured."""

    written: int
    not_sampled: int


@dataclass(frozen=True, slots=True)
class GroundTruths:
    """Writes ground truth into the bucket of captures."""

    intents: Intents
    state: ControlState
    objects: Payloads
    clock: Clock

    def keep(self, endpoint: str, truths: Sequence[GroundTruth]) -> Kept:
        """Write those of requests that are captured, all in one object.

        Raises:
            UnmanagedEndpointError: no EndpointConfig claims the endpoint.
            AwsError: nothing is written, or it can't be said whether it is; the same again in the
                same hour counts once.
        """
        claim = self.intents.claim(endpoint)
        sampled = sampled_among(truths, self._policy(claim))
        if sampled:
            written = write_ground_truth(sampled)
            key = key_of(claim.endpoint, written, self.clock())
            self.objects.put(key, written, _JSON_LINES)
        return Kept(len(sampled), len(truths) - len(sampled))

    def _policy(self, claim: Claim) -> CapturePolicy:
        """Say what is captured: by the tags, or by those that could be obeyed last."""
        if isinstance(claim, Spec):
            return claim.capture
        terms = self.state.read(claim.endpoint).terms
        return CapturePolicy() if terms is None else terms.capture
