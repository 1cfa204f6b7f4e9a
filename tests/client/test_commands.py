"""Each command, by what it asks and what it prints: for people, and with --json for programs."""

from __future__ import annotations

import base64
import io
import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dormouse_cli.durations import parse_duration
from tests.client.conftest import Run
from tests.client.fake_aws import BUCKET, PREFIX, FakeAws, accepted_request
from tests.client.test_model_archive import saved_model_at

QUESTION = b'{"inputs": "a wonderful film"}'
ACCEPTED, OTHER = (f"dormouse.{number:032x}" for number in (1, 2))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A directory that can be built."""
    saved_model_at(tmp_path / "sentiment-v1" / "0")
    (tmp_path / "sentiment-v1" / "labels.json").write_text("[]")
    return tmp_path / "sentiment-v1"


# ------------------------------------------------------------------------------------------ status


def test_status_of_all(aws: FakeAws, run: Run) -> None:
    """One line for each, where a program may read along, and its JSON as the API has it."""
    aws.world.add("another", state="serving", next_at="2099-01-01T00:00:00.000Z")
    ran = run("status")
    assert (ran.code, ran.err) == (0, "")
    header, another, dormouse = ran.out.splitlines()
    assert header.split() == ["ENDPOINT", "STATE", "SINCE", "WHY", "NEXT"]
    assert another.split()[:2] == ["another", "serving"]
    assert "nobody asked for it" in dormouse
    assert "starts with the next request" in dormouse
    assert "2099-01-01 00:00 (in " in another
    assert "\x1b" not in ran.out

    ran = run("status", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert [entry["name"] for entry in ran.document["endpoints"]] == ["another", "dormouse"]
    assert ran.document["endpoints"][1]["expected_wake_seconds"] == 480


def test_status_of_one(aws: FakeAws, run: Run) -> None:
    """With its decisions."""
    ran = run("status", "dormouse")
    assert ran.code == 0
    assert "otherwise down" in ran.out
    assert "about 8 min" in ran.out
    document = run("status", "dormouse", "--json").document
    assert document == aws.world.endpoints["dormouse"].document()


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"idle_timeout_seconds": 900}, "15 min"),
        (
            {"policy": "break-even", "idle_timeout_seconds": 1380, "delay_cost_seconds": 900},
            "23 min, by break-even, a delayed minute is worth 15 min",
        ),
        (
            {"policy": "forecast", "idle_timeout_seconds": None, "delay_cost_seconds": 3600},
            "by forecast, a delayed minute is worth 1 h",
        ),
        ({"idle_timeout_seconds": None}, None),
    ],
)
def test_status_tells_the_idle_policy(
    aws: FakeAws, run: Run, fields: dict[str, object], told: str | None
) -> None:
    """The timeout as it is now; that of a forecast is another one each time."""
    aws.world.add("dormouse", life=fields)
    lines = run("status", "dormouse").out.splitlines()
    found = [line.partition("  ")[2].strip() for line in lines if line.startswith("idle timeout")]

    assert found == ([] if told is None else [told])


def test_status_of_none(aws: FakeAws, run: Run) -> None:
    """It says how to come by one."""
    aws.world.endpoints.clear()
    assert "tag its EndpointConfig with dormouse:endpoint" in run("status").out
    assert run("status", "--json").document == {"endpoints": []}


def test_json_is_always_in_the_same_order(run: Run) -> None:
    """So that two outputs can be compared as text."""
    out = run("status", "--json").out
    assert out == json.dumps(json.loads(out), indent=2, sort_keys=True) + "\n"


def test_watching_through_a_pipe(aws: FakeAws, environment: Mapping[str, str]) -> None:
    """A line as soon as something changes; an interrupt is its regular end."""
    endpoint = aws.world.add("dormouse", looks_until_serving=None)
    command = [sys.executable, "-m", "dormouse_cli", "status", "--watch", "--interval", "0.1"]
    with subprocess.Popen(
        [*command, "--json"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as watching:
        assert watching.stdout is not None
        assert watching.stderr is not None
        assert json.loads(watching.stdout.readline())["state"] == "asleep"
        endpoint.state = "serving"
        assert json.loads(watching.stdout.readline())["state"] == "serving"
        watching.send_signal(signal.SIGINT)
        assert (watching.stdout.read(), watching.stderr.read()) == ("", "")
    assert watching.returncode == 0


def test_status_says_what_is_out_of_the_ordinary(aws: FakeAws, run: Run) -> None:
    """On the line of each; what the reason says already is not said twice."""
    budget = {"month": "2026-11", "hours": 99.0, "budget": "120h", "share": 0.825}
    failure = {
        "endpoint_config": "c-1",
        "count": 3,
        "kind": "capacity",
        "reason": "no capacity",
        "at": "2026-11-22T16:25:49.120Z",
        "retry_at": "2099-01-01T00:00:00.000Z",
    }
    aws.world.add(
        "dormouse",
        state="serving",
        life={
            "running_config": "c-2",
            "is_fallen_back": True,
            "failures": [failure, {**failure, "endpoint_config": "c-0", "retry_at": None}],
            "spent": {**budget, "estimate": "99.0h of 120h in 2026-11, estimated $22.77"},
        },
    )
    aws.world.add(
        "held-back",
        reason="it is not started: EndpointConfig c-1 has failed once (no capacity)",
        life={"failures": [failure]},
    )
    _, first, second = run("status").out.splitlines()
    assert "; on the fall-back c-2; 82% of the budget of 120h spent; " in first
    assert "c-1 has failed 3 times, tried again 2099-01-01 00:00 (in " in first
    assert "c-0 has failed 3 times, given up until it is resumed" in first
    assert second.count("c-1") == 1


def test_status_of_one_tells_each_rule_of_its_life(aws: FakeAws, run: Run) -> None:
    """Those that its owner has asked for, and no others."""
    plain = run("status", "dormouse").out
    for name in ("schedule", "blackout", "max-up", "spent", "fall-backs", "failures", "owner"):
        assert f"\n{name} " not in plain

    window = {"begins_at": "2026-11-22T07:00:00.000Z", "ends_at": "2099-01-01T17:00:00.000Z"}
    later = {"begins_at": "2099-01-02T07:00:00.000Z", "ends_at": "2099-01-02T17:00:00.000Z"}
    text = "Mon-Fri 08:00-18:00 Europe/Berlin"
    aws.world.add(
        "dormouse",
        life={
            "suspended_at": "2026-11-22T16:25:49.120Z",
            "suspended_by": "jo",
            "kept_down": {"reason": "suspended at some time", "until": None},
            "demand_by": "kim",
            "schedule": {"text": text, "window": window, "next": later},
            "blackout": {"text": "Sun 02:00-04:00 UTC", "window": None, "next": later},
            "min_up_seconds": 600,
            "max_up_seconds": 28800,
            "spent": {
                "month": "2026-11",
                "hours": 30.0,
                "budget": "120h",
                "share": 0.25,
                "estimate": "30.0h of 120h in 2026-11, estimated $6.90",
            },
            "owner": "ml-team@example.com",
            "fall_backs": ["c-2", "c-3"],
            "running_config": "c-1",
        },
    )
    facts: dict[str, str] = {}
    for line in run("status", "dormouse").out.splitlines():
        name, _, value = line.partition("  ")
        facts.setdefault(name.strip() or "more", value.strip())
    assert facts["suspended"].startswith("since ")
    assert facts["suspended"].endswith(", by jo")
    assert "kept down" not in facts
    assert facts["asked for by"] == "kim"
    assert facts["schedule"] == text
    assert facts["more"].startswith("in a window until 2099-01-01 17:00")
    assert facts["blackout"] == "Sun 02:00-04:00 UTC"
    assert (facts["min-up"], facts["max-up"]) == ("10 min", "8 h")
    assert facts["spent"] == "30.0h of 120h in 2026-11, estimated $6.90 (25%)"
    assert (facts["runs on"], facts["fall-backs"]) == ("c-1", "c-2")
    assert facts["owner"] == "ml-team@example.com"


# ----------------------------------------------------------------------------------- plan, history


def rule(name: str, *, applies: bool, changes_at: str | None = None) -> dict[str, Any]:
    """What one rule says."""
    reason = f"it is {name}" if applies else None
    return {"rule": name, "applies": applies, "reason": reason, "changes_at": changes_at}


PLAN = {
    "endpoint": "dormouse",
    "at": "2099-11-24T08:00:00.000Z",
    "action": "start",
    "rule": "keep-up window",
    "reason": "needed until 18:00",
    "endpoint_config": "c-1",
    "next_look_at": "2099-11-24T18:00:00.000Z",
    "rules": [
        rule("suspended", applies=False),
        rule("keep-up window", applies=True, changes_at="2099-11-24T18:00:00.000Z"),
        rule("otherwise down", applies=True),
    ],
    "notes": ["as it is seen and remembered now"],
}


def test_a_plan_for_a_later_time(aws: FakeAws, run: Run) -> None:
    """What would be done and why, and each rule, the strongest first."""
    aws.world.plan = PLAN
    ran = run("plan", "--at", "2099-11-24T10:00+02:00")
    assert (ran.code, ran.err) == (0, "")
    first, change, note, _, header, _, *rules = [line.rstrip() for line in ran.out.splitlines()]
    assert first.startswith("dormouse, 2099-11-24 08:00 (in ")
    assert first.endswith("): start (keep-up window): needed until 18:00.")
    assert change.startswith("that could change 2099-11-24 18:00 (in ")
    assert note == "as it is seen and remembered now"
    assert header.split() == ["RULE", "APPLIES", "CHANGES", "WHY"]
    assert [line.split("  ")[0] for line in rules] == [
        "suspended",
        "keep-up window",
        "otherwise down",
    ]
    assert rules[0].split()[1:] == ["no", "-", "-"]
    assert "2099-11-24 18:00" in rules[1]
    assert aws.world.queries[-1] == ("/control/endpoints/dormouse/plan?at=2099-11-24T08%3A00%3A00Z")
    assert run("plan", "dormouse", "--json").document == PLAN
    assert aws.world.calls("POST") == []
    assert len(aws.world.queries) == 1


def test_a_plan_for_what_is_refused(aws: FakeAws, run: Run) -> None:
    """No rule is asked."""
    aws.world.plan = {**PLAN, "rule": "refused", "rules": [], "notes": [], "next_look_at": None}
    assert len(run("plan").out.splitlines()) == 1


def test_the_history_is_read_page_by_page(aws: FakeAws, run: Run) -> None:
    """As much of it as is asked for."""
    decided = [
        {
            "at": f"2026-11-{22 - number // 60:02}T16:{59 - number % 60:02}:00.000Z",
            "action": "stay up",
            "rule": "hold",
            "reason": f"number {number}",
            "until": None,
        }
        for number in range(250)
    ]
    aws.world.add("dormouse", decided=decided)

    assert run("history", "--limit", "230", "--json").document == {
        "endpoint": "dormouse",
        "decisions": decided[:230],
    }
    asked = [query.partition("?")[2] for query in aws.world.queries]
    assert asked == [
        "limit=100",
        "limit=100&before=2026-11-21T16%3A20%3A00.000Z",
        "limit=30&before=2026-11-19T16%3A40%3A00.000Z",
    ]
    assert len(run("history", "--limit", "5000", "--json").document["decisions"]) == 250
    lines = run("history", "dormouse").out.splitlines()
    assert lines[0].split() == ["DECIDED", "ACTION", "RULE", "WHY"]
    assert [line.split()[-1] for line in lines[2:]] == [str(number) for number in range(20)]


def test_a_history_of_nothing(run: Run) -> None:
    """It says so."""
    assert run("history").out == "Nothing was decided for dormouse in the last 90 days.\n"
    assert run("history", "--json").document == {"endpoint": "dormouse", "decisions": []}


# ------------------------------------------------------ wake, sleep, hold, release, suspend, resume


def test_wake_waits_until_it_serves(aws: FakeAws, run: Run) -> None:
    """Lines instead of a bar, on standard error; the result alone on standard output."""
    ran = run("wake")
    assert ran.code == 0
    assert ran.out.startswith("dormouse is serving: an operator asked for it.")
    assert ran.err.startswith("Waking dormouse, about 8 min expected …\n")
    assert "dormouse is waking (Creating): an operator asked for it" in ran.err
    assert aws.world.calls("POST") == ["/endpoints/dormouse/wake"]
    assert aws.world.body_of_last("POST") == b""


def test_wake_in_json_is_silent_until_the_end(run: Run) -> None:
    """One document."""
    ran = run("wake", "dormouse", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert ran.document["state"] == "serving"


def test_wake_without_waiting(aws: FakeAws, run: Run) -> None:
    """It says how it stands, and what next; --for is passed on."""
    ran = run("wake", "--no-wait", "--for", "2h")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("dormouse is waking, held until 2099-01-01 00:00 (in ")
    assert json.loads(aws.world.body_of_last("POST")) == {"for": "2h"}


def test_wake_of_what_serves(aws: FakeAws, run: Run) -> None:
    """It counts as a request, and there is nothing to wait for."""
    aws.world.add("dormouse", state="serving")
    ran = run("wake")
    assert (ran.code, ran.err) == (0, "")
    assert aws.world.calls("POST") == ["/endpoints/dormouse/wake"]


def test_sleep_says_what_will_happen(aws: FakeAws, run: Run) -> None:
    """And waits only if asked to."""
    endpoint = aws.world.add("dormouse", state="serving", next="is deleted at once")
    ran = run("sleep")
    assert ran.code == 0
    assert ran.out == (
        "dormouse is asleep: an operator asked for sleep. Next: is deleted at once.\n"
    )

    endpoint.state = "serving"
    ran = run("sleep", "--wait", "--json")
    assert (ran.code, ran.err, ran.document["state"]) == (0, "", "asleep")


@pytest.mark.parametrize("duration", ["2h", "90s", "168h"])
def test_hold_for(aws: FakeAws, run: Run, duration: str) -> None:
    """As it was written."""
    ran = run("hold", "--for", duration, "--json")
    assert ran.code == 0
    assert json.loads(aws.world.body_of_last("POST")) == {"for": duration}
    assert parse_duration(duration)


def test_hold_until(aws: FakeAws, run: Run) -> None:
    """In UTC."""
    ran = run("hold", "dormouse", "--until", "2099-11-23T18:00+02:00")
    assert ran.code == 0
    assert json.loads(aws.world.body_of_last("POST")) == {"until": "2099-11-23T16:00:00Z"}
    assert "held until 2099-11-23 16:00" in ran.out


def test_release(aws: FakeAws, run: Run) -> None:
    """The hold is gone."""
    aws.world.add("dormouse", hold_until="2099-01-01T00:00:00.000Z")
    assert run("release", "--json").document["hold_until"] is None
    assert aws.world.calls("POST") == ["/endpoints/dormouse/release"]
    assert run("release").out.startswith("dormouse is asleep: nobody asked for it.")


def test_suspend_and_resume(aws: FakeAws, run: Run) -> None:
    """It says that it stays down, and until when."""
    aws.world.add("dormouse", state="serving")
    ran = run("suspend")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("dormouse is asleep: it is suspended.")
    assert "suspended" in run("status", "dormouse").out
    ran = run("resume", "dormouse", "--json")
    assert ran.code == 0
    assert ran.document["suspended_at"] is None
    verbs = ["/endpoints/dormouse/suspend", "/endpoints/dormouse/resume"]
    assert aws.world.calls("POST") == verbs


def test_suspend_may_wait(aws: FakeAws, run: Run) -> None:
    """Until it is asleep."""
    aws.world.add("dormouse", state="serving")
    ran = run("suspend", "--wait", "--json")
    assert (ran.code, ran.document["state"]) == (0, "asleep")


def test_nobody_waits_for_what_is_suspended(aws: FakeAws, run: Run) -> None:
    """The wake is recorded, and says at once that it is in vain."""
    run("suspend")
    ran = run("wake")
    assert (ran.code, ran.out) == (75, "")
    assert ran.err.endswith(
        "dormouse: dormouse is not started: suspended at 2026-11-22 16:25:49 UTC, until somebody "
        "resumes it. `dormouse resume dormouse` ends that.\n"
    )


# ------------------------------------------------------------------------------------------ invoke


@pytest.fixture
def serving(aws: FakeAws) -> FakeAws:
    """An endpoint that answers with what it is sent."""
    aws.world.add("dormouse", state="serving")
    return aws


def test_invoke_with_a_file(serving: FakeAws, run: Run, tmp_path: Path) -> None:
    """Byte for byte, to the stack's own endpoint: the one argument can't be a name."""
    (tmp_path / "question.json").write_bytes(QUESTION)
    ran = run("invoke", tmp_path / "question.json", "--model", "m.tar.gz")
    assert (ran.code, ran.out, ran.err) == (0, QUESTION.decode(), "")
    assert serving.world.calls("POST", "/invoke") == ["/endpoints/dormouse/invocations"]


def test_invoke_in_json(serving: FakeAws, run: Run) -> None:
    """The body as JSON if it is, or else in base64."""
    arguments = ["invoke", "dormouse", "--model", "m.tar.gz", "--body", QUESTION.decode(), "--json"]
    assert run(*arguments).document == {
        "body": {"inputs": "a wonderful film"},
        "content_type": "application/json",
        "invoked_production_variant": "AllTraffic",
    }
    document = run(*arguments, "--accept", "image/png").document
    assert base64.b64decode(document["body_base64"]) == b"\x00\xffbytes"
    assert document["content_type"] == "image/png"


def test_invoke_into_a_file(serving: FakeAws, run: Run, tmp_path: Path) -> None:
    """Nothing else is printed, or with --json where it is."""
    out = tmp_path / "answer.png"
    arguments = ["invoke", "-m", "m.tar.gz", "--body", "x", "--accept", "image/png", "-o", str(out)]
    ran = run(*arguments)
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert out.read_bytes() == b"\x00\xffbytes"
    assert run(*arguments, "--json").document["output"] == str(out)


@pytest.mark.parametrize(
    ("name", "given", "content_type"),
    [
        ("a.json", [], "application/json"),
        ("a.jsonl", [], "application/jsonlines"),
        ("a.csv", [], "text/csv"),
        ("a", [], "application/json"),
        ("a.csv", ["--content-type", "text/plain"], "text/plain"),
    ],
)
def test_invoke_knows_a_file_by_its_name(
    serving: FakeAws, run: Run, name: str, given: list[str], content_type: str
) -> None:
    """Unless told otherwise."""
    Path(name).write_bytes(b"x")
    assert run("invoke", "dormouse", name, "--model", "m.tar.gz", *given).code == 0
    assert serving.world.content_types[-1] == content_type


@pytest.mark.parametrize("arguments", [["-"], [], ["dormouse"], ["dormouse", "-"]])
def test_invoke_from_standard_input_and_through_a_pipe(
    serving: FakeAws, environment: Mapping[str, str], arguments: list[str]
) -> None:
    """In a process of its own, as a shell would run it; bytes that are no text."""
    ran = subprocess.run(
        [sys.executable, "-m", "dormouse_cli", "invoke", *arguments, "--model", "m.tar.gz"],
        env=environment,
        input=b"\x00\xff\n",
        capture_output=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"\x00\xff\n", b"")


def test_a_reader_who_leaves_early_is_no_error_to_talk_about(
    serving: FakeAws, environment: Mapping[str, str]
) -> None:
    """`dormouse … | head -1`: no traceback."""
    ran = subprocess.run(
        [
            "bash",
            "-c",
            '"$0" -m dormouse_cli invoke --model m.tar.gz - | head -c 1',
            sys.executable,
        ],
        env={**environment, "PATH": "/usr/bin:/bin"},
        input=b"x" * 1_000_000,
        capture_output=True,
        check=False,
    )
    assert (ran.stdout, ran.stderr) == (b"x", b"")


def test_invoke_that_waits(aws: FakeAws, run: Run) -> None:
    """One request, which the front door holds; the wait is told on standard error."""
    ran = run("invoke", "--model", "m.tar.gz", "--body", "{}", "--wait")
    assert (ran.code, ran.out) == (0, "{}")
    assert ran.err.startswith("dormouse wakes, about 8 min expected …")
    assert len(aws.world.calls("POST", "/invoke")) == 1
    assert "wait=300" in aws.world.preferences
    assert aws.world.calls("POST") == [], "the request itself is what wakes it"


def test_invoke_that_waits_where_all_places_are_taken(aws: FakeAws, run: Run) -> None:
    """The same request until it is answered."""
    aws.world.holds = False
    ran = run("invoke", "--model", "m.tar.gz", "--body", "{}", "--wait")
    assert (ran.code, ran.out) == (0, "{}")
    assert ran.err.startswith("dormouse wakes, about 8 min expected …")
    assert len(aws.world.calls("POST", "/invoke")) == 2


def test_invoke_that_waits_for_what_serves(serving: FakeAws, run: Run) -> None:
    """Nothing is told; and it is never held for longer than one wants to wait."""
    arguments = ["invoke", "--model", "m.tar.gz", "--body", "{}", "--wait", "--timeout", "30s"]
    ran = run(*arguments)
    assert (ran.code, ran.out, ran.err) == (0, "{}", "")
    assert [prefer for prefer in serving.world.preferences if prefer] == ["wait=30"]


def test_invoke_prefers_nothing_unless_told(serving: FakeAws, run: Run) -> None:
    """What becomes of a cold request, its endpoint's tag says then."""
    run("invoke", "--model", "m.tar.gz", "--body", "{}")
    assert set(serving.world.preferences) == {None}


def test_a_held_request_without_the_right_to_look(aws: FakeAws, run: Run) -> None:
    """It is held all the same, and that is told."""
    endpoint = aws.world.add("dormouse", looks_until_serving=None)
    given = ["--invoke-url", f"{aws.url}/invoke", "--control-url", f"{aws.url}/nothing-here"]

    def serve_after_a_while() -> None:
        while not aws.world.calls("POST", "/invoke"):
            time.sleep(0.05)
        # Longer than an answer takes that comes at once.
        time.sleep(3)
        endpoint.state = "serving"

    threading.Thread(target=serve_after_a_while, daemon=True).start()
    ran = run("invoke", "dormouse", "--model", "m.tar.gz", "--body", "{}", "--wait", *given)
    assert (ran.code, ran.out) == (0, "{}")
    assert "the request is held until it serves" in ran.err


def test_invoke_that_waits_without_the_right_to_look(aws: FakeAws, run: Run) -> None:
    """It comes again when it was told to come."""
    endpoint = aws.world.add("dormouse", looks_until_serving=None)
    asleep = json.dumps({"Code": "ServiceUnavailable", "Message": "dormouse is asleep"}).encode()
    headers = {"x-amzn-ErrorType": "ServiceUnavailable", "Retry-After": "1"}
    # The stack's outputs come first.
    described = run("status", "--control-url", f"{aws.url}/control")
    assert described.code == 0
    endpoint.state = "serving"
    aws.world.canned += [
        (503, headers, asleep),
        (403, {"Content-Type": "application/json"}, b'{"message": "Forbidden"}'),
    ]
    given = ["--invoke-url", f"{aws.url}/invoke", "--control-url", f"{aws.url}/control"]
    ran = run("invoke", "dormouse", "--model", "m.tar.gz", "--body", "{}", "--wait", *given)
    assert (ran.code, ran.out) == (0, "{}")
    assert "dormouse wakes, about 1 s expected" in ran.err


# ---------------------------------------------------------------------------------------- requests


def test_invoke_to_be_answered_later(aws: FakeAws, run: Run) -> None:
    """The id alone on standard output; what to do with it beside."""
    ran = run("invoke", "--model", "m.tar.gz", "--body", "{}", "--async")
    assert (ran.code, ran.out) == (0, f"{ACCEPTED}\n")
    assert "it is parked, number 1 of those that wait, it expires 2099-01-01 00:00" in ran.err
    assert f"Next: dormouse result {ACCEPTED}" in ran.err
    assert "respond-async" in aws.world.preferences

    ran = run("invoke", "--model", "m.tar.gz", "--body", "{}", "--async", "--json")
    assert (ran.err, ran.document["status"]) == ("", "parked")


def test_invoke_to_be_answered_later_of_what_serves(serving: FakeAws, run: Run) -> None:
    """It is answered now."""
    ran = run("invoke", "--model", "m.tar.gz", "--body", "{}", "--async")
    assert (ran.code, ran.out, ran.err) == (0, "{}", "")


def test_a_result_that_is_not_there_yet(aws: FakeAws, run: Run) -> None:
    """It says how the request stands."""
    aws.world.accepted[ACCEPTED] = accepted_request(
        ACCEPTED, position=3, expected_at="2099-01-01T00:00:00.000Z"
    )
    ran = run("result", ACCEPTED)
    assert (ran.code, ran.out) == (75, "")
    assert (
        f"{ACCEPTED}: it is parked, number 3 of those that wait, its answer is expected" in ran.err
    )
    error = run("result", ACCEPTED, "--json").error
    assert (error["status"], error["position"]) == ("parked", 3)


def test_a_result(aws: FakeAws, run: Run, tmp_path: Path) -> None:
    """Byte for byte, as often as one likes."""
    aws.world.accepted[ACCEPTED] = (200, "image/png", b"\x00\xffbytes")
    out = tmp_path / "answer.png"
    assert (run("result", ACCEPTED, "-o", out).code, out.read_bytes()) == (0, b"\x00\xffbytes")
    document = run("result", ACCEPTED, "--json").document
    assert base64.b64decode(document["body_base64"]) == b"\x00\xffbytes"


def test_the_requests_that_wait(aws: FakeAws, run: Run) -> None:
    """A line for each, or as they came."""
    assert run("requests").out == "No request waits for dormouse.\n"
    failing = accepted_request(ACCEPTED, status="released", tries=2, reason="the model said 500")
    aws.world.accepted[ACCEPTED] = failing
    out = run("requests", "dormouse").out
    head, _, row, *_ = out.splitlines()
    assert head.split() == ["REQUEST", "STATUS", "MODEL", "ACCEPTED", "EXPIRES", "TRIES", "WHY"]
    assert row.split()[:3] == [ACCEPTED, "released", "m.tar.gz"]
    assert "the model said 500" in row
    assert run("requests", "--json").document == {"requests": [failing]}


def test_a_replay_of_all(aws: FakeAws, run: Run) -> None:
    """In a sentence; the body is empty."""
    aws.world.replay = {"replayed": 3, "left": 1, "skipped": [], "complete": False}
    ran = run("replay")
    assert ran.out == (
        "3 requests of dormouse once more waiting; 1 that failed left as they are. "
        "There may be more of them: replay once more.\n"
    )
    assert aws.world.calls("POST") == ["/endpoints/dormouse/replay"]
    assert aws.world.body_of_last("POST") == b""
    assert run("replay", "dormouse", "--json").document == aws.world.replay


@pytest.mark.parametrize("before", [[], ["dormouse"]])
def test_a_replay_of_some(aws: FakeAws, run: Run, before: list[str]) -> None:
    """An id names its endpoint; what is not replayed is told."""
    skipped = [{"id": OTHER, "reason": "it has been answered"}]
    aws.world.replay = {"replayed": 1, "left": 0, "skipped": skipped, "complete": True}
    ran = run("replay", *before, ACCEPTED, OTHER)
    assert (ran.code, ran.out) == (0, "1 request of dormouse once more waiting.\n")
    assert ran.err == f"{OTHER} is not replayed: it has been answered.\n"
    assert json.loads(aws.world.body_of_last("POST")) == {"requests": [ACCEPTED, OTHER]}


def test_status_says_what_waits_and_how_warm_it_is(aws: FakeAws, run: Run) -> None:
    """In the list and of one."""
    aws.world.add(
        "dormouse",
        state="serving",
        warm_up={"models": 5, "invoked": 3, "ended_at": None},
        waiting={"parked": 2, "released": 1, "oldest_at": "2026-11-22T16:25:49.120Z"},
    )
    for arguments in (["status"], ["status", "dormouse"]):
        out = run(*arguments).out
        assert "InService, 3 of 5 models invoked since" in out
        assert "2 parked and 1 released, since " in out


# ------------------------------------------------------------------------------------------ models


def test_build_upload_list_and_call(
    serving: FakeAws, run: Run, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The way of a model, as a person types it."""
    monkeypatch.chdir(model.parent)
    built = run("models", "build", "sentiment-v1")
    assert (built.code, built.err) == (0, "Packing sentiment-v1.tar.gz …\n")
    assert "Next: dormouse models upload sentiment-v1.tar.gz" in built.out

    uploaded = run("models", "upload", "sentiment-v1.tar.gz")
    assert uploaded.code == 0
    where = f"s3://{BUCKET}/{PREFIX}sentiment-v1.tar.gz"
    assert uploaded.out.startswith(f"sentiment-v1.tar.gz is at {where}.")

    listed = run("models", "list")
    head, _, row, *_ = listed.out.splitlines()
    assert re.split(r"\s{2,}", head.strip()) == [
        "MODEL", "SIZE", "UPLOADED", "LAST USED", "REQUESTS", "ERRORS", "P50, P99",
    ]  # fmt: skip
    assert row.split()[0] == "sentiment-v1.tar.gz"
    called = run("invoke", "--model", "sentiment-v1.tar.gz", "--body", "{}")
    assert called.out == "{}"


def test_models_in_json(aws: FakeAws, run: Run, model: Path, tmp_path: Path) -> None:
    """Each of them; no progress beside it."""
    archive = tmp_path / "out" / "m.tar.gz"
    built = run("models", "build", model, "--out", archive, "--json")
    size = archive.stat().st_size
    assert built.document == {
        "archive": str(archive),
        "files": [
            "0/fingerprint.pb",
            "0/saved_model.pb",
            "0/variables/variables.index",
            "labels.json",
        ],
        "notes": [],
        "size_bytes": size,
    }
    uploaded = run("models", "upload", archive, "--name", "m-v2.tar.gz", "--json")
    assert (uploaded.code, uploaded.err) == (0, "")
    uri = f"s3://{BUCKET}/{PREFIX}m-v2.tar.gz"
    assert uploaded.document == {
        "models": [{"name": "m-v2.tar.gz", "size_bytes": size, "uri": uri}]
    }
    (listed,) = run("models", "list", "--json").document["models"]
    assert (listed["model"], listed["size_bytes"]) == ("m-v2.tar.gz", size)
    aws.world.objects.clear()
    assert run("models", "list", "--json").document["models"] == []
    assert "no model yet" in run("models", "list").out


def test_models_with_their_use(aws: FakeAws, run: Run) -> None:
    """And what lies in another bucket, and what was asked of no certain model, and who asked."""
    aws.world.objects[f"{PREFIX}sentiment-v2.tar.gz"] = bytes(1500)
    aws.world.aliases["sentiment@live"] = "sentiment-v2.tar.gz"
    aws.world.model_use = {
        "sentiment-v2.tar.gz": {
            "loaded": True,
            "last_used_at": "2026-11-22T16:25:49Z",
            "requests": 1234,
            "errors_4xx": 3,
            "errors_5xx": 4,
            "latency_ms": {"p50": 12.3, "p90": 90, "p99": 1500},
        },
        "elsewhere.tar.gz": {"size_bytes": None},
        "": {"requests": 5},
    }
    aws.world.callers = [{"principal": "arn:aws:iam::111122223333:user/jo", "requests": 1239}]
    out = run("models", "list", "--hours", "48").out
    assert re.search(
        r"^sentiment-v2\.tar\.gz +1\.5 kB +.* ago +.* ago +1234 +7 +12 ms, 1\.5 s",
        out,
        re.MULTILINE,
    )
    assert re.search(r"^  sentiment@live +$", out, re.MULTILINE)
    assert re.search(r"^  loaded +$", out, re.MULTILINE)
    assert re.search(r"^elsewhere\.tar\.gz +- +- +- +0 +0 +-", out, re.MULTILINE)
    assert re.search(r"^\(none known\) +- +- +- +5 +0 +-", out, re.MULTILINE)
    assert re.search(r"^arn:aws:iam::111122223333:user/jo +1239", out, re.MULTILINE)
    assert "counted since " in out
    assert run("models", "list", "--unused-days", "30", "--json").code == 0
    assert [path.partition("?")[2] for path in aws.world.queries] == [
        "hours=48",
        "hours=24&unused_days=30",
    ]


def test_a_list_of_models_that_is_cut_off_says_so(aws: FakeAws, run: Run) -> None:
    """Beside it."""
    answer = {"endpoint": "dormouse", "complete": False, "models": [{"model": "a.tar.gz"}]}
    headers = {"Content-Type": "application/json"}
    aws.world.control_canned.append((200, headers, json.dumps(answer).encode()))
    assert "more models than are listed" in run("models", "list").err


def test_a_model_is_retired(aws: FakeAws, run: Run) -> None:
    """But not while an alias points at it."""
    aws.world.objects = {f"{PREFIX}a/b.tar.gz": b"1", f"{PREFIX}c.tar.gz": b"2"}
    aws.world.aliases["c@live"] = "c.tar.gz"
    retired = run("models", "retire", "a/b.tar.gz")
    assert (retired.code, retired.out) == (
        0,
        "a/b.tar.gz is retired, to retired/a/b.tar.gz.\n",
    )
    kept = run("models", "retire", "c.tar.gz", "--json")
    assert kept.code == 1
    assert "the alias c@live points at it" in kept.error["message"]
    assert list(aws.world.objects) == [f"{PREFIX}c.tar.gz"]
    gone = run("models", "retire", "a/b.tar.gz")
    assert (gone.code, gone.out) == (4, "")


# ----------------------------------------------------------------------------------------- aliases


def test_an_alias_is_set_switched_and_removed(aws: FakeAws, run: Run) -> None:
    """What it stood for before is said; so going back is one more call."""
    assert run("alias", "list").out == "dormouse has no alias; `dormouse alias set` adds one.\n"
    first = run("alias", "set", "sentiment@live", "sentiment-v1.tar.gz")
    assert first.out.startswith("sentiment@live is sentiment-v1.tar.gz; all requests follow in ")
    second = run("alias", "set", "sentiment@live", "sentiment-v2.tar.gz")
    assert "; until now sentiment-v1.tar.gz;" in second.out
    assert aws.world.calls("PUT") == ["/endpoints/dormouse/aliases/sentiment@live"] * 2

    listed = run("alias", "list").out
    assert re.search(r"^sentiment@live +sentiment-v2\.tar\.gz", listed, re.MULTILINE)
    assert run("alias", "list", "--json").document == {
        "aliases": [{"alias": "sentiment@live", "model": "sentiment-v2.tar.gz"}]
    }
    assert run("alias", "remove", "sentiment@live").out == "sentiment@live is removed.\n"
    assert aws.world.aliases == {}
    gone = run("alias", "remove", "sentiment@live")
    assert (gone.code, gone.err) == (4, "dormouse: There is no alias sentiment@live.\n")


def test_aliases_in_json_and_of_another_endpoint(aws: FakeAws, run: Run) -> None:
    """As the control API answers."""
    aws.world.add("other")
    ran = run("alias", "set", "m@live", "m.tar.gz", "--endpoint", "other", "--json")
    assert ran.document == {
        "alias": "m@live",
        "model": "m.tar.gz",
        "previous": None,
        "followed_at": "2099-01-01T00:00:00.000Z",
    }
    assert aws.world.calls("PUT") == ["/endpoints/other/aliases/m@live"]
    removed = run("alias", "remove", "m@live", "--endpoint", "other", "--json")
    assert removed.document["alias"] == "m@live"


# ------------------------------------------------------------------------------------ ground truth


def test_ground_truth_is_written(aws: FakeAws, run: Run, tmp_path: Path) -> None:
    """In as many calls as it takes; what is not sampled is said."""
    lines = [{"inference_id": f"order-{number}", "data": "1"} for number in range(1100)]
    lines.append({"event_id": "e", "data": "[1]", "encoding": "JSON"})
    file = tmp_path / "truth.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    aws.world.not_sampled = {"order-0", "order-1099"}
    ran = run("ground-truth", file)
    assert ran.out == "1099 written, 2 left out: their requests are not sampled.\n"
    assert aws.world.ground_truth == [
        line for line in lines if line.get("inference_id") not in aws.world.not_sampled
    ]
    assert aws.world.calls("PUT") == ["/endpoints/dormouse/ground-truth"] * 3
    assert run("ground-truth", file, "--json").document == {"written": 1099, "not_sampled": 2}


def test_ground_truth_is_read_before_anything_is_sent(
    aws: FakeAws, run: Run, tmp_path: Path
) -> None:
    """The line that is wrong is named."""
    file = tmp_path / "truth.jsonl"
    file.write_text('{"inference_id": "a", "data": "1"}\n\n{"inference_id": "b"}\n')
    ran = run("ground-truth", file)
    assert ran.code == 2
    assert ran.err == f'dormouse: {file}, line 3: it has no "data", such as "1".\n'
    file.write_text("\n")
    assert run("ground-truth", file).err == f"dormouse: {file} has no line.\n"
    assert run("ground-truth", tmp_path / "none").code == 2
    assert aws.world.requests == []


def test_ground_truth_that_fails_midway_says_where(aws: FakeAws, run: Run, tmp_path: Path) -> None:
    """So that the rest can be sent alone."""
    file = tmp_path / "truth.jsonl"
    line = json.dumps({"inference_id": "a", "data": "1"})
    file.write_text("\n".join([line] * 600))
    problem = {"title": "Conflict", "status": 409, "detail": "Nothing is captured."}
    headers = {"Content-Type": "application/problem+json"}
    refusal = (409, headers, json.dumps(problem).encode())
    accepted = (200, {"Content-Type": "application/json"}, b'{"written": 500, "not_sampled": 0}')
    aws.world.control_canned = [accepted, refusal]
    ran = run("ground-truth", file)
    assert ran.code == 1
    assert ran.err.endswith(
        "dormouse: Nothing is captured. These are the lines 501 to 600; those up to line 500 are "
        "written.\n"
    )


def test_ground_truth_from_standard_input(
    aws: FakeAws, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As elsewhere, by a hyphen."""
    given = io.TextIOWrapper(io.BytesIO(b'{"event_id": "e", "data": "1"}\n'))
    monkeypatch.setattr("sys.stdin", given)
    assert run("ground-truth", "-").out == "1 written.\n"
    assert aws.world.ground_truth == [{"event_id": "e", "data": "1"}]


def test_a_note_of_what_may_be_amiss(run: Run, model: Path, tmp_path: Path) -> None:
    """In both ways."""
    (model / "labels.json").unlink()
    out = ["--out", tmp_path / "m.tar.gz"]
    assert "Note: There is no labels.json" in run("models", "build", model, *out).err
    document = run("models", "build", model, *out, "--json").document
    assert document["notes"] == ["There is no labels.json, so it is served as a plain SavedModel."]


def test_many_uploads_are_looked_at_before_the_first(
    aws: FakeAws, run: Run, model: Path, tmp_path: Path
) -> None:
    """Nothing is half done: the bad one, or one whose name is taken, stops them all."""
    for name in ("a", "b"):
        run("models", "build", model, "--out", tmp_path / f"{name}.tar.gz")
    (tmp_path / "bad.tar.gz").write_bytes(b"not an archive")
    both = [tmp_path / "a.tar.gz", tmp_path / "b.tar.gz"]

    assert run("models", "upload", *both, tmp_path / "bad.tar.gz").code == 1
    assert aws.world.objects == {}
    aws.world.objects[f"{PREFIX}b.tar.gz"] = b"old"
    ran = run("models", "upload", *both)
    assert (ran.code, sorted(aws.world.objects)) == (1, [f"{PREFIX}b.tar.gz"])
    assert "There is a model 'b.tar.gz' already" in ran.err
    assert run("models", "upload", *both, "--force").code == 0
    assert aws.world.objects[f"{PREFIX}b.tar.gz"] == (tmp_path / "b.tar.gz").read_bytes()


# -------------------------------------------------------------------------------- options anywhere


@pytest.mark.parametrize(
    "arguments",
    [
        ["--json", "models", "list"],
        ["models", "--json", "list"],
        ["models", "list", "--json"],
        ["--stack", "dormouse", "--json", "models", "--stack", "dormouse", "list"],
    ],
)
def test_options_may_stand_anywhere(run: Run, arguments: list[str]) -> None:
    """Before the command, between, and after it."""
    assert run(*arguments).document["models"] == []


def test_the_last_word_of_an_option_counts(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the command, before it, in the environment, in this order."""

    def stack_of(*arguments: str) -> Any:
        return run(*arguments, "--json").error["message"].split("'")[1]

    monkeypatch.setenv("DORMOUSE_STACK", "from-environment")
    assert stack_of("models", "list") == "from-environment"
    assert stack_of("--stack", "before", "models", "list") == "before"
    assert stack_of("--stack", "before", "models", "list", "--stack", "after") == "after"


def test_version(run: Run) -> None:
    """On one line."""
    assert run("--version").out == "dormouse 0.1.0\n"
