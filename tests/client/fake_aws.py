"""As much of AWS as the CLI meets, on one loopback port: the control API and the front door with
endpoints that wake and sleep, CloudFormation's DescribeStacks, CloudWatch Logs, and a bucket.

Signatures are checked as AWS checks them. An endpoint moves on when it is looked at, or when a test
says so: nothing here depends on the clock.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

REGION = "us-east-1"
BUCKET, PREFIX = "models-bucket", "models/"
INVOKE_LOGS, DRAIN_LOGS = "/aws/lambda/invoke", "/aws/lambda/drain"
_STATUS = {
    "asleep": None,
    "waking": "Creating",
    "serving": "InService",
    "stopping": "Deleting",
    "failed": "Failed",
}
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)"
    r"/aws4_request, SignedHeaders=(?P<headers>[^,]+), Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass
class FakeEndpoint:
    """One managed endpoint. `looks_until_serving` None: it stays waking until a test moves it."""

    name: str
    state: str = "asleep"
    looks_until_serving: int | None = 2
    wanted: bool = False
    hold_until: str | None = None
    failure_reason: str | None = None
    status_since: str | None = None
    expected_wake_seconds: int = 480
    reason: str = "nobody asked for it"
    # What an intent brings about is decided by the next look.
    undecided: str = ""
    problem: str | None = None
    warm_up: dict[str, Any] | None = None
    waiting: dict[str, Any] | None = None
    # What the rules of its life say, as far as it is not the ordinary.
    life: dict[str, Any] = field(default_factory=dict)
    # What was decided of it, newest first.
    decided: list[dict[str, Any]] = field(default_factory=list)
    next: str = "starts with the next request"
    next_at: str | None = None

    def document(self) -> dict[str, Any]:
        """Describe it as the contract says."""
        decision = {
            "at": "2026-11-22T16:25:49.120Z",
            "action": "start" if self.wanted else "stay down",
            "rule": "waiting work" if self.wanted else "otherwise down",
            "reason": self.reason,
            "until": None,
        }
        return {
            "name": self.name,
            "state": self.state,
            "status": _STATUS[self.state],
            "status_since": self.status_since,
            "failure_reason": self.failure_reason,
            "endpoint_config": f"{self.name}-config",
            "idle_timeout_seconds": 900,
            "delay_cost_seconds": None,
            "principals": ["111122223333"],
            "hold_until": self.hold_until,
            "last_request_at": None,
            "warm_up": self.warm_up,
            "waiting": self.waiting,
            "problem": self.problem,
            "suspended_at": None,
            "suspended_by": None,
            "kept_down": None,
            "demand_by": None,
            "schedule": None,
            "blackout": None,
            "min_up_seconds": 0,
            "max_up_seconds": None,
            "policy": "fixed",
            "spent": {
                "month": "2026-11",
                "hours": 0.0,
                "budget": None,
                "share": None,
                "estimate": None,
            },
            "owner": None,
            "fall_backs": [],
            "running_config": None,
            "is_fallen_back": False,
            "failures": [],
            **self.life,
            "decision": decision,
            "next": self.next,
            "next_at": self.next_at,
            "expected_wake_seconds": self.expected_wake_seconds,
            "decisions": [decision],
        }

    def looked_at(self) -> None:
        """Move on: asleep, waking for so many looks, serving; or stopping, asleep."""
        self.reason, self.undecided = self.undecided or self.reason, ""
        if self.state == "stopping":
            self.state = "asleep"
        elif self.state == "asleep" and self.wanted:
            self.state = "waking"
        elif self.state == "waking" and self.looks_until_serving is not None:
            self.looks_until_serving -= 1
            if self.looks_until_serving <= 0:
                self.state = "serving"

    def intend(self, verb: str, body: Mapping[str, str]) -> None:
        """Take an operator's intent."""
        if verb == "sleep":
            self.wanted, self.hold_until = False, None
            self.state = "stopping" if self.state == "serving" else self.state
            self.undecided = "an operator asked for sleep"
        elif verb == "release":
            self.hold_until = None
        elif verb == "suspend":
            self.state = "stopping" if self.state == "serving" else self.state
            words = "suspended at 2026-11-22 16:25:49 UTC, until somebody resumes it"
            self.life |= {
                "suspended_at": "2026-11-22T16:25:49.120Z",
                "suspended_by": "arn:aws:iam::111122223333:user/jo",
                "kept_down": {"reason": words, "until": None},
            }
            self.undecided = "it is suspended"
        elif verb == "resume":
            self.life |= {"suspended_at": None, "suspended_by": None, "kept_down": None}
            self.undecided = "nobody needs it"
        else:
            self.wanted = True
            self.undecided = "an operator asked for it"
        if body:
            # What the server computes of "for" is not the CLI's; any time will do.
            self.hold_until = body.get("until", "2099-01-01T00:00:00.000Z")


def accepted_request(request_id: str, **more: Any) -> dict[str, Any]:
    """Describe one as the contract says."""
    return {
        "id": request_id,
        "status": "parked",
        "position": 1,
        "model": "m.tar.gz",
        "accepted_at": "2026-11-22T16:25:49.120Z",
        "expires_at": "2099-01-01T00:00:00.000Z",
        "expected_at": None,
        "tries": 0,
        "reason": None,
        "principal": "arn:aws:iam::111122223333:user/jo",
        **more,
    }


@dataclass
class World:
    """What there is, and what was asked for."""

    endpoints: dict[str, FakeEndpoint] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    requests: list[tuple[str, str, bytes]] = field(default_factory=list)
    content_types: list[str | None] = field(default_factory=list)
    preferences: list[str | None] = field(default_factory=list)
    # Whether there is a place for one who asks to be held.
    holds: bool = True
    # Accepted requests by their ids, as the front door describes them; or their bare answers.
    accepted: dict[str, dict[str, Any] | tuple[int, str, bytes]] = field(default_factory=dict)
    # What a dry-run answers.
    plan: dict[str, Any] = field(default_factory=dict)
    # What a replay answers.
    replay: dict[str, Any] = field(default_factory=dict)
    # What GET …/models says of use; the models are the objects.
    model_use: dict[str, dict[str, Any]] = field(default_factory=dict)
    callers: list[dict[str, Any]] = field(default_factory=list)
    aliases: dict[str, str] = field(default_factory=dict)
    # What was sent as ground truth, and the inference ids of what is not sampled.
    ground_truth: list[dict[str, str]] = field(default_factory=list)
    not_sampled: set[str] = field(default_factory=set)
    # The events of each log group, and how many one page has.
    logged: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    events_in_a_page: int = 2
    # What FilterLogEvents was asked, call by call.
    log_reads: list[dict[str, Any]] = field(default_factory=list)
    # Answers that come before all else, once each: (status, headers, body).
    canned: list[tuple[int, Mapping[str, str], bytes]] = field(default_factory=list)
    # The same of the control API alone.
    control_canned: list[tuple[int, Mapping[str, str], bytes]] = field(default_factory=list)
    # The paths with what follows a question mark.
    queries: list[str] = field(default_factory=list)
    # Uploads pause half-way until this is set.
    gate: threading.Event = field(default_factory=threading.Event)
    moved: threading.Condition = field(default_factory=threading.Condition)

    @property
    def lock(self) -> threading.Condition:
        """One request at a time."""
        return self.moved

    def add(self, name: str, **fields: Any) -> FakeEndpoint:
        """Add an endpoint."""
        self.endpoints[name] = FakeEndpoint(name, **fields)
        return self.endpoints[name]

    def log(self, group: str, at: datetime, message: str | Mapping[str, Any]) -> None:
        """Have a function log a line: what it says, or the fields of its JSON."""
        line = message if isinstance(message, str) else json.dumps(message)
        with self.lock:
            events = self.logged.setdefault(group, [])
            number = sum(map(len, self.logged.values()))
            milliseconds = int(at.timestamp() * 1000)
            events.append({"timestamp": milliseconds, "message": line, "eventId": str(number)})

    def calls(self, method: str, prefix: str = "/control") -> list[str]:
        """Return the paths below the prefix that were asked for by this method."""
        with self.lock:
            found = [path for verb, path, _ in self.requests if verb == method]
        return [path.removeprefix(prefix) for path in found if path.startswith(prefix)]

    def body_of_last(self, method: str) -> bytes:
        """Return what the last such request brought along."""
        return [body for verb, _, body in self.requests if verb == method][-1]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FakeAws

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._handle()

    def do_HEAD(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def do_DELETE(self) -> None:
        self._handle()

    def do_PUT(self) -> None:
        self._handle()

    def _handle(self) -> None:
        world, url = self.server.world, urlsplit(self.path)
        path = unquote(url.path)
        body = self._body(path)
        with world.lock:
            world.requests.append((self.command, path, body))
            world.content_types.append(self.headers["Content-Type"])
            world.preferences.append(self.headers["Prefer"])
            if url.query:
                world.queries.append(self.path)
            if world.canned:
                self._answer(*world.canned.pop(0))
            elif path.startswith("/control"):
                self._control(path.removeprefix("/control"), body)
            elif path.startswith("/invoke/requests/"):
                self._result(path.removeprefix("/invoke/requests/"), body)
            elif path.startswith("/invoke/"):
                self._invoke(path.removeprefix("/invoke"), body)
            elif path.startswith(f"/{BUCKET}"):
                self._bucket(path.removeprefix(f"/{BUCKET}").removeprefix("/"), body)
            elif self.headers["X-Amz-Target"] == "Logs_20140328.FilterLogEvents":
                self._filter_log_events(json.loads(body))
            else:
                self._stacks(parse_qs(body.decode()))

    def _body(self, path: str) -> bytes:
        length = int(self.headers.get("Content-Length", 0))
        if self.command != "PUT":
            return self.rfile.read(length)
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.send_response_only(100)
            self.end_headers()
        first = self.rfile.read(length // 2)
        self.server.world.gate.wait()
        return first + self.rfile.read(length - len(first))

    # ----------------------------------------------------------------------------- the control API

    def _control(self, path: str, body: bytes) -> None:
        if not self._is_signed_for("execute-api", body):
            self._json(403, {"message": "Forbidden"})
            return
        if self.server.world.control_canned:
            self._answer(*self.server.world.control_canned.pop(0))
            return
        endpoints = self.server.world.endpoints
        match path.strip("/").split("/"):
            case ["endpoints"] if self.command == "GET":
                for endpoint in endpoints.values():
                    endpoint.looked_at()
                listed = [endpoints[name].document() for name in sorted(endpoints)]
                for document in listed:
                    del document["decisions"]
                self._json(200, {"endpoints": listed})
            case ["endpoints", name] if name in endpoints and self.command == "GET":
                endpoints[name].looked_at()
                self._json(200, endpoints[name].document())
            case ["endpoints", name, ("plan" | "decisions" | "requests") as part] if (
                name in endpoints
            ):
                self._json(200, self._part(endpoints[name], part))
            case ["endpoints", name, "replay"] if name in endpoints and self.command == "POST":
                self._json(202, self.server.world.replay)
            case ["endpoints", name, ("models" | "aliases" | "ground-truth") as part, *more] if (
                name in endpoints
            ):
                self._models_of(name, part, "/".join(more), body)
            case ["endpoints", name, verb] if name in endpoints and self.command == "POST":
                endpoints[name].intend(verb, json.loads(body or b"{}"))
                self._json(202, endpoints[name].document())
            case ["endpoints", name, *_]:
                self._problem(404, f"No EndpointConfig claims an endpoint {name!r}.")
            case _:
                self._problem(404, "There is nothing here.")

    def _part(self, endpoint: FakeEndpoint, part: str) -> dict[str, Any]:
        world = self.server.world
        if part == "plan":
            return world.plan
        if part == "decisions":
            return self._decisions(endpoint)
        waiting = [each for each in world.accepted.values() if isinstance(each, dict)]
        return {"requests": waiting}

    def _decisions(self, endpoint: FakeEndpoint) -> dict[str, Any]:
        query = parse_qs(urlsplit(self.path).query)
        limit, before = int(query["limit"][0]), query.get("before", ["9"])[0]
        left = [each for each in endpoint.decided if each["at"] < before]
        page = left[:limit]
        next_before = page[-1]["at"] if len(left) > limit else None
        return {"endpoint": endpoint.name, "decisions": page, "before": next_before}

    def _models_of(self, name: str, part: str, which: str, body: bytes) -> None:
        if part == "aliases":
            self._alias(which, body)
        elif part == "ground-truth":
            self._ground_truth(json.loads(body))
        elif which:
            self._retire(which)
        else:
            self._json(200, self._models(name))

    def _models(self, name: str) -> dict[str, Any]:
        world = self.server.world
        names = sorted(world.model_use.keys() | {key.removeprefix(PREFIX) for key in world.objects})
        models = []
        for model in names:
            content = world.objects.get(PREFIX + model)
            models.append(
                {
                    "model": model,
                    "size_bytes": None if content is None else len(content),
                    "uploaded_at": None if content is None else "2026-11-22T16:00:00Z",
                    "loaded": False,
                    "last_used_at": None,
                    "unused_days": None,
                    "aliases": sorted(a for a, m in world.aliases.items() if m == model),
                    "requests": 0,
                    "errors_4xx": 0,
                    "errors_5xx": 0,
                    "cold_requests": 0,
                    "waited_seconds": 0.0,
                    "bytes_in": 0,
                    "bytes_out": 0,
                    "latency_ms": None,
                    **world.model_use.get(model, {}),
                }
            )
        return {
            "endpoint": name,
            "since": "2026-11-22T16:00:00Z",
            "loaded_as_far_as_seen": sum(bool(model["loaded"]) for model in models),
            "complete": True,
            "models": models,
            "callers": world.callers,
        }

    def _retire(self, model: str) -> None:
        world = self.server.world
        pointing = sorted(alias for alias, other in world.aliases.items() if other == model)
        if pointing:
            self._problem(409, f"{model} can't be retired: the alias {pointing[0]} points at it.")
        elif world.objects.pop(PREFIX + model, None) is None:
            self._problem(404, f"There is no model {model}.")
        else:
            self._json(200, {"model": model, "retired_to": f"retired/{model}"})

    def _alias(self, alias: str, body: bytes) -> None:
        aliases = self.server.world.aliases
        if not alias:
            listed = [{"alias": name, "model": model} for name, model in sorted(aliases.items())]
            self._json(200, {"aliases": listed})
        elif self.command == "PUT":
            model, previous = json.loads(body)["model"], aliases.get(alias)
            aliases[alias] = model
            followed_at = "2099-01-01T00:00:00.000Z"
            answer = {"alias": alias, "model": model, "previous": previous}
            self._json(200, {**answer, "followed_at": followed_at})
        elif alias in aliases:
            self._json(200, {"alias": alias, "model": aliases.pop(alias)})
        else:
            self._problem(404, f"There is no alias {alias}.")

    def _ground_truth(self, body: Mapping[str, Any]) -> None:
        world = self.server.world
        sampled = [
            record
            for record in body["records"]
            if record.get("inference_id") not in world.not_sampled
        ]
        world.ground_truth += sampled
        left_out = len(body["records"]) - len(sampled)
        self._json(200, {"written": len(sampled), "not_sampled": left_out})

    def _problem(self, status: int, detail: str) -> None:
        document = {"type": "about:blank", "title": "Not Found", "status": status, "detail": detail}
        self._json(status, document, "application/problem+json")

    # ------------------------------------------------------------------------------ the front door

    def _invoke(self, path: str, body: bytes) -> None:
        if not self._is_signed_for("lambda", body):
            self._json(403, {"Message": "Forbidden"})
            return
        _, _, name, _ = path.split("/")
        endpoint = self.server.world.endpoints.get(name)
        model = self.headers["X-Amzn-SageMaker-Target-Model"]
        if endpoint is None:
            self._refuse(400, "ValidationError", f"Endpoint {name} of account 111 not found.")
        elif endpoint.state != "serving" and self.headers["Prefer"] == "respond-async":
            self._accept(endpoint, str(model))
        elif endpoint.state != "serving" and not self._held(endpoint):
            self._refuse(
                503, "ServiceUnavailable", f"{name} is asleep. It is being started.", retry_after=7
            )
        elif body == b"bad":
            original = {"OriginalStatusCode": 400, "OriginalMessage": "the body is bad"}
            self._refuse(424, "ModelError", "Received client error (400)", **original)
        elif model == "absent.tar.gz":
            self._refuse(400, "ValidationError", "Failed to download model data: no such key.")
        else:
            headers = {
                "Content-Type": self.headers["Accept"] or "application/json",
                "x-Amzn-Invoked-Production-Variant": "AllTraffic",
            }
            answer = b"\x00\xffbytes" if self.headers["Accept"] == "image/png" else body
            self._answer(200, headers, answer)

    def _held(self, endpoint: FakeEndpoint) -> bool:
        """Hold the request as it asks to be; say whether the endpoint came to serve."""
        endpoint.wanted = True
        asked = re.fullmatch(r"wait=(\d+)", self.headers["Prefer"] or "")
        if asked is None or not self.server.world.holds:
            return False
        ends_at = time.monotonic() + int(asked[1])
        while endpoint.state != "serving" and time.monotonic() < ends_at:
            # Others are let in meanwhile: whoever looks lets the endpoint move on.
            self.server.world.moved.wait(0.05)
        return endpoint.state == "serving"

    def _accept(self, endpoint: FakeEndpoint, model: str) -> None:
        endpoint.wanted = True
        accepted = self.server.world.accepted
        request_id = f"{endpoint.name}.{len(accepted) + 1:032x}"
        accepted[request_id] = accepted_request(request_id, model=model)
        self._json(202, accepted[request_id])

    def _result(self, request_id: str, body: bytes) -> None:
        if not self._is_signed_for("lambda", body):
            self._json(403, {"Message": "Forbidden"})
            return
        match self.server.world.accepted.get(request_id):
            case None:
                self._refuse(404, "ResourceNotFoundException", f"There is no {request_id}")
            case (int(status), str(content_type), bytes(answer)):
                self._answer(status, {"Content-Type": content_type}, answer)
            case document:
                self._json(202, document)

    def _refuse(self, status: int, code: str, message: str, **more: Any) -> None:
        retry_after = more.pop("retry_after", None)
        headers = {"Content-Type": "application/json", "x-amzn-ErrorType": code}
        if retry_after is not None:
            headers["Retry-After"] = str(retry_after)
        body = json.dumps({"Code": code, "Message": message, **more}).encode()
        self._answer(status, headers, body)

    # ------------------------------------------------------------------- CloudFormation, logs, S3

    def _stacks(self, form: Mapping[str, list[str]]) -> None:
        (name,) = form["StackName"]
        if name == "dormouse":
            outputs = "".join(
                f"<member><OutputKey>{key}</OutputKey><OutputValue>{escape(value)}</OutputValue>"
                "</member>"
                for key, value in self.server.world.outputs.items()
            )
            described = (
                "<DescribeStacksResponse><DescribeStacksResult><Stacks><member>"
                f"<StackName>{name}</StackName><StackStatus>UPDATE_COMPLETE</StackStatus>"
                f"<CreationTime>2026-11-22T16:00:00Z</CreationTime><Outputs>{outputs}</Outputs>"
                "</member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
            )
            self._answer(200, {"Content-Type": "text/xml"}, described.encode())
            return
        refused = (
            "<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code>"
            f"<Message>Stack with id {name} does not exist</Message></Error></ErrorResponse>"
        )
        self._answer(400, {"Content-Type": "text/xml"}, refused.encode())

    def _filter_log_events(self, asked: Mapping[str, Any]) -> None:
        """Page by page, by time; the pattern is let through, as by the local AWS.

        What is logged between two pages is there in the second one, wherever it belongs.
        """
        world = self.server.world
        world.log_reads.append(dict(asked))
        found = [
            event
            for event in world.logged.get(asked["logGroupName"], [])
            if asked["startTime"] <= event["timestamp"] <= asked.get("endTime", event["timestamp"])
        ]
        found.sort(key=lambda event: event["timestamp"])
        begin = int(asked.get("nextToken", 0))
        end = begin + world.events_in_a_page
        answer: dict[str, Any] = {"events": found[begin:end], "searchedLogStreams": []}
        if end < len(found):
            answer["nextToken"] = str(end)
        self._json(200, answer, "application/x-amz-json-1.1")

    def _bucket(self, key: str, body: bytes) -> None:
        objects = self.server.world.objects
        if self.command == "HEAD":
            found = key in objects
            self._answer(200 if found else 404, {"Content-Type": "application/xml"}, b"")
        elif self.command == "PUT" and key in objects and self.headers["If-None-Match"] == "*":
            refused = (
                "<Error><Code>PreconditionFailed</Code><Message>There is one</Message></Error>"
            )
            self._answer(412, {"Content-Type": "application/xml"}, refused.encode())
        elif self.command == "PUT":
            objects[key] = body
            self._answer(200, {"ETag": '"etag"'}, b"")
        else:
            contents = "".join(
                f"<Contents><Key>{name}</Key><Size>{len(content)}</Size>"
                "<LastModified>2026-11-22T16:00:00.000Z</LastModified></Contents>"
                for name, content in objects.items()
            )
            listed = f"<ListBucketResult><Name>{BUCKET}</Name>{contents}</ListBucketResult>"
            self._answer(200, {"Content-Type": "application/xml"}, listed.encode())

    # -------------------------------------------------------------------------------- what all use

    def _is_signed_for(self, service: str, body: bytes) -> bool:
        """Compute the signature anew from the secret, as AWS does."""
        found = _AUTHORIZATION.fullmatch(self.headers.get("Authorization", ""))
        if found is None or (found["key"], found["service"]) != ("test", service):
            return False
        request = AWSRequest(
            self.command,
            f"http://{self.headers['Host']}{self.path}",
            {name: self.headers[name] for name in found["headers"].split(";")},
            body,
        )
        request.context["timestamp"] = self.headers["X-Amz-Date"]
        signer = SigV4Auth(Credentials("test", "test"), service, found["region"])
        text = signer.string_to_sign(request, signer.canonical_request(request))
        return bool(signer.signature(text, request) == found["signature"])

    def _json(self, status: int, document: object, content_type: str = "application/json") -> None:
        self._answer(status, {"Content-Type": content_type}, json.dumps(document).encode())

    def _answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class FakeAws(ThreadingHTTPServer):
    """The server, on a free port of loopback."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.world = World()
        self.world.gate.set()
        self.world.outputs = {
            "ControlUrl": f"{self.url}/control",
            "InvokeUrl": f"{self.url}/invoke/",
            "EndpointName": "dormouse",
            "ModelBucketName": BUCKET,
            "ModelPrefix": PREFIX,
            "InvokeLogGroupName": INVOKE_LOGS,
            "DrainLogGroupName": DRAIN_LOGS,
        }
        self.world.add("dormouse")

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def running() -> Iterator[FakeAws]:
    """Serve until the end of the block."""
    server = FakeAws()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.world.gate.set()
        server.shutdown()
        thread.join()
        server.server_close()
