"""The answer to CloudFormation that a custom resource owes.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError
from botocore.httpsession import URLLib3Session

from dormouse.errors import AwsError

# What CloudFormation takes at most.
LONGEST_ANSWER_BYTES = 4096
ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class CustomResourceAnswer:
    """Puts the answer where the request says."""

    session: URLLib3Session

    def __call__(self, request: Mapping[str, Any], physical_id: str, failure: str | None) -> None:
        """Answer SUCCESS, or FAILED with a reason.

        Raises:
            AwsError: it could not be delivered; CloudFormation will wait for its own timeout.
        """
        answer = {
            "Status": "SUCCESS" if failure is None else "FAILED",
            "Reason": "done" if failure is None else failure[:LONGEST_ANSWER_BYTES],
            "PhysicalResourceId": physical_id,
            **{key: request[key] for key in ("StackId", "RequestId", "LogicalResourceId")},
        }
        while len(json.dumps(answer)) > LONGEST_ANSWER_BYTES:
            answer["Reason"] = answer["Reason"][:-50]
        # The URL is signed for an empty content type.
        outgoing = AWSRequest(
            "PUT", request["ResponseURL"], {"content-type": ""}, json.dumps(answer).encode()
        ).prepare()
        why = ""
        for _ in range(ATTEMPTS):
            try:
                status = self.session.send(outgoing).status_code
            except BotoCoreError as error:
                why = str(error)
                continue
            if status < 300:
                return
            why = f"status {status}"
        raise AwsError(f"CloudFormation could not be answered: {why}")
