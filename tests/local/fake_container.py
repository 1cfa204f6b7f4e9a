"""A container that speaks the multi-model contract and misbehaves on demand. Standard library only.

The Model's Environment says how it starts and how much it holds:
    FAKE_BOOT      serve (default) | crash | silent (never answers /ping)
                   | stubborn (ignores SIGTERM, and so does a daemon that it leaves behind)
    FAKE_CAPACITY  how many models fit; one more is answered 507
A model is a directory; its optional file `behaviour.json` says how that model behaves:
    {"load_seconds": 2} | {"load_status": 500} | {"status": 400, "body": "no"}
    {"hang_seconds": 5} | {"crash": true} | {"headers": {"Name": "value"}}
Every answer of a healthy model is JSON: what it was asked, and how often it has been loaded.
"""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

MODELS: dict[str, dict[str, Any]] = {}
LOADS: dict[str, int] = {}
LOCK = threading.Lock()
CAPACITY = int(os.environ.get("FAKE_CAPACITY", "100"))


class Handler(BaseHTTPRequestHandler):
    """The contract's paths."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_arguments: Any) -> None:
        """Stay silent."""

    def reply(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def do_GET(self) -> None:
        if self.path == "/ping":
            self.reply(200, {})
        elif self.path == "/models":
            with LOCK:
                rows = [{"modelName": n, "modelUrl": m["url"]} for n, m in MODELS.items()]
            self.reply(200, {"models": rows})
        else:
            self.reply(404, {"message": "no such path"})

    def do_DELETE(self) -> None:
        name = self.path.removeprefix("/models/")
        with LOCK:
            gone = MODELS.pop(name, None)
        self.reply(200 if gone else 404, {})

    def do_POST(self) -> None:
        body = self.body()
        if self.path == "/models":
            self.load(json.loads(body))
        elif match := re.fullmatch(r"/models/([^/]+)/invoke", self.path):
            self.invoke(match[1], body)
        else:
            self.reply(404, {"message": "no such path"})

    def load(self, request: dict[str, str]) -> None:
        name, directory = request["model_name"], Path(request["url"])
        file = directory / "behaviour.json"
        behaviour = json.loads(file.read_text()) if file.exists() else {}
        time.sleep(behaviour.get("load_seconds", 0))
        with LOCK:
            if name in MODELS:
                self.reply(409, {"message": "already loaded"})
            elif "load_status" in behaviour:
                self.reply(behaviour["load_status"], "the model is broken")
            elif len(MODELS) >= CAPACITY:
                self.reply(507, {"message": "out of memory"})
            else:
                LOADS[name] = LOADS.get(name, 0) + 1
                MODELS[name] = {"url": request["url"], **behaviour}
                self.reply(200, {})

    def invoke(self, name: str, body: bytes) -> None:
        with LOCK:
            model = MODELS.get(name)
        if model is None:
            self.reply(404, {"message": "model is not loaded"})
            return
        time.sleep(model.get("hang_seconds", 0))
        if model.get("crash"):
            os._exit(17)
        if "status" in model:
            self.reply(model["status"], model.get("body", "no"), model.get("headers"))
            return
        answer = {
            "body": base64.b64encode(body).decode(),
            "headers": dict(self.headers),
            "loads": LOADS[name],
            "environment": {k: v for k, v in os.environ.items() if k.startswith("SAGEMAKER_")},
            "pid": os.getpid(),
        }
        self.reply(200, answer, model.get("headers"))


def main() -> None:
    boot = os.environ.get("FAKE_BOOT", "serve")
    if boot == "crash":
        print("the fake container crashes, as it was asked to", flush=True)
        raise SystemExit(3)
    if boot == "silent":
        time.sleep(3600)
    if boot == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        # A daemon: a child in a session of its own whose parent is gone.
        subprocess.Popen(
            [
                sys.executable,
                "-c",
                "import os,signal,time\n"
                "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
                "os.fork() and os._exit(0)\n"
                "os.setsid(); time.sleep(3600)",
            ]
        ).wait()
    else:
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    host = os.environ["DORMOUSE_BIND_HOST"]
    port = int(os.environ["SAGEMAKER_BIND_TO_PORT"])
    ThreadingHTTPServer((host, port), Handler).serve_forever()


if __name__ == "__main__":
    main()
