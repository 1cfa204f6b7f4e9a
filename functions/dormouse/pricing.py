"""What an endpoint costs in an hour, as an estimate: its instances and their prices."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dormouse.domain.price import Price, Unpriced, rate_of
from dormouse.domain.spending import Rate
from dormouse.errors import AwsError
from dormouse.ports import Clock, ConfigInstances, InstancePrices


@dataclass(frozen=True, slots=True)
class Pricing:
    """Makes rates. `overrides` are prices by types of instances that win over the list's."""

    configs: ConfigInstances
    prices: InstancePrices
    clock: Clock
    overrides: Mapping[str, Price] = field(default_factory=dict)

    def rate(self, config_name: str) -> Rate:
        """Estimate what an endpoint of this EndpointConfig costs; never raises.

        Where that is not known, the rate says why.
        """
        try:
            instances = self.configs.instances(config_name)
        except AwsError as error:
            return rate_of(config_name, Unpriced(str(error)), {})
        if isinstance(instances, Unpriced):
            return rate_of(config_name, instances, {})
        now = self.clock()
        types = {each.instance_type for each in instances}
        known = {name: self.overrides.get(name) for name in types}
        return rate_of(
            config_name,
            instances,
            {name: own or self.prices.price(name, now) for name, own in known.items()},
        )
