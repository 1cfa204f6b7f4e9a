"""Which other tool declares an endpoint, as far as the endpoint's own tags tell.

Whoever declares it creates it again after each deletion, or takes the deletion for a fault. So it
is left alone until it is handed over.
"""

import re
from collections.abc import Mapping

_ACK = (
    "AWS Controllers for Kubernetes",
    "annotate the resource with services.k8s.aws/deletion-policy: retain and delete it from the "
    "cluster, then remove this tag",
)
_CROSSPLANE = (
    "Crossplane",
    "let its managementPolicies leave out Delete (before version 2: deletionPolicy: Orphan), "
    "delete the managed resource, then remove this tag",
)
_PULUMI = (
    "Pulumi",
    "pulumi state delete its URN, take it out of the program, then remove this tag",
)
_TERRAFORM = (
    "Terraform",
    "terraform state rm its address, take it out of the configuration, then remove this tag",
)
_OPENTOFU = (
    "OpenTofu",
    "tofu state rm its address, take it out of the configuration, then remove this tag",
)
# What the tools themselves tag. AWS's own tags tell nothing: they stay when a stack lets go.
_BY_KEY = {
    "services.k8s.aws/controller-version": _ACK,
    "services.k8s.aws/namespace": _ACK,
    "crossplane-kind": _CROSSPLANE,
    "crossplane-name": _CROSSPLANE,
    "crossplane-providerconfig": _CROSSPLANE,
    "pulumi:project": _PULUMI,
    "pulumi:stack": _PULUMI,
}
# What people tag by convention: keys without what is between their words, and words of the values.
_CONVENTIONS = frozenset({"managedby", "provisioner", "provisionedby", "iac", "iactool"})
_TOOLS = {
    "ack": _ACK,
    "crossplane": _CROSSPLANE,
    "opentofu": _OPENTOFU,
    "pulumi": _PULUMI,
    "cdktf": _TERRAFORM,
    "terraform": _TERRAFORM,
    "terragrunt": _TERRAFORM,
}
_FLAGS = {"terraform": _TERRAFORM, "opentofu": _OPENTOFU}
_YES = frozenset({"true", "yes", "1"})


def declared_by_tags(tags: Mapping[str, str]) -> str | None:
    """Say in a clause which tool declares it and how to hand it over; None: no tag tells of one."""
    for key, value in sorted(tags.items()):
        tool = _BY_KEY.get(key) or _by_convention(key, value)
        if tool is not None:
            name, how = tool
            return f"{name} declares it, by its tag {key}={value}; to hand it over, {how}"
    return None


def _by_convention(key: str, value: str) -> tuple[str, str] | None:
    convention = re.sub(r"[\s_.:/-]", "", key.lower())
    if convention in _FLAGS and value.strip().lower() in _YES:
        return _FLAGS[convention]
    if convention not in _CONVENTIONS and convention not in _FLAGS:
        return None
    words = re.findall(r"[a-z]+", value.lower())
    return next((_TOOLS[word] for word in words if word in _TOOLS), None)


def declared_by_stack(stack_name: str) -> str:
    """Say in a clause that a stack of CloudFormation declares it, and how to hand it over."""
    return (
        f"the CloudFormation stack {stack_name} declares it; to hand it over, give it "
        "DeletionPolicy: Retain there and deploy, then take it out of that template and deploy "
        "again"
    )
