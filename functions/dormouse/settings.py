"""The settings of each Lambda function, read from its environment once, at its start."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from dormouse.domain.claims import Deployment


class SettingError(Exception):
    """A setting is missing or can't be read; the message names the variable."""


@dataclass(frozen=True, slots=True)
class ReconcileSettings:
    """What `reconcile` is told by the template. Durations come as whole seconds."""

    endpoints_table: str
    decisions_table: str
    deployment: Deployment
    metric_lag: timedelta
    ledger_interval: timedelta
    demand_patience: timedelta

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Read the environment.

        Raises:
            SettingError: a variable is missing or bad.
        """
        return cls(
            endpoints_table=_text(env, "DORMOUSE_ENDPOINTS_TABLE"),
            decisions_table=_text(env, "DORMOUSE_DECISIONS_TABLE"),
            deployment=_deployment(env),
            metric_lag=_seconds(env, "DORMOUSE_METRIC_LAG_SECONDS", default=300),
            ledger_interval=_seconds(env, "DORMOUSE_LEDGER_INTERVAL_SECONDS", default=30),
            demand_patience=_seconds(env, "DORMOUSE_DEMAND_PATIENCE_SECONDS", default=3600),
        )


@dataclass(frozen=True, slots=True)
class InvokeSettings:
    """What `invoke` is told by the template. Durations come as whole seconds."""

    endpoints_table: str
    deployment: Deployment
    account_id: str
    reconcile_function: str
    expected_wake: timedelta
    ledger_interval: timedelta

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Read the environment.

        Raises:
            SettingError: a variable is missing or bad.
        """
        return cls(
            endpoints_table=_text(env, "DORMOUSE_ENDPOINTS_TABLE"),
            deployment=_deployment(env),
            account_id=_text(env, "DORMOUSE_ACCOUNT_ID"),
            reconcile_function=_text(env, "DORMOUSE_RECONCILE_FUNCTION"),
            expected_wake=_seconds(env, "DORMOUSE_EXPECTED_WAKE_SECONDS", default=480),
            ledger_interval=_seconds(env, "DORMOUSE_LEDGER_INTERVAL_SECONDS", default=30),
        )


@dataclass(frozen=True, slots=True)
class ControlSettings:
    """What `control` is told by the template. Durations come as whole seconds."""

    endpoints_table: str
    decisions_table: str
    deployment: Deployment
    account_id: str
    reconcile_function: str
    expected_wake: timedelta

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Read the environment.

        Raises:
            SettingError: a variable is missing or bad.
        """
        return cls(
            endpoints_table=_text(env, "DORMOUSE_ENDPOINTS_TABLE"),
            decisions_table=_text(env, "DORMOUSE_DECISIONS_TABLE"),
            deployment=_deployment(env),
            account_id=_text(env, "DORMOUSE_ACCOUNT_ID"),
            reconcile_function=_text(env, "DORMOUSE_RECONCILE_FUNCTION"),
            expected_wake=_seconds(env, "DORMOUSE_EXPECTED_WAKE_SECONDS", default=480),
        )


@dataclass(frozen=True, slots=True)
class CleanupSettings:
    """What `cleanup` is told by the template. Durations come as whole seconds."""

    endpoints_table: str
    reconcile_function: str
    reconcile_timeout: timedelta

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Read the environment.

        Raises:
            SettingError: a variable is missing or bad.
        """
        return cls(
            endpoints_table=_text(env, "DORMOUSE_ENDPOINTS_TABLE"),
            reconcile_function=_text(env, "DORMOUSE_RECONCILE_FUNCTION"),
            reconcile_timeout=_seconds(env, "DORMOUSE_RECONCILE_TIMEOUT_SECONDS", default=50),
        )


def _deployment(env: Mapping[str, str]) -> Deployment:
    return Deployment(
        stack_name=_text(env, "DORMOUSE_STACK_NAME"),
        endpoint=_text(env, "DORMOUSE_OWN_ENDPOINT"),
        config_name=_text(env, "DORMOUSE_OWN_ENDPOINT_CONFIG"),
    )


def _text(env: Mapping[str, str], name: str) -> str:
    value = env.get(name, "")
    if not value:
        raise SettingError(f"the environment variable {name} is not set")
    return value


def _seconds(env: Mapping[str, str], name: str, *, default: int) -> timedelta:
    text = env.get(name)
    if text is None:
        return timedelta(seconds=default)
    if not (text.isascii() and text.isdecimal() and len(text) <= 7):
        raise SettingError(f"the environment variable {name} must be whole seconds, not {text!r}")
    return timedelta(seconds=int(text))
