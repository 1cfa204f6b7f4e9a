"""A user of the SageMaker SDK at the front door; test_sagemaker_sdk.py runs it in the SDK's own
environment: `sagemaker_sdk_user.py REQUEST`, a JSON object that says what is wanted.

    AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME   where boto3 finds the front door
    {"endpoint": …, "target_model": …, "body": …, "wait": N}             Endpoint.invoke
    {"endpoint": …, "target_model": …, "input_location": …, "by": …}     Endpoint.invoke_async

Prints the answer, or the error, as a JSON object.
"""

import importlib.metadata
import json
import sys
from typing import Any

import boto3
from botocore.exceptions import ClientError
from sagemaker.core.resources import Endpoint


def main(request: dict[str, Any]) -> dict[str, Any]:
    """Send it as the README tells users of the SDK to."""
    session = boto3.Session()
    # The one line: a Function URL wants the signature of Lambda.
    session.events.register(
        "before-sign.sagemaker-runtime",
        lambda request, **_: request.context.setdefault("signing", {}).update(
            signing_name="lambda"
        ),
    )
    # It is not asked for by Endpoint.get: an endpoint that sleeps is not there.
    endpoint = Endpoint(endpoint_name=request["endpoint"])
    try:
        if "input_location" in request:
            return _invoke_async(endpoint, session, request)
        return _invoke(endpoint, session, request)
    except ClientError as error:
        return {
            "error": error.response["Error"]["Code"],
            "status": error.response["ResponseMetadata"]["HTTPStatusCode"],
        }


def _invoke(endpoint: Endpoint, session: boto3.Session, request: dict[str, Any]) -> dict[str, Any]:
    if "wait" in request:
        session.events.register(
            "before-call.sagemaker-runtime.InvokeEndpoint",
            lambda params, **_: params["headers"].update(Prefer=f"wait={request['wait']}"),
        )
    answer = endpoint.invoke(
        body=request["body"].encode(),
        content_type="application/json",
        target_model=request["target_model"],
        session=session,
    )
    return {"body": json.loads(answer.body.read()), "content_type": answer.content_type}


def _invoke_async(
    endpoint: Endpoint, session: boto3.Session, request: dict[str, Any]
) -> dict[str, Any]:
    model = request["target_model"]
    given = {}
    if request["by"] == "custom attributes":
        given["custom_attributes"] = f"TargetModel={model}"
    else:
        # The other line: the SDK's invoke_async, like boto3's, has no parameter for it.
        session.events.register(
            "before-call.sagemaker-runtime.InvokeEndpointAsync",
            lambda params, **_: params["headers"].update({"X-Amzn-SageMaker-Target-Model": model}),
        )
    answer = endpoint.invoke_async(
        input_location=request["input_location"],
        content_type="application/json",
        session=session,
        **given,
    )
    return {
        "inference_id": answer.inference_id,
        "output_location": answer.output_location,
        "failure_location": answer.failure_location,
    }


if __name__ == "__main__":
    print(
        json.dumps(
            {
                "sdk": importlib.metadata.version("sagemaker"),
                **main(json.loads(sys.argv[1])),
            }
        )
    )
