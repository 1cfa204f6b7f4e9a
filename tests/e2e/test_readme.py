"""What README.md has one type, typed: each of its commands is a test here, in the README's order,
on a stack of its own. Those that can't be typed here stand in a table with the reason.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pexpect
import pytest

from dormouse_cli import __version__
from local import stack
from local.settings import REPOSITORY
from tests.docs.page import README, Page
from tests.e2e.deployments import PATIENCE_SECONDS, Deployment, LocalAws, wait_until

COMMANDS = Page(README).commands()

# Why it is not typed here; where a file is named, its tests do the same.
NOT_TYPED = {
    "make demo": "it takes minutes and has no end that it checks; test_story.py tells its story",
    "make test": "this is it",
    "make up": "tests/e2e/test_up_and_down.py",
    "make down": "tests/e2e/test_up_and_down.py",
    'pip install "git+<this repository>#subdirectory=client"': "tests/client/test_packaging.py "
    "installs the same folder; where the repository is published, it can't know",
    "sam deploy --parameter-overrides": "the line of parameters before it is typed after this",
    "export AWS_DEFAULT_REGION=…": "it names a region of AWS",
    "make bench-container": "tests/benchmarks/test_container_benchmark.py, in a small run",
    "dormouse result ID": "it is typed where the table of commands has it",
    "make image": "tests/image/conftest.py, by the same program; tests/deploy/test_build.py",
    "make push": "tests/deploy/test_push.py, with a registry that stands in for Amazon ECR",
    "make deploy": "tests/e2e/deployments.py types `sam deploy`; --guided asks at a terminal",
    "sam build": "tests/e2e/conftest.py types it before anything is deployed",
    "sam deploy --guided": "tests/e2e/deployments.py types it without --guided",
    ".venvs/sam/bin/sam delete --stack-name dormouse": "tests/e2e/test_stack_life.py",
    "sam delete": "tests/e2e/test_stack_life.py",
    "sam validate --lint": "`make check` runs it",
}

MODEL = "sentiment.tar.gz"
QUESTION = '{"inputs": ["I loved it", "a dull and boring film"]}'
TWO_HOURS = timedelta(hours=2)


class User:
    """Somebody at a shell in a folder of his own, with the README at hand."""

    def __init__(self, folder: Path, deployed: Deployment) -> None:
        self.folder = folder
        self.deployed = deployed
        self.venv = folder / "venv"
        self.exports = ""
        self.failed = ""

    def environment(self) -> dict[str, str]:
        """What a shell has before anything is exported: no AWS, and the programs that are there."""
        inherited = {key: value for key, value in os.environ.items() if key[:4] != "AWS_"}
        programs = [self.venv / "bin", REPOSITORY / ".venvs" / "sam" / "bin", os.environ["PATH"]]
        return inherited | {
            "PATH": ":".join(map(str, programs)),
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "SAM_CLI_TELEMETRY": "0",
            "COLUMNS": "200",
        }

    def run(
        self,
        command: str,
        given: str = "",
        *,
        where: Path | None = None,
        having: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Type a command and wait for its end."""
        return subprocess.run(
            ["bash", "-c", f"{self.exports}\n{command}"],
            cwd=where or self.folder,
            env=self.environment() | dict(having or {}),
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )

    def told(
        self, command: str, given: str = "", *, having: Mapping[str, str] | None = None
    ) -> str:
        """Type a command that succeeds, and return what it prints."""
        ran = self.run(command, given, having=having)
        assert ran.returncode == 0, f"{command}: {ran.stdout}{ran.stderr}"
        return ran.stdout

    def told_json(self, command: str) -> Any:
        """Type a command with --json."""
        return json.loads(self.told(f"{command} --json"))

    def call_aws(self, command: str, **values: str) -> Any:
        """Do what a command of the AWS CLI says by boto3, with its <words> replaced.

        boto3 refuses an operation or an option that there is not.
        """
        for words, value in values.items():
            placeholder = f"<{words.replace('_', ' ')}>"
            assert placeholder in command, placeholder
            command = command.replace(placeholder, value)
        assert "<" not in command, command
        aws, service, operation, *rest = shlex.split(command)
        assert aws == "aws"
        return getattr(self.deployed.client(service), operation.replace("-", "_"))(**_members(rest))

    @cached_property
    def adopted(self) -> str:
        """An endpoint that was there before Dormouse, without a tag; its EndpointConfig's name."""
        self.deployed.tag_a_config("veteran-config", {})
        self.deployed.client("sagemaker").create_endpoint(
            EndpointName="veteran", EndpointConfigName="veteran-config"
        )
        return "veteran-config"

    def arn(self, kind: str, name: str) -> str:
        """The ARN of an Endpoint or an EndpointConfig."""
        described = getattr(self.deployed.client("sagemaker"), f"describe_{kind}")
        member = "EndpointConfig" if kind == "endpoint_config" else "Endpoint"
        return str(described(**{f"{member}Name": name})[f"{member}Arn"])


def _members(words: list[str]) -> dict[str, Any]:
    """The options of the AWS CLI as an operation's members."""
    members: dict[str, Any] = {}
    option = ""
    for word in words:
        if word.startswith("--"):
            option = "".join(part.capitalize() for part in word[2:].split("-"))
        elif option == "Tags":
            pairs = dict(pair.split("=", 1) for pair in word.split(","))
            members.setdefault(option, []).append(pairs)
        elif word != "/dev/stdout":  # where the CLI writes the answer
            members[option] = word
    # The CLI's own: how it reads what is typed.
    assert members.pop("CliBinaryFormat", "raw-in-base64-out") == "raw-in-base64-out"
    return members


@pytest.fixture(scope="module")
def user(aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> User:
    """One who has installed the CLI, by the stack of the README with its one model."""
    deployed = aws.deploy("dormouse")
    folder = tmp_path_factory.mktemp("user")
    # A tiny model under the real one's name: it is asked the same, and loads in a second.
    (tiny,) = stack.TINY_MODELS.glob("sentiment-tiny.tar.gz")
    for name in (MODEL, "my-model.tar.gz"):
        shutil.copy(tiny, folder / name)
    stack.upload_models(aws.settings, [folder / MODEL])
    (folder / "question.json").write_text(QUESTION)
    with tarfile.open(tiny) as archive:
        archive.extractall(folder / "my-directory", filter="data")
    user = User(folder, deployed)
    _have_pip(user.venv)
    installed = user.run("pip install ./client", where=REPOSITORY)
    assert installed.returncode == 0, installed.stderr
    exports = next(command for command in COMMANDS if command.startswith("export AWS_ENDPOINT_URL"))
    ports = re.subn(r"(?<=127\.0\.0\.1:)4566\b", str(aws.settings.port), exports)
    assert ports[1] == 1
    user.exports = ports[0]
    return user


def _have_pip(venv: Path) -> None:
    """Make an environment in which `pip` is uv, which needs no network to build a package, and
    what the package depends on is that of this environment."""
    uv = os.environ.get("UV", str(REPOSITORY / ".venvs" / "uv" / "bin" / "uv"))
    offline = {"UV_OFFLINE": "1", "UV_NO_CONFIG": "1", "UV_PYTHON_DOWNLOADS": "never"}
    subprocess.run(
        [uv, "venv", "--quiet", "--python", sys.executable, venv],
        check=True,
        env=os.environ | offline,
    )
    (packages,) = venv.glob("lib/python3*/site-packages")
    (packages / "dependencies.pth").write_text(str(Path(pytest.__file__).parents[1]))
    pip = venv / "bin" / "pip"
    options = f"--quiet --no-cache --no-deps --python {shlex.quote(str(venv))}"
    lines = ["#!/bin/sh", 'verb="$1"', "shift", "export UV_OFFLINE=1 UV_NO_CONFIG=1"]
    lines += [f'exec {shlex.quote(uv)} pip "$verb" {options} "$@"', ""]
    pip.write_text("\n".join(lines))
    pip.chmod(0o755)


# ------------------------------------------------------------------------- what each must do

Act = Callable[[User, str], None]
TYPED: dict[str, Act] = {}


def typed(*beginnings: str) -> Callable[[Act], Act]:
    """Have the commands that begin so tested by the function."""

    def register(act: Act) -> Act:
        TYPED.update(dict.fromkeys(beginnings, act))
        return act

    return register


@pytest.mark.parametrize(
    "command",
    [entry for entry in COMMANDS if entry not in NOT_TYPED],
    ids=lambda command: command.partition("\n")[0],
)
def test_a_command_does_what_the_readme_says(user: User, command: str) -> None:
    """In the README's order, so that each finds what those before it have left."""
    act = _act(command)
    assert act is not None, "it is neither typed here nor in NOT_TYPED"
    act(user, command)


def _act(command: str) -> Act | None:
    acts = [act for beginning, act in TYPED.items() if _begins(command, beginning)]
    assert len(acts) <= 1, acts
    return acts[0] if acts else None


def _begins(command: str, beginning: str) -> bool:
    """Whole, unless the beginning ends with an ellipsis."""
    return command.startswith(beginning[:-1]) if beginning[-1] == "…" else command == beginning


def test_every_command_is_typed_or_has_a_reason() -> None:
    """Whoever adds one to the README is told here; a reason for what is gone is none."""
    unknown = [entry for entry in COMMANDS if entry not in NOT_TYPED and _act(entry) is None]
    assert not unknown, "README.md has commands that are neither typed here nor in NOT_TYPED"
    assert set(NOT_TYPED) <= set(COMMANDS)
    for beginning in TYPED:
        assert [entry for entry in COMMANDS if _begins(entry, beginning)], beginning


def test_the_tests_that_are_named_instead_exist() -> None:
    """By their files."""
    files = re.findall(r"[\w/]+\.py", " ".join(NOT_TYPED.values()))
    for file in files:
        assert (REPOSITORY / file).is_file() or (Path(__file__).parent / file).is_file(), file


@typed("import boto3…")
def _ask_by_boto3(user: User, program: str) -> None:
    """A whole program once it has its URL: at first it wakes the endpoint, later it is answered."""
    file = user.folder / "program.py"
    url = f"invoke_url = {user.deployed.stack.invoke_url!r}\n"
    file.write_text(f"{url}{program}print(answer['Body'].read().decode())\n")

    cold = user.run("python program.py")
    assert cold.returncode == 1
    assert "ServiceUnavailable" in cold.stderr
    user.deployed.wait_for_status("InService")
    predictions = json.loads(user.told("python program.py"))["predictions"]
    assert [entry["label"] for entry in predictions] == ["positive", "negative"]


@typed("prefer = …")
def _prefer_to_wait(user: User, hook: str) -> None:
    """Asleep, it is one call to the answer, with the first program's client that reads longer."""
    user.deployed.post("sleep")
    user.deployed.wait_for_status(None)
    (first,) = [entry for entry in COMMANDS if entry.startswith("import boto3")]
    client, call, question = first.partition("answer = ")
    assert "read_timeout=380" in hook
    file = user.folder / "program.py"
    file.write_text(
        f"invoke_url = {user.deployed.stack.invoke_url!r}\n"
        f"{client.replace('read_timeout=70', 'read_timeout=380')}{hook}{call}{question}"
        "print(answer['Body'].read().decode())\n"
    )
    predictions = json.loads(user.told("python program.py"))["predictions"]
    assert [entry["label"] for entry in predictions] == ["positive", "negative"]


@typed("pip install ./client")
def _install(user: User, command: str) -> None:
    """The word `dormouse` is there, and is what this repository has."""
    assert user.run(command, where=REPOSITORY).returncode == 0
    assert user.told("command -v dormouse").strip() == str(user.venv / "bin" / "dormouse")
    assert user.told("dormouse --version") == f"dormouse {__version__}\n"


@typed("dormouse status --watch")
def _watch(user: User, command: str) -> None:
    """On a terminal, until Ctrl-C."""
    _until_ctrl_c(user, command, "dormouse", "serving", "Ctrl-C ends it")


def _until_ctrl_c(user: User, command: str, *shown: str) -> None:
    """It shows these on a terminal, in this order, and ends well by Ctrl-C."""
    terminal = pexpect.spawn(
        "bash",
        ["-c", f"{user.exports}\n{command}"],
        cwd=user.folder,
        env=user.environment(),
        encoding="utf-8",
        dimensions=(24, 160),
        timeout=60,
    )
    try:
        for expected in shown:
            terminal.expect_exact(expected)
        terminal.sendcontrol("c")
        terminal.expect(pexpect.EOF)
        terminal.wait()
    finally:
        terminal.close(force=True)
    assert terminal.exitstatus == 0


@typed("dormouse wake --for 2h")
def _wake_for_two_hours(user: User, command: str) -> None:
    """It is up when the command returns, and held."""
    user.told(command)
    _check_held(user)
    assert user.deployed.status() == "InService"


def _check_held(user: User) -> None:
    held = datetime.fromisoformat(user.deployed.standing()["hold_until"]) - datetime.now(UTC)
    assert TWO_HOURS - timedelta(minutes=2) < held <= TWO_HOURS


@typed("dormouse sleep")
def _sleep(user: User, command: str) -> None:
    """Though it is held."""
    user.told(command)
    standing = user.deployed.wait_for_status(None)
    assert (standing["hold_until"], standing["decision"]["rule"]) == (None, "sleep")


@typed("status [ENDPOINT] [--watch]")
def _status(user: User, command: str) -> None:
    """Of all a line for each; of one its decisions as well, the last twenty at most."""
    assert re.search(r"^dormouse .*asleep", user.told("dormouse status"), re.MULTILINE)
    (listed,) = user.told_json("dormouse status")["endpoints"]
    decisions = user.told_json("dormouse status dormouse")["decisions"]
    assert listed["name"] == "dormouse"
    actions = {(entry["action"], entry["rule"]) for entry in decisions}
    # It stops at once where no request can be under way.
    assert actions & {("close", "sleep"), ("stop", "sleep")}


@typed("dormouse status")
def _say_why(user: User, command: str) -> None:
    """Of an endpoint that two EndpointConfigs claim."""
    claim = {"dormouse:endpoint": "disputed"}
    for config_name in ("one-config", "other-config"):
        user.deployed.tag_a_config(config_name, claim)
    user.deployed.tick()
    told = user.told(command)
    assert "disputed" in told
    assert "one-config" in told


@typed("wake [ENDPOINT] [--for 2h] [--no-wait]")
def _wake(user: User, command: str) -> None:
    """With all of it, and with nothing; who does not wait is back before it serves."""
    woken = user.told_json("dormouse wake dormouse --for 2h --no-wait")
    assert woken["state"] in ("asleep", "waking")
    _check_held(user)
    user.told("dormouse wake")
    assert user.deployed.status() == "InService"


@typed("hold [ENDPOINT] --for 2h")
def _hold(user: User, command: str) -> None:
    """The longer hold stays."""
    user.told("dormouse hold dormouse --for 2h")
    user.deployed.post("hold", {"for": "1h"})
    _check_held(user)


@typed("--until 18:00")
def _hold_until(user: User, option: str) -> None:
    """By the clock on the wall; what is over for today is tomorrow."""
    user.deployed.post("release")
    # Never a minute before six, in which there is nothing to hold.
    zone, east = ("UTC0", 0) if datetime.now(UTC).hour != 17 else ("UTC-3", 3)
    held = json.loads(user.told(f"dormouse hold {option} --json", having={"TZ": zone}))[
        "hold_until"
    ]
    until = datetime.fromisoformat(held) + timedelta(hours=east)
    assert (until.hour, until.minute, until.second) == (18, 0, 0)
    assert timedelta() < datetime.fromisoformat(held) - datetime.now(UTC) <= timedelta(days=1)


@typed("release [ENDPOINT]")
def _release(user: User, command: str) -> None:
    """From then on its use decides."""
    assert user.deployed.standing()["hold_until"] is not None
    released = user.told_json("dormouse release")
    assert (released["hold_until"], released["state"]) == (None, "serving")


@typed("sleep [ENDPOINT] [--wait]")
def _sleep_and_wait(user: User, command: str) -> None:
    """It is gone when the command returns."""
    user.told("dormouse sleep dormouse --wait")
    assert user.deployed.status() is None


@typed("suspend [ENDPOINT] [--wait]")
def _suspend(user: User, command: str) -> None:
    """Nobody wakes it: neither a wake, which says so at once, nor a request."""
    user.told("dormouse wake")
    user.told("dormouse suspend dormouse --wait")
    assert user.deployed.status() is None
    invoke = f"dormouse invoke --model {MODEL} question.json"
    for asked in (user.run("dormouse wake"), user.run(invoke)):
        assert asked.returncode == 75
        assert "suspended" in asked.stderr
    user.deployed.tick()
    assert user.deployed.status() is None


@typed("resume [ENDPOINT]")
def _resume(user: User, command: str) -> None:
    """It is no demand."""
    user.told("dormouse sleep")
    resumed = user.told_json("dormouse resume dormouse")
    assert resumed["suspended_at"] is resumed["kept_down"] is None
    user.deployed.tick()
    assert user.deployed.status() is None


@typed("plan [ENDPOINT] [--at 18:00]")
def _plan(user: User, command: str) -> None:
    """Every rule, and the last one always applies; nothing is done."""
    for plan in ("dormouse plan", "dormouse plan dormouse --at 18:00"):
        tried = user.told_json(plan)
        assert tried["action"] == "stay down"
        assert tried["rules"][0]["rule"] == "suspended"
        assert tried["rules"][-1]["applies"]
    assert user.deployed.status() is None


@typed("history [ENDPOINT] [--limit 100]")
def _history(user: User, command: str) -> None:
    """The newest first."""
    decisions = user.told_json("dormouse history dormouse --limit 100")["decisions"]
    moments = [decision["at"] for decision in decisions]
    assert moments == sorted(moments, reverse=True)
    assert "suspended" in {decision["rule"] for decision in decisions}
    assert "suspended" in user.told("dormouse history")


@typed("invoke [ENDPOINT] --model NAME [FILE] [--wait]")
def _invoke(user: User, command: str) -> None:
    """Asleep it says that it is, or waits; a file, standard input and a text are answered alike,
    byte for byte as SageMaker does."""
    invoke = f"dormouse invoke --model {MODEL}"
    asleep = user.run(f"{invoke} question.json")
    assert (asleep.returncode, asleep.stdout) == (75, "")
    answer = user.told(f"dormouse invoke dormouse --model {MODEL} question.json --wait")
    direct = user.deployed.client("sagemaker-runtime").invoke_endpoint(
        EndpointName="dormouse",
        TargetModel=MODEL,
        ContentType="application/json",
        Body=QUESTION.encode(),
    )
    assert answer == direct["Body"].read().decode()
    assert user.told(invoke, QUESTION) == answer
    assert user.told(f"{invoke} --body {shlex.quote(QUESTION)}") == answer
    assert user.told(f"{invoke} --async question.json") == answer, "awake it is answered at once"


def _submit(user: User, body: str) -> str:
    """Have a request kept, since the endpoint sleeps; return its id."""
    invoke = f"dormouse invoke --model {MODEL} --async --body {shlex.quote(body)}"
    return user.told(invoke).strip()


def _result(user: User, request_id: str) -> subprocess.CompletedProcess[str]:
    """Ask for a result until there is one."""
    ask = f"dormouse result {request_id}"
    wait_until(lambda: user.run(ask).returncode != 75, "answered")
    return user.run(ask)


@typed("result ID")
def _ask_for_a_result(user: User, command: str) -> None:
    """Not yet at first; then the answer, as often as one likes."""
    user.told("dormouse sleep --wait")
    request_id = _submit(user, QUESTION)
    early = user.run(f"dormouse result {request_id}")
    assert (early.returncode, early.stdout) == (75, "")
    for answered in (_result(user, request_id), user.run(f"dormouse result {request_id}")):
        assert answered.returncode == 0, answered.stderr
        labels = [entry["label"] for entry in json.loads(answered.stdout)["predictions"]]
        assert labels == ["positive", "negative"]


@typed("requests [ENDPOINT]")
def _list_requests(user: User, command: str) -> None:
    """The oldest first; what was sent later is below."""
    user.told("dormouse sleep --wait")
    sent = [_submit(user, QUESTION), _submit(user, '{"inputs": 5}')]
    waiting = user.told_json("dormouse requests dormouse")["requests"]
    assert [entry["id"] for entry in waiting] == sent
    for request_id, code in zip(sent, (0, 1), strict=True):
        assert _result(user, request_id).returncode == code
    user.failed = sent[1]
    assert user.told("dormouse requests").startswith("No request waits for dormouse")


@typed("replay [ENDPOINT] [ID…]")
def _replay(user: User, command: str) -> None:
    """What has failed before fails again, and is replayed again, by its id."""
    replay = "dormouse replay dormouse"
    # A failure is told of just after it is recorded.
    wait_until(lambda: user.told_json(replay)["replayed"], "a dead letter")
    assert _result(user, user.failed).returncode == 1
    assert user.told_json(f"{replay} {user.failed}")["replayed"] == 1
    assert _result(user, user.failed).returncode == 1


@typed("models build DIRECTORY")
def _build(user: User, command: str) -> None:
    """An archive of the directory's name."""
    user.told("dormouse models build my-directory")
    with tarfile.open(user.folder / "my-directory.tar.gz") as archive:
        assert "0/saved_model.pb" in archive.getnames()


@typed("models upload FILE")
def _upload_once(user: User, command: str) -> None:
    """A name is never overwritten."""
    user.told("dormouse models upload my-directory.tar.gz")
    again = user.run("dormouse models upload my-directory.tar.gz")
    assert again.returncode == 1
    assert "my-directory.tar.gz" in again.stderr


@typed("models list [ENDPOINT] [--hours 24] [--unused-days 30]")
def _list(user: User, command: str) -> None:
    """What was uploaded, and how it was used; those that nobody used for long are none today."""
    models = {entry["model"]: entry for entry in user.told_json("dormouse models list")["models"]}
    assert {MODEL, "my-directory.tar.gz"} <= set(models)
    assert models[MODEL]["requests"] > 0
    assert models["my-directory.tar.gz"]["requests"] == 0
    told = user.told("dormouse models list dormouse --hours 24 --unused-days 30")
    assert "within 30 days" in told or "counted since" in told
    assert MODEL not in told


@typed("models retire MODEL")
def _retire(user: User, command: str) -> None:
    """It is not there any more, and its name is not free."""
    user.told("dormouse models retire my-directory.tar.gz")
    assert "my-directory.tar.gz" not in user.told("dormouse models list")
    again = user.run("dormouse models upload my-directory.tar.gz")
    assert again.returncode == 1
    assert "retired" in again.stderr


@typed("alias set ALIAS MODEL")
def _set_alias(user: User, command: str) -> None:
    """It can be asked by that name."""
    user.told(f"dormouse alias set sentiment@live {MODEL}")
    question = shlex.quote(QUESTION)
    told = user.told(f"dormouse invoke --model sentiment@live --body {question} --wait")
    assert [entry["label"] for entry in json.loads(told)["predictions"]] == ["positive", "negative"]


@typed("alias list [ENDPOINT]")
def _list_aliases(user: User, command: str) -> None:
    """With what it stands for."""
    aliases = user.told_json("dormouse alias list dormouse")["aliases"]
    assert aliases == [{"alias": "sentiment@live", "model": MODEL}]


@typed("alias remove ALIAS")
def _remove_alias(user: User, command: str) -> None:
    """Then there is none."""
    user.told("dormouse alias remove sentiment@live")
    assert user.told_json("dormouse alias list")["aliases"] == []


@typed("simulate COUNTS [--price 0.23] [--picture FILE]")
def _simulate(user: User, command: str) -> None:
    """Of the sample that its page has."""
    counts = REPOSITORY / "docs" / "examples" / "counts.csv"
    told = user.told(f"dormouse simulate {counts} --price 0.23 --picture picture.svg")
    assert "\nRecommended: " in told
    assert "<svg " in (user.folder / "picture.svg").read_text(encoding="utf-8")


@typed("simulate --endpoint NAME [--days 14]")
def _simulate_an_endpoint(user: User, command: str) -> None:
    """By what CloudWatch knows of it."""
    found = user.told_json("dormouse simulate --endpoint dormouse --days 14")
    assert found["workloads"] == ["dormouse"]
    assert found["minutes"] == 14 * 24 * 60


@typed("ground-truth FILE")
def _tell_ground_truth(user: User, command: str) -> None:
    """It lies in the bucket of captures."""
    (user.folder / "truth.jsonl").write_text('{"inference_id": "order-17", "data": "positive"}\n')
    assert user.told_json("dormouse ground-truth truth.jsonl") == {"written": 1, "not_sampled": 0}
    bucket = user.deployed.outputs()["CaptureBucketName"]
    found = user.deployed.client("s3").list_objects_v2(
        Bucket=bucket, Prefix="ground-truth/dormouse/"
    )
    assert found["KeyCount"] == 1


@typed("logs [ENDPOINT] [--model NAME] [--status 5xx] [--since 1h] [--principal NAME] [--follow]")
def _logs(user: User, command: str) -> None:
    """Those that were answered and those that were not, in the last hour; by each option."""
    lines = [json.loads(line) for line in user.told("dormouse logs --json").splitlines()]
    assert {200, 503} <= {line["status"] for line in lines}
    assert all(line["endpoint"] == "dormouse" for line in lines)
    answered = next(line for line in lines if line["status"] == 200)
    assert answered["target_model"] == MODEL
    failed = user.told("dormouse logs dormouse --status 5xx --since 1h")
    assert failed
    assert all(re.match(r"[-0-9]+ [:0-9]+  5\d\d ", line) for line in failed.splitlines())
    name = answered["principal"].rpartition("/")[2]
    wanted = f"--model {MODEL} --status 2xx --principal {shlex.quote(name)}"
    assert user.told(f"dormouse logs {wanted}")
    assert user.told("dormouse logs --principal nobody") == ""
    _until_ctrl_c(user, "dormouse logs --follow --status 200", MODEL)


@typed("export AWS_ENDPOINT_URL…")
def _export(user: User, command: str) -> None:
    """All that a shell needs; without it there is no AWS, and by options it is the same."""
    assert user.told_json("dormouse status")["endpoints"]
    options = f"--endpoint-url {user.deployed.stack.aws_endpoint_url} --region us-east-1"
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    exports, user.exports = user.exports, ""
    try:
        assert user.run("dormouse status").returncode == 2
        user.told(f"dormouse status {options} --stack dormouse", having=keys)
        nobody = user.run(f"dormouse status {options}", having=keys | {"DORMOUSE_STACK": "nobody"})
        assert nobody.returncode == 4
    finally:
        user.exports = exports


# The bodies that the table has for a route; None for no body.
BODIES: dict[str, list[dict[str, str] | None]] = {
    "wake": [None, {"for": "2h"}],
    "hold": [{"for": "2h"}, {"until": "2026-11-23T18:00:00Z"}],
    "release": [None],
    "sleep": [None],
    "suspend": [None],
    "resume": [None],
}


@typed("GET /endpoints/{name}/requests", "POST /endpoints/{name}/replay")
def _ask_for_requests_by_http(user: User, route: str) -> None:
    """Nothing waits; a replay takes the body that stands beside it, with an id."""
    method, _, path = route.partition(" ")
    path = path.replace("{name}", "dormouse")
    if method == "GET":
        assert user.deployed.ask(method, path).json() == {"requests": []}
        return
    (row,) = [row for row in Page(README).table("", "") if route in row.spans(0)]
    (body,) = row.spans(1)
    for sent in (None, json.loads(body.replace("<id>", f"dormouse.{0:032x}"))):
        answer = user.deployed.ask(method, path, sent)
        assert answer.status == 202, answer
        assert len(answer.json()["skipped"]) == (0 if sent is None else 1)


@typed("GET /endpoints/{name}/plan", "GET /endpoints/{name}/decisions")
def _look_ahead_and_back_by_http(user: User, route: str) -> None:
    """With the query that stands beside it, on the day after."""
    path = route.removeprefix("GET ").replace("{name}", "dormouse")
    (row,) = [row for row in Page(README).table("", "") if route in row.spans(0)]
    day = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d}"
    queries = [span for span in row.spans(1) if span.startswith("?")]
    assert len(queries) == 1
    for query in ("", *queries):
        asked = re.sub(r"=\d{4}-\d\d-\d\d", f"={day}", query)
        answer = user.deployed.ask("GET", f"{path}{asked}")
        assert answer.status == 200, answer
        assert answer.json()["endpoint"] == "dormouse"


@typed("GET /endpoints/{name}/models", "GET /endpoints/{name}/aliases")
def _look_at_models_by_http(user: User, route: str) -> None:
    """With the query that stands beside it."""
    path = route.removeprefix("GET ").replace("{name}", "dormouse")
    (row,) = [row for row in Page(README).table("", "") if route in row.spans(0)]
    for query in ("", *row.spans(1)):
        answer = user.deployed.ask("GET", f"{path}{query}")
        assert answer.status == 200, answer
        assert answer.json()["endpoint"] == "dormouse"


@typed(
    "PUT /endpoints/{name}/models/{model+}",
    "DELETE /endpoints/{name}/models/{model+}",
    "PUT /endpoints/{name}/aliases/{alias}",
    "DELETE /endpoints/{name}/aliases/{alias}",
    "PUT /endpoints/{name}/ground-truth",
)
def _change_models_by_http(user: User, route: str) -> None:
    """With the body that stands beside it, where it is of a model that there is."""
    method, _, path = route.partition(" ")
    for part, name in (("name", "dormouse"), ("model+", "new.tar.gz"), ("alias", "new@live")):
        path = path.replace(f"{{{part}}}", name)
    (row,) = [row for row in Page(README).table("", "") if route in row.spans(0)]
    sent = None
    if method == "PUT" and row.spans(1):
        (body,) = row.spans(1)
        sent = json.loads(body)
        if "model" in sent:
            sent["model"] = MODEL
    if route.startswith("DELETE /endpoints/{name}/models/"):
        outputs = user.deployed.outputs()
        user.deployed.client("s3").put_object(
            Bucket=outputs["ModelBucketName"],
            Key=f"{outputs['ModelPrefix']}new.tar.gz",
            Body=b"a model",
        )
    answer = user.deployed.ask(method, path, sent)
    assert answer.status == (201 if route.startswith("PUT /endpoints/{name}/models/") else 200)


@typed(
    "GET /endpoints",
    "GET /endpoints/{name}",
    *(f"POST /endpoints/{{name}}/{verb}" for verb in BODIES),
)
def _ask_by_http(user: User, route: str) -> None:
    """Signed; with each body that stands beside it."""
    method, _, path = route.partition(" ")
    path = path.replace("{name}", "dormouse")
    if method == "GET":
        answer = user.deployed.ask(method, path)
        assert answer.status == 200
        told = answer.json()
        (endpoint,) = told["endpoints"] if path == "/endpoints" else [told]
        assert endpoint["name"] == "dormouse"
        assert {"state", "status", "next", "next_at", "hold_until", "principals"} <= set(endpoint)
        assert ("decisions" in endpoint) == (path != "/endpoints")
        return
    (row,) = [row for row in Page(README).table("", "") if route in row.spans(0)]
    verb = path.rpartition("/")[2]
    bodies = BODIES[verb]
    assert [json.loads(span) for span in row.spans(1)] == [body for body in bodies if body]
    for body in bodies:
        # The day that the README names goes by: its hour is what counts.
        day = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d}"
        sent = body and {
            key: re.sub(r"^\d{4}-\d\d-\d\d", day, value) for key, value in body.items()
        }
        answer = user.deployed.ask(method, path, sent)
        assert answer.status == 202, answer
        held = answer.json()["hold_until"]
        if body or verb != "wake":  # which alone leaves a hold as it is
            assert (held is None) == (body is None)
        if sent and "until" in sent:
            assert datetime.fromisoformat(held) == datetime.fromisoformat(sent["until"])


@typed("aws lambda invoke…")
def _invoke_a_function(user: User, command: str) -> None:
    """With the very payload; the other intents alike, and `reconcile` as well."""
    user.deployed.sleep()
    client = user.deployed.client("lambda")
    control = user.deployed.outputs()["ControlFunctionName"]
    woken = json.loads(user.call_aws(command, ControlFunctionName=control)["Payload"].read())
    assert woken["name"] == "dormouse"
    _check_held(user)

    [payload] = re.findall(r"--payload '(.*?)'", command)
    assert f"`{payload}`" in README.read_text(encoding="utf-8").replace("\n", " ")
    functions = {"control": control, "reconcile": user.deployed.stack.reconcile_function}
    for function, action in [
        ("control", "hold"),
        ("control", "release"),
        ("control", "sleep"),
        ("control", "suspend"),
        ("control", "resume"),
        ("reconcile", "wake"),
    ]:
        event = json.loads(payload) | {"action": action}
        if action in ("release", "sleep", "suspend", "resume"):
            del event["for"]
        answer = client.invoke(FunctionName=functions[function], Payload=json.dumps(event))
        assert "FunctionError" not in answer, answer["Payload"].read()
    _check_held(user)


@typed("WakeCron=…")
def _schedule(user: User, line: str) -> None:
    """After `sam deploy --parameter-overrides`, in single quotes."""
    said = "After `sam deploy --parameter-overrides` the whole line stands in single quotes"
    assert said in Page(README).prose
    # What `make build` leaves in .aws-sam, the tests have in a folder of their own, and sam looks
    # for samconfig.toml beside the template.
    options = f"--template-file {stack.BUILD / 'template.yaml'} --config-file {REPOSITORY}"
    options += "/samconfig.toml --no-confirm-changeset"
    sam = f"sam deploy {options} --parameter-overrides '{line}'"
    ran = user.run(sam, where=REPOSITORY)
    assert ran.returncode == 0, ran.stdout + ran.stderr

    scheduler = user.deployed.client("scheduler")
    crons = {}
    for entry in scheduler.list_schedules()["Schedules"]:
        schedule = scheduler.get_schedule(Name=entry["Name"], GroupName=entry["GroupName"])
        if schedule["ScheduleExpression"].startswith("cron"):
            event = json.loads(schedule["Target"]["Input"])
            assert schedule["ScheduleExpressionTimezone"] == "Europe/Berlin"
            crons[event["action"]] = (schedule["ScheduleExpression"], event.get("for"))
    assert crons == {
        "wake": ("cron(50 7 ? * MON-FRI *)", "10h"),
        "sleep": ("cron(0 18 ? * MON-FRI *)", None),
    }


@typed("aws sagemaker add-tags --resource-arn <ARN of the EndpointConfig>…")
def _claim(user: User, command: str) -> None:
    """From then on it is managed; but the endpoint that exists is not Dormouse's to touch."""
    arn = user.arn("endpoint_config", user.adopted)
    user.call_aws(command, ARN_of_the_EndpointConfig=arn, name_of_the_endpoint="veteran")
    user.deployed.tick()
    listed = [entry["name"] for entry in user.told_json("dormouse status")["endpoints"]]
    assert {"dormouse", "veteran"} <= set(listed)


@typed("aws sagemaker add-tags --resource-arn <ARN of the endpoint>…")
def _hand_over(user: User, command: str) -> None:
    """From then on it may be put to sleep."""
    wait_until(
        lambda: (user.deployed.aws.endpoint("veteran") or {})["EndpointStatus"] == "InService",
        "in service",
    )
    user.call_aws(
        command,
        ARN_of_the_endpoint=user.arn("endpoint", "veteran"),
        name_of_the_endpoint="veteran",
        name_of_the_stack="dormouse",
    )
    user.told("dormouse sleep veteran --wait")
    assert user.deployed.aws.endpoint("veteran") is None


@typed("dormouse models upload my-model.tar.gz")
def _upload(user: User, command: str) -> None:
    """To where the endpoint looks for it."""
    user.told(command)
    outputs = user.deployed.outputs()
    user.deployed.client("s3").head_object(
        Bucket=outputs["ModelBucketName"], Key=f"{outputs['ModelPrefix']}my-model.tar.gz"
    )


@typed("dormouse invoke --model my-model.tar.gz --wait question.json")
def _wake_and_ask(user: User, command: str) -> None:
    """To the answer in one command, whether it is up or not."""
    labels = [entry["label"] for entry in json.loads(user.told(command))["predictions"]]
    assert labels == ["positive", "negative"]
