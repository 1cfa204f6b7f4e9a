"""The private parts of ministack that local/ leans on, each by name, so that an upgrade fails
loudly.

What they do is tested where it is used: metrics, events, tags, Function URLs, CloudFormation.
"""

import json
import subprocess
from pathlib import Path

import pytest

from tests.local.conftest import REPOSITORY

HOOKS = [
    "apigateway._apis",
    "apigateway._create_integration",
    "apigateway._create_route",
    "apigateway._delete_integration",
    "apigateway._delete_route",
    "apigateway._iam_caller_identity_v2",
    "apigateway._update_api",
    "apigateway.route_authorization_type",
    "apigateway.run_reentrant",
    "app._handle_execute_api_request",
    "app._parse_execute_api_url",
    "app._resolve_stage_and_path",
    "cloudformation._stacks",
    "cloudwatch._put_metric_data",
    "custom_resource._normalise_resource_properties",
    "custom_resource._pending",
    "custom_resource._response_url",
    "custom_resource.invoke_custom_resource",
    "custom_resource.register_token",
    "dynamodb._update_ttl",
    "eventbridge._invoke_target",
    "eventbridge._put_events",
    "eventbridge._ensure_default_bus",
    "handlers._ACTION_HANDLERS",
    "handlers._delete_stack_async",
    "handlers._resolve_stack",
    "helpers._error",
    "helpers._p",
    "lambda_svc._build_function_url_event",
    "lambda_runtime._lock",
    "lambda_runtime._workers",
    "lambda_runtime.kill_workers",
    "lambda_svc.invalidate_worker",
    "lambda_svc.release_worker",
    "lambda_svc._execution_record_for_config",
    "lambda_svc._get_func_record_for_ref",
    "lambda_svc.invoke_async_with_retry",
    "responses.get_account_id",
    "responses.request_scope",
    "tagging._get_resources",
    "tagging._COLLECTORS",
    "tagging._HANDLERS",
    "sts._caller_identity",
    "lambda_runtime.reset",
    "provisioners._NAME_SEED",
    "provisioners._physical_name",
    "provisioners._provision_resource",
    "provisioners._RESOURCE_HANDLERS",
    "provisioners._REPLACING_PROPERTIES",
    "provisioners._STACK_TAG_PROPERTY",
    "scheduler._SCHEDULE_TICK_INTERVAL",
    "scheduler._create_schedule",
    "scheduler._delete_schedule",
    "scheduler._schedules",
    "scheduler._tick_schedules",
    "scheduler._update_schedule",
    "stacks._delete_resource",
    "stacks._delete_stack_async",
    "stacks._provision_keeping_seed",
    "stacks._with_dependencies",
]


def run(python: Path, code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, "-c", code],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def seen(local_python: Path) -> dict[str, dict[str, str]]:
    """The hooks' faults, and the names of all that are checked."""
    code = (
        "import json; from local import ministack_contract as h;"
        "print(json.dumps({'faults': h.faults(),"
        " 'names': {name: '' for name in [*h.SIGNATURES, *h.MAPPINGS]}}))"
    )
    done = run(local_python, code)
    assert done.returncode == 0, done.stderr
    answer: dict[str, dict[str, str]] = json.loads(done.stdout.splitlines()[-1])
    return answer


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_is_as_it_was(seen: dict[str, dict[str, str]], hook: str) -> None:
    """Its name, its parameters, its kind."""
    assert seen["faults"].get(hook) is None


def test_every_hook_is_in_the_list(seen: dict[str, dict[str, str]]) -> None:
    """And nothing else is wrong, the version included."""
    assert set(seen["names"]) <= set(HOOKS)
    assert seen["faults"] == {}


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        ("h.VERSION = '0'", "Install local/requirements.txt."),
        (
            "h.SIGNATURES['eventbridge._put_events'] = (lambda data: 0, 'data x')",
            "ministack's eventbridge._put_events takes (data), not (data x).",
        ),
        ("h.MAPPINGS['tagging._COLLECTORS'] = 1", "ministack's tagging._COLLECTORS is no mapping."),
    ],
    ids=["version", "signature", "mapping"],
)
def test_another_ministack_is_refused_in_one_sentence(
    local_python: Path, damage: str, sentence: str
) -> None:
    """The check can fail."""
    done = run(local_python, f"from local import ministack_contract as h\n{damage}\nh.check()")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith(sentence)
