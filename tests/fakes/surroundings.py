"""What a reconciler needs beside endpoints and the ledger, standing still unless it is told."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from dormouse.domain.named_schedules import NO_NAMES, NamedSchedules
from dormouse.domain.spending import Rate
from dormouse.errors import AwsError


@dataclass
class FakeSchedules:
    """Implements Schedules."""

    named: NamedSchedules = NO_NAMES

    def read(self) -> NamedSchedules:
        """Give what was prepared."""
        return self.named


@dataclass
class FakeRates:
    """Implements Rates: an hour costs a dollar."""

    usd_per_hour: Decimal | None = Decimal(1)

    def rate(self, config_name: str) -> Rate:
        """Give the price that was prepared."""
        return Rate(config_name, self.usd_per_hour, "1 x ml.m5.xlarge, override")


@dataclass
class FakeScaling:
    """Implements Scaling, as if each endpoint had a target that dies with it."""

    scaling: dict[str, str] = field(default_factory=dict)
    restored: list[tuple[str, str]] = field(default_factory=list)
    unreadable: str | None = None
    refuses: str | None = None
    # What happens, once, while it is being read.
    meanwhile: Callable[[], None] | None = None

    def read(self, endpoint: str, variant_names: Sequence[str]) -> str | None:
        """Read what is set up."""
        if self.meanwhile is not None:
            happens, self.meanwhile = self.meanwhile, None
            happens()
        if self.unreadable is not None:
            raise AwsError(self.unreadable)
        return self.scaling.get(endpoint) if variant_names else None

    def restore(self, endpoint: str, scaling: str, variant_names: Sequence[str]) -> None:
        """Set it up again."""
        assert variant_names, "of no variant, nothing is set up again"
        if self.refuses is not None:
            raise AwsError(self.refuses)
        self.scaling[endpoint] = scaling
        self.restored.append((endpoint, scaling))


@dataclass
class FakeDeclarations:
    """Implements Declarations."""

    stacks: dict[str, str] = field(default_factory=dict)

    def stack_of(self, arn: str) -> str | None:
        """Name the stack that was prepared."""
        return self.stacks.get(arn)


@dataclass
class FakeConfigs:
    """Implements EndpointConfigs."""

    deleted: list[str] = field(default_factory=list)

    def delete(self, config_name: str) -> None:
        """Remember that it was deleted."""
        self.deleted.append(config_name)
