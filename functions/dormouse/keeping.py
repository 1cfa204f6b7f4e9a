"""Saving what dies with an endpoint before it is deleted, and giving it back once it serves.

Its tags and its DeploymentConfig are given back by CreateEndpoint; its autoscaling needs variants
that serve.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from dormouse.domain.endpoint import Present
from dormouse.domain.keepsake import (
    Keepsake,
    KeepsakeError,
    keepsake_of,
    with_absent_variants,
)
from dormouse.errors import AwsError
from dormouse.ports import Scaling


@dataclass(frozen=True, slots=True)
class Keeping:
    """Reads and gives back. Nothing is deleted before it was read: what is lost then is lost."""

    scaling: Scaling

    def save(
        self, endpoint: str, seen: Present, tags: Mapping[str, str], former: Keepsake | None
    ) -> Keepsake:
        """Read what would die with it; `former` is what was kept of it before.

        Raises:
            AwsError: it can't be read, or not be kept.
        """
        scaling = self.scaling.read(endpoint, seen.variant_names)
        if former is not None:
            scaling = with_absent_variants(scaling, former.scaling, seen.variant_names)
        try:
            return keepsake_of(tags, seen.deployment_config, scaling)
        except KeepsakeError as error:
            raise AwsError(f"{endpoint} is not deleted: {error}") from error

    def restore(self, endpoint: str, keepsake: Keepsake, seen: Present) -> None:
        """Give back what could not be at its creation; again, it changes nothing. What belongs to a
        variant that it does not have now stays kept.

        Raises:
            AwsError: not all of it was taken.
        """
        if keepsake.scaling is not None:
            self.scaling.restore(endpoint, keepsake.scaling, seen.variant_names)
