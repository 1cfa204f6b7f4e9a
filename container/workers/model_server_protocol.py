"""The messages between multi-model-server and a worker. Pure, but for reading a stream.

As mms/protocol/otf_message_handler.py (1.1.11) speaks it, with a system call for each message
where that one makes one for each field. Numbers are big-endian; a text or a body is its length and
its bytes; a list ends with the length -1.

What is not as there: a value is always bytes, as multi-model-server has it with
`decode_input_request=false`, which sagemaker-inference configures.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from container.batch_frame import Reply

_INT = struct.Struct("!i")
_END_OF_LIST = -1


class BrokenStream(Exception):
    """The stream ends within a message, or has something else in it."""


@dataclass(frozen=True, slots=True)
class Load:
    """Load a model. multi-model-server opens `{tmp_dir}/{io_name}-stdout` after the answer."""

    model_name: str
    model_path: str
    batch_size: int
    handler: str
    gpu: int | None
    io_name: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """A part of a request: its body, a part of a form, a parameter of the URL's query."""

    name: str
    content_type: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Request:
    """A request over HTTP as multi-model-server took it apart."""

    request_id: str
    headers: Mapping[str, str]
    parameters: Sequence[Parameter]


@dataclass(frozen=True, slots=True)
class Predict:
    """Answer requests, all of them at once."""

    requests: Sequence[Request]


def read_command(stream: BinaryIO) -> Load | Predict | None:
    """The next message; None where the stream ends. Raises `BrokenStream`."""
    command = stream.read(1)
    match command:
        case b"":
            return None
        case b"L":
            return _load(stream)
        case b"I":
            return Predict([_request(stream, length) for length in _lengths(stream)])
    raise BrokenStream(f"The command {command!r} is unknown.")


def load_answer(code: int, message: str) -> bytes:
    """The answer to `Load`."""
    return b"".join([_INT.pack(code), *_field(message.encode()), _INT.pack(_END_OF_LIST)])


def predict_answer(replies: Mapping[str, Reply]) -> bytes:
    """The answer to `Predict`: a reply for the id of each request.

    multi-model-server takes no answer that arrives in two parts with the cut before a body
    (codec/ModelResponseDecoder.java), and how much it reads at once depends on the answers before.
    So what comes before the first body is as short, and as much alike from answer to answer, as it
    can be: no message, no reason phrase, the content type once.
    """
    pieces = [_INT.pack(200), *_field(b"")]
    for request_id, reply in replies.items():
        headers = {name: value for name, value in reply.headers.items() if name != "content-type"}
        pieces += _field(request_id.encode())
        pieces += _field(reply.headers.get("content-type", "").encode())
        pieces += [_INT.pack(reply.status), *_field(b"")]
        pieces.append(_INT.pack(len(headers)))
        for name, value in headers.items():
            pieces += [*_field(name.encode()), *_field(value.encode())]
        pieces += _field(reply.body)
    pieces.append(_INT.pack(_END_OF_LIST))
    return b"".join(pieces)


def _field(value: bytes) -> tuple[bytes, bytes]:
    return _INT.pack(len(value)), value


def _load(stream: BinaryIO) -> Load:
    model_name, model_path = _text(stream), _text(stream)
    batch_size, handler, gpu, io_name = _int(stream), _text(stream), _int(stream), _text(stream)
    return Load(model_name, model_path, batch_size, handler, None if gpu < 0 else gpu, io_name)


def _request(stream: BinaryIO, id_length: int) -> Request:
    return Request(
        _decoded(_exactly(stream, id_length)),
        {_decoded(_exactly(stream, length)): _text(stream) for length in _lengths(stream)},
        [
            Parameter(_decoded(_exactly(stream, length)), _text(stream), _bytes(stream))
            for length in _lengths(stream)
        ],
    )


def _lengths(stream: BinaryIO) -> Iterator[int]:
    """The length with which each element of a list begins, to its end."""
    while (length := _int(stream)) != _END_OF_LIST:
        yield length


def _text(stream: BinaryIO) -> str:
    return _decoded(_bytes(stream))


def _bytes(stream: BinaryIO) -> bytes:
    return _exactly(stream, _int(stream))


def _int(stream: BinaryIO) -> int:
    (number,) = _INT.unpack(_exactly(stream, _INT.size))
    return int(number)


def _exactly(stream: BinaryIO, length: int) -> bytes:
    if length < 0:
        raise BrokenStream(f"A length is {length}.")
    value = stream.read(length)
    if len(value) < length:
        raise BrokenStream(f"The stream ends {length - len(value)} bytes too early.")
    return value


def _decoded(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise BrokenStream(f"A text is not UTF-8: {error.reason}.") from error
