"""Every exit code, by what a user does to get it; each with one sentence, and as JSON."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from dormouse_cli.exit_codes import MEANINGS, ExitCode
from tests.client.conftest import Run
from tests.client.fake_aws import FakeAws, accepted_request

ACCEPTED = f"dormouse.{1:032x}"
Arrange = Callable[[FakeAws], None]
INVOKE = ["invoke", "--model", "m.tar.gz", "--body", "{}"]


def denied(aws: FakeAws) -> None:
    error = b"<Error><Code>AccessDenied</Code><Message>not you</Message></Error>"
    answer = b"<ErrorResponse>" + error + b"</ErrorResponse>"
    aws.world.canned.append((403, {"Content-Type": "text/xml"}, answer))


def not_aws(aws: FakeAws) -> None:
    aws.world.canned.append((403, {}, b'{"message": "Forbidden"}'))


def no_control_url(aws: FakeAws) -> None:
    del aws.world.outputs["ControlUrl"]


def failing(aws: FakeAws) -> None:
    """It fails at its second look, after it was seen waking."""
    endpoint = aws.world.add("dormouse", looks_until_serving=None, failure_reason="No capacity.")
    looked_at = endpoint.looked_at

    def fail() -> None:
        was_waking = endpoint.state == "waking"
        looked_at()
        endpoint.state = "failed" if was_waking else endpoint.state

    endpoint.looked_at = fail  # type: ignore[method-assign] # this one endpoint behaves so


def never_serving(aws: FakeAws) -> None:
    aws.world.add("dormouse", looks_until_serving=None)


def serving(aws: FakeAws) -> None:
    aws.world.add("dormouse", state="serving")


def accepted(aws: FakeAws) -> None:
    aws.world.accepted[ACCEPTED] = accepted_request(ACCEPTED)


def refused(status: int, **members: object) -> Arrange:
    """Requests end so."""

    def arrange(aws: FakeAws) -> None:
        answer = json.dumps(members).encode()
        aws.world.accepted[ACCEPTED] = (status, "application/json", answer)

    return arrange


def not_replayed(aws: FakeAws) -> None:
    skipped = [{"id": ACCEPTED, "reason": "it has been answered"}]
    aws.world.replay = {"replayed": 0, "left": 0, "skipped": skipped, "complete": True}


def nothing(_: FakeAws) -> None:
    pass


Case = tuple[Arrange, list[str], ExitCode, str]
CASES: list[Case] = [
    (nothing, ["status"], ExitCode.DONE, ""),
    (failing, ["wake"], ExitCode.FAILED, "dormouse has failed: No capacity."),
    (failing, [*INVOKE, "--wait"], ExitCode.FAILED, "dormouse has failed: No capacity."),
    (
        serving,
        ["invoke", "--model", "m.tar.gz", "--body", "bad"],
        ExitCode.FAILED,
        "The model answered with an error (400): the body is bad",
    ),
    (nothing, ["invoke", "--body", "{}"], ExitCode.USAGE, "Missing option '--model' / '-m'"),
    (nothing, ["snore"], ExitCode.USAGE, "No such command 'snore'"),
    (nothing, ["wake", "--fo", "2h"], ExitCode.USAGE, "No such option: --fo"),
    (nothing, ["wake", "--for", "2d"], ExitCode.USAGE, "'2d' is not a duration"),
    (nothing, ["wake", "--timeout", "0s"], ExitCode.USAGE, "'0s' is out of range"),
    (nothing, ["hold"], ExitCode.USAGE, "give one of them"),
    (nothing, ["hold", "--for", "1h", "--until", "8:00"], ExitCode.USAGE, "give one of them"),
    (nothing, ["hold", "--until", "soon"], ExitCode.USAGE, "'soon' is not a time"),
    (nothing, ["hold", "--until", "2020-01-01T00:00Z"], ExitCode.USAGE, "has passed already"),
    (nothing, ["status", "a b"], ExitCode.USAGE, "'a b' is no endpoint's name"),
    (nothing, ["invoke", "--model", "m", "--body", "x"], ExitCode.USAGE, "'m' is no name"),
    (nothing, [*INVOKE, "-"], ExitCode.USAGE, "either FILE or --body"),
    (nothing, ["invoke", "-m", "m.tar.gz", "no.json"], ExitCode.USAGE, "no.json can't be read"),
    (nothing, ["status", "--profile", "nobody"], ExitCode.USAGE, "profile (nobody) could not be"),
    (nothing, ["models", "list", "--endpoint-url", "x"], ExitCode.USAGE, "Invalid endpoint: x"),
    (nothing, ["wake", "nobody"], ExitCode.NOT_FOUND, "No EndpointConfig claims an endpoint"),
    (nothing, ["status", "--stack", "other"], ExitCode.NOT_FOUND, "There is no stack 'other' in"),
    (no_control_url, ["status"], ExitCode.NOT_FOUND, "has no output ControlUrl: it is another"),
    (
        serving,
        ["invoke", "--model", "absent.tar.gz", "--body", "{}"],
        ExitCode.NOT_FOUND,
        "Failed to download model data",
    ),
    (nothing, ["invoke", "nobody", *INVOKE[1:]], ExitCode.NOT_FOUND, "nobody of account 111 not"),
    (nothing, [*INVOKE], ExitCode.TRY_AGAIN, "--wait waits for it, which is worth a try in 7 s"),
    (
        never_serving,
        ["wake", "--timeout", "1s"],
        ExitCode.TRY_AGAIN,
        "dormouse is not serving after 1 s",
    ),
    (
        never_serving,
        [*INVOKE, "--wait", "--timeout", "1s"],
        ExitCode.TRY_AGAIN,
        "dormouse is not serving after 1 s",
    ),
    (nothing, [*INVOKE, "--wait", "--async"], ExitCode.USAGE, "give one of them"),
    (nothing, ["result", "dormouse"], ExitCode.USAGE, "'dormouse' is no request's id"),
    (nothing, ["result", ACCEPTED], ExitCode.NOT_FOUND, f"There is no {ACCEPTED}"),
    (
        accepted,
        ["result", ACCEPTED],
        ExitCode.TRY_AGAIN,
        "it is parked, number 1 of those that wait",
    ),
    (
        refused(410, __type="RequestExpiredException", Message="It was not answered in time"),
        ["result", ACCEPTED],
        ExitCode.FAILED,
        "It was not answered in time.",
    ),
    (
        refused(403, __type="AccessDeniedException", Message="It is somebody else's"),
        ["result", ACCEPTED],
        ExitCode.NOT_PERMITTED,
        "It is somebody else's.",
    ),
    (
        refused(424, __type="ModelError", OriginalStatusCode=500, OriginalMessage="it broke"),
        ["result", ACCEPTED],
        ExitCode.FAILED,
        "The model answered with an error (500): it broke.",
    ),
    (nothing, ["replay", "dormouse", "x"], ExitCode.USAGE, "'x' is no request's id"),
    (nothing, ["replay", "nobody"], ExitCode.NOT_FOUND, "No EndpointConfig claims an endpoint"),
    (
        not_replayed,
        ["replay", ACCEPTED],
        ExitCode.FAILED,
        f"{ACCEPTED} is not replayed: it has been answered.",
    ),
    (nothing, ["requests", "nobody"], ExitCode.NOT_FOUND, "No EndpointConfig claims an endpoint"),
    (denied, ["status"], ExitCode.NOT_PERMITTED, "Describing the stack 'dormouse' failed: Acc"),
    (not_aws, ["status"], ExitCode.UNAVAILABLE, "what answers there is not AWS"),
]


def _words(case: Case) -> str:
    return " ".join(case[1])


@pytest.mark.parametrize("case", CASES, ids=_words)
def test_the_way_to_an_exit_code(aws: FakeAws, run: Run, case: Case) -> None:
    """One sentence on standard error, and nothing on standard output."""
    arrange, arguments, code, said = case
    arrange(aws)
    ran = run(*arguments)
    assert ran.code == code
    if code == ExitCode.DONE:
        assert ran.err == ""
        return
    assert ran.out == ""
    last = ran.err.splitlines()[-1]
    assert last.startswith("dormouse: ")
    assert said in last


@pytest.mark.parametrize("case", CASES[1:], ids=_words)
def test_the_same_as_json(aws: FakeAws, run: Run, case: Case) -> None:
    """An object on standard error, which is all there is."""
    arrange, arguments, code, said = case
    arrange(aws)
    ran = run(*arguments, "--json")
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.error["message"]
    assert ran.error["exit_code"] == code
    assert ran.error["code"] == code.name.lower()


def test_what_programs_want_to_know_beside_it(aws: FakeAws, run: Run) -> None:
    """Retry-After; and the model's own status and words."""
    assert run(*INVOKE, "--json").error["retry_after_seconds"] == 7
    serving(aws)
    error = run("invoke", "--model", "m.tar.gz", "--body", "bad", "--json").error
    assert (error["original_status_code"], error["original_message"]) == (400, "the body is bad")


def test_no_region(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says where one can be written."""
    monkeypatch.delenv("AWS_REGION")
    ran = run("status")
    assert ran.code == ExitCode.USAGE
    assert "No region is known: give --region, set AWS_REGION" in ran.err


@pytest.mark.parametrize(
    "arguments", [["status"], ["status", "--control-url", "http://127.0.0.1:1"]]
)
def test_no_credentials(run: Run, monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    """For CloudFormation and for the control API alike."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    ran = run(*arguments)
    assert ran.code == ExitCode.NOT_PERMITTED
    assert "There are no AWS credentials: give --profile, log in with `aws sso login`" in ran.err


def test_a_missing_permission_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The credentials are some, and not right."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    ran = run("status")
    assert ran.code == ExitCode.NOT_PERMITTED
    assert "they need execute-api:Invoke on http://127.0.0.1:" in ran.err
    ran = run(*INVOKE)
    assert ran.code == ExitCode.NOT_PERMITTED
    assert "lambda:InvokeFunctionUrl and lambda:InvokeFunction" in ran.err


def test_aws_is_away(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """CloudFormation and the front door."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        nobody = f"http://127.0.0.1:{server.getsockname()[1]}"
    ran = run("status", "--endpoint-url", nobody)
    assert ran.code == ExitCode.UNAVAILABLE
    assert f'Could not connect to the endpoint URL: "{nobody}/"' in ran.err
    ran = run(*INVOKE, "--invoke-url", nobody)
    assert ran.code == ExitCode.UNAVAILABLE


def test_a_broken_model_is_a_failure(run: Run, tmp_path: Path) -> None:
    """And where there is no file, the command line is wrong."""
    (tmp_path / "empty").mkdir()
    out = ["--out", tmp_path / "m.tar.gz"]
    assert run("models", "build", tmp_path / "empty", *out).code == ExitCode.FAILED
    assert run("models", "upload", tmp_path / "none.tar.gz").code == ExitCode.USAGE
    ran = run("models", "build", tmp_path / "empty", "--out", tmp_path / "empty" / "m.tar.gz")
    assert ran.code == ExitCode.USAGE
    assert "would lie inside of" in ran.err
    ran = run("models", "upload", "a.tar.gz", "b.tar.gz", "--name", "c.tar.gz")
    assert ran.code == ExitCode.USAGE
    ran = run("models", "upload", "a.tar.gz", "x/a.tar.gz")
    assert ran.code == ExitCode.USAGE
    assert "Two files would become the model 'a.tar.gz'" in ran.err


@pytest.mark.parametrize("arguments", [[], ["models"]])
def test_no_command_at_all(run: Run, arguments: list[str]) -> None:
    """The help, since that is what one wants to know."""
    ran = run(*arguments)
    assert ran.code == ExitCode.USAGE
    assert "Usage: dormouse" in ran.out


def test_the_help_shows_the_whole_table(run: Run) -> None:
    """One code, one meaning; nothing else is ever returned."""
    out = run("--help").out
    shown = dict(re.findall(r"^ +(\d+)  (\S.*?) *$", out, re.MULTILINE))
    assert shown == {str(int(code)): meaning for code, meaning in MEANINGS.items()}
    assert set(MEANINGS) == set(ExitCode)


def test_an_error_is_one_sorted_document(run: Run) -> None:
    """As the results are."""
    err = run("wake", "nobody", "--json").err
    assert err == json.dumps(json.loads(err), indent=2, sort_keys=True) + "\n"
