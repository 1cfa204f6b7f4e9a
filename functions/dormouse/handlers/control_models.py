"""The routes of `control` that are about models: what there is, aliases, and ground truth."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from dormouse.bootstrap.control import aliases, ground_truths, models
from dormouse.domain.alias import read_target
from dormouse.domain.ground_truth import read_ground_truth
from dormouse.domain.model_listing import read_view
from dormouse.handlers.http_api import answer, caller_of, read_body, require_route
from dormouse.model_standing import write_kept, write_listing, write_switch, write_upload
from dormouse.observability import logger

router = APIGatewayHttpRouter()  # type: ignore[no-untyped-call]  # it has no types

_MODEL = "/endpoints/{name}/models/{model+}"
_ALIAS = "/endpoints/{name}/aliases/{alias}"


@router.get("/endpoints/<name>/models")
def list_models(name: str) -> Response[str]:
    """The models of one endpoint, and their use."""
    require_route(router.current_event, "GET /endpoints/{name}/models", name=name)
    view = read_view(router.current_event.query_string_parameters)
    return answer(HTTPStatus.OK, write_listing(models().list_all(name, view)))


# The name of a model may hold slashes.
@router.put("/endpoints/<name>/models/.+")
def upload_model(name: str) -> Response[str]:
    """Leave to upload a model to S3, under a name that none has."""
    model = _model_of(f"PUT {_MODEL}", name)
    upload = models().upload(name, model)
    _log("upload", name, model=model)
    return answer(HTTPStatus.CREATED, write_upload(upload))


@router.delete("/endpoints/<name>/models/.+")
def retire_model(name: str) -> Response[str]:
    """Move a model to where no endpoint looks."""
    model = _model_of(f"DELETE {_MODEL}", name)
    retired_to = models().retire(name, model)
    _log("retire", name, model=model)
    return answer(HTTPStatus.OK, {"model": model, "retired_to": retired_to})


@router.get("/endpoints/<name>/aliases")
def list_aliases(name: str) -> Response[str]:
    """The aliases of one endpoint, and the models that they stand for."""
    require_route(router.current_event, "GET /endpoints/{name}/aliases", name=name)
    listed = [{"alias": alias, "model": model} for alias, model in aliases().list_all(name).items()]
    return answer(HTTPStatus.OK, {"endpoint": name, "aliases": listed})


@router.put("/endpoints/<name>/aliases/<alias>")
def set_alias(name: str, alias: str) -> Response[str]:
    """Let an alias stand for a model. From `followed_at` on, every request follows."""
    require_route(router.current_event, f"PUT {_ALIAS}", name=name, alias=alias)
    switch = aliases().switch(name, alias, read_target(read_body(router.current_event)))
    _log("alias", name, alias=alias, model=switch.model, previous=switch.previous)
    return answer(HTTPStatus.OK, write_switch(switch))


@router.delete("/endpoints/<name>/aliases/<alias>")
def remove_alias(name: str, alias: str) -> Response[str]:
    """Let an alias stand for nothing."""
    require_route(router.current_event, f"DELETE {_ALIAS}", name=name, alias=alias)
    switch = aliases().remove(name, alias)
    _log("alias", name, alias=alias, model=None, previous=switch.previous)
    return answer(HTTPStatus.OK, write_switch(switch))


@router.put("/endpoints/<name>/ground-truth")
def keep_ground_truth(name: str) -> Response[str]:
    """Keep what requests should have been answered."""
    require_route(router.current_event, "PUT /endpoints/{name}/ground-truth", name=name)
    kept = ground_truths().keep(name, read_ground_truth(read_body(router.current_event)))
    _log("ground truth", name, written=kept.written, not_sampled=kept.not_sampled)
    return answer(HTTPStatus.OK, write_kept(kept))


def _model_of(route: str, name: str) -> str:
    """Read the model's name off the path."""
    model = router.current_event.path.removeprefix(f"/endpoints/{name}/models/")
    require_route(router.current_event, route, name=name, model=model)
    return model


def _log(what: str, endpoint: str, **fields: object) -> None:
    principal = caller_of(router.current_event)
    logger.info(what, extra={"endpoint": endpoint, **fields, "principal": principal})
