"""Models, aliases and ground truth as JSON: what the HTTP API answers of them."""

from datetime import datetime, timedelta
from typing import Any

from dormouse.adapters.moments import write_moment
from dormouse.aliases import Switch
from dormouse.domain.model_listing import ListedModel
from dormouse.domain.stored_model import Upload
from dormouse.domain.usage import Tally
from dormouse.ground_truths import Kept
from dormouse.models import Listing


def write_listing(listing: Listing) -> dict[str, Any]:
    """Write the models of an endpoint, and its callers, who has asked most first."""
    callers = sorted(listing.callers.items(), key=lambda caller: (-caller[1], caller[0]))
    return {
        "endpoint": listing.endpoint,
        "since": write_moment(listing.since),
        "complete": listing.is_complete,
        "loaded_as_far_as_seen": sum(model.is_loaded for model in listing.models),
        "models": [_model(model, listing.at) for model in listing.models],
        "callers": [{"principal": name, "requests": count} for name, count in callers],
    }


def write_upload(upload: Upload) -> dict[str, Any]:
    """Write how a model is to be uploaded."""
    return {
        "upload_url": upload.url,
        "method": upload.method,
        "headers": dict(upload.headers),
        "expires_at": write_moment(upload.expires_at),
    }


def write_switch(switch: Switch) -> dict[str, Any]:
    """Write what an alias stands for, and stood for."""
    return {
        "alias": switch.alias,
        "model": switch.model,
        "previous": switch.previous,
        "followed_at": write_moment(switch.followed_at),
    }


def write_kept(kept: Kept) -> dict[str, Any]:
    """Write what became of ground truth."""
    return {"written": kept.written, "not_sampled": kept.not_sampled}


def _model(model: ListedModel, now: datetime) -> dict[str, Any]:
    stored, used_at = model.stored, model.last_used_at
    return {
        "model": model.name,
        "size_bytes": None if stored is None else stored.size_bytes,
        "uploaded_at": None if stored is None else write_moment(stored.uploaded_at),
        "loaded": model.is_loaded,
        "last_used_at": None if used_at is None else write_moment(used_at),
        "unused_days": model.unused_days(now),
        "aliases": list(model.aliases),
        **_tally(model.tally),
    }


def _tally(tally: Tally) -> dict[str, Any]:
    quantiles = {f"p{percent}": tally.latency.quantile(percent / 100) for percent in (50, 90, 99)}
    return {
        "requests": tally.requests,
        "errors_4xx": tally.errors_4xx,
        "errors_5xx": tally.errors_5xx,
        "cold_requests": tally.cold,
        "waited_seconds": tally.waited.total_seconds(),
        "bytes_in": tally.bytes_in,
        "bytes_out": tally.bytes_out,
        "latency_ms": _milliseconds(quantiles),
    }


def _milliseconds(quantiles: dict[str, timedelta | None]) -> dict[str, float] | None:
    """Write them; None where there is nothing to tell."""
    known = {name: one for name, one in quantiles.items() if one is not None}
    return {name: one / timedelta(milliseconds=1) for name, one in known.items()} or None
