"""Which other tool declares an endpoint, as far as the endpoint's own tags tell.

Whoever declares it creates it again after each deletion, or takes the deletion for a fault. So it
is left alone until it is handed over.
"""

from collections.abc import Mapping

_ACK = (
    "annotate the resource with services.k8s.aws/deletion-policy: retain and delete it from the "
    "cluster, then remove this tag"
)
_BY_KEY = {
    "services.k8s.aws/controller-version": ("AWS Controllers for Kubernetes", _ACK),
    "services.k8s.aws/namespace": ("AWS Controllers for Kubernetes", _ACK),
    "crossplane-name": (
        "Crossplane",
        "set deletionPolicy: Orphan, delete the managed resource, then remove this tag",
    ),
    "crossplane-kind": (
        "Crossplane",
        "set deletionPolicy: Orphan, delete the managed resource, then remove this tag",
    ),
    "pulumi:project": ("Pulumi", "pulumi state delete its URN, then remove this tag"),
    "pulumi:stack": ("Pulumi", "pulumi state delete its URN, then remove this tag"),
}
_TERRAFORM = (
    "terraform state rm its address, take it out of the configuration, then remove this tag"
)
# What people tag by convention; the values tell the tool.
_CONVENTIONS = frozenset({"managedby", "managed-by", "managed_by", "terraform", "provisioner"})
_TOOLS = {
    "terraform": ("Terraform", _TERRAFORM),
    "opentofu": ("OpenTofu", _TERRAFORM.replace("terraform", "tofu", 1)),
    "pulumi": _BY_KEY["pulumi:project"],
    "crossplane": _BY_KEY["crossplane-name"],
    "ack": _BY_KEY["services.k8s.aws/namespace"],
}


def declared_by_tags(tags: Mapping[str, str]) -> str | None:
    """Say in a clause which tool declares it and how to hand it over; None: no tag tells of one."""
    for key, value in sorted(tags.items()):
        tool = _BY_KEY.get(key)
        if tool is None and key.lower() in _CONVENTIONS:
            is_flag = key.lower() == "terraform" and value.lower() in ("true", "yes", "1")
            tool = _TOOLS["terraform"] if is_flag else _TOOLS.get(value.lower())
        if tool is not None:
            name, how = tool
            return f"{name} declares it, by its tag {key}={value}; to hand it over, {how}"
    return None


def declared_by_stack(stack_name: str) -> str:
    """Say in a clause that a stack of CloudFormation declares it, and how to hand it over."""
    return (
        f"the CloudFormation stack {stack_name} declares it; to hand it over, give it "
        "DeletionPolicy: Retain there and deploy, then take it out of that template and deploy "
        "again"
    )
