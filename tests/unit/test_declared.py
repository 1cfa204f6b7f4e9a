"""Which other tool declares an endpoint, by its tags, and how it is handed over."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse.domain.declared import declared_by_stack, declared_by_tags


@pytest.mark.parametrize(
    ("key", "value", "tool", "how"),
    [
        ("services.k8s.aws/controller-version", "sagemaker-1.2", "AWS Controllers", "retain"),
        ("services.k8s.aws/namespace", "search", "AWS Controllers", "retain"),
        ("crossplane-name", "search", "Crossplane", "managementPolicies leave out Delete"),
        (
            "crossplane-kind",
            "endpoint.sagemaker",
            "Crossplane",
            "managementPolicies leave out Delete",
        ),
        ("crossplane-providerconfig", "default", "Crossplane", "deletionPolicy: Orphan"),
        ("pulumi:project", "search", "Pulumi", "pulumi state delete"),
        ("pulumi:stack", "prod", "Pulumi", "pulumi state delete"),
        ("ManagedBy", "Terraform", "Terraform", "terraform state rm"),
        ("managed-by", "terraform", "Terraform", "terraform state rm"),
        ("managed_by", "opentofu", "OpenTofu", "tofu state rm"),
        ("Terraform", "true", "Terraform", "terraform state rm"),
        ("Managed By", "Terraform Cloud", "Terraform", "terraform state rm"),
        ("IaC-Tool", "terragrunt_0.5", "Terraform", "terraform state rm"),
        ("opentofu", "yes", "OpenTofu", "tofu state rm"),
        ("terraform", "opentofu", "OpenTofu", "tofu state rm"),
        ("ManagedBy", "ACK", "AWS Controllers", "retain"),
        ("provisioner", "pulumi", "Pulumi", "pulumi state delete"),
    ],
)
def test_a_tool_is_known_by_its_tag(key: str, value: str, tool: str, how: str) -> None:
    """The clause names the tag, and what is to be done."""
    clause = declared_by_tags({"team": "search", key: value})

    assert clause is not None
    assert clause.startswith(f"{tool}")
    assert f"declares it, by its tag {key}={value}; to hand it over, " in clause
    assert how in clause
    assert clause.endswith("remove this tag")


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"team": "terraform"},
        {"terraform": "false"},
        {"managed-by": "platform-team"},
        {"managed-by": "terraformers"},
        {"created-by": "terraform"},
        {"crossplane": "name"},
        {"pulumi": "yes"},
        {"dormouse:stack": "dormouse"},
        {"aws:cloudformation:stack-name": "search"},
    ],
)
def test_other_tags_tell_of_no_tool(tags: dict[str, str]) -> None:
    """What CloudFormation declares, it is asked itself: its tags stay when it lets go."""
    assert declared_by_tags(tags) is None


@given(st.dictionaries(st.text(max_size=12), st.text(max_size=12)))
def test_the_answer_does_not_depend_on_the_order_of_tags(tags: dict[str, str]) -> None:
    """ListTags promises none."""
    tags = {**tags, "pulumi:stack": "prod", "crossplane-name": "search"}

    assert declared_by_tags(dict(reversed(tags.items()))) == declared_by_tags(tags)


def test_a_stack_is_named() -> None:
    """And how it lets go without deleting."""
    assert declared_by_stack("search").startswith("the CloudFormation stack search declares it; ")
    assert "DeletionPolicy: Retain" in declared_by_stack("search")
