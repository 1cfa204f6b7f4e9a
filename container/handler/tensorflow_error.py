"""The one line of a TensorFlow error that says what is wrong. Pure: text to text.

An error from a SavedModel is many lines: a heading, the place in the graph (and in the Python
source, where that was saved too), the message, and the graph's nodes that it went through.
"""

import re

# Of these, whatever comes before the message; the message itself is not indented.
_BEFORE = re.compile(
    r"Graph execution error:|Detected at node .*|Stack trace for op definition:.*"
    r"|<stack traces unavailable>|\d+ root error\(s\) found\.|\s.*|"
)
_FIRST_OF_SEVERAL = re.compile(r"\s*\(0\) [A-Z_]+: +(?P<message>\S.*)")
_NODE_BEFORE = re.compile(r"^(\{\{function_node [^}]*\}\} ?)+")
_NODE_AFTER = re.compile(r"( \[Op:[^\]]*\])?( name: .*)?$")

_MOST_CHARACTERS = 500


def sentence(message: str) -> str:
    """The first line of `message` that is about what happened, ended by a full stop."""
    for line in message.splitlines():
        if first := _FIRST_OF_SEVERAL.fullmatch(line):
            return _ended(first["message"])
        if not _BEFORE.fullmatch(line):
            return _ended(line)
    return _ended(message.strip() or "TensorFlow says no more.")


def _ended(line: str) -> str:
    bare = _NODE_AFTER.sub("", _NODE_BEFORE.sub("", line)).strip().rstrip(".")
    return f"{bare[:_MOST_CHARACTERS]}…" if len(bare) > _MOST_CHARACTERS else f"{bare}."
