"""A function that is set up wrongly says which variable it is."""

from datetime import timedelta

import pytest

from dormouse.settings import InvokeSettings, ReconcileSettings, SettingError

RECONCILE = {
    "DORMOUSE_ENDPOINTS_TABLE": "t",
    "DORMOUSE_STACK_NAME": "s",
    "DORMOUSE_OWN_ENDPOINT": "e",
    "DORMOUSE_OWN_ENDPOINT_CONFIG": "c",
}
INVOKE = {
    "DORMOUSE_ENDPOINTS_TABLE": "t",
    "DORMOUSE_OWN_ENDPOINT": "e",
    "DORMOUSE_RECONCILE_FUNCTION": "r",
}


def test_the_durations_have_defaults() -> None:
    """As the README's table of settings says."""
    settings = ReconcileSettings.from_env(RECONCILE)

    assert settings.metric_lag == timedelta(seconds=300)
    assert settings.ledger_interval == timedelta(seconds=30)
    assert settings.demand_patience == timedelta(hours=1)
    assert InvokeSettings.from_env(INVOKE).expected_wake == timedelta(seconds=480)


@pytest.mark.parametrize("missing", RECONCILE)
def test_reconcile_names_what_is_missing(missing: str) -> None:
    """An empty one counts as missing."""
    for env in ({k: v for k, v in RECONCILE.items() if k != missing}, {**RECONCILE, missing: ""}):
        with pytest.raises(SettingError, match=missing):
            ReconcileSettings.from_env(env)


@pytest.mark.parametrize("missing", INVOKE)
def test_invoke_names_what_is_missing(missing: str) -> None:
    """Without it no request could be answered."""
    with pytest.raises(SettingError, match=missing):
        InvokeSettings.from_env({k: v for k, v in INVOKE.items() if k != missing})


@pytest.mark.parametrize("bad", ["", "-1", "1.5", "5m", "٣", "1" * 8])
def test_a_bad_duration_is_named_and_quoted(bad: str) -> None:
    """Whole seconds only."""
    with pytest.raises(SettingError, match="DORMOUSE_METRIC_LAG_SECONDS"):
        ReconcileSettings.from_env({**RECONCILE, "DORMOUSE_METRIC_LAG_SECONDS": bad})
