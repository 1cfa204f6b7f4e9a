"""`make up`: start the local AWS, deploy to it, and leave it running."""

from __future__ import annotations

import signal
import sys
from dataclasses import replace

from local import running, stack
from local.caller import lines_to_try
from local.deployment import LEASE, bring_up
from local.settings import SettingsError, parse
from local.terminal import Terminal

# Compressed, so that a person sees it fall asleep; on AWS the defaults of the template hold.
PARAMETERS = {"IdleTimeout": "3m", "MetricLagSeconds": "10", "ExpectedWakeSeconds": "30", **LEASE}


def main(arguments: list[str]) -> int:
    """Bring the stack up, or say that it is."""
    terminal = Terminal()
    # Whoever ends this half-way, by whatever signal, leaves nothing running.
    for signum in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.default_int_handler)
    try:
        settings = parse(arguments)
        present = stack.read(settings)
        if present is not None and running.running_pid(settings) is not None:
            terminal.say("Already running; `make down` ends it.")
            _print(terminal, present)
            return 0
        if not running.is_free(settings.port) and running.running_pid(settings) is None:
            busy, settings = settings.port, replace(settings, port=running.free_port())
            terminal.say(f"Port {busy} is taken, so this one listens on {settings.port}.")
        archives = sorted(stack.MODELS.glob("*.tar.gz"))
        _, deployed = bring_up(terminal, settings, PARAMETERS, archives, detached=True)
        stack.write(settings, deployed)
        _print(terminal, deployed)
    except (SettingsError, running.NotStartedError, stack.DeployError) as error:
        terminal.console.print(f"dormouse: {error}", style="red", markup=False)
        return 1
    except KeyboardInterrupt:
        terminal.say("Interrupted; nothing is left running.")
        return 130
    return 0


def _print(terminal: Terminal, deployed: stack.Stack) -> None:
    terminal.say(
        f"""
AWS        {deployed.aws_endpoint_url} (region {deployed.region}, keys test and test)
Front door {deployed.invoke_url}
Control    {deployed.control_url}
Endpoint   {deployed.endpoint_name} (sleeps when it was not used for 3 minutes)
Models     {", ".join(deployed.models)}

Try it in any Python that has boto3: the first call finds the endpoint asleep and wakes it, and half
a minute later the same call answers.

{lines_to_try(deployed)}

Or by the command line (pip install ./client):

export AWS_ENDPOINT_URL={deployed.aws_endpoint_url} AWS_DEFAULT_REGION={deployed.region}
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
dormouse status
dormouse invoke --wait --model {deployed.models[0]} --body '{{"inputs": "I loved it"}}'

All this stands in .local/stack.json for scripts. `make down` ends it."""
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
