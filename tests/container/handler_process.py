"""Answer calls of the model handler, a JSON object on each line: not a test, see model_handler.py.

It runs in the container's interpreter, and stands where the worker is, with multi-model-server's
own context. Calls and what comes back:

* {"load": directory}: {};
* {"invoke": directory, "items": [[text, content type or null], …]}: {"answers": [[status, content
  type, text], …]};
* {"tokens": directory, "texts": […], "names": […]}: {"rust", "ours", "theirs"}: whether
  transformers was passed by, and the inputs called so that tokens.py and transformers make;
* {"signature_calls": directory}: {"shapes": [[texts, tokens], …]}, those since the last such call;

and {"raised": class, "message": text} for any of them.
"""

import functools
import json
import sys
from pathlib import Path
from typing import Any

from mms.context import Context, RequestProcessor
from transformers import AutoTokenizer

from container.handler import model_handler
from container.handler.tokens import Tokenizer

_shapes: dict[str, list[list[int]]] = {}


def answer(call: dict[str, Any]) -> dict[str, Any]:
    """What comes back."""
    try:
        return _answer(call)
    except Exception as error:  # noqa: BLE001  # the test looks at it
        return {"raised": type(error).__name__, "message": str(error)}


def _answer(call: dict[str, Any]) -> dict[str, Any]:
    match call:
        case {"load": directory}:
            return _handled(None, _context(directory, []))
        case {"invoke": directory, "items": items}:
            context = _context(directory, [content_type for _, content_type in items])
            return _handled([{"body": bytearray(text.encode())} for text, _ in items], context)
        case {"tokens": directory, "texts": texts, "names": names}:
            return _tokens(Path(directory), texts, names)
        case {"signature_calls": directory}:
            _watch(directory)
            shapes, _shapes[directory] = _shapes[directory], []
            return {"shapes": shapes}
    raise ValueError(call)


def _context(directory: str, content_types: list[str | None]) -> Context:
    context = Context("model", directory, None, len(content_types), None, "1.1.11")
    context.request_processor = [
        RequestProcessor({} if content_type is None else {"Content-Type": content_type})
        for content_type in content_types
    ]
    return context


def _handled(data: list[dict[str, Any]] | None, context: Context) -> dict[str, Any]:
    bodies = model_handler.handle(data, context)
    if bodies is None:
        return {}
    return {
        "answers": [
            [context.get_response_status(index)[0], context.get_response_content_type(index), text]
            for index, text in enumerate(body.decode() for body in bodies)
        ]
    }


def _tokens(directory: Path, texts: list[str], names: list[str]) -> dict[str, Any]:
    ours, transformers = _tokenizers(directory)
    # As everybody asks who follows transformers' documentation.
    theirs = transformers(
        texts,
        padding=True,
        truncation=True,
        max_length=ours._max_length,
        return_token_type_ids="token_type_ids" in names,
        return_tensors="np",
    )
    padded = ours.padded(ours.encode(texts), names)
    return {
        "rust": ours._rust is not None,
        "ours": {name: padded[name].tolist() for name in names},
        "theirs": {name: theirs[name].tolist() for name in names},
    }


@functools.cache
def _tokenizers(directory: Path) -> tuple[Tokenizer, Any]:
    return Tokenizer(directory), AutoTokenizer.from_pretrained(directory)


def _watch(directory: str) -> None:
    """Write down the shapes that the signature of a classifier is called with, from now on."""
    if directory in _shapes:
        return
    _shapes[directory] = []
    model: Any = model_handler._model(directory)
    signature = model._signature

    def watched(**inputs: Any) -> Any:
        _shapes[directory].append(inputs["input_ids"].shape.as_list())
        return signature(**inputs)

    model._signature = watched


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
