"""Whether an endpoint that ran before may be managed: not while something else declares it."""

from dataclasses import dataclass

from dormouse.domain.declared import declared_by_stack, declared_by_tags
from dormouse.domain.endpoint import Ownership, Present
from dormouse.ports import Declarations


@dataclass(frozen=True, slots=True)
class Adoption:
    """Looks for whatever else declares an endpoint: its owner may have forgotten."""

    declarations: Declarations

    def why_not(self, seen: Present, ownership: Ownership) -> str | None:
        """Say in a clause why this endpoint, which was handed over, is still not to be changed, and
        how to hand it over for good; None where nothing speaks against it.

        Raises:
            AwsError: CloudFormation can't be asked.
        """
        by_tags = declared_by_tags(ownership.tags)
        if by_tags is not None:
            return by_tags
        stack_name = self.declarations.stack_of(seen.arn)
        return None if stack_name is None else declared_by_stack(stack_name)
