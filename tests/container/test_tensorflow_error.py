"""The one line of a TensorFlow error; the messages are TensorFlow 2.19's own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from container.handler.tensorflow_error import sentence

NODES = "\t [[{{node add}}]] [Op:__inference_signature_wrapper_add_277]"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            "Graph execution error:\n\nDetected at node add defined at (most recent call last):\n"
            f"<stack traces unavailable>\nIncompatible shapes: [3] vs. [2]\n{NODES}",
            "Incompatible shapes: [3] vs. [2].",
        ),
        (
            "Graph execution error:\n\nDetected at node add defined at (most recent call last):\n"
            '  File "train.py", line 9, in <module>\n\n  File "train.py", line 3, in add\n\n'
            f"Incompatible shapes: [3] vs. [2]\n{NODES}",
            "Incompatible shapes: [3] vs. [2].",
        ),
        (
            "Graph execution error:\n\nDetected at node 'a' defined at (most recent call last):\n"
            "<stack traces unavailable>\n"
            "Detected at node 'b' defined at (most recent call last):\n"
            "<stack traces unavailable>\n2 root error(s) found.\n"
            "  (0) INVALID_ARGUMENT:  indices[0] = 7 is not in [0, 3)\n"
            "\t [[{{node a}}]]\n  (1) INVALID_ARGUMENT:  other\n",
            "indices[0] = 7 is not in [0, 3).",
        ),
        (
            "{{function_node __wrapped__AddV2_device_/job:localhost/replica:0/task:0/device:CPU:0}}"
            " Incompatible shapes: [3] vs. [2] [Op:AddV2] name: ",
            "Incompatible shapes: [3] vs. [2].",
        ),
        ("required broadcastable shapes", "required broadcastable shapes."),
        ("", "TensorFlow says no more."),
    ],
)
def test_the_line_that_is_about_what_happened(message: str, expected: str) -> None:
    """Neither the headings before it nor the nodes behind it."""
    assert sentence(message) == expected


def test_a_line_may_be_cut() -> None:
    """An assertion prints as much of a tensor as its author liked."""
    assert sentence("x" * 1000) == "x" * 500 + "…"


@given(st.text())
def test_any_message_gives_one_line(message: str) -> None:
    """Whatever a model's author wrote into it."""
    said = sentence(message)
    assert said.endswith((".", "…"))
