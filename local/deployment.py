"""A local AWS with the stack deployed to it, brought up step by step."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from local import running, stack
from local.settings import LocalSettings
from local.terminal import Terminal

# A stop waits for the sum of these at most, 110 s on AWS. Here no model takes half a minute to be
# fetched, loaded and asked, and there is one clock.
LEASE = {
    "LedgerIntervalSeconds": "5",
    "RuntimeReadTimeoutSeconds": "30",
    "LeaseMarginSeconds": "2",
}


def bring_up(
    terminal: Terminal,
    settings: LocalSettings,
    parameters: Mapping[str, str],
    archives: Sequence[Path],
    *,
    detached: bool,
) -> tuple[subprocess.Popen[bytes], stack.Stack]:
    """Start the local AWS, deploy template.yaml with these parameters and upload the models.

    A detached one that still uses the state directory (it was interrupted half-way, say) is ended
    before; one that belongs to another program that runs is not.

    Raises:
        NotStartedError, DeployError: it did not work; nothing of it is left running.
    """
    log = settings.state_dir / "deploy.log"
    if detached:
        running.end_running(settings)
    else:
        running.wait_until_free(settings)
    stack.stack_path(settings).unlink(missing_ok=True)
    log.unlink(missing_ok=True)
    try:
        with terminal.step("Starting a local AWS"):
            server = running.start(settings, detached=detached)
        with terminal.step("Building the functions (sam build)"):
            stack.build(log)
        with terminal.step("Deploying template.yaml (sam deploy)"):
            stack.deploy(settings, parameters, log)
        with terminal.step(f"Uploading {len(archives)} TensorFlow models"):
            stack.upload_models(settings, archives)
            deployed = stack.describe(settings)
    except BaseException:
        # By the lock, not by the handle: Ctrl-C may come before there is one.
        running.end_running(settings)
        raise
    return server, deployed
