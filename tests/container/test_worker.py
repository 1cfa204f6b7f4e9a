"""Workers, as multi-model-server sees them: a model is loaded, answers, and ends with it."""

import json
import os
import socket
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from container.batch_frame import (
    ALONE,
    CONTENT_TYPE,
    Invocation,
    Reply,
    pack_invocations,
    unpack_replies,
)
from container.worker_events import Ended, Failed, Loaded, Started
from tests.container.environments import ROOT
from tests.container.forked_workers import (
    HANDLERS,
    SECONDS,
    Connection,
    ForkServerProcess,
    fork_server,
)


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServerProcess]:
    """Without TensorFlow, which no handler here needs."""
    with fork_server(imports=False) as server:
        yield server


class Model:
    """One of handlers.py, loaded from an empty directory."""

    def __init__(self, server: ForkServerProcess, directory: Path, handler: str) -> None:
        self.server = server
        self.directory = directory
        self.connection: Connection = server.hand_over(handler)
        started = server.event()
        assert isinstance(started, Started)
        self.pid = started.pid
        self.answer = self.connection.load(directory, f"{HANDLERS}:{handler}", name=handler)
        self.told = server.event()

    def batch(self, bodies: Sequence[bytes]) -> list[Reply]:
        """As the front sends them."""
        invocations = [Invocation({"Content-Type": "text/plain"}, body) for body in bodies]
        answer = self.connection.predict(pack_invocations(invocations), CONTENT_TYPE)
        assert (answer.status, answer.content_type) == (200, CONTENT_TYPE)
        return unpack_replies(answer.body)

    def unload(self) -> None:
        """And see it end."""
        self.connection.close()
        assert self.server.event() == Ended(self.connection_name, self.pid, 0)

    @property
    def connection_name(self) -> str:
        """What events call it."""
        assert isinstance(self.told, Loaded)
        return self.told.model


@pytest.fixture
def model(
    request: pytest.FixtureRequest, server: ForkServerProcess, tmp_path: Path
) -> Iterator[Model]:
    """The handler that the test names, loaded; and unloaded."""
    model = Model(server, tmp_path, request.param)
    assert model.answer == (200, f"[PID]:{model.pid}")
    yield model
    model.unload()


def handler(name: str) -> pytest.MarkDecorator:
    """The test is about a model of this handler."""
    return pytest.mark.parametrize("model", [name], indirect=True)


@handler("told")
def test_what_a_handler_sees_of_one(model: Model) -> None:
    """As in a worker of multi-model-server's own, but for the path of modules."""
    answer = model.connection.predict(
        b"hello", "text/plain", {"Content-Type": "text/plain; charset=utf-8", "X-Any": "ä"}
    )
    assert answer.status == 200
    seen = answer.json
    directory = str(model.directory)
    assert seen["bodies"] == ["hello"]
    assert seen["ids"] == {"0": "request-1"}
    assert seen["headers"] == [
        {
            "body": {"content-type": "text/plain"},
            "Content-Type": "text/plain; charset=utf-8",
            "X-Any": "ä",
        }
    ]
    assert seen["model_name"] == "told"
    assert seen["properties"] == {
        "model_dir": directory,
        "gpu_id": None,
        "batch_size": 1,
        "server_name": "MMS",
        "server_version": seen["properties"]["server_version"],
    }
    assert seen["manifest"] is None
    assert seen["metrics"] == "MetricsStore"
    assert seen["directory"] == directory
    assert seen["path"] == [str(HANDLERS.parent), directory]
    assert seen["PYTHONPATH"] == f"{HANDLERS.parent}:{ROOT}:{directory}"


@handler("told")
def test_what_a_handler_sees_of_a_batch(model: Model) -> None:
    """One call for all, each with its headers, as if multi-model-server had gathered them."""
    invocations = [
        Invocation({"Content-type": "application/JSON; charset=utf-8"}, b"a"),
        Invocation({"X-Any": "1"}, b""),
    ]
    replies = unpack_replies(
        model.connection.predict(pack_invocations(invocations), CONTENT_TYPE).body
    )
    seen = json.loads(replies[0].body)
    assert seen["bodies"] == ["a", ""]
    assert seen["headers"] == [
        {
            "body": {"content-type": "application/JSON"},
            "Content-type": "application/JSON; charset=utf-8",
        },
        {"body": {"content-type": ""}, "X-Any": "1"},
    ]
    assert len(set(seen["ids"].values())) == 2


@handler("told")
def test_a_batch_of_multi_model_servers_own(model: Model) -> None:
    """Also with the front's in it, and one that is broken: each request gets its answer."""
    frame = pack_invocations([Invocation({}, b"b"), Invocation({}, b"c")])
    model.connection.ask_to_predict({"1": b"a"})
    assert model.connection.predict_answers()["1"].json["bodies"] == ["a"]
    model.connection.ask_to_predict({"1": frame, "2": frame[:-1], "3": frame}, CONTENT_TYPE)
    answers = model.connection.predict_answers()
    assert answers["2"].status == 400
    assert "cut off" in answers["2"].json["error"]
    for request_id in ("1", "3"):
        for reply in unpack_replies(answers[request_id].body):
            assert json.loads(reply.body)["bodies"] == ["b", "c", "b", "c"]


@handler("answers")
def test_what_a_handler_answers(model: Model) -> None:
    """Bytes, text or a value; a status, a content type and a header."""
    answer = model.connection.predict(
        b'{"status": 418, "type": "text/tea", "header": ["X-Pot", "full"], "value": "\\u00e4"}'
    )
    assert (answer.status, answer.content_type, answer.body) == (418, "text/tea", "ä".encode())
    assert answer.headers == {"X-Pot": "full"}
    answer = model.connection.predict(b'{"value": {"a": [1, null]}}')
    assert (answer.status, answer.content_type, answer.json) == (200, "", {"a": [1, None]})
    replies = model.batch([b'{"status": 400, "type": "a/b", "size": 3}', b'{"header": ["A", "1"]}'])
    assert replies == [
        Reply(400, {"content-type": "a/b"}, b"xxx"),
        Reply(200, {"A": "1"}, b"null"),
    ]


@handler("answers")
@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ({"status": 0}, "the status 0"),
        ({"status": "200"}, "the status '200'"),
        ({"status": 600}, "the status 600"),
        ({"header": ["X", "a\r\nY: b"]}, "the header 'X'"),
        ({"header": ["X Y", "a"]}, "the header 'X Y'"),
        ({"type": "\ud800"}, "the header 'content-type'"),
    ],
)
def test_an_answer_that_would_end_the_connection(
    model: Model, wanted: dict[str, object], why: str
) -> None:
    """503 to that one."""
    bad = json.dumps(wanted).encode()
    answer = model.connection.predict(bad)
    assert (answer.status, answer.content_type) == (503, "application/json")
    assert why in answer.json["error"]
    replies = model.batch([b'{"value": 1}', bad, b'{"value": 2}'])
    assert [reply.status for reply in replies] == [200, 503, 200]
    assert [reply.body for reply in replies[::2]] == [b"1", b"2"]


@handler("answers")
def test_answers_that_are_too_large(model: Model) -> None:
    """Of a batch, what there is no room for is to be asked for alone; alone, there is a limit."""
    sizes = [5_000_000, 900_000, 200_000, 6_500_000, 10]
    replies = model.batch([b'{"size": %d}' % size for size in sizes])
    assert [len(reply.body) for reply in replies] == [5_000_000, 900_000, 0, 0, 10]
    assert [reply == ALONE for reply in replies] == [False, False, True, True, False]
    assert len(model.connection.predict(b'{"size": 6553500}').body) == 6_553_500
    answer = model.connection.predict(b'{"size": 6553501}')
    assert answer.status == 500
    assert answer.json == {"error": "The answer has 6,553,501 bytes, 6,553,500 are allowed."}


@handler("poisoned")
@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (b"value", 503, "Prediction failed."),
        (b"refused", 422, "Not this one."),
        (b"nonsense", 500, "Not this one."),
        (b"memory", 507, "Out of memory."),
        (b"exhausted", 507, "Out of memory."),
    ],
)
def test_one_that_fails_does_not_fail_its_neighbours(
    model: Model, body: bytes, status: int, error: str
) -> None:
    """The batch is tried one by one; and the next batch is another."""
    answer = model.connection.predict(body)
    assert (answer.status, answer.json) == (status, {"error": error})
    replies = model.batch([b"a", body, b"b"])
    assert [reply.status for reply in replies] == [200, status, 200]
    assert json.loads(replies[1].body) == {"error": error}
    assert [reply.body for reply in model.batch([b"a", b"b"])] == [b"a", b"b"]


@handler("poisoned")
def test_memory_that_runs_out_for_all(model: Model) -> None:
    """507 to each."""
    assert [reply.status for reply in model.batch([b"memory", b"memory"])] == [507, 507]


@handler("poisoned")
def test_an_empty_batch(model: Model) -> None:
    """No answers, and no call."""
    assert model.batch([]) == []


@handler("one_at_a_time")
def test_a_handler_that_can_do_one(model: Model) -> None:
    """Is called for each."""
    assert [reply.body for reply in model.batch([b"a", b"b", b"c"])] == [b"a", b"b", b"c"]


@pytest.mark.parametrize(
    ("model", "error"),
    [
        ("no_list", "The handler returned str, not a list."),
        (
            "unwritable",
            "The handler's answer can't be written as JSON: "
            "Object of type set is not JSON serializable.",
        ),
    ],
    indirect=["model"],
)
def test_output_that_nobody_can_answer_with(model: Model, error: str) -> None:
    """503, and why."""
    answer = model.connection.predict(b"")
    assert (answer.status, answer.json) == (503, {"error": error})
    assert {reply.status for reply in model.batch([b"", b""])} == {503}


def test_a_handler_in_a_class(server: ForkServerProcess, tmp_path: Path) -> None:
    """Loaded by `initialize`."""
    connection = server.hand_over()
    handlers = HANDLERS.with_name("handler_class.py")
    assert connection.load(tmp_path, str(handlers))[0] == 200
    assert connection.predict(b"").body == str(tmp_path).encode()
    connection.close()
    assert [type(server.event()) for _ in range(3)] == [Started, Loaded, Ended]


@pytest.mark.parametrize(
    ("handler", "status", "reason"),
    [
        ("out_of_memory", 507, "MemoryError: Nothing left."),
        ("broken", 500, "labels.json is missing."),
        ("failing", 500, "KeyError: 'missing'."),
        ("wordless", 500, "AssertionError."),
        ("in_a_graph", 500, "RuntimeError: No such table."),
    ],
)
def test_a_model_that_cannot_be_loaded(
    server: ForkServerProcess, tmp_path: Path, handler: str, status: int, reason: str
) -> None:
    """Why is told before it is answered; then the worker ends."""
    model = Model(server, tmp_path, handler)
    assert model.told == Failed(handler, model.pid, status, reason)
    assert model.answer == (status, reason)
    assert model.connection.ended()
    assert server.event() == Ended(handler, model.pid, 1)
    server.await_logged(f"{handler} - Traceback")


@pytest.mark.parametrize(
    ("directory", "handler", "reason"),
    [
        ("missing", "told", "FileNotFoundError: "),
        (".", "nowhere", "ValueError: Expected only one class in custom service code"),
    ],
)
def test_nothing_to_load(
    server: ForkServerProcess, tmp_path: Path, directory: str, handler: str, reason: str
) -> None:
    """A directory, or a handler, that is not there."""
    model = Model(server, tmp_path / directory, handler)
    assert isinstance(model.told, Failed)
    assert model.told.reason.startswith(reason)
    assert model.answer[0] == 500
    assert isinstance(server.event(), Ended)


def test_a_handler_that_ends_its_process(server: ForkServerProcess, tmp_path: Path) -> None:
    """Is not answered: its end is told, and logged."""
    connection = server.hand_over("ending")
    connection.ask_to_load(tmp_path, f"{HANDLERS}:ending")
    assert connection.ended()
    started, ended = server.event(), server.event()
    assert isinstance(started, Started)
    assert ended == Ended("ending", started.pid, 1)
    server.await_logged("SystemExit: I won't.")


@pytest.mark.parametrize("message", [b"X", b"I\xff\xff\xff\xff", b"L\xff\xff\xff\xfe", b"L\0\0"])
def test_what_is_no_command_ends_the_worker(server: ForkServerProcess, message: bytes) -> None:
    """multi-model-server says nothing of the kind."""
    connection = server.hand_over()
    connection.socket.sendall(message)
    connection.socket.shutdown(socket.SHUT_WR)
    assert connection.ended()
    assert [type(server.event()) for _ in range(2)] == [Started, Ended]


def test_files_for_what_multi_model_server_reads(server: ForkServerProcess, tmp_path: Path) -> None:
    """There after a load, with nothing in them; and gone when they have been opened."""
    model = Model(server, tmp_path, "told")
    paths = [server.directory / f"io-{name}" for name in ("stdout", "stderr")]
    assert [path.readlink() for path in paths] == [Path(os.devnull)] * 2
    model.connection.predict(b"")
    assert not any(path.is_symlink() for path in paths)
    model.unload()


@pytest.mark.skipif(os.geteuid() != 0, reason="no score is inherited here that could be kept")
def test_the_score_for_the_kernel(server: ForkServerProcess, tmp_path: Path) -> None:
    """A load is the first to end when memory has run out; the server, not before its models."""
    connection = server.hand_over("slow_load")
    started = server.event()
    assert isinstance(started, Started)
    connection.ask_to_load(tmp_path, f"{HANDLERS}:slow_load")
    await_file(tmp_path / "begun")
    assert (tmp_path / "score").read_text() == "1000\n"
    (tmp_path / "go").touch()
    assert connection.load_answer()[0] == 200
    score = Path(f"/proc/{started.pid}/oom_score_adj")
    inherited = int(Path(f"/proc/{server.process.pid}/oom_score_adj").read_text())
    assert int(score.read_text()) == max(300, inherited)
    connection.close()
    assert [type(server.event()) for _ in range(2)] == [Loaded, Ended]


@pytest.mark.parametrize("handler", ["slow", "slow_load"])
def test_nobody_waits_any_more(server: ForkServerProcess, tmp_path: Path, handler: str) -> None:
    """In the middle of an answer, or of a load."""
    connection = server.hand_over()
    assert isinstance(server.event(), Started)
    connection.ask_to_load(tmp_path, f"{HANDLERS}:{handler}")
    if handler == "slow":
        connection.load_answer()
        assert isinstance(server.event(), Loaded)
        connection.ask_to_predict({"1": b""})
    await_file(tmp_path / "begun")
    connection.close()
    ended = server.event()
    assert isinstance(ended, Ended)
    assert ended.returncode == 0


def test_a_log_says_who_speaks(server: ForkServerProcess, tmp_path: Path) -> None:
    """On each line of an error too."""
    model = Model(server, tmp_path, "chatty")
    model.connection.predict(b"")
    model.unload()
    lines = server.log.read_text().splitlines()
    assert "a word at load" in lines
    begin = next(index for index, line in enumerate(lines) if line.endswith("- second line"))
    assert "[ERROR] chatty - ValueError: first line" in lines[begin - 1]
    assert "[ERROR] chatty - second line" in lines[begin]
    assert not any("[METRICS]" in line for line in lines)


def await_file(path: Path) -> None:
    """Until it is there."""
    deadline = time.monotonic() + SECONDS
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
