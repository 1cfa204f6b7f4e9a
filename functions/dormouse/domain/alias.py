"""Aliases: names such as `sentiment@live` that stand for a model, and can be switched to another.

An alias is used as the TargetModel of a request. What has the form of one but is not defined is a
model's name like any other.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from dormouse.domain.invocation import InvocationResponse, error_message, error_type
from dormouse.domain.model_name import is_target_model

_ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*@[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)
LONGEST_ALIAS = 256

# They are kept in the endpoint's item, which each lease reads and DynamoDB keeps below 400 KB.
MOST_ALIASES = 200

# Whoever sends a request knows aliases that are no older than this.
ALIAS_INTERVAL = timedelta(seconds=5)

# "Failed to download model data(bucket: …, key: …). Please ensure that there is an object located
# at the URL …": from memory, so whatever speaks of a model that is not there is taken for it.
_NO_MODEL = re.compile(
    r"download\W+(the\W+)?model|model\W+(data|artifact)|object located at|no ?such ?key"
    r"|model\b.*(not found|not exist|no such)|no such model",
    re.IGNORECASE | re.DOTALL,
)
# These say that it can't be had now, or were the model's own.
_NOT_ABOUT_THE_NAME = frozenset({401, 403, 408, 424, 425, 429})


class AliasError(ValueError):
    """An alias, or what it is to stand for, that can't be one; the message names the bad part."""


def is_alias(text: str) -> bool:
    """Whether a TargetModel has the form of an alias."""
    return "@" in text and len(text) <= LONGEST_ALIAS and _ALIAS.fullmatch(text) is not None


def check_alias(text: str) -> str:
    """Return the name of an alias.

    Raises:
        AliasError: it can't be one.
    """
    if len(text) > LONGEST_ALIAS:
        raise AliasError(
            f"the alias has {len(text)} characters: {LONGEST_ALIAS} are allowed at the most"
        )
    if not is_alias(text):
        raise AliasError(
            f"{text!r:.300} is no alias: it must be name@label, such as sentiment@live, each of "
            "letters, digits and . _ - (not first)"
        )
    return text


def read_target(body: object) -> str:
    """Read what an alias is to stand for: `{"model": "sentiment-2.tar.gz"}`.

    Raises:
        AliasError: it has another form; the message names the part.
    """
    if not isinstance(body, Mapping):
        raise AliasError(f"the body must be a JSON object, not {type(body).__name__}")
    unknown = sorted(str(key) for key in body if key != "model")
    if unknown:
        raise AliasError(f"{unknown[0]!r:.100} is not known here: model is")
    model = body.get("model")
    if not isinstance(model, str) or not is_target_model(model):
        raise AliasError(
            f'"model" must be the name of a model, such as "sentiment-2.tar.gz", not {model!r:.300}'
        )
    if is_alias(model):
        raise AliasError(f'"model": {model} has the form of an alias, and none stands for another')
    return model


def says_model_is_gone(response: InvocationResponse) -> bool:
    """Whether SageMaker refuses a request since it can't find the model."""
    if not 400 <= response.status < 500 or response.status in _NOT_ABOUT_THE_NAME:
        return False
    return _NO_MODEL.search(error_message(response)) is not None


def naming_alias(
    response: InvocationResponse, alias: str, endpoint: str, model: str
) -> InvocationResponse:
    """Say with SageMaker's refusal by which alias its caller came to the model that is gone."""
    message = (
        f"The alias {alias} of the endpoint {endpoint} stands for the model {model}, which "
        f"SageMaker can't find. SageMaker answered {response.status} "
        f"{error_type(response) or 'an unknown error'}: {error_message(response)}"
    )
    kind = "ValidationError"
    kept = {name: text for name, text in response.headers.items() if name != "content-length"}
    return replace(
        response,
        status=400,
        headers={**kept, "content-type": "application/json", "x-amzn-errortype": kind},
        body=json.dumps({"__type": kind, "Message": message}).encode(),
    )
