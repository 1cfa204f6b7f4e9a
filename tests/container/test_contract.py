"""What SageMaker relies on when things go wrong, with the real multi-model-server.

Each of these goes wrong with multi-model-server 1.1.11 alone: docs/adr/0011 has the list. The
handler is one that can be told to fail (obedient_handler.py).
"""

import gzip
import http.client
import json
import os
import re
import signal
import socket
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from tests.container.running_server import Answer, RunningServer, alive, running_server

HANDLER = f"{Path(__file__).with_name('obedient_handler.py')}:handle"
QUEUE_SIZE = 4


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One for all tests that leave it as it was: without a model."""
    directory = tmp_path_factory.mktemp("contract")
    with running_server(
        directory,
        SAGEMAKER_HANDLER=HANDLER,
        SAGEMAKER_BASE_DIR=str(directory),
        SAGEMAKER_MAX_PAYLOAD_IN_MB="1",
        DORMOUSE_BATCH_SIZE="8",
        DORMOUSE_QUEUE_SIZE=str(QUEUE_SIZE),
    ) as running:
        yield running


@pytest.fixture
def directory(server: RunningServer) -> Path:
    """A model's directory."""
    directory = server.log.parent / "models" / os.urandom(4).hex()
    directory.mkdir(parents=True)
    return directory


@pytest.fixture
def model(server: RunningServer, directory: Path) -> Iterator[str]:
    """The name of a loaded model, which is unloaded afterwards."""
    assert server.load(directory.name, directory).status == 200
    yield directory.name
    assert server.call("DELETE", f"/models/{directory.name}").status == 200


def told(server: RunningServer, model: str, **order: Any) -> Answer:
    """The answer of a model to an order."""
    return server.invoke(model, json.dumps(order).encode(), "application/json")


def obey_at_load(directory: Path, **order: Any) -> None:
    """What the next load of the directory does."""
    (directory / "load.json").write_text(json.dumps(order))


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Until it holds; 30 s are far more than it needs."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def message(answer: Answer) -> str:
    """What an error says."""
    assert answer.json["code"] == answer.status
    said: str = answer.json["message"]
    return said


def fork_server(server: RunningServer) -> int:
    """The process that workers are forked from: the one whose children have its command line."""
    found = server.running("container.workers.fork_server")
    [pid] = [pid for pid in found if _parent(pid) not in found]
    return pid


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


# ------------------------------------------------------------------------------------------ loading


def test_a_load_without_memory_leaves_nothing_behind(
    server: RunningServer, directory: Path
) -> None:
    """507, and the model is gone when that arrives: at once it can be loaded, and then serves."""
    name = directory.name
    obey_at_load(directory, **{"raise": "MemoryError"})
    for _ in range(2):
        answer = server.load(name, directory)
        assert answer.status == 507
        assert "as told" in message(answer)
        assert server.call("GET", f"/models/{name}").status == 404
        assert told(server, name).status == 404
    obey_at_load(directory)
    assert server.load(name, directory).status == 200
    assert told(server, name).status == 200
    assert server.call("DELETE", f"/models/{name}").status == 200


def test_a_worker_that_is_killed_while_it_loads_is_a_507(
    server: RunningServer, directory: Path
) -> None:
    """As the kernel kills what takes too much; nothing stays behind here either."""
    obey_at_load(directory, signal=signal.SIGKILL)
    answer = server.load(directory.name, directory)
    assert answer.status == 507
    assert "was killed, as the kernel does when memory has run out" in message(answer)
    assert server.call("GET", "/models").json == {"models": []}
    obey_at_load(directory)
    assert server.load(directory.name, directory).status == 200
    assert server.call("DELETE", f"/models/{directory.name}").status == 200


def test_a_crash_while_it_loads_is_a_500(server: RunningServer, directory: Path) -> None:
    """Unloading other models would not help."""
    obey_at_load(directory, signal=signal.SIGSEGV)
    answer = server.load(directory.name, directory)
    assert answer.status == 500
    assert "was ended by SIGSEGV while it loaded the model" in message(answer)


def test_loads_of_one_name_take_turns(server: RunningServer, directory: Path) -> None:
    """One of two is a conflict, and that only once the other has succeeded."""
    obey_at_load(directory, sleep=1)
    with ThreadPoolExecutor() as pool:
        loads = list(pool.map(lambda _: server.load(directory.name, directory), range(2)))
        assert sorted(answer.status for answer in loads) == [200, 409]
        # Unloading waits for what runs; a load that comes meanwhile is none of a loaded model.
        running = pool.submit(told, server, directory.name, sleep=1)
        time.sleep(0.3)
        unloading = pool.submit(server.call, "DELETE", f"/models/{directory.name}")
        time.sleep(0.2)
        assert server.load(directory.name, directory).status == 200
        assert running.result().status == 200
        assert unloading.result().status == 200
    assert told(server, directory.name).status == 200
    assert server.call("DELETE", f"/models/{directory.name}").status == 200


def test_a_newcomer_is_killed_first(server: RunningServer, model: str, directory: Path) -> None:
    """The kernel prefers it to those that serve, and those to the processes that all need."""
    serving = told(server, model).json["pid"]
    other = directory.with_name("newcomer")
    other.mkdir()
    obey_at_load(other, sleep=2)
    with ThreadPoolExecutor() as pool:
        loading = pool.submit(server.load, "newcomer", other)
        workers = server.running("container.workers.fork_server")
        eventually(lambda: any(_oom_score(pid) == 1000 for pid in _workers(server)), "nobody loads")
        assert serving in workers
        assert _oom_score(serving) == 300
        assert _oom_score(fork_server(server)) == 0
        assert loading.result().status == 200
    assert all(_oom_score(pid) == 300 for pid in _workers(server))
    assert server.call("DELETE", "/models/newcomer").status == 200


def _workers(server: RunningServer) -> set[int]:
    return server.running("container.workers.fork_server") - {fork_server(server)}


def _oom_score(pid: int) -> int:
    return int(Path(f"/proc/{pid}/oom_score_adj").read_text())


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"url": "/etc"}, '"url" must be a directory below '),
        ({"url": "../../etc"}, '"url" must be the plain absolute path of a directory.'),
        ({"url": "{root}/models/../../.."}, '"url" must be the plain absolute path of a directory'),
        ({"url": "http://127.0.0.1/m.mar"}, '"url" must be the plain absolute path'),
        ({"url": "{root}/nothing"}, '"url" names no directory: No such file or directory.'),
        ({"model_name": "a/b"}, '"model_name" must not have a slash or a backslash.'),
        ({"handler": "os:system"}, '"handler" is not for the caller to choose; leave it out.'),
        ({"url": None}, '"url" must be a string.'),
    ],
)
def test_what_is_not_to_be_loaded(
    server: RunningServer, directory: Path, document: dict[str, Any], said: str
) -> None:
    """400, and why; nothing is read, downloaded or run."""
    wanted = {"model_name": "m", "url": str(directory), **document}
    if isinstance(wanted["url"], str):
        wanted["url"] = wanted["url"].replace("{root}", str(server.log.parent))
    answer = server.call("POST", "/models", json.dumps(wanted).encode(), "application/json")
    assert answer.status == 400
    assert said in message(answer)
    assert server.call("GET", "/models").json == {"models": []}


def test_what_is_in_the_archive_chooses_no_code(server: RunningServer, directory: Path) -> None:
    """Neither modules that Python would find first, nor a manifest of multi-model-server's."""
    touch = f"open({str(directory / 'run')!r}, 'w')"
    for name in ("sitecustomize", "usercustomize", "select", "json", "other"):
        (directory / f"{name}.py").write_text(f"{touch}\ndef handle(data, context): {touch}\n")
    manifest = {"model": {"modelName": "m", "handler": "other:handle"}, "runtime": "python2"}
    for path in (directory / "MANIFEST.json", directory / "MAR-INF" / "MANIFEST.json"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(manifest))
    answer = server.load(directory.name, directory)
    if answer.status == 200:
        assert told(server, directory.name, you=1).json["you"] == 1
        assert server.call("DELETE", f"/models/{directory.name}").status == 200
    assert not (directory / "run").exists()


def test_names_as_long_as_they_may_be(server: RunningServer, directory: Path) -> None:
    """A thousand bytes, as of a TargetModel."""
    for name in ("n" * 1024, "ü" * 512):
        assert server.load(name, directory).status == 200
        path = f"/models/{urllib.parse.quote(name)}"
        assert server.call("POST", f"{path}/invoke", b"{}").status == 200
        assert server.call("DELETE", path).status == 200


def test_a_load_request_that_is_no_json(server: RunningServer) -> None:
    """400 with the place."""
    answer = server.call("POST", "/models", b'{"model_name": }', "application/json")
    assert answer.status == 400
    assert message(answer) == "The body is not JSON: Expecting value at line 1, column 16."


def test_names_with_a_slash_are_refused_everywhere(server: RunningServer) -> None:
    """Also when it is encoded, which cuts no path."""
    for method, path in [
        ("GET", "/models/a%2Fb"),
        ("DELETE", "/models/..%2f..%2fetc"),
        ("POST", "/models/a%5Cb/invoke"),
    ]:
        answer = server.call(method, path)
        assert answer.status == 400
        assert message(answer) == "The model's name must not have a slash or a backslash."


def test_what_is_not_in_the_contract_is_not_there(server: RunningServer) -> None:
    """multi-model-server would scale, describe and predict by other paths as well."""
    assert server.call("PUT", "/models/m?min_worker=9").status == 405
    assert server.call("POST", "/ping").status == 405
    for path in ("/", "/predictions/m", "/invocations", "/models/m/predict", "/api-description"):
        assert server.call("POST", path).status == 404


def test_models_are_listed_by_pages(server: RunningServer, directory: Path) -> None:
    """By name; the token of one page gives the next, and the last has none."""
    names = [f"{directory.name}-{number}" for number in range(3)]
    for name in names:
        assert server.load(name, directory).status == 200
    first = server.call("GET", "/models?limit=2").json
    assert [model["modelName"] for model in first["models"]] == names[:2]
    token = first["nextPageToken"]
    last = server.call("GET", f"/models?limit=2&next_page_token={token}").json
    assert last == {"models": [{"modelName": names[2], "modelUrl": str(directory)}]}
    assert server.call("GET", "/models?next_page_token=x").status == 400
    for name in names:
        assert server.call("DELETE", f"/models/{name}").status == 200


# ----------------------------------------------------------------------------------------- invoking


def test_a_worker_that_is_killed_while_it_answers(server: RunningServer, model: str) -> None:
    """The caller is told so, and the next one is answered, by another process."""
    before = told(server, model).json["pid"]
    answer = told(server, model, signal=signal.SIGKILL)
    assert answer.status == 507
    assert message(answer) == (
        "The model's process was killed, as the kernel does when memory has run out, while it "
        "answered; it is being started again."
    )
    after = told(server, model)
    assert after.status == 200
    assert after.json["pid"] != before


def test_a_worker_that_is_killed_while_nobody_asks(server: RunningServer, model: str) -> None:
    """The next caller waits a moment, and does not notice."""
    for _ in range(2):
        os.kill(told(server, model).json["pid"], signal.SIGKILL)
        eventually(lambda: server.call("GET", "/ping").status == 503, "nobody has noticed")
        assert told(server, model).status == 200


def test_both_processes_of_a_model_die(server: RunningServer, model: str) -> None:
    """It comes back by itself, and is listed all the time."""
    for number, kill_together in enumerate((True, False, True)):
        [parent] = server.running("model_service_worker.py")
        worker = told(server, model).json["pid"]
        os.kill(parent, signal.SIGKILL)
        if kill_together:
            os.kill(worker, signal.SIGKILL)
        assert [listed["modelName"] for listed in server.call("GET", "/models").json["models"]] == [
            model
        ]
        eventually(
            lambda before=worker: told(server, model).json.get("pid", before) != before,  # type: ignore[misc]
            f"round {number}: no new process",
        )
        assert alive({parent, worker}) == set()
    assert len(server.running("model_service_worker.py")) == 1
    assert len(_workers(server)) == 1


def test_a_model_that_does_not_come_back(
    server: RunningServer, model: str, directory: Path
) -> None:
    """Its callers hear why, and when to come again; once it can be loaded again, it is."""
    worker = told(server, model).json["pid"]
    [parent] = server.running("model_service_worker.py")
    obey_at_load(directory, **{"raise": "MemoryError"})
    for process in (parent, worker):
        os.kill(process, signal.SIGKILL)
    eventually(lambda: "as told" in told(server, model).body.decode(), "nobody says why")
    answer = told(server, model)
    assert answer.status == 503
    assert message(answer).startswith("The model lost its process and could not be started again: ")
    assert int(answer.headers["Retry-After"]) >= 1
    assert server.call("GET", "/ping").status == 503
    assert server.call("GET", f"/models/{model}").status == 200
    obey_at_load(directory)
    eventually(lambda: told(server, model).status == 200, "the model does not come back")


def test_a_worker_that_takes_too_long(tmp_path: Path) -> None:
    """The caller is told, the process does not compute on, and the next one is answered."""
    directory = tmp_path / "model"
    directory.mkdir()
    with running_server(
        tmp_path, SAGEMAKER_HANDLER=HANDLER, SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS="2"
    ) as server:
        assert server.load("m", directory).status == 200
        stuck = told(server, "m").json["pid"]
        answer = told(server, "m", sleep=600)
        assert answer.status == 503
        assert message(answer) == (
            "The model did not answer within 2 s; it is being started again."
        )
        eventually(lambda: told(server, "m").status == 200, "the model does not come back")
        assert told(server, "m").json["pid"] != stuck
        eventually(lambda: not alive({stuck}), "the process computes on")


def test_a_request_that_kills_harms_none_that_came_with_it(
    server: RunningServer, model: str
) -> None:
    """The batch is asked for again, one by one: only the one that does it fails."""
    with ThreadPoolExecutor() as pool:
        first = pool.submit(told, server, model, sleep=1)
        time.sleep(0.3)
        orders: list[dict[str, Any]] = [{"you": 1}, {"signal": 9}, {"you": 3}]
        answers = list(pool.map(lambda order: told(server, model, **order), orders))
        assert first.result().status == 200
    assert [answer.status for answer in answers] == [200, 507, 200]
    assert [answers[0].json["you"], answers[2].json["you"]] == [1, 3]


def test_concurrent_requests_are_answered_together(server: RunningServer, model: str) -> None:
    """Those that come while the worker is busy; each has its own answer."""
    with ThreadPoolExecutor() as pool:
        first = pool.submit(told, server, model, sleep=1)
        time.sleep(0.3)
        answers = list(pool.map(lambda you: told(server, model, you=you), range(QUEUE_SIZE)))
        assert first.result().json["together"] == 1
    assert [answer.json["you"] for answer in answers] == list(range(QUEUE_SIZE))
    assert {answer.json["together"] for answer in answers} == {QUEUE_SIZE}


def test_answers_that_are_too_large_together(server: RunningServer, model: str) -> None:
    """Each is what it would have been alone."""
    size = 2_500_000
    with ThreadPoolExecutor() as pool:
        first = pool.submit(told, server, model, sleep=1)
        time.sleep(0.3)
        answers = list(pool.map(lambda _: told(server, model, answer=size), range(QUEUE_SIZE)))
        assert first.result().status == 200
    assert [len(answer.body) for answer in answers] == [size] * QUEUE_SIZE


def test_a_full_queue(server: RunningServer, model: str) -> None:
    """503 with the time to come again; those that wait are answered."""
    with ThreadPoolExecutor(max_workers=QUEUE_SIZE + 3) as pool:
        first = pool.submit(told, server, model, sleep=2)
        time.sleep(0.3)
        waiting = [pool.submit(told, server, model, you=you) for you in range(QUEUE_SIZE)]
        time.sleep(0.3)
        refused = told(server, model)
        assert refused.status == 503
        assert message(refused) == f"{QUEUE_SIZE} invocations wait for this model already."
        assert refused.headers["Retry-After"].isdecimal()
        assert first.result().status == 200
        assert [future.result().status for future in waiting] == [200] * QUEUE_SIZE


def test_a_body_over_the_limit(server: RunningServer, model: str) -> None:
    """413, whether its length is announced or not; the worker never sees it."""
    limit = 1 << 20
    exact = server.invoke(model, b'{"you": "' + b"x" * (limit - 11) + b'"}')
    assert exact.status == 200
    answer = server.invoke(model, b"x" * (limit + 1))
    assert answer.status == 413
    assert message(answer) == f"The body has more than the {limit} bytes that are allowed."
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    chunks = iter([b"x" * (1 << 18)] * 5)
    connection.request("POST", f"/models/{model}/invoke", chunks, encode_chunked=True)
    assert connection.getresponse().status == 413
    connection.close()
    assert told(server, model).status == 200


def test_a_caller_that_asks_before_it_sends(server: RunningServer, model: str) -> None:
    """As curl and others do with a large body: 100, then the answer; or 413 at once."""
    for length, statuses in ((2, ["100", "200"]), (1 << 21, ["413"])):
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            connection.sendall(
                f"POST /models/{model}/invoke HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                f"Expect: 100-continue\r\nContent-Length: {length}\r\n\r\n".encode()
            )
            first = connection.recv(65536)
            if b" 100 " in first:
                connection.sendall(b"{}")
                while more := connection.recv(65536):
                    first += more
        assert re.findall(rb"HTTP/1.1 (\d+)", first) == [status.encode() for status in statuses]


def test_a_compressed_body_goes_on_as_it_came(server: RunningServer, model: str) -> None:
    """The handler is told by a header, which it may heed: this one does not, and reads no JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    connection.request("POST", f"/models/{model}/invoke", gzip.compress(b"{}"), headers)
    assert connection.getresponse().status == 503
    connection.close()
    assert told(server, model).status == 200


def test_the_type_of_a_batch_is_not_for_callers(server: RunningServer, model: str) -> None:
    """It would be taken apart; nor is a second header that says so, or a part of a form."""
    answer = server.invoke(model, b"", "application/x-dormouse-batch")
    assert answer.status == 415
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.putrequest("POST", f"/models/{model}/invoke")
    for value in ("application/json", "application/X-dormouse-batch"):
        connection.putheader("Content-Type", value)
    connection.putheader("Content-Length", "0")
    connection.endheaders()
    assert connection.getresponse().status == 400
    connection.close()
    part = b"--b\r\nContent-Disposition: form-data; name=body; filename=x\r\n"
    part += b"Content-Type: application/x-dormouse-batch\r\n\r\n{}\r\n--b--\r\n"
    form = server.invoke(model, part, "multipart/form-data; boundary=b")
    assert form.json["together"] == 1


# ------------------------------------------------------------------------------------------- health


def test_ping_while_no_model_can_answer(server: RunningServer, model: str) -> None:
    """503 from the death of the only worker until another is there."""
    worker = told(server, model).json["pid"]
    assert server.call("GET", "/ping").status == 200
    os.kill(worker, signal.SIGKILL)
    eventually(lambda: server.call("GET", "/ping").status == 503, "ping says that all is well")
    said = server.call("GET", "/ping").json["status"]
    assert said in {"No loaded model has a process that answers", "Healthy"}
    eventually(lambda: server.call("GET", "/ping").status == 200, "ping stays unhealthy")
    assert told(server, model).status == 200


def test_ping_while_no_model_can_be_loaded(
    server: RunningServer, model: str, directory: Path
) -> None:
    """503 until the fork server is replaced; the models answer meanwhile, and loads wait."""
    worker = told(server, model).json["pid"]
    os.kill(fork_server(server), signal.SIGKILL)
    eventually(lambda: server.call("GET", "/ping").status == 503, "ping says that all is well")
    assert told(server, model).json["pid"] == worker
    assert server.load("late", directory).status == 200
    assert server.call("GET", "/ping").status == 200
    # The worker is none of the new fork server's, and is missed all the same.
    os.kill(worker, signal.SIGKILL)
    eventually(lambda: told(server, model).status == 200, "the model does not come back")
    assert server.call("DELETE", "/models/late").status == 200


def test_ping_while_multi_model_server_hangs(tmp_path: Path) -> None:
    """It is stopped, as it would be by a machine that swaps; then it goes on."""
    with running_server(tmp_path, SAGEMAKER_HANDLER=HANDLER) as server:
        java = server.model_server()
        os.kill(java, signal.SIGSTOP)
        eventually(lambda: server.call("GET", "/ping").status == 503, "ping says that all is well")
        assert server.call("GET", "/ping").json["status"] == "multi-model-server does not answer"
        os.kill(java, signal.SIGCONT)
        eventually(lambda: server.call("GET", "/ping").status == 200, "ping stays unhealthy")


# ---------------------------------------------------------------------------------------------- end


def test_the_end_waits_for_what_runs(tmp_path: Path) -> None:
    """SIGTERM: nobody new, an answer for whoever waits, status 0, and no process is left."""
    directory = tmp_path / "model"
    directory.mkdir()
    with running_server(tmp_path, SAGEMAKER_HANDLER=HANDLER) as server:
        assert server.load("m", directory).status == 200
        started = server.family()
        with ThreadPoolExecutor() as pool:
            running = pool.submit(told, server, "m", sleep=2, you=1)
            time.sleep(0.5)
            waiting = pool.submit(told, server, "m", you=2)
            time.sleep(0.2)
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", server.port))
            assert running.result().json["you"] == 1
            assert waiting.result().json["you"] == 2
        assert server.process.wait(timeout=20) == 0
        assert alive(started) == set()


def test_the_end_waits_only_so_long(tmp_path: Path) -> None:
    """Then the rest is cut off, and it ends all the same."""
    directory = tmp_path / "model"
    directory.mkdir()
    with running_server(tmp_path, SAGEMAKER_HANDLER=HANDLER, DORMOUSE_STOP_SECONDS="1") as server:
        assert server.load("m", directory).status == 200
        started = server.family()
        outcome: list[object] = []

        def call() -> None:
            try:
                outcome.append(told(server, "m", sleep=60).status)
            except (OSError, http.client.HTTPException) as error:
                outcome.append(error)

        caller = threading.Thread(target=call)
        caller.start()
        time.sleep(0.5)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=20) == 0
        caller.join(timeout=20)
        assert outcome != [HTTPStatus.OK]
        assert "Not all has been answered in 1 s; the rest is cut off." in server.log.read_text()
        assert alive(started) == set()
