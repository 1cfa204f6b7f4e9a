"""Aliases: their form, what they may stand for, and what is said when that is gone."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse.domain.alias import (
    AliasError,
    check_alias,
    is_alias,
    naming_alias,
    read_target,
    says_model_is_gone,
)
from dormouse.domain.invocation import InvocationResponse, error_message, error_type
from dormouse.domain.model_name import ModelNameError, check_archive_name, is_target_model
from dormouse.domain.verdict import Verdict, judge
from dormouse.responses import runtime_error

FORM = r"[A-Za-z0-9][A-Za-z0-9._-]*@[A-Za-z0-9][A-Za-z0-9._-]*"
TEXT = (
    "Failed to download model data(bucket: b, key: models/sentiment-2.tar.gz). Please ensure that "
    "there is an object located at the URL and that the role passed to CreateModel has permissions "
    "to download the model."
)

names = st.text(st.sampled_from("ab9@._-/ \n\u0663é"), max_size=12) | st.text(max_size=300)


@pytest.mark.parametrize("name", ["sentiment@live", "a@1", "A.b-c_d@v1.2", "x" * 254 + "@y"])
def test_an_alias_is_a_name_and_a_label(name: str) -> None:
    """Of letters, digits and . _ -, which neither begins with."""
    assert is_alias(name)
    assert check_alias(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "@", "a@", "@a", "a@b@c", "a/b@live", ".a@b", "a@-b", "a @b", "a@b\n", "é@b", "a@٣"],
)
def test_what_has_another_form_is_none(name: str) -> None:
    """It is a model's name, and told as such to whoever would define it."""
    assert not is_alias(name)
    with pytest.raises(AliasError, match=r"must be name@label, such as sentiment@live") as error:
        check_alias(name)
    assert repr(name) in str(error.value)


def test_an_alias_has_256_characters_at_most() -> None:
    """The message says how many it has."""
    assert not is_alias("x" * 255 + "@y")
    with pytest.raises(AliasError, match="257 characters: 256"):
        check_alias("x" * 255 + "@y")


@given(names)
def test_whatever_a_caller_names_is_one_or_none(name: str) -> None:
    """Both ask the same, and a TargetModel that is one can travel in a header."""
    assert is_alias(name) == (len(name) <= 256 and re.fullmatch(FORM, name) is not None)
    if is_alias(name):
        assert check_alias(name) == name
        assert is_target_model(name)
    else:
        with pytest.raises(AliasError):
            check_alias(name)


def test_a_target_is_read() -> None:
    """The name of a model, whatever it is."""
    assert read_target({"model": "team/sentiment 2.tar.gz"}) == "team/sentiment 2.tar.gz"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ([], "the body must be a JSON object, not list"),
        ({}, '"model" must be the name of a model, such as "sentiment-2.tar.gz", not None'),
        ({"model": 3}, '"model" must be the name of a model.* not 3'),
        ({"model": ""}, '"model" must be the name of a model'),
        ({"model": "a\nb"}, '"model" must be the name of a model'),
        ({"model": "é"}, '"model" must be the name of a model'),
        ({"model": "m" * 1025}, '"model" must be the name of a model'),
        ({"model": "a", "modle": "b"}, "'modle' is not known here: model is"),
        ({"model": "a@b"}, "a@b has the form of an alias, and none stands for another"),
    ],
)
def test_a_bad_target_is_named(body: object, why: str) -> None:
    """Nothing is switched then."""
    with pytest.raises(AliasError, match=why):
        read_target(body)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
)


@given(json_values | st.fixed_dictionaries({"model": json_values}))
def test_any_body_is_a_target_or_a_clear_error(body: object) -> None:
    """Nothing else is raised."""
    try:
        model = read_target(body)
    except AliasError as error:
        assert str(error)
    else:
        assert is_target_model(model)
        assert not is_alias(model)


# ----------------------------------------------------------------------------- a model that is gone


@pytest.mark.parametrize(
    "message",
    [
        TEXT,
        "Failed to download the model artifact",
        "NoSuchKey: The specified key does not exist.",
        "Model sentiment-2.tar.gz does not exist",
        "model not found",
        "no such model: m",
    ],
)
def test_sagemakers_refusals_of_a_model_that_is_gone_are_known(message: str) -> None:
    """Their text is from memory."""
    assert says_model_is_gone(runtime_error(400, "ValidationError", message))


@pytest.mark.parametrize(
    "response",
    [
        runtime_error(200, "", TEXT),
        runtime_error(424, "ModelError", TEXT),
        runtime_error(429, "ModelNotReadyException", "Model m is being downloaded: model data"),
        runtime_error(500, "InternalFailure", TEXT),
        runtime_error(403, "AccessDeniedException", "model not found"),
        runtime_error(400, "ValidationError", "Endpoint reviews of account 1 not found."),
        runtime_error(400, "ValidationError", "the header Accept is not valid"),
        InvocationResponse(400, {}, b"model not found, says who knows who"),
        InvocationResponse(400, {}, b"\xff"),
    ],
)
def test_other_answers_are_not_taken_for_it(response: InvocationResponse) -> None:
    """Above all not those of the model itself."""
    assert not says_model_is_gone(response)


def test_the_refusal_names_the_alias_the_endpoint_and_the_model() -> None:
    """And keeps what SageMaker has said. It is final, as boto3 and `drain` read it."""
    refusal = InvocationResponse(
        404,
        {"x-amzn-errortype": "NotFound", "content-length": "3", "x-amzn-requestid": "r"},
        json.dumps({"Message": TEXT}).encode(),
    )
    named = naming_alias(refusal, "sentiment@live", "reviews", "sentiment-2.tar.gz")
    assert (named.status, error_type(named)) == (400, "ValidationError")
    assert error_message(named) == (
        "The alias sentiment@live of the endpoint reviews stands for the model sentiment-2.tar.gz, "
        f"which SageMaker can't find. SageMaker answered 404 NotFound: {TEXT}"
    )
    assert "content-length" not in named.headers
    assert named.headers["x-amzn-requestid"] == "r"
    assert judge(named) is Verdict.REFUSAL


# ---------------------------------------------------------------------------- the names of archives


@pytest.mark.parametrize("name", ["a.tar.gz", "team/a-2_b=c.tar.gz", "a/b/c.d.tar.gz"])
def test_names_of_archives(name: str) -> None:
    """They need no quoting anywhere."""
    assert check_archive_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".tar.gz",
        "a",
        "a.zip",
        "/a.tar.gz",
        "a/.tar.gz",
        "../a.tar.gz",
        "a/../b.tar.gz",
        "a//b.tar.gz",
        "a/b@live.tar.gz",
        "a b.tar.gz",
        "a.tar.gz\n",
        "a%2Fb.tar.gz",
        "ä.tar.gz",
        "m" * 800 + ".tar.gz",
    ],
)
def test_other_names_are_refused(name: str) -> None:
    """The message names it, or how long it is."""
    with pytest.raises(ModelNameError) as error:
        check_archive_name(name)
    assert repr(name) in str(error.value) or "807 characters" in str(error.value)


@given(names.map(lambda name: f"{name}.tar.gz") | names)
def test_a_name_stays_below_its_prefix(name: str) -> None:
    """Whatever is asked for."""
    try:
        check_archive_name(name)
    except ModelNameError:
        return
    assert is_target_model(name)
    assert not is_alias(name)
    assert not any(part in ("", ".", "..") for part in name.split("/"))
