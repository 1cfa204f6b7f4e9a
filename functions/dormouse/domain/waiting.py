"""The accepted requests of an endpoint that are not answered yet, as one look found them."""

from dataclasses import dataclass

from dormouse.domain.parked_request import ParkedRequest


@dataclass(frozen=True, slots=True)
class Waiting:
    """Parked ones, released ones (those that are being answered among them), and final ones of
    which somebody is still to be told; each the oldest first, and as many as a look takes.
    """

    parked: tuple[ParkedRequest, ...] = ()
    released: tuple[ParkedRequest, ...] = ()
    publishing: tuple[ParkedRequest, ...] = ()

    @property
    def is_work(self) -> bool:
        """Whether any needs the endpoint."""
        return bool(self.parked or self.released)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left to be done."""
        return not (self.is_work or self.publishing)


NOBODY = Waiting()
