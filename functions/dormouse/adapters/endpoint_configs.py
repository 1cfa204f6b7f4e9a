"""EndpointConfigs, as DescribeEndpointConfig shows them: the instances that one would start."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dormouse.adapters.calls import aws_call
from dormouse.domain.price import Instances, Unpriced

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import ProductionVariantOutputTypeDef


@dataclass(frozen=True, slots=True)
class EndpointConfigs:
    """Implements ConfigInstances."""

    client: "SageMakerClient"

    def instances(self, config_name: str) -> Sequence[Instances] | Unpriced:
        """Count the instances that its variants begin with, shadow variants too, by their types.

        Raises:
            AwsError: SageMaker can't be asked, or has no such config.
        """
        with aws_call("DescribeEndpointConfig"):
            answer = self.client.describe_endpoint_config(EndpointConfigName=config_name)
        counts: Counter[str] = Counter()
        for variant in (*answer["ProductionVariants"], *answer.get("ShadowProductionVariants", ())):
            counted = _of_variant(variant)
            if isinstance(counted, Unpriced):
                return counted
            counts[counted.instance_type] += counted.count
        return tuple(Instances(*each) for each in counts.items())


def _of_variant(variant: "ProductionVariantOutputTypeDef") -> Instances | Unpriced:
    name = variant["VariantName"]
    instance_type, count = variant.get("InstanceType"), variant.get("InitialInstanceCount")
    if "ServerlessConfig" in variant:
        return Unpriced(f"its variant {name} is serverless, and not paid for by the hour")
    if instance_type is None and "InstancePools" in variant:
        return Unpriced(f"its variant {name} takes what its InstancePools have, of several types")
    if instance_type is None or count is None:
        return Unpriced(f"its variant {name} does not say which instances it has, and how many")
    return Instances(instance_type, count)
